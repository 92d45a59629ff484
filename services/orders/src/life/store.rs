//! Reading orders for a change and storing what changed, many at once.

mod read;
mod write;

pub(super) use read::Held;
pub use read::{lines, load, lock, lock_partly, progress, shipments};
pub use write::{save, set_customers};
