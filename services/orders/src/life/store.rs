//! Reading orders for a change and storing what changed, many at once.

mod read;
mod write;

pub use read::{lines, load, lock, shipments};
pub use write::save;
