//! The fold: movements of one item, in the order of their moments, each gets its value; what is left are the layers.

use std::collections::{BTreeMap, HashMap, VecDeque};

use rust_decimal::Decimal;
use types::{round_half_away, split_largest_remainder};
use uuid::Uuid;

use super::{Basis, CostLayer, Entry, Method, Pool, Revaluation};
use crate::ledger::domain::{Layer, Worth, share};

/// What a movement is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Valued {
    /// What moves with the goods; zero within a warehouse, where nothing changes its worth.
    pub value: Decimal,
    /// What comes on top of it from PRICE_VARIANCE.
    pub variance: Decimal,
}

/// More left a pool than was in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The movement.
    pub id: i64,
    /// How much was missing.
    pub missing: Decimal,
}

/// A lot in a warehouse: first the warehouse.
type LotIn = (Uuid, Uuid);

/// The state of one item's valuation between two movements.
#[derive(Clone, Debug)]
pub struct Fold {
    basis: Basis,
    digits: u32,
    pools: BTreeMap<Pool, VecDeque<CostLayer>>,
    /// What there is of each lot in each warehouse, as far as the fold has seen it.
    lots: BTreeMap<(Uuid, Uuid), Decimal>,
    /// What is outside and could come back, by the movement it left with.
    left: HashMap<i64, Layer>,
    /// What a unit of each lot last came in at.
    unit_costs: BTreeMap<Uuid, Decimal>,
}

impl Fold {
    /// Before the first movement.
    #[must_use]
    pub fn new(basis: Basis, digits: u32) -> Self {
        Self {
            basis,
            digits,
            pools: BTreeMap::new(),
            lots: BTreeMap::new(),
            left: HashMap::new(),
            unit_costs: BTreeMap::new(),
        }
    }

    /// After the last movement so far, as it was kept. Layers of a pool come in their order.
    #[must_use]
    pub fn resumed(basis: Basis, digits: u32, layers: impl IntoIterator<Item = (Pool, CostLayer)>) -> Self {
        let mut fold = Self::new(basis, digits);
        for (pool, layer) in layers {
            fold.pools.entry(pool).or_default().push_back(layer);
        }
        fold
    }

    /// The layers that have goods, by pool and in their order.
    pub fn layers(&self) -> impl Iterator<Item = (Pool, &CostLayer)> {
        self.pools.iter().flat_map(|(pool, layers)| layers.iter().map(|layer| (*pool, layer)))
    }

    /// What a unit of each lot last came in at.
    #[must_use]
    pub fn unit_costs(&self) -> &BTreeMap<Uuid, Decimal> {
        &self.unit_costs
    }

    /// Values the next movement.
    ///
    /// # Errors
    /// [`Shortage`] when the pool has less than leaves it.
    pub fn push(&mut self, entry: &Entry) -> Result<Valued, Shortage> {
        match (entry.from, entry.to) {
            (Some(from), Some(to)) if from == to => Ok(self.valued(Decimal::ZERO)),
            (Some(from), to) => {
                let value = self.take(self.basis.method.pool(from, entry.lot), entry)?;
                match to {
                    Some(to) => self.put(self.basis.method.pool(to, entry.lot), entry, value),
                    None => drop(self.left.insert(entry.id, Layer { on_hand: entry.quantity, value })),
                }
                Ok(self.valued(value))
            }
            (None, Some(to)) => {
                let pool = self.basis.method.pool(to, entry.lot);
                let value = self.incoming(entry, self.total(pool));
                let kept = if self.basis.method == Method::Standard { self.at_standard(entry.quantity) } else { value };
                self.put(pool, entry, kept);
                Ok(Valued { variance: kept - value, ..self.valued(value) })
            }
            (None, None) => {
                let value = self.incoming(entry, Layer { on_hand: Decimal::ZERO, value: Decimal::ZERO });
                Ok(self.valued(value))
            }
        }
    }

    /// Values everything otherwise from here on. Answers what that adds to the worth of each warehouse, where it adds
    /// anything: only the standard cost does, all other methods share out anew what is there. The fold must have seen
    /// every movement: it needs to know what there is of each lot.
    pub fn revalue(&mut self, to: &Revaluation) -> BTreeMap<Uuid, Decimal> {
        let worth = self.worth_by_lot();
        self.basis = to.basis;
        self.pools.clear();
        let mut before: BTreeMap<Uuid, Decimal> = BTreeMap::new();
        for ((warehouse, lot), value) in worth {
            let quantity = self.lots[&(warehouse, lot)];
            *before.entry(warehouse).or_default() += value;
            let layer = CostLayer { opened_by: 0, opened_at: to.at, quantity, value };
            self.join(to.basis.method.pool(warehouse, lot), layer);
        }
        if to.basis.method != Method::Standard {
            return BTreeMap::new();
        }
        let mut added = BTreeMap::new();
        for (pool, layers) in &mut self.pools {
            let Some(layer) = layers.front_mut() else { continue };
            layer.value = share(to.basis.standard, layer.quantity, Decimal::ONE, self.digits);
            let change = layer.value - before.get(&pool.warehouse).copied().unwrap_or_default();
            if !change.is_zero() {
                added.insert(pool.warehouse, change);
            }
        }
        added
    }

    /// What each lot in each warehouse is worth; a pool of many lots is shared out by quantity.
    fn worth_by_lot(&self) -> BTreeMap<(Uuid, Uuid), Decimal> {
        let there = self.lots.iter().filter(|(_, quantity)| !quantity.is_zero());
        let mut members: BTreeMap<Pool, (Vec<LotIn>, Vec<Decimal>)> = BTreeMap::new();
        for ((warehouse, lot), quantity) in there {
            let (lots, quantities) = members.entry(self.basis.method.pool(*warehouse, *lot)).or_default();
            lots.push((*warehouse, *lot));
            quantities.push(*quantity);
        }
        let mut worth = BTreeMap::new();
        for (pool, (lots, quantities)) in members {
            worth.extend(lots.into_iter().zip(split_largest_remainder(
                self.total(pool).value,
                &quantities,
                self.digits,
            )));
        }
        worth
    }

    fn valued(&self, value: Decimal) -> Valued {
        Valued { value: round_half_away(value, self.digits), variance: round_half_away(Decimal::ZERO, self.digits) }
    }

    fn total(&self, pool: Pool) -> Layer {
        let layers = || self.pools.get(&pool).into_iter().flatten();
        Layer { on_hand: layers().map(|layer| layer.quantity).sum(), value: layers().map(|layer| layer.value).sum() }
    }

    fn at_standard(&self, quantity: Decimal) -> Decimal {
        share(self.basis.standard, quantity, Decimal::ONE, self.digits)
    }

    /// What goods that were not ours are worth when they come to a pool that is worth `there`.
    fn incoming(&mut self, entry: &Entry, there: Layer) -> Decimal {
        let value = match entry.worth {
            Worth::Given(value) => value,
            // What left before the fold began is known by the document alone.
            Worth::Back { origin, value } => match self.left.get_mut(&origin) {
                Some(left) => left.issue(entry.quantity, self.digits),
                None => value,
            },
            Worth::Found(_) | Worth::Valued if self.basis.method == Method::Standard => {
                self.at_standard(entry.quantity)
            }
            Worth::Found(_) | Worth::Valued if there.on_hand > Decimal::ZERO => {
                share(there.value, entry.quantity, there.on_hand, self.digits)
            }
            Worth::Found(unit_cost) => {
                let unit_cost = self.unit_costs.get(&entry.lot).copied().unwrap_or(unit_cost);
                share(unit_cost, entry.quantity, Decimal::ONE, self.digits)
            }
            Worth::Valued => Decimal::ZERO,
        };
        if entry.sets_cost {
            let unit_cost = value.checked_div(entry.quantity).unwrap_or_default().round_dp(UNIT_COST_DIGITS);
            self.unit_costs.insert(entry.lot, unit_cost);
        }
        value
    }

    /// Puts goods into a pool.
    fn put(&mut self, pool: Pool, entry: &Entry, value: Decimal) {
        if let Some(warehouse) = entry.to {
            *self.lots.entry((warehouse, entry.lot)).or_default() += entry.quantity;
        }
        let opened_by = if self.basis.method == Method::Fifo { entry.id } else { 0 };
        self.join(pool, CostLayer { opened_by, opened_at: entry.at, quantity: entry.quantity, value });
    }

    /// Adds a layer to a pool: one more by the method fifo, to the one there is by the others.
    fn join(&mut self, pool: Pool, layer: CostLayer) {
        let layers = self.pools.entry(pool).or_default();
        match layers.back_mut().filter(|_| self.basis.method != Method::Fifo) {
            Some(all) => (all.quantity, all.value) = (all.quantity + layer.quantity, all.value + layer.value),
            None => layers.push_back(layer),
        }
    }

    /// Takes goods out of a pool and answers what they are worth.
    fn take(&mut self, pool: Pool, entry: &Entry) -> Result<Decimal, Shortage> {
        if let Some(warehouse) = entry.from {
            *self.lots.entry((warehouse, entry.lot)).or_default() -= entry.quantity;
        }
        let standard = (self.basis.method == Method::Standard).then(|| self.at_standard(entry.quantity));
        let layers = self.pools.entry(pool).or_default();
        let (mut missing, mut value) = (entry.quantity, Decimal::ZERO);
        while missing > Decimal::ZERO {
            let Some(first) = layers.front_mut() else { return Err(Shortage { id: entry.id, missing }) };
            let part = missing.min(first.quantity);
            let mut layer = Layer { on_hand: first.quantity, value: first.value };
            let of_part = match standard {
                Some(cost) if part < first.quantity => cost.min(layer.value),
                _ => layer.issue(part, self.digits),
            };
            (first.quantity, first.value) = (first.quantity - part, first.value - of_part);
            if first.quantity.is_zero() {
                layers.pop_front();
            }
            (missing, value) = (missing - part, value + of_part);
        }
        if layers.is_empty() {
            self.pools.remove(&pool);
        }
        Ok(value)
    }
}

/// Digits of a lot's unit cost.
const UNIT_COST_DIGITS: u32 = 8;
