//! Who gets what: first expired first out over several lots, by priority, then by the time of the order.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// The free part of a lot in a place, fit to be given to orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeLot {
    /// Item.
    pub sku: String,
    /// Warehouse it lies in.
    pub warehouse: Uuid,
    /// Place.
    pub place: i64,
    /// Lot.
    pub lot: Uuid,
    /// Last day of use.
    pub expires_on: Option<Date>,
    /// When the lot came in.
    pub received_at: OffsetDateTime,
    /// Lot number, the last tie-break.
    pub number: String,
    /// How much is free, above zero.
    pub free: Decimal,
}

/// What a line still lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Order or hold.
    pub order: Uuid,
    /// Line.
    pub line_no: i32,
    /// Item.
    pub sku: String,
    /// Warehouse it is served from; none lets the order choose.
    pub warehouse: Option<Uuid>,
    /// How much, above zero.
    pub quantity: Decimal,
    /// Higher goes first.
    pub priority: i32,
    /// Earlier goes first.
    pub placed_at: OffsetDateTime,
    /// Lots with an earlier last day of use are not for it; none leaves it to company and warehouse.
    pub good_until: Option<Date>,
}

impl Need {
    fn takes(&self, lot: &FreeLot) -> bool {
        match (lot.expires_on, self.good_until) {
            (Some(last), Some(until)) => last >= until,
            _ => true,
        }
    }
}

/// The last day of use that lots must reach to have so many days left; none when nothing is asked for.
#[must_use]
pub fn good_until(today: Date, min_life_days: i32) -> Option<Date> {
    (min_life_days > 0).then(|| today.checked_add(time::Duration::days(min_life_days.into())).unwrap_or(Date::MAX))
}

/// A piece of a lot given to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Order or hold.
    pub order: Uuid,
    /// Line.
    pub line_no: i32,
    /// Item.
    pub sku: String,
    /// Lot.
    pub lot: Uuid,
    /// Place.
    pub place: i64,
    /// How much, above zero.
    pub quantity: Decimal,
}

/// What is free, by item and warehouse, first to expire first.
#[derive(Clone, Debug, Default)]
pub struct Pool(BTreeMap<String, BTreeMap<Uuid, Vec<FreeLot>>>);

impl Pool {
    /// Sorts lots into a pool: earliest expiry first, those without expiry last, then by receipt, then by number.
    #[must_use]
    pub fn new(lots: Vec<FreeLot>) -> Self {
        let mut pool = Self::default();
        for lot in lots {
            pool.0.entry(lot.sku.clone()).or_default().entry(lot.warehouse).or_default().push(lot);
        }
        for lots in pool.0.values_mut().flat_map(BTreeMap::values_mut) {
            lots.sort_by(|a, b| {
                let key = |lot: &FreeLot| (lot.expires_on.is_none(), lot.expires_on, lot.received_at);
                key(a).cmp(&key(b)).then_with(|| a.number.cmp(&b.number)).then(a.place.cmp(&b.place))
            });
        }
        pool
    }

    /// What is free of an item in a warehouse.
    #[must_use]
    pub fn free_in(&self, sku: &str, warehouse: Uuid) -> Decimal {
        let lots = self.0.get(sku).and_then(|warehouses| warehouses.get(&warehouse));
        lots.map_or(Decimal::ZERO, |lots| lots.iter().map(|lot| lot.free).sum())
    }

    /// What is free, by item and warehouse; nothing is left out but zeros.
    #[must_use]
    pub fn free(&self) -> Vec<(String, Uuid, Decimal)> {
        let each = |(sku, warehouses): (&String, &BTreeMap<Uuid, Vec<FreeLot>>)| {
            warehouses.keys().map(|id| (sku.clone(), *id, self.free_in(sku, *id))).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(each).filter(|(_, _, free)| !free.is_zero()).collect()
    }

    /// What is free by item over all warehouses.
    #[must_use]
    pub fn available(&self) -> BTreeMap<String, Decimal> {
        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
        for (sku, _, free) in self.free() {
            *sums.entry(sku).or_default() += free;
        }
        sums
    }

    /// What of a need a warehouse could give.
    fn covers(&self, need: &Need, warehouse: Uuid) -> Decimal {
        let lots = self.0.get(&need.sku).and_then(|warehouses| warehouses.get(&warehouse));
        let free: Decimal = lots.into_iter().flatten().filter(|lot| need.takes(lot)).map(|lot| lot.free).sum();
        free.min(need.quantity)
    }

    fn take(&mut self, need: &Need, warehouse: Uuid) -> Vec<Grant> {
        let mut grants = Vec::new();
        let mut left = need.quantity;
        let lots = self.0.get_mut(&need.sku).and_then(|warehouses| warehouses.get_mut(&warehouse));
        for lot in lots.into_iter().flatten().filter(|lot| need.takes(lot)) {
            let quantity = lot.free.min(left);
            if quantity <= Decimal::ZERO {
                continue;
            }
            lot.free -= quantity;
            left -= quantity;
            grants.push(Grant {
                order: need.order,
                line_no: need.line_no,
                sku: need.sku.clone(),
                lot: lot.lot,
                place: lot.place,
                quantity,
            });
            if left.is_zero() {
                break;
            }
        }
        grants
    }
}

/// What came of an allocation.
#[derive(Clone, Debug, Default)]
pub struct Allocation {
    /// Who got what.
    pub grants: Vec<Grant>,
    /// The warehouse of each order that had none.
    pub chosen: HashMap<Uuid, Uuid>,
}

/// Serves needs from the pool: by priority, then time, then order, then line. An order that named no warehouse is
/// served from the one that covers most of its lines in full, then most of its quantity; ties go to the earlier in
/// `warehouses` (of which there must be at least one).
#[must_use]
pub fn allocate(pool: &mut Pool, mut needs: Vec<Need>, warehouses: &[Uuid]) -> Allocation {
    needs.sort_by(|a, b| {
        let key = |need: &Need| (-i64::from(need.priority), need.placed_at, need.order, need.line_no);
        key(a).cmp(&key(b))
    });
    let mut result = Allocation::default();
    for lines in needs.chunk_by(|a, b| a.order == b.order) {
        let chosen = choose(pool, lines, warehouses);
        for need in lines {
            let warehouse = need.warehouse.or(chosen);
            if let Some(warehouse) = warehouse {
                result.grants.extend(pool.take(need, warehouse));
            }
            if let (None, Some(chosen)) = (need.warehouse, chosen) {
                result.chosen.insert(need.order, chosen);
            }
        }
    }
    result
}

fn choose(pool: &Pool, lines: &[Need], warehouses: &[Uuid]) -> Option<Uuid> {
    if warehouses.len() < 2 || lines.iter().all(|line| line.warehouse.is_some()) {
        return warehouses.first().copied();
    }
    let cover = |warehouse: Uuid| {
        let mut full = 0;
        let mut total = Decimal::ZERO;
        for line in lines {
            let got = pool.covers(line, warehouse);
            full += usize::from(got == line.quantity);
            total += got;
        }
        (full, total)
    };
    let mut best: Option<(Uuid, (usize, Decimal))> = None;
    for warehouse in warehouses {
        let covered = cover(*warehouse);
        if best.as_ref().is_none_or(|(_, most)| covered > *most) {
            best = Some((*warehouse, covered));
        }
    }
    best.map(|(warehouse, _)| warehouse)
}

/// Why something about reservations is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The hold never ends by itself.
    #[error("the hold has no end to be put off")]
    NoEnd,
    /// The hold was extended as often as the rules allow.
    #[error("the end of the hold was put off {0} times already")]
    ExtendedOften(i32),
    /// A line would hold more than it wants.
    #[error("line {line_no} wants only {wanted}")]
    MoreThanWanted {
        /// Line.
        line_no: i32,
        /// What it wants.
        wanted: String,
    },
    /// The lines are of different items.
    #[error("the lines are of different items")]
    OtherItem,
    /// The lines are served from different warehouses.
    #[error("the lines are served from different warehouses")]
    OtherWarehouse,
    /// Who approves is who does it.
    #[error("somebody else must approve it")]
    SamePerson,
}

impl Refusal {
    /// The code the caller is told.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoEnd => "HOLD_WITHOUT_END",
            Self::ExtendedOften(_) => "HOLD_EXTENDED_OFTEN",
            Self::MoreThanWanted { .. } => "MORE_THAN_WANTED",
            Self::OtherItem => "OTHER_ITEM",
            Self::OtherWarehouse => "OTHER_WAREHOUSE",
            Self::SamePerson => "SAME_PERSON",
        }
    }
}

/// A held piece that may be given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Reservation.
    pub id: Uuid,
    /// Order or hold.
    pub order: Uuid,
    /// Line.
    pub line_no: i32,
    /// Item.
    pub sku: String,
    /// Lot.
    pub lot: Uuid,
    /// Place.
    pub place: i64,
    /// How much.
    pub quantity: Decimal,
    /// Shipment it is being picked for.
    pub shipment: Option<Uuid>,
}

/// A held piece with all of its quantity.
#[must_use]
pub fn whole(piece: Held) -> (Held, Decimal) {
    let all = piece.quantity;
    (piece, all)
}

/// Takes up to `quantity` from held pieces, in their order: what is taken of each, and what could not be covered.
#[must_use]
pub fn take_held(held: &[Held], quantity: Decimal) -> (Vec<(Held, Decimal)>, Decimal) {
    let mut left = quantity;
    let mut parts = Vec::new();
    for piece in held {
        let part = piece.quantity.min(left);
        if part > Decimal::ZERO {
            left -= part;
            parts.push((piece.clone(), part));
        }
    }
    (parts, left)
}

#[cfg(test)]
mod tests;
