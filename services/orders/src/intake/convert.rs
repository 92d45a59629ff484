//! Orders between wire and domain.

use prost::Message as _;
use proto::{common::v1 as common, orders::v1 as wire};
use rust_decimal::{Decimal, dec};
use service::{Check, Violation};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};
use types::{Currency, Money, Unit, parse_decimal};
use uuid::Uuid;

use super::{
    commands::Taken,
    domain::{Contact, DELIVERY_CODE, Discount, Draft, DraftLine, Priced, PricedLine},
};
use crate::{catalogue::convert::percentage, life::domain::LineKind, prices};

/// Nobody orders more of one thing.
const LARGEST_QUANTITY: Decimal = dec!(10_000_000);

/// The human form of an order's number.
#[must_use]
pub fn number(number: i64) -> String {
    format!("W-{number:09}")
}

/// Reads the human form.
#[must_use]
pub fn parse_number(text: &str) -> Option<i64> {
    text.strip_prefix("W-").and_then(|digits| digits.parse().ok()).filter(|number| *number > 0)
}

struct Reader<'a> {
    check: Check,
    order: &'a wire::OrderInput,
    currency: Currency,
}

/// Reads a pushed order. `own_channel` is the channel the caller's key belongs to.
pub(super) fn draft(
    request: &wire::PushOrderRequest,
    own_channel: Option<&str>,
    now: OffsetDateTime,
) -> Result<Draft, Vec<Violation>> {
    let nothing = wire::OrderInput::default();
    let mut check = Check::new();
    if !request.request_id.is_empty() {
        check.request_id(&request.request_id);
    }
    check.require(request.order.is_some(), "order", "is missing");
    let order = request.order.as_ref().unwrap_or(&nothing);
    let currency = Currency::parse(&order.currency).unwrap_or_else(|error| {
        check.wrong("order.currency", error.to_string());
        Currency::RUB
    });
    let given = order.channel.trim();
    let channel = if given.is_empty() { own_channel.unwrap_or_default() } else { given };
    let channel = check.text("order.channel", channel, 1..=32);
    let body_hash = hash(order, &channel);
    let mut reader = Reader { check, order, currency };
    let draft = reader.read(channel, body_hash, &request.request_id, now);
    reader.check.done()?;
    Ok(draft)
}

/// Digest of the content in its one encoding. An order that leaves out the channel of its key is the same order.
fn hash(order: &wire::OrderInput, channel: &str) -> Vec<u8> {
    let bytes = if order.channel == channel {
        order.encode_to_vec()
    } else {
        wire::OrderInput { channel: channel.to_owned(), ..order.clone() }.encode_to_vec()
    };
    Sha256::digest(bytes).to_vec()
}

impl Reader<'_> {
    fn read(&mut self, channel: String, body_hash: Vec<u8>, request_id: &str, now: OffsetDateTime) -> Draft {
        let order = self.order;
        let placed_at = self.check.optional_timestamp("order.placed_at", &order.placed_at).unwrap_or(now);
        let soon = placed_at <= now + Duration::DAY;
        self.check.require(soon, "order.placed_at", "is more than a day in the future");
        self.check.len("order.lines", order.lines.len(), 1..=999);
        self.check.require((-100..=100).contains(&order.priority), "order.priority", "must be -100 to 100");
        let lines = order.lines.iter().take(999).enumerate().map(|(at, line)| self.line(at, line)).collect();
        let discount = self.discount("order", &order.discount, &order.discount_percent);
        let nothing = wire::DeliveryInput::default();
        let delivery = order.delivery.as_ref().unwrap_or(&nothing);
        Draft {
            channel,
            external_id: self.check.text("order.external_id", &order.external_id, 1..=64),
            request_id: (!request_id.is_empty()).then(|| request_id.to_owned()),
            body_hash,
            placed_at,
            currency: self.currency,
            lines,
            discount,
            delivery: self.delivery(delivery),
            delivery_method: self.check.optional_text("order.delivery.method", &delivery.method, 32),
            region: self.check.optional_text("order.delivery.region", &delivery.region, 64),
            payment_method: self.check.optional_text("order.payment_method", &order.payment_method, 32),
            contact: self.contact(delivery),
            expected_total: self.amount("order.expected_total", &order.expected_total),
            expected_tax: self.amount("order.expected_tax", &order.expected_tax),
            comment: self.check.optional_text("order.comment", &order.comment, 1000),
            priority: order.priority,
            warehouse: self.check.optional_text("order.warehouse", &order.warehouse, 32),
            hold_id: self.check.optional_uuid("order.hold_id", &order.hold_id),
            prices_include_tax: order.prices_include_tax,
        }
    }

    fn line(&mut self, at: usize, line: &wire::OrderLineInput) -> DraftLine {
        let field = |name: &str| format!("order.lines[{at}].{name}");
        let kind = match wire::LineKind::try_from(line.kind) {
            Ok(wire::LineKind::Unspecified | wire::LineKind::Goods) => LineKind::Goods,
            Ok(wire::LineKind::Charge) => LineKind::Charge,
            Err(_) => {
                self.check.wrong(field("kind"), "is not a known kind of line");
                LineKind::Goods
            }
        };
        let sku = self.check.text(&field("sku"), &line.sku, 1..=64);
        if kind == LineKind::Charge && sku == DELIVERY_CODE {
            self.check.wrong(field("sku"), "is kept for delivery.charge");
        }
        let (quantity, unit) = self.quantity(&field("quantity"), &line.quantity);
        let unit_price = self.money(&field("unit_price"), &line.unit_price);
        if let Some(price) = unit_price {
            prices::unit_price(&mut self.check, &field("unit_price"), price);
            let good = kind == LineKind::Charge || price >= Decimal::ZERO;
            self.check.require(good, field("unit_price"), "must not be negative");
        }
        let discount = self.discount(&format!("order.lines[{at}]"), &line.discount, &line.discount_percent);
        DraftLine {
            kind,
            sku,
            quantity,
            unit,
            unit_price,
            discount,
            tax_rate: self.rate(&field("tax_rate"), &line.tax_rate),
            expected_total: self.amount(&field("line_total"), &line.line_total),
        }
    }

    fn quantity(&mut self, field: &str, quantity: &Option<common::Quantity>) -> (Decimal, Option<Unit>) {
        let Some(quantity) = quantity else {
            self.check.wrong(field, "is missing");
            return (Decimal::ONE, None);
        };
        let unit = match quantity.unit.as_str() {
            "" => None,
            code => {
                Unit::parse(code).map_err(|error| self.check.wrong(format!("{field}.unit"), error.to_string())).ok()
            }
        };
        let value = parse_decimal(&quantity.value).filter(|value| *value > Decimal::ZERO && *value <= LARGEST_QUANTITY);
        let value = value.unwrap_or_else(|| {
            let description = format!("must be a plain decimal number above zero, {LARGEST_QUANTITY} at most");
            self.check.wrong(format!("{field}.value"), description);
            Decimal::ONE
        });
        (value, unit)
    }

    fn money(&mut self, field: &str, money: &Option<common::Money>) -> Option<Decimal> {
        let money = self.check.optional_money(field, money)?;
        if money.currency != self.currency {
            self.check.wrong(format!("{field}.currency"), "must be the order's currency");
        }
        Some(money.amount)
    }

    /// An amount in minor units.
    fn amount(&mut self, field: &str, money: &Option<common::Money>) -> Option<Decimal> {
        let amount = self.money(field, money)?;
        let digits = self.currency.minor_digits();
        if amount.normalize().scale() > digits {
            self.check.wrong(format!("{field}.amount"), format!("must have at most {digits} decimals"));
        }
        Some(amount)
    }

    fn not_negative(&mut self, field: &str, money: &Option<common::Money>) -> Option<Decimal> {
        let amount = self.amount(field, money)?;
        if amount < Decimal::ZERO {
            self.check.wrong(format!("{field}.amount"), "must not be negative");
        }
        Some(amount)
    }

    fn discount(&mut self, of: &str, amount: &Option<common::Money>, percent: &str) -> Discount {
        if amount.is_none() && percent.is_empty() {
            return Discount::None;
        }
        let amount = self.not_negative(&format!("{of}.discount"), amount);
        let percent = self.rate(&format!("{of}.discount_percent"), percent);
        match (amount, percent) {
            (None, None) => Discount::None,
            (Some(amount), None) => Discount::Amount(amount),
            (None, Some(percent)) => Discount::Percent(percent),
            (Some(_), Some(_)) => {
                self.check.wrong(format!("{of}.discount_percent"), "cannot be given together with discount");
                Discount::None
            }
        }
    }

    fn rate(&mut self, field: &str, text: &str) -> Option<Decimal> {
        (!text.is_empty()).then(|| percentage(&mut self.check, field, text))
    }

    fn delivery(&mut self, delivery: &wire::DeliveryInput) -> Option<(Decimal, Option<Decimal>)> {
        let charge = self.not_negative("order.delivery.charge", &delivery.charge);
        let rate = self.rate("order.delivery.tax_rate", &delivery.tax_rate);
        let charge = charge.filter(|charge| !charge.is_zero())?;
        prices::unit_price(&mut self.check, "order.delivery.charge", charge);
        Some((charge, rate))
    }

    fn contact(&mut self, delivery: &wire::DeliveryInput) -> Contact {
        let nothing = wire::BuyerInput::default();
        let buyer = self.order.buyer.as_ref().unwrap_or(&nothing);
        Contact {
            name: self.check.optional_text("order.buyer.name", &buyer.name, 200),
            phone: self.check.optional_text("order.buyer.phone", &buyer.phone, 40),
            email: self.check.optional_text("order.buyer.email", &buyer.email, 254),
            external_customer_id: self.check.optional_text(
                "order.buyer.external_customer_id",
                &buyer.external_customer_id,
                64,
            ),
            address: self.check.optional_text("order.delivery.address", &delivery.address, 500),
        }
    }
}

/// The answer to a push.
pub(super) fn answer(taken: &Taken) -> wire::PushOrderResponse {
    let money = |amount: Decimal| Some(Money::new(amount, taken.currency).rounded().into());
    wire::PushOrderResponse {
        order_id: taken.order_id.to_string(),
        number: number(taken.number),
        duplicate: taken.duplicate,
        state: if taken.hold_reasons.is_empty() { "confirmed" } else { "new" }.to_owned(),
        hold_reasons: taken.hold_reasons.clone(),
        gross: money(taken.gross),
        discount: money(taken.discount),
        tax: money(taken.tax),
        total: money(taken.total),
    }
}

/// The fact that an order was placed.
pub(super) fn placed(id: Uuid, order_number: i64, draft: &Draft, priced: &Priced) -> wire::OrdersEvent {
    let money = |amount: Decimal| Some(Money::new(amount, draft.currency).rounded().into());
    let lines = priced.lines.iter().zip(1..).map(|(line, no)| placed_line(line, no, draft.currency)).collect();
    let fact = wire::OrderPlaced {
        order_id: id.to_string(),
        number: number(order_number),
        channel: draft.channel.clone(),
        external_id: draft.external_id.clone(),
        placed_at: Some(proto::to_timestamp(draft.placed_at)),
        region: draft.region.clone(),
        delivery_method: draft.delivery_method.clone(),
        payment_method: draft.payment_method.clone(),
        lines,
        gross: money(priced.gross),
        discount: money(priced.discount),
        tax: money(priced.tax),
        total: money(priced.total),
        confirmed: priced.holds.is_empty(),
        hold_reasons: priced.holds.iter().map(|hold| hold.code().to_owned()).collect(),
        priority: draft.priority,
        warehouse: draft.warehouse.clone(),
        has_contact: draft.contact.identifies(),
        hold_id: draft.hold_id.map(|id| id.to_string()).unwrap_or_default(),
    };
    wire::OrdersEvent { event: Some(wire::orders_event::Event::OrderPlaced(fact)) }
}

fn placed_line(line: &PricedLine, line_no: i32, currency: Currency) -> wire::OrderLine {
    let money = |amount: Decimal| Some(Money::new(amount, currency).rounded().into());
    let kind = match line.kind {
        LineKind::Goods => wire::LineKind::Goods,
        LineKind::Charge => wire::LineKind::Charge,
    };
    wire::OrderLine {
        line_no,
        kind: kind.into(),
        sku: line.sku.clone(),
        quantity: Some(types::Quantity { value: line.quantity, unit: line.unit }.into()),
        unit_price: Some(Money::new(line.unit_price, currency).into()),
        discount: money(line.discount),
        tax: money(line.tax),
        total: money(line.total),
        category: line.item.as_ref().map(|item| item.category.clone()).unwrap_or_default(),
        brand: line.item.as_ref().map(|item| item.brand.clone()).unwrap_or_default(),
    }
}
