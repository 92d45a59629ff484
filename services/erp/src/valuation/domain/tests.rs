//! The fold against an oracle written differently: whole kopecks in plain lists, every step from the movements alone.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::{Decimal, dec};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::*;

const METHODS: [Method; 4] = [Method::Lot, Method::Average, Method::Fifo, Method::Standard];
/// Standard cost of a piece in kopecks.
const STANDARD: i64 = 1_234;

/// What somebody would like to happen; what cannot is left out.
#[derive(Clone, Copy, Debug)]
struct Wish {
    kind: u8,
    warehouse: u8,
    lot: u8,
    quantity: i64,
    kopecks: i64,
    /// Day it is dated; movements of a day happen in the order of the wishes.
    day: i64,
}

fn wish() -> impl Strategy<Value = Wish> {
    (0u8..8, 0u8..2, 0u8..3, 1i64..9, 0i64..100_000, 0i64..20).prop_map(
        |(kind, warehouse, lot, quantity, kopecks, day)| Wish { kind, warehouse, lot, quantity, kopecks, day },
    )
}

/// Piles of pieces and kopecks.
type Pile = Vec<(i64, i64)>;

struct Oracle {
    method: Method,
    piles: BTreeMap<(u8, u8), Pile>,
    lots: BTreeMap<(u8, u8), i64>,
    /// What left for good, by movement: pieces, kopecks, lot.
    outside: BTreeMap<i64, (i64, i64, u8)>,
    unit_kopecks: BTreeMap<u8, Decimal>,
}

/// Half a kopeck goes up.
fn round(product: i64, by: i64) -> i64 {
    (2 * product + by).div_euclid(2 * by)
}

fn proportional((pieces, kopecks): (i64, i64), quantity: i64) -> i64 {
    if quantity == pieces { kopecks } else { round(kopecks * quantity, pieces) }
}

impl Oracle {
    fn key(&self, warehouse: u8, lot: u8) -> (u8, u8) {
        let together = matches!(self.method, Method::Average | Method::Standard);
        (warehouse, if together { 99 } else { lot })
    }

    fn take(&mut self, warehouse: u8, lot: u8, mut quantity: i64) -> i64 {
        *self.lots.get_mut(&(warehouse, lot)).unwrap() -= quantity;
        let (key, method) = (self.key(warehouse, lot), self.method);
        let pile = self.piles.get_mut(&key).unwrap();
        let mut cost = 0;
        while quantity > 0 {
            let part = quantity.min(pile[0].0);
            let value = match method {
                Method::Standard if part < pile[0].0 => (STANDARD * part).min(pile[0].1),
                _ => proportional(pile[0], part),
            };
            pile[0] = (pile[0].0 - part, pile[0].1 - value);
            if pile[0].0 == 0 {
                assert_eq!(pile.remove(0).1, 0, "nothing is worth nothing");
            }
            (quantity, cost) = (quantity - part, cost + value);
        }
        cost
    }

    fn put(&mut self, warehouse: u8, lot: u8, quantity: i64, kopecks: i64) {
        *self.lots.entry((warehouse, lot)).or_default() += quantity;
        let (key, method) = (self.key(warehouse, lot), self.method);
        let pile = self.piles.entry(key).or_default();
        match pile.last_mut().filter(|_| method != Method::Fifo) {
            Some(last) => *last = (last.0 + quantity, last.1 + kopecks),
            None => pile.push((quantity, kopecks)),
        }
    }

    fn total(&self, warehouse: u8, lot: u8) -> (i64, i64) {
        let pile = self.piles.get(&self.key(warehouse, lot)).into_iter().flatten();
        pile.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

fn warehouse(n: u8) -> Uuid {
    Uuid::from_u128(1 + u128::from(n))
}

fn lot(n: u8) -> Uuid {
    Uuid::from_u128(100 + u128::from(n))
}

fn money(kopecks: i64) -> Decimal {
    Decimal::new(kopecks, 2)
}

/// Does what a wish wants in the oracle, if it can be done. Answers the movement and its value.
fn grant(oracle: &mut Oracle, id: i64, wish: Wish) -> Option<(Entry, i64)> {
    let (at, there) = (wish.warehouse, oracle.lots.get(&(wish.warehouse, wish.lot)).copied().unwrap_or(0));
    let mut entry = Entry {
        id,
        at: OffsetDateTime::UNIX_EPOCH + Duration::days(wish.day),
        from: None,
        to: None,
        lot: lot(wish.lot),
        quantity: wish.quantity.into(),
        worth: Worth::Valued,
        sets_cost: false,
    };
    let kept = |kopecks| if oracle.method == Method::Standard { STANDARD * wish.quantity } else { kopecks };
    match wish.kind {
        0..=2 => {
            let (cost, kept) = (wish.kopecks, kept(wish.kopecks));
            (entry.to, entry.worth, entry.sets_cost) = (Some(warehouse(at)), Worth::Given(money(cost)), true);
            oracle.unit_kopecks.insert(wish.lot, (money(cost) / Decimal::from(wish.quantity)).round_dp(8));
            oracle.put(at, wish.lot, wish.quantity, kept);
            Some((entry, cost))
        }
        3 | 4 if there >= wish.quantity => {
            entry.from = Some(warehouse(at));
            let cost = oracle.take(at, wish.lot, wish.quantity);
            oracle.outside.insert(id, (wish.quantity, cost, wish.lot));
            Some((entry, cost))
        }
        5 if there >= wish.quantity => {
            (entry.from, entry.to) = (Some(warehouse(at)), Some(warehouse(1 - at)));
            let cost = oracle.take(at, wish.lot, wish.quantity);
            oracle.put(1 - at, wish.lot, wish.quantity, cost);
            Some((entry, cost))
        }
        6 => {
            let (origin, sent) = oracle.outside.iter().find(|(_, sent)| sent.0 > 0).map(|(id, sent)| (*id, *sent))?;
            let quantity = wish.quantity.min(sent.0);
            let cost = proportional((sent.0, sent.1), quantity);
            oracle.outside.insert(origin, (sent.0 - quantity, sent.1 - cost, sent.2));
            let kept = if oracle.method == Method::Standard { STANDARD * quantity } else { cost };
            oracle.put(at, sent.2, quantity, kept);
            (entry.to, entry.lot, entry.quantity) = (Some(warehouse(at)), lot(sent.2), quantity.into());
            entry.worth = Worth::Back { origin, value: money(cost) };
            Some((entry, cost))
        }
        7 => {
            let last = *oracle.unit_kopecks.get(&wish.lot)?;
            let cost = match oracle.total(at, wish.lot) {
                _ if oracle.method == Method::Standard => STANDARD * wish.quantity,
                (0, _) => round((last * Decimal::from(wish.quantity) * dec!(100_000_000)).try_into().ok()?, 1_000_000),
                (pieces, kopecks) => round(kopecks * wish.quantity, pieces),
            };
            oracle.put(at, wish.lot, wish.quantity, cost);
            (entry.to, entry.worth) = (Some(warehouse(at)), Worth::Found(last));
            Some((entry, cost))
        }
        _ => None,
    }
}

fn basis(method: Method) -> Basis {
    Basis::new(method, Some(money(STANDARD))).unwrap()
}

fn piles(fold: &Fold) -> Vec<(Pool, Decimal, Decimal)> {
    fold.layers().map(|(pool, layer)| (pool, layer.quantity, layer.value)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_life_of_an_item_costs_what_the_oracle_says_also_when_it_is_resumed_after_every_step(
        mut wishes in prop::collection::vec(wish(), 1..30), method in 0usize..4,
    ) {
        let method = METHODS[method];
        wishes.sort_by_key(|wish| wish.day);
        let mut oracle = Oracle {
            method, piles: BTreeMap::new(), lots: BTreeMap::new(), outside: BTreeMap::new(), unit_kopecks: BTreeMap::new(),
        };
        let mut whole = Fold::new(basis(method), 2);
        let mut balance = Decimal::ZERO;
        for (wish, id) in wishes.into_iter().zip(1..) {
            let Some((entry, cost)) = grant(&mut oracle, id, wish) else { continue };
            let layers: Vec<_> = whole.layers().map(|(pool, layer)| (pool, layer.clone())).collect();
            let mut resumed = Fold::resumed(basis(method), 2, layers);
            let valued = whole.push(&entry).unwrap();
            prop_assert_eq!(valued.value, money(cost), "{:?}", entry);
            prop_assert_eq!(resumed.push(&entry).unwrap(), valued);
            prop_assert_eq!(piles(&resumed), piles(&whole));
            let (out, back) = (entry.from.is_some(), entry.to.is_some());
            balance += valued.variance;
            balance += match (out, back) { (true, false) => -valued.value, (false, true) => valued.value, _ => Decimal::ZERO };
        }
        let kept: Decimal = whole.layers().map(|(_, layer)| layer.value).sum();
        prop_assert_eq!(kept, balance);
        let expected: i64 = oracle.piles.values().flatten().map(|pile| pile.1).sum();
        prop_assert_eq!(kept, money(expected));
        for (_, layer) in whole.layers() {
            prop_assert!(layer.quantity > Decimal::ZERO && layer.value >= Decimal::ZERO);
        }
    }

    #[test]
    fn another_method_keeps_the_worth_of_every_warehouse_and_standard_cost_says_what_it_changes(
        mut wishes in prop::collection::vec(wish(), 1..20), from in 0usize..4, to in 0usize..4,
    ) {
        wishes.sort_by_key(|wish| wish.day);
        let mut oracle = Oracle {
            method: METHODS[from], piles: BTreeMap::new(), lots: BTreeMap::new(), outside: BTreeMap::new(),
            unit_kopecks: BTreeMap::new(),
        };
        let mut fold = Fold::new(basis(METHODS[from]), 2);
        for (wish, id) in wishes.into_iter().zip(1..) {
            if let Some((entry, _)) = grant(&mut oracle, id, wish) {
                fold.push(&entry).unwrap();
            }
        }
        let worth = |fold: &Fold| {
            let mut worth: BTreeMap<Uuid, (Decimal, Decimal)> = BTreeMap::new();
            for (pool, quantity, value) in piles(fold) {
                let one = worth.entry(pool.warehouse).or_default();
                *one = (one.0 + quantity, one.1 + value);
            }
            worth
        };
        let before = worth(&fold);
        let at = OffsetDateTime::UNIX_EPOCH + Duration::days(30);
        let added = fold.revalue(&Revaluation { id: Uuid::nil(), at, basis: basis(METHODS[to]) });
        for (warehouse, (quantity, value)) in worth(&fold) {
            let change = added.get(&warehouse).copied().unwrap_or_default();
            prop_assert_eq!((quantity, value), (before[&warehouse].0, before[&warehouse].1 + change));
            if METHODS[to] == Method::Standard {
                prop_assert_eq!(value, quantity * money(STANDARD));
            }
        }
        prop_assert!(added.is_empty() || METHODS[to] == Method::Standard);
    }
}
