//! State changes of shipments.

mod arrive;
mod leave;
mod pick;

pub(crate) use arrive::{Delivered, deliver, fail};
pub(crate) use leave::{ship, ship_orders};
pub(crate) use pick::{confirm_pick, pack, start_picking};
