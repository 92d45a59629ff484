//! An order as pushed, and as priced.

use std::sync::Arc;

use rust_decimal::Decimal;
use time::OffsetDateTime;
use types::{Currency, Unit};
use uuid::Uuid;

use crate::{catalogue::domain::Item, life::domain::LineKind};

/// Code of the line that the delivery charge becomes.
pub const DELIVERY_CODE: &str = "DELIVERY";

/// A discount as pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discount {
    /// None.
    None,
    /// An amount.
    Amount(Decimal),
    /// Percent of what it is given on.
    Percent(Decimal),
}

/// A line as pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftLine {
    /// Goods or charge.
    pub kind: LineKind,
    /// Sku or charge code.
    pub sku: String,
    /// How much.
    pub quantity: Decimal,
    /// Unit, when said.
    pub unit: Option<Unit>,
    /// Price of one, when said.
    pub unit_price: Option<Decimal>,
    /// Discount on the line.
    pub discount: Discount,
    /// VAT rate that overrides the product's.
    pub tax_rate: Option<Decimal>,
    /// What the shop computed.
    pub expected_total: Option<Decimal>,
}

/// Who buys; on its way to crm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Name.
    pub name: String,
    /// Phone as typed.
    pub phone: String,
    /// E-mail as typed.
    pub email: String,
    /// The customer's id in the shop.
    pub external_customer_id: String,
    /// Address.
    pub address: String,
}

impl Contact {
    /// Nothing to hand over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.name.is_empty() && self.address.is_empty() && !self.identifies()
    }

    /// Something to know somebody by.
    #[must_use]
    pub fn identifies(&self) -> bool {
        !(self.phone.is_empty() && self.email.is_empty() && self.external_customer_id.is_empty())
    }
}

/// An order as pushed, its fields checked one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Channel.
    pub channel: String,
    /// Id in the channel.
    pub external_id: String,
    /// Second key, if given.
    pub request_id: Option<String>,
    /// Digest of the content.
    pub body_hash: Vec<u8>,
    /// When the buyer placed it.
    pub placed_at: OffsetDateTime,
    /// Currency of all amounts.
    pub currency: Currency,
    /// Lines, without the delivery charge.
    pub lines: Vec<DraftLine>,
    /// Discount on the order.
    pub discount: Discount,
    /// Delivery charge, above zero, and its VAT rate.
    pub delivery: Option<(Decimal, Option<Decimal>)>,
    /// Delivery method.
    pub delivery_method: String,
    /// Region.
    pub region: String,
    /// Payment method.
    pub payment_method: String,
    /// Buyer.
    pub contact: Contact,
    /// What the shop computed in all.
    pub expected_total: Option<Decimal>,
    /// What the shop computed as VAT.
    pub expected_tax: Option<Decimal>,
    /// Note to the staff.
    pub comment: String,
    /// Priority.
    pub priority: i32,
    /// Warehouse asked for.
    pub warehouse: String,
    /// Hold of the warehouse whose goods the order takes over.
    pub hold_id: Option<Uuid>,
    /// Prices contain VAT, when said.
    pub prices_include_tax: Option<bool>,
}

/// Where VAT is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaxRounding {
    /// Once per line.
    PerLine,
    /// Per unit, then times the quantity.
    PerUnit,
}

/// How a channel's orders are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Code of the price list compared with.
    pub price_list: Option<Arc<str>>,
    /// Currency of that list.
    pub list_currency: Option<Currency>,
    /// The channel's own prices count.
    pub price_authoritative: bool,
    /// Prices contain VAT unless the order says otherwise.
    pub prices_include_tax: bool,
    /// Where VAT is rounded.
    pub rounding: TaxRounding,
    /// How far totals and prices may differ.
    pub tolerance: Decimal,
    /// VAT rate of charges that name none.
    pub charge_tax_rate: Decimal,
}

/// Why an order waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldReason {
    /// The shop computed another total.
    TotalMismatch,
    /// A price differs from the price list.
    PriceMismatch,
    /// A product is still being prepared.
    ProductNotActive,
}

impl HoldReason {
    /// Name as stored and sent.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TotalMismatch => "TOTAL_MISMATCH",
            Self::PriceMismatch => "PRICE_MISMATCH",
            Self::ProductNotActive => "PRODUCT_NOT_ACTIVE",
        }
    }
}

/// A line with its money. All rounded to the minor unit, but for the unit price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedLine {
    /// Goods or charge.
    pub kind: LineKind,
    /// Sku or charge code.
    pub sku: String,
    /// Unit.
    pub unit: Unit,
    /// How much.
    pub quantity: Decimal,
    /// Price of one before discount.
    pub unit_price: Decimal,
    /// Price of the list.
    pub list_price: Option<Decimal>,
    /// Own discount and share of the order's.
    pub discount: Decimal,
    /// Share of the order's discount.
    pub order_discount: Decimal,
    /// VAT rate in percent.
    pub tax_rate: Decimal,
    /// VAT.
    pub tax: Decimal,
    /// What the buyer pays.
    pub total: Decimal,
    /// The product; none for a charge.
    pub item: Option<Arc<Item>>,
}

/// An order with its money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// Lines, the delivery charge last.
    pub lines: Vec<PricedLine>,
    /// Total without discounts.
    pub gross: Decimal,
    /// All discounts.
    pub discount: Decimal,
    /// All VAT.
    pub tax: Decimal,
    /// What the buyer pays.
    pub total: Decimal,
    /// Unit prices contain VAT.
    pub prices_include_tax: bool,
    /// Why it waits, sorted; empty for a clean order.
    pub holds: Vec<HoldReason>,
}
