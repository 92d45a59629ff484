//! Orders' and holds' needs.

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

/// An order or hold to be remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDemand {
    /// Order id, or a new id for a hold.
    pub order_id: Uuid,
    /// True for a hold, which publishes no facts of an order.
    pub hold: bool,
    /// Human number or reference.
    pub number: String,
    /// Code of the warehouse asked for; empty lets the allocation choose.
    pub warehouse: String,
    /// Region code.
    pub region: String,
    /// Delivery method code.
    pub delivery_method: String,
    /// Channel code; empty when not said.
    pub channel: String,
    /// Hold whose goods it takes over.
    pub takes_over: Option<Uuid>,
    /// Higher goes first.
    pub priority: i32,
    /// Earlier goes first.
    pub placed_at: OffsetDateTime,
    /// End of a hold.
    pub expires_at: Option<OffsetDateTime>,
    /// Goods lines; line numbers are unique.
    pub lines: Vec<NewLine>,
}

/// A goods line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLine {
    /// Number within the order.
    pub line_no: i32,
    /// Item.
    pub sku: String,
    /// Unit code of the quantity.
    pub unit: String,
    /// How much, above zero.
    pub quantity: Decimal,
    /// Lots with fewer days left are not for it, by the rules for its channel, delivery method and category.
    pub min_life_days: i32,
}

/// What changes on a line. What is no longer reserved, shipped or cancelled is waited for again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineDelta {
    /// Change of what is cancelled.
    pub cancelled: Decimal,
    /// Change of what is held.
    pub reserved: Decimal,
    /// Change of what is shipped.
    pub shipped: Decimal,
}

/// A line as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Order.
    pub order_id: Uuid,
    /// Number.
    pub line_no: i32,
    /// Item.
    pub sku: String,
    /// Unit code.
    pub unit: String,
    /// Ordered.
    pub ordered: Decimal,
    /// Cancelled since.
    pub cancelled: Decimal,
    /// Held.
    pub reserved: Decimal,
    /// Shipped.
    pub shipped: Decimal,
    /// Wanted and not held.
    pub backordered: Decimal,
    /// Does not wait.
    pub closed: bool,
    /// Lots with fewer days left are not for it.
    pub min_life_days: i32,
}

impl Line {
    /// What can still be cancelled.
    #[must_use]
    pub fn open(&self) -> Decimal {
        self.reserved + self.backordered
    }
}
