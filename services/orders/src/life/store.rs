//! Reading orders for a change and storing what changed, many at once.

mod read;
mod write;

pub(super) use read::Held;
pub use read::{lines_of, load, lock, lock_partly, progress_of, shipments_of};
pub use write::{save, set_customers};
