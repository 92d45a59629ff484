//! The test kit's own promises.

mod databases;
