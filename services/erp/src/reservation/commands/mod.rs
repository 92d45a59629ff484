//! State changes of reservations. Every one ends in [`serve`]: whatever became free goes to those who wait.

mod cancel;
mod carts;
mod holds;
mod serve;
mod takeover;

pub(crate) use cancel::{CancelledLine, cancel_lines, cancel_orders};
pub use holds::{close, expire_holds, expire_lots, extend, reopen, reserve};
pub(crate) use serve::{displace, place, release, serve};
pub(crate) use takeover::hand_over;
