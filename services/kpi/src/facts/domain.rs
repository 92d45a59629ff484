//! What a batch of events changes, row by row. Adding one event after another in any order gives the same changes.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::{Date, OffsetDateTime};
use types::{BusinessDayError, business_day};
use uuid::Uuid;

/// Which day of the company a moment belongs to.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// IANA name of the company's zone.
    pub zone: String,
    /// Local hour at which the business day begins.
    pub cutoff_hour: u8,
}

impl Calendar {
    /// The business day of a moment.
    ///
    /// # Errors
    /// When the moment lies outside the years the calendar knows, or the settings are wrong.
    pub fn day(&self, at: OffsetDateTime) -> Result<Date, BusinessDayError> {
        business_day(at, &self.zone, self.cutoff_hour)
    }
}

/// A value that the highest version decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versioned<T> {
    /// Version of the aggregate that said it; 0 when nothing did.
    pub version: i64,
    /// The value.
    pub value: T,
}

impl<T> Versioned<T> {
    /// Takes the value when its version is higher.
    pub fn offer(&mut self, version: i64, value: T) {
        if version > self.version {
            *self = Self { version, value };
        }
    }
}

/// Keeps the earlier of two moments.
pub fn earliest(known: &mut Option<OffsetDateTime>, at: OffsetDateTime) {
    *known = Some(known.map_or(at, |before| before.min(at)));
}

/// What `OrderPlaced` says of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    /// Human number.
    pub number: String,
    /// Channel code.
    pub channel: String,
    /// Region code, may be empty.
    pub region: String,
    /// Delivery method code, may be empty.
    pub delivery_method: String,
    /// Payment method code, may be empty.
    pub payment_method: String,
    /// Currency of the order.
    pub currency: String,
    /// When it was placed.
    pub placed_at: OffsetDateTime,
    /// The business day of that.
    pub business_day: Date,
    /// Total as stated by the event.
    pub total: Decimal,
}

/// First moments of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the first moment of the state it is named for")]
pub struct Moments {
    pub confirmed: Option<OffsetDateTime>,
    pub cancelled: Option<OffsetDateTime>,
    pub returned: Option<OffsetDateTime>,
    pub paid: Option<OffsetDateTime>,
    pub allocated: Option<OffsetDateTime>,
    pub reserved: Option<OffsetDateTime>,
    pub picking: Option<OffsetDateTime>,
    pub packed: Option<OffsetDateTime>,
    pub shipped: Option<OffsetDateTime>,
    pub delivered: Option<OffsetDateTime>,
    pub failed: Option<OffsetDateTime>,
    pub awaiting: Option<OffsetDateTime>,
}

/// The customer an order belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CustomerLink {
    /// When crm found it; the latest wins.
    pub at: OffsetDateTime,
    /// Customer; decides between two of the same moment.
    pub customer_id: Uuid,
    /// True for the customer's first order.
    pub first_order: bool,
}

/// What changes in an order's row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderChange {
    /// Set by `OrderPlaced`.
    pub placed: Option<PlacedOrder>,
    /// Order state.
    pub order_state: Versioned<String>,
    /// Payment state.
    pub payment_state: Versioned<String>,
    /// Fulfilment state.
    pub fulfilment_state: Versioned<String>,
    /// First moments.
    pub moments: Moments,
    /// Payments less refunds.
    pub paid: Decimal,
    /// The customer.
    pub customer: Option<CustomerLink>,
}

impl OrderChange {
    /// Takes a link to a customer unless a later one is known.
    pub fn link(&mut self, link: CustomerLink) {
        if self.customer.as_ref().is_none_or(|known| *known < link) {
            self.customer = Some(link);
        }
    }
}

/// What `OrderPlaced` says of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedLine {
    /// Goods rather than a charge.
    pub goods: bool,
    /// SKU or charge code.
    pub sku: String,
    /// Category path.
    pub category: String,
    /// Brand.
    pub brand: String,
    /// Minor-unit digits of the currency.
    pub digits: u32,
    /// Quantity.
    pub quantity: Decimal,
    /// Value before discount.
    pub gross: Decimal,
    /// Discount.
    pub discount: Decimal,
    /// VAT.
    pub tax: Decimal,
    /// What the buyer pays.
    pub total: Decimal,
}

/// A quantity with money that goes with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Quantity.
    pub quantity: Decimal,
    /// Amount or cost.
    pub amount: Decimal,
    /// VAT within the amount; zero for costs.
    pub tax: Decimal,
}

impl Part {
    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.quantity += other.quantity;
        self.amount += other.amount;
        self.tax += other.tax;
    }
}

/// What changes in a line's row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineChange {
    /// Set by `OrderPlaced`.
    pub placed: Option<PlacedLine>,
    /// Cancelled before shipment.
    pub cancelled: Part,
    /// Returned by the buyer.
    pub returned: Part,
    /// Left the warehouse, at cost.
    pub shipped: Part,
    /// Came back uncollected, at cost.
    pub failed: Part,
    /// Returned goods back in stock or repair, at cost.
    pub back: Part,
    /// Returned goods written off, at cost.
    pub written_off: Part,
}

/// What changes in a shipment's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipmentChange {
    /// Order it belongs to.
    pub order_id: Uuid,
    /// Carrier and warehouse, the moment it left and its business day.
    pub shipped: Option<ShippedOff>,
    /// When it arrived.
    pub delivered_at: Option<OffsetDateTime>,
    /// When it was refused or given up, and why.
    pub failed: Option<(OffsetDateTime, String)>,
}

/// A shipment that left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShippedOff {
    /// Carrier code.
    pub carrier: String,
    /// Warehouse code.
    pub warehouse: String,
    /// When.
    pub at: OffsetDateTime,
    /// Business day of that.
    pub day: Date,
}

/// A payment, or a refund when negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Order it is for.
    pub order_id: Uuid,
    /// Method code.
    pub method: String,
    /// Currency.
    pub currency: String,
    /// Amount.
    pub amount: Decimal,
    /// When the money moved.
    pub at: OffsetDateTime,
    /// Business day of that.
    pub day: Date,
}

/// Why stock moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Movement {
    /// Returned or uncollected goods came back to stock or repair.
    Back,
    /// Came in.
    Received,
    /// Left to a buyer.
    Shipped,
    /// Returned and written off.
    WrittenOff,
}

impl Movement {
    /// Its name in the table.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Back => "back",
            Self::Received => "received",
            Self::Shipped => "shipped",
            Self::WrittenOff => "written_off",
        }
    }
}

/// What changes in a task's row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskChange {
    /// Set by `TaskOpened`.
    pub opened: Option<TaskOpening>,
    /// Final state, who closed it, when, and the business day; set by `TaskClosed`.
    pub closed: Versioned<Option<TaskClosing>>,
    /// Latest state.
    pub state: Versioned<String>,
}

/// How a task was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskOpening {
    /// Type code.
    pub task_type: String,
    /// Rule that opened it, or empty.
    pub rule: String,
    /// Kind of its subject.
    pub subject_kind: String,
    /// Id of its subject.
    pub subject_id: String,
    /// When.
    pub at: OffsetDateTime,
    /// Business day of that.
    pub day: Date,
}

/// How a task was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskClosing {
    /// Final state.
    pub state: String,
    /// `person` or `cause_gone`.
    pub by: String,
    /// When.
    pub at: OffsetDateTime,
    /// Business day of that.
    pub day: Date,
}

/// What changes in a customer's row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerChange {
    /// Region and moment of creation.
    pub created: Option<(String, OffsetDateTime)>,
    /// Grade and total score.
    pub score: Versioned<(String, Decimal)>,
}

/// A product as its latest change says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Product {
    /// Product id.
    pub product_id: Uuid,
    /// Name.
    pub name: String,
    /// Category path.
    pub category: String,
    /// Brand.
    pub brand: String,
    /// Unit code.
    pub unit: String,
    /// Status.
    pub status: String,
}

/// Everything a batch of events changes. Maps, so that rows are always written in key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// By order id.
    pub orders: BTreeMap<Uuid, OrderChange>,
    /// By order id and line number.
    pub lines: BTreeMap<(Uuid, i32), LineChange>,
    /// By shipment id.
    pub shipments: BTreeMap<Uuid, ShipmentChange>,
    /// By payment id.
    pub payments: BTreeMap<Uuid, Payment>,
    /// Quantity and cost by day, SKU and kind.
    pub stock: BTreeMap<(Date, String, Movement), Part>,
    /// When a product (SKU, version of its stock) fell to nothing available (true) or came back (false).
    pub crossings: BTreeMap<(String, i64), (OffsetDateTime, bool)>,
    /// By task id.
    pub tasks: BTreeMap<Uuid, TaskChange>,
    /// By customer id.
    pub customers: BTreeMap<Uuid, CustomerChange>,
    /// By SKU.
    pub products: BTreeMap<String, Versioned<Product>>,
}

impl Changes {
    /// The change of an order's row.
    pub fn order(&mut self, order_id: Uuid) -> &mut OrderChange {
        self.orders.entry(order_id).or_default()
    }

    /// The change of a line's row. The order's row is touched too: an order without a row has no lines.
    pub fn line(&mut self, order_id: Uuid, line_no: i32) -> &mut LineChange {
        self.orders.entry(order_id).or_default();
        self.lines.entry((order_id, line_no)).or_default()
    }

    /// The changes of an order's lines, by line number.
    pub fn lines_of(&self, order_id: Uuid) -> impl Iterator<Item = ((Uuid, i32), &LineChange)> + Clone {
        self.lines.range((order_id, i32::MIN)..=(order_id, i32::MAX)).map(|(key, line)| (*key, line))
    }

    /// The change of a shipment's row.
    pub fn shipment(&mut self, shipment_id: Uuid, order_id: Uuid) -> &mut ShipmentChange {
        let new = ShipmentChange { order_id, shipped: None, delivered_at: None, failed: None };
        self.shipments.entry(shipment_id).or_insert(new)
    }

    /// Adds a movement of stock.
    pub fn stock(&mut self, day: Date, sku: &str, movement: Movement, part: Part) {
        self.stock.entry((day, sku.to_owned(), movement)).or_default().add(part);
    }
}
