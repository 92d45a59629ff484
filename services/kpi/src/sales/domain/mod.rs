//! What figures are, how they compare, and which periods they are compared with.

mod figures;
mod period;
mod request;

pub use figures::{Change, Figures, Measure, Named, NamedChange, changes, named_changes, percent};
pub use period::{Bucket, Comparing, Kind, Period};
pub use request::{Filter, Group, Order, Source};
