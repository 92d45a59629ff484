#![doc = "All goods of the demo company and the lots they lie in."]

use rust_decimal::Decimal;
use time::{Date, Duration};

use super::chance::Chance;
use super::scale::Sizes;
use super::{nutrition, tackle};

/// A good the company sells, priced in roubles, VAT of 22 % inside, in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    /// Stock keeping unit.
    pub sku: String,
    /// Russian name.
    pub name: String,
    /// Category path.
    pub category: String,
    /// Brand.
    pub brand: String,
    /// EAN-13 with a right check digit.
    pub barcode: String,
    /// Sales price of one.
    pub price: Decimal,
    /// What one costs the company.
    pub unit_cost: Decimal,
    /// Weight of one in grams.
    pub weight_grams: i64,
    /// Shelf life; `None` when it does not expire.
    pub shelf_life_days: Option<u32>,
    /// Number of the supplier; `None` for own production.
    pub supplier: Option<u64>,
}

/// A delivery into stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// Lot number.
    pub number: String,
    /// Pieces.
    pub pieces: i64,
    /// Expiry date.
    pub expires_on: Option<Date>,
}

/// Number of goods.
pub const fn count(sizes: &Sizes) -> u64 {
    nutrition::GOODS + sizes.tackle
}

/// Good number `n`, below [`count`]: own production first, tackle after it.
pub fn good(seed: u64, sizes: &Sizes, n: u64) -> Good {
    match n.checked_sub(nutrition::GOODS) {
        None => nutrition::good(seed, n),
        Some(tackle) => tackle::good(seed, tackle, sizes.suppliers),
    }
}

/// Code of a supplier.
pub fn supplier_code(n: u64) -> String {
    format!("SUP-{:04}", n + 1)
}

/// The lots of good `n` for a demand of `demand` pieces in all: a fifth more than that, but for every fortieth good,
/// which is short on purpose so that orders have to wait.
pub fn lots(seed: u64, n: u64, good: &Good, demand: i64, today: Date) -> Vec<Lot> {
    let mut chance = Chance::new(seed, "lots", n);
    let wanted = if n % 40 == 39 { demand * 7 / 10 } else { demand * 6 / 5 + chance.between(2, 12) as i64 };
    let parts = chance.between(1, 3) as i64;
    let per_part = wanted / parts;
    (0..parts)
        .map(|part| {
            let pieces = if part == 0 { wanted - per_part * (parts - 1) } else { per_part };
            let expires_on = good
                .shelf_life_days
                .map(|days| today + Duration::days(i64::from(days) / 3 + chance.below(u64::from(days) * 2 / 3) as i64));
            Lot { number: format!("{}-L{:02}", good.sku, part + 1), pieces, expires_on }
        })
        .filter(|lot| lot.pieces > 0)
        .collect()
}

/// The EAN-13 of twelve digits.
pub fn barcode(twelve: u64) -> String {
    let digits = format!("{twelve:012}");
    let sum: u32 = digits.bytes().enumerate().map(|(i, d)| u32::from(d - b'0') * if i % 2 == 0 { 1 } else { 3 }).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::date;

    use super::super::scale::Scale;
    use super::*;

    #[test]
    fn the_check_digit_is_that_of_a_known_code() {
        assert_eq!(barcode(400_638_133_393), "4006381333931");
    }

    #[test]
    fn goods_are_the_same_every_time_and_differ_by_sku_and_barcode() {
        let sizes = Scale::Small.sizes();
        let all: Vec<_> = (0..count(&sizes)).map(|n| good(42, &sizes, n)).collect();
        assert_eq!(all.len(), 720);
        assert!((0..count(&sizes)).all(|n| good(42, &sizes, n) == all[n as usize]));
        assert_eq!(all.iter().map(|g| &g.sku).collect::<HashSet<_>>().len(), all.len());
        assert_eq!(all.iter().map(|g| &g.barcode).collect::<HashSet<_>>().len(), all.len());
        assert!(all.iter().all(|g| g.price > g.unit_cost && g.unit_cost > Decimal::ZERO && g.weight_grams > 0));
    }

    #[test]
    fn lots_hold_a_fifth_more_than_is_wanted_unless_short_on_purpose() {
        let sizes = Scale::Small.sizes();
        let pieces =
            |n| -> i64 { lots(1, n, &good(1, &sizes, n), 100, date!(2026 - 01 - 01)).iter().map(|l| l.pieces).sum() };
        assert!((122..=132).contains(&pieces(0)));
        assert_eq!(pieces(39), 70);
    }

    #[test]
    fn what_expires_expires_after_today() {
        let sizes = Scale::Small.sizes();
        let today = date!(2026 - 01 - 01);
        let whey = good(1, &sizes, 0);
        assert!(lots(1, 0, &whey, 100, today).iter().all(|l| l.expires_on.is_some_and(|d| d > today)));
    }
}
