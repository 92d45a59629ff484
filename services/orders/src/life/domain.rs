//! An order after it was taken: three state machines, what is left of each line, and what must be told to others.

mod model;
mod moves;
mod order;
mod shares;
mod states;

pub use model::{
    Allocation, Cause, Entry, Fact, Line, LineChange, LineKind, Log, Part, Refused, Shipment, ShipmentState, Transition,
};
pub use moves::{cancel_lines, cancel_rest, close_goods, complete, confirm, settle_delivery};
pub use order::Order;
pub use shares::{Money3, share, share_for_amount};
pub use states::{FulfilmentState, Machine, OrderState, PaymentState};
