//! Reading orders for a change and storing what changed, many at once.

mod read;
mod write;

pub use read::{lines, lines_of, load, lock, lock_partly, shipments, shipments_of};
pub use write::{save, set_customers};
