//! Which orders make a wave, and where what is scanned goes.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use uuid::Uuid;

/// Why a wave or a scan is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No order is left or fits.
    #[error("no order is there to be picked")]
    Empty,
    /// The wave's state forbids it.
    #[error("the wave is {0}")]
    State(String),
    /// Nothing is wanted from there.
    #[error("nothing of it is wanted from there; expected: {0}")]
    WrongPlace(String),
    /// Another item is wanted from there.
    #[error("that item is not wanted from there; expected: {0}")]
    WrongItem(String),
    /// Another lot is wanted from there.
    #[error("that lot is not wanted from there; expected: {0}")]
    WrongLot(String),
    /// Several lots are wanted from there.
    #[error("say which lot; expected: {0}")]
    LotNeeded(String),
    /// Less is wanted.
    #[error("only {0} more are wanted")]
    OverPick(String),
    /// The item has another unit.
    #[error("{sku} is stocked in {unit}")]
    Unit {
        /// Item.
        sku: String,
        /// Its unit.
        unit: String,
    },
}

impl Refusal {
    /// The reason code.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "WAVE_EMPTY",
            Self::State(_) => "WAVE_STATE",
            Self::WrongPlace(_) => "WRONG_PLACE",
            Self::WrongItem(_) => "WRONG_ITEM",
            Self::WrongLot(_) => "WRONG_LOT",
            Self::LotNeeded(_) => "LOT_NEEDED",
            Self::OverPick(_) => "OVER_PICK",
            Self::Unit { .. } => "UNIT_MISMATCH",
        }
    }
}

/// An order that could be in a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Order.
    pub order: Uuid,
    /// Lines with goods to pick.
    pub lines: i64,
    /// What they weigh.
    pub weight_grams: Decimal,
}

/// How large a wave may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Orders at most.
    pub orders: usize,
    /// Lines at most.
    pub lines: Option<i64>,
    /// Grams at most.
    pub weight_grams: Option<Decimal>,
}

/// Fills a wave in the order of the queue. An order that does not fit any more is left for the next wave, a smaller one
/// behind it may still fit.
#[must_use]
pub fn fill(candidates: &[Candidate], limits: &Limits) -> Vec<Uuid> {
    let (mut chosen, mut lines, mut weight) = (Vec::new(), 0, Decimal::ZERO);
    for one in candidates {
        if chosen.len() == limits.orders {
            break;
        }
        let fits = limits.lines.is_none_or(|most| lines + one.lines <= most)
            && limits.weight_grams.is_none_or(|most| weight + one.weight_grams <= most);
        if fits {
            chosen.push(one.order);
            lines += one.lines;
            weight += one.weight_grams;
        }
    }
    chosen
}

/// A line of the picking list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickLine {
    /// Tote.
    pub tote: i32,
    /// Order.
    pub order: Uuid,
    /// Shipment.
    pub shipment: Uuid,
    /// Line of the order.
    pub line_no: i32,
    /// Item.
    pub sku: String,
    /// The item's barcode; empty when it has none.
    pub barcode: String,
    /// Unit code.
    pub unit: String,
    /// Lot.
    pub lot: Uuid,
    /// Lot number.
    pub lot_number: String,
    /// Place.
    pub place: i64,
    /// The place's code.
    pub place_code: String,
    /// The place's barcode; empty when it has none.
    pub place_barcode: String,
    /// What goes.
    pub quantity: Decimal,
    /// Still to be taken; zero once the shipment is picked.
    pub left: Decimal,
}

/// What a picker scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Place, code or barcode.
    pub place: String,
    /// Item, sku or barcode.
    pub item: String,
    /// Lot number; empty when it need not be said.
    pub lot: String,
    /// Unit code.
    pub unit: String,
    /// How much, above zero.
    pub quantity: Decimal,
}

fn is_item(line: &PickLine, code: &str) -> bool {
    line.sku == code || (!line.barcode.is_empty() && line.barcode == code)
}

fn is_place(line: &PickLine, code: &str) -> bool {
    line.place_code == code || (!line.place_barcode.is_empty() && line.place_barcode == code)
}

/// The item a code means in a wave, if it is wanted at all.
#[must_use]
pub fn item_of<'a>(lines: &'a [PickLine], code: &str) -> Option<&'a str> {
    lines.iter().find(|line| is_item(line, code)).map(|line| line.sku.as_str())
}

fn expected<'a>(lines: &[&'a PickLine], what: impl Fn(&'a PickLine) -> &'a str) -> String {
    let open = lines.iter().filter(|line| line.left > Decimal::ZERO);
    let texts: BTreeSet<_> = open.map(|line| what(line)).collect();
    if texts.is_empty() { "nothing".into() } else { texts.into_iter().collect::<Vec<_>>().join(", ") }
}

/// The lines a scan means, all of one lot in one place.
fn meant<'a>(lines: &'a [PickLine], scan: &Scan) -> Result<Vec<&'a PickLine>, Refusal> {
    let all: Vec<_> = lines.iter().collect();
    let at_place: Vec<_> = all.iter().copied().filter(|line| is_place(line, &scan.place)).collect();
    let of_item: Vec<_> = at_place.iter().copied().filter(|line| is_item(line, &scan.item)).collect();
    if of_item.is_empty() {
        let anywhere: Vec<_> = all.iter().copied().filter(|line| is_item(line, &scan.item)).collect();
        if anywhere.is_empty() && !at_place.is_empty() {
            return Err(Refusal::WrongItem(expected(&at_place, |line| &line.sku)));
        }
        let wanted = if anywhere.is_empty() { all } else { anywhere };
        return Err(Refusal::WrongPlace(expected(&wanted, |line| &line.place_code)));
    }
    let lots: BTreeSet<_> = of_item.iter().filter(|line| line.left > Decimal::ZERO).map(|line| line.lot).collect();
    let of_lot: Vec<_> = if !scan.lot.is_empty() {
        of_item.iter().copied().filter(|line| line.lot_number == scan.lot).collect()
    } else if lots.len() > 1 {
        return Err(Refusal::LotNeeded(expected(&of_item, |line| &line.lot_number)));
    } else {
        of_item.iter().copied().filter(|line| lots.is_empty() || lots.contains(&line.lot)).collect()
    };
    let Some(first) = of_lot.first() else {
        return Err(Refusal::WrongLot(expected(&of_item, |line| &line.lot_number)));
    };
    if first.unit != scan.unit {
        return Err(Refusal::Unit { sku: first.sku.clone(), unit: first.unit.clone() });
    }
    let left: Decimal = of_lot.iter().map(|line| line.left).sum();
    if left < scan.quantity {
        return Err(Refusal::OverPick(left.normalize().to_string()));
    }
    Ok(of_lot)
}

fn spread(mut lines: Vec<&PickLine>, quantity: Decimal) -> Vec<(PickLine, Decimal)> {
    let mut left = quantity;
    lines.retain(|line| line.left > Decimal::ZERO);
    let part = |line: &PickLine| {
        let part = line.left.min(left);
        left -= part;
        (part > Decimal::ZERO).then(|| (line.clone(), part))
    };
    lines.into_iter().filter_map(part).collect()
}

/// Where what is scanned goes: into the first totes first.
///
/// # Errors
/// What was expected instead.
pub fn put(lines: &[PickLine], scan: &Scan) -> Result<Vec<(PickLine, Decimal)>, Refusal> {
    let mut of_lot = meant(lines, scan)?;
    of_lot.sort_by_key(|line| (line.tote, line.line_no));
    Ok(spread(of_lot, scan.quantity))
}

/// Who goes without what is missing: the last totes first.
///
/// # Errors
/// What was expected instead.
pub fn lack(lines: &[PickLine], scan: &Scan) -> Result<Vec<(PickLine, Decimal)>, Refusal> {
    let mut of_lot = meant(lines, scan)?;
    of_lot.sort_by_key(|line| (-line.tote, -line.line_no));
    Ok(spread(of_lot, scan.quantity))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
