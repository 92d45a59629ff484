//! State changes of shipments.

mod arrive;
mod leave;
mod pack;
mod pick;
mod short;

pub(crate) use arrive::{Comeback, Delivered, deliver, fail};
pub(crate) use leave::{ship, ship_each, ship_orders};
pub(crate) use pack::{dismantle, pack};
pub(crate) use pick::{begin, confirm_pick, start_picking};
pub(crate) use short::replace_short;
