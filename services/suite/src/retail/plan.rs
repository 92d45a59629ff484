#![doc = "Decides, from the lines alone, what each of them becomes. Pure: the same file always gives the same plan."]
//!
//! - An invoice is an order, placed when its first line was written. One of more than [`LINES_PER_ORDER`] lines becomes
//!   several orders (`573585`, `573585-2`).
//! - A line with a quantity and a price above zero and a stock code of goods is a goods line. Codes that are not goods,
//!   adjustments and lines without a price are charge lines. The same code twice stays two lines.
//! - A goods line of a credit note (`C…`) takes back what was sold (see [`super::matching`]): a cancellation or a
//!   return, worth the share of what was paid. What finds no sale, and every line that is not goods, becomes an order of
//!   negative charges: a credit. So does the difference when the note says another price than was paid. Therefore the
//!   orders less what was cancelled and returned are worth exactly what the file adds up to.

use std::collections::HashMap;

use rust_decimal::{Decimal, RoundingStrategy};
use time::OffsetDateTime;

use super::matching::{Matched, OpenSales, SoldLine};
use super::read::FileLine;

/// An order takes no more lines than this.
pub const LINES_PER_ORDER: usize = 999;

/// Charge code of the difference between a credit note's price and the price paid.
pub const PRICE_DIFFERENCE: &str = "PRICE-DIFFERENCE";

/// Codes that are postage, fees, discounts, samples and corrections, not goods (letter case does not matter).
const NOT_GOODS: [&str; 11] = ["POST", "DOT", "M", "D", "BANK CHARGES", "AMAZONFEE", "C2", "CRUK", "S", "PADS", "B"];

/// An order to push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedOrder {
    /// The invoice number, with `-2`, `-3` … for the parts of a long one.
    pub external_id: String,
    /// Original time.
    pub placed_at: OffsetDateTime,
    /// Customer number, when known.
    pub customer: Option<u32>,
    /// Country as the file names it.
    pub country: String,
    /// The lines; their number is the index plus one.
    pub lines: Vec<PlannedLine>,
}

/// A line of an order to push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLine {
    /// Goods, or a charge or credit.
    pub goods: bool,
    /// Stock code.
    pub code: String,
    /// Pieces, above zero.
    pub quantity: i64,
    /// Price of one; negative for a credit.
    pub unit_price: Decimal,
    /// Pieces a credit note takes back later.
    pub taken_back: i64,
}

impl PlannedLine {
    /// Quantity times price, rounded to pence.
    pub fn amount(&self) -> Decimal {
        pence(Decimal::from(self.quantity) * self.unit_price)
    }

    /// What the next `quantity` pieces taken back are worth, so that all pieces together give exactly the amount.
    fn take_back(&mut self, quantity: i64) -> Decimal {
        let share = |pieces: i64| pence(self.amount() * Decimal::from(pieces) / Decimal::from(self.quantity));
        let worth = share(self.taken_back + quantity) - share(self.taken_back);
        self.taken_back += quantity;
        worth
    }
}

/// A cancellation or a return to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversal {
    /// Credit note.
    pub invoice: String,
    /// Index of the order it takes back from.
    pub order: usize,
    /// True for a return, false for a cancellation before shipping.
    pub shipped: bool,
    /// Original time.
    pub at: OffsetDateTime,
    /// Line numbers and pieces, ascending, each line once.
    pub lines: Vec<(u32, i64)>,
}

/// What became of a line, or of a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Number of the file line.
    pub line: u32,
    /// What became of it.
    pub what: What,
    /// Index of the order it is in, or takes back from.
    pub order: usize,
    /// Line of that order.
    pub line_no: u32,
    /// Pieces of the file line that went this way, without sign.
    pub quantity: i64,
    /// Effect on revenue; the amounts of all parts of a line add up to what the file says, rounded to pence.
    pub amount: Decimal,
}

/// Ways a line can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A goods line of an order.
    Sold,
    /// A charge line with money.
    Charged,
    /// A charge line of zero: a gift or a stock adjustment without a price.
    Noted,
    /// Took back goods before they left.
    Cancelled,
    /// Took back goods after they left.
    Returned,
    /// A credit without a sale.
    Credited,
    /// The part of a credit note's money that is not what was paid for the goods.
    PriceDifference,
}

impl What {
    /// Word used in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sold => "sold",
            Self::Charged => "charged",
            Self::Noted => "noted_without_money",
            Self::Cancelled => "cancelled",
            Self::Returned => "returned",
            Self::Credited => "credited",
            Self::PriceDifference => "price_difference",
        }
    }
}

/// A product to create before the orders come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedProduct {
    /// Stock code.
    pub sku: String,
    /// The description most lines use.
    pub name: String,
    /// Price of the latest sale.
    pub price: Decimal,
    /// All pieces ever sold: the opening stock.
    pub pieces: i64,
    /// Cost of one piece: 60 % of the average sales price, in pence, at least one penny.
    pub unit_cost: Decimal,
}

/// The whole plan.
#[derive(Debug, Default)]
pub struct Plan {
    /// Products, by sku.
    pub products: Vec<PlannedProduct>,
    /// Orders, in the order of the file.
    pub orders: Vec<PlannedOrder>,
    /// Cancellations and returns, in the order of the file.
    pub reversals: Vec<Reversal>,
    /// At least one entry for every line of the file.
    pub fates: Vec<Fate>,
}

/// Rounds half away from zero to pence.
pub fn pence(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// True when the code names goods.
pub fn is_goods(code: &str) -> bool {
    !code.starts_with("gift_") && !NOT_GOODS.iter().any(|c| c.eq_ignore_ascii_case(code))
}

/// Plans all lines.
pub fn plan(lines: &[FileLine]) -> Plan {
    let mut plan = Plan { products: products(lines), ..Plan::default() };
    let mut open = OpenSales::default();
    for invoice in invoices(lines) {
        if invoice[0].invoice.starts_with('C') {
            credit_note(&mut plan, &mut open, &invoice);
        } else {
            sale(&mut plan, &mut open, &invoice);
        }
    }
    plan
}

fn invoices(lines: &[FileLine]) -> Vec<Vec<&FileLine>> {
    let mut index: HashMap<&str, usize> = HashMap::new();
    let mut invoices: Vec<Vec<&FileLine>> = Vec::new();
    for line in lines {
        let at = *index.entry(&line.invoice).or_insert_with(|| {
            invoices.push(Vec::new());
            invoices.len() - 1
        });
        invoices[at].push(line);
    }
    invoices
}

fn is_goods_line(line: &FileLine) -> bool {
    line.quantity > 0 && line.price > Decimal::ZERO && is_goods(&line.code)
}

fn order_of(first: &FileLine, part: usize) -> PlannedOrder {
    let suffix = if part == 0 { String::new() } else { format!("-{}", part + 1) };
    PlannedOrder {
        external_id: format!("{}{suffix}", first.invoice),
        placed_at: first.at,
        customer: first.customer,
        country: first.country.clone(),
        lines: Vec::new(),
    }
}

fn sale(plan: &mut Plan, open: &mut OpenSales, invoice: &[&FileLine]) {
    for (part, chunk) in invoice.chunks(LINES_PER_ORDER).enumerate() {
        let mut order = order_of(invoice[0], part);
        for line in chunk {
            let goods = is_goods_line(line);
            let what = match (goods, line.price.is_zero()) {
                (true, _) => What::Sold,
                (false, true) => What::Noted,
                (false, false) => What::Charged,
            };
            let mut planned = charge(&line.code, line.quantity.abs(), signed_price(line));
            planned.goods = goods;
            let sold = push_line(plan, &mut order, line.number, what, planned);
            if let (true, Some(customer)) = (goods, line.customer) {
                open.sold(customer, &line.code, order.placed_at, sold, line.quantity);
            }
        }
        plan.orders.push(order);
    }
}

fn credit_note(plan: &mut Plan, open: &mut OpenSales, invoice: &[&FileLine]) {
    let mut credits: Vec<(&FileLine, What, PlannedLine)> = Vec::new();
    let at = invoice[0].at;
    for line in invoice {
        let pieces = line.quantity.abs();
        let customer = line.customer.filter(|_| line.quantity < 0 && is_goods(&line.code));
        let (parts, left) = customer.map_or((vec![], pieces), |c| open.take_back(c, &line.code, at, pieces));
        for Matched { sold: SoldLine { order, line_no }, quantity, shipped } in parts {
            let amount = -plan.orders[order].lines[line_no as usize - 1].take_back(quantity);
            let what = if shipped { What::Returned } else { What::Cancelled };
            plan.fates.push(Fate { line: line.number, what, order, line_no, quantity, amount });
            reverse(plan, line, at, order, shipped, (line_no, quantity));
            let difference = -pence(Decimal::from(quantity) * line.price) - amount;
            if !difference.is_zero() {
                credits.push((line, What::PriceDifference, charge(PRICE_DIFFERENCE, 1, difference)));
            }
        }
        if left > 0 {
            credits.push((line, What::Credited, charge(&line.code, left, signed_price(line))));
        }
    }
    for (part, chunk) in credits.chunks(LINES_PER_ORDER).enumerate() {
        let mut order = order_of(invoice[0], part);
        for (line, what, planned) in chunk {
            push_line(plan, &mut order, line.number, *what, planned.clone());
        }
        plan.orders.push(order);
    }
}

fn charge(code: &str, quantity: i64, unit_price: Decimal) -> PlannedLine {
    PlannedLine { goods: false, code: code.to_owned(), quantity, unit_price, taken_back: 0 }
}

fn signed_price(line: &FileLine) -> Decimal {
    if line.quantity < 0 { -line.price } else { line.price }
}

/// Adds to the reversal of the same note, order and kind, or begins one.
fn reverse(plan: &mut Plan, line: &FileLine, at: OffsetDateTime, order: usize, shipped: bool, piece: (u32, i64)) {
    let same = plan
        .reversals
        .iter_mut()
        .rev()
        .take_while(|r| r.invoice == line.invoice)
        .find(|r| r.order == order && r.shipped == shipped);
    let Some(reversal) = same else {
        let invoice = line.invoice.clone();
        plan.reversals.push(Reversal { invoice, order, shipped, at, lines: vec![piece] });
        return;
    };
    match reversal.lines.binary_search_by_key(&piece.0, |(line_no, _)| *line_no) {
        Ok(found) => reversal.lines[found].1 += piece.1,
        Err(place) => reversal.lines.insert(place, piece),
    }
}

/// Appends a line to the order in work (which will be the next of the plan) and notes its fate.
fn push_line(plan: &mut Plan, order: &mut PlannedOrder, line: u32, what: What, planned: PlannedLine) -> SoldLine {
    let sold = SoldLine { order: plan.orders.len(), line_no: order.lines.len() as u32 + 1 };
    let (quantity, amount) = (planned.quantity, planned.amount());
    plan.fates.push(Fate { line, what, order: sold.order, line_no: sold.line_no, quantity, amount });
    order.lines.push(planned);
    sold
}

fn products(lines: &[FileLine]) -> Vec<PlannedProduct> {
    #[derive(Default)]
    struct Seen<'a> {
        names: HashMap<&'a str, usize>,
        price: Decimal,
        pieces: i64,
        revenue: Decimal,
    }
    let mut seen: HashMap<&str, Seen<'_>> = HashMap::new();
    for line in lines.iter().filter(|l| is_goods_line(l)) {
        let entry = seen.entry(&line.code).or_default();
        *entry.names.entry(&line.description).or_default() += 1;
        entry.price = line.price;
        entry.pieces += line.quantity;
        entry.revenue += line.price * Decimal::from(line.quantity);
    }
    let mut products: Vec<_> = seen
        .into_iter()
        .map(|(sku, seen)| {
            let best = seen.names.iter().filter(|(n, _)| !n.is_empty()).max_by_key(|(n, count)| (**count, **n));
            let average = seen.revenue / Decimal::from(seen.pieces);
            PlannedProduct {
                sku: sku.to_owned(),
                name: best.map_or(sku, |(name, _)| name).to_owned(),
                price: seen.price,
                pieces: seen.pieces,
                unit_cost: pence(average * Decimal::new(60, 2)).max(Decimal::new(1, 2)),
            }
        })
        .collect();
    products.sort_by(|a, b| a.sku.cmp(&b.sku));
    products
}
