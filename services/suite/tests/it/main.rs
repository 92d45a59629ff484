//! How the suite treats a real order file, without any service running.

mod online_retail;
