//! What a quantity of a product takes, level by level.
//!
//! Items of a level are added up before the next level is looked at, so that a structure in which everything is part of
//! everything above it costs levels × lines, not their power.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Bom, Boms, Losses, MAX_ITEMS, MAX_LEVELS, Refusal};

/// An item needed, over all levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Low-level code: the longest way from the product down to it.
    pub level: usize,
    /// How much.
    pub quantity: Decimal,
}

/// What a quantity takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explosion {
    /// By item.
    pub items: BTreeMap<String, Need>,
    /// By level, the first one first, and item.
    pub levels: Vec<BTreeMap<String, Decimal>>,
    /// What comes out beside the product, by item.
    pub by_products: BTreeMap<String, Decimal>,
}

/// What `wanted` good units of a product take.
///
/// # Errors
/// [`Refusal::TooDeep`] (a structure that contains itself is), [`Refusal::TooLarge`], [`Refusal::OutOfRange`].
pub fn explode(boms: &Boms, product: &Bom, wanted: Decimal, losses: Losses) -> Result<Explosion, Refusal> {
    let mut explosion = Explosion::default();
    let mut made = vec![(product, wanted)];
    loop {
        let mut below: BTreeMap<String, Decimal> = BTreeMap::new();
        for (bom, wanted) in made {
            for line in &bom.lines {
                add(&mut below, &line.component, bom.gross(line, wanted, losses)?)?;
            }
            for (sku, quantity) in &bom.by_products {
                add(&mut explosion.by_products, sku, bom.beside(*quantity, wanted)?)?;
            }
        }
        if below.is_empty() {
            return Ok(explosion);
        }
        let level = explosion.levels.len() + 1;
        if level > MAX_LEVELS {
            return Err(Refusal::TooDeep(product.sku.clone()));
        }
        for (sku, quantity) in &below {
            let need = explosion.items.entry(sku.clone()).or_default();
            need.level = level;
            need.quantity = sum(sku, need.quantity, *quantity)?;
        }
        if explosion.items.len() > MAX_ITEMS {
            return Err(Refusal::TooLarge(product.sku.clone()));
        }
        made = below.iter().filter_map(|(sku, quantity)| Some((boms.get(sku)?, *quantity))).collect();
        explosion.levels.push(below);
    }
}

/// How many good units so much of one component makes, the other components being there too.
///
/// # Errors
/// As [`explode`], and [`Refusal::NotAComponent`].
pub fn yield_of(boms: &Boms, product: &Bom, component: &str, there: Decimal) -> Result<Decimal, Refusal> {
    let batch = explode(boms, product, product.batch, Losses::Counted)?;
    let need = batch.items.get(component).filter(|need| need.quantity > Decimal::ZERO);
    let need = need.ok_or_else(|| Refusal::NotAComponent(component.to_owned()))?;
    let made = there.checked_mul(product.batch).and_then(|all| all.checked_div(need.quantity));
    product.fits(made)
}

fn add(sums: &mut BTreeMap<String, Decimal>, sku: &str, quantity: Decimal) -> Result<(), Refusal> {
    let entry = sums.entry(sku.to_owned()).or_default();
    *entry = sum(sku, *entry, quantity)?;
    Ok(())
}

fn sum(sku: &str, one: Decimal, other: Decimal) -> Result<Decimal, Refusal> {
    one.checked_add(other).ok_or_else(|| Refusal::OutOfRange(sku.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::dec;

    use super::super::tests::{all, bom};
    use super::super::{Line, round_up};
    use super::*;

    fn lossy(loss: Decimal, bom: Bom) -> Bom {
        Bom { loss, ..bom }
    }

    #[test]
    fn p2_losses_through_two_levels_both_ways() {
        let product = lossy(dec!(3), bom("A", &[("B", dec!(1), dec!(0))]));
        let boms = all([lossy(dec!(2), bom("B", &[("C", dec!(1), dec!(0))]))]);
        let gross = explode(&boms, &product, dec!(100), Losses::Counted).unwrap().items["C"];
        assert_eq!((gross.level, round_up(gross.quantity, 3)), (2, dec!(105.197)));
        // The same with the losses at the lines.
        let product = bom("A", &[("B", dec!(1), dec!(3))]);
        let boms = all([bom("B", &[("C", dec!(1), dec!(2))])]);
        let gross = explode(&boms, &product, dec!(100), Losses::Counted).unwrap().items["C"];
        assert_eq!(round_up(gross.quantity, 3), dec!(105.197));

        let product = lossy(dec!(82), bom("A", &[("B", dec!(1), dec!(0))]));
        let boms = all([lossy(dec!(66.67), bom("B", &[("C", dec!(1), dec!(0))]))]);
        let net = yield_of(&boms, &product, "C", dec!(10)).unwrap();
        assert_eq!((net.round_dp(9), net.round_dp(3)), (dec!(0.59994), dec!(0.600)));
    }

    #[test]
    fn an_item_on_two_levels_is_added_up_and_coded_by_the_lower() {
        let product = bom("A", &[("B", dec!(2), dec!(0)), ("D", dec!(5), dec!(0))]);
        let boms = all([bom("B", &[("C", dec!(3), dec!(0))]), bom("C", &[("D", dec!(4), dec!(0))])]);
        let found = explode(&boms, &product, dec!(10), Losses::Counted).unwrap();
        assert_eq!(found.items["D"], Need { level: 3, quantity: dec!(290) });
        let of_level = |level: usize| found.levels[level].get("D").copied();
        assert_eq!((of_level(0), of_level(1), of_level(2)), (Some(dec!(50)), None, Some(dec!(240))));
    }

    #[test]
    fn a_structure_as_wide_as_deep_is_no_trouble_and_one_too_deep_is_refused() {
        // Twenty levels, each made of two of the next in two lines: 4^20 ways down.
        let levels: Vec<_> = (0..20).map(|n| format!("L{n:02}")).collect();
        let two = |n: usize| {
            let below = levels.get(n + 1).map_or("LEAF", String::as_str);
            bom(&levels[n], &[(below, dec!(2), dec!(0)), (below, dec!(2), dec!(0))])
        };
        let boms = all((1..20).map(two));
        let found = explode(&boms, &two(0), dec!(1), Losses::Counted).unwrap();
        assert_eq!(found.items["LEAF"], Need { level: 20, quantity: Decimal::from(4_u64.pow(20)) });
        let deeper = bom("TOP", &[("L00", dec!(1), dec!(0))]);
        let boms = all((0..20).map(two));
        assert_eq!(explode(&boms, &deeper, dec!(1), Losses::Counted), Err(Refusal::TooDeep("TOP".into())));
    }

    /// Exact fractions, for an independent count.
    #[derive(Clone, Copy)]
    struct Ratio(i128, i128);

    impl Ratio {
        fn times(self, by: Self) -> Self {
            let (mut a, mut b) = (self.0 * by.0, self.1 * by.1);
            let (top, bottom) = (a, b);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            Self(top / a, bottom / a)
        }
    }

    /// One way down after the other, as a person would, without adding anything up in between.
    fn naively(boms: &Boms, product: &Bom, wanted: Ratio, sums: &mut BTreeMap<String, Vec<Ratio>>) {
        for line in &product.lines {
            let whole = |value: Decimal| i128::try_from(value * dec!(100)).unwrap();
            let per_batch = Ratio(whole(line.quantity), whole(product.batch));
            let kept = |loss: Decimal| Ratio(10_000, 10_000 - whole(loss));
            let need = wanted.times(per_batch).times(kept(product.loss)).times(kept(line.loss));
            sums.entry(line.component.clone()).or_default().push(need);
            if let Some(made) = boms.get(&line.component) {
                naively(boms, made, need, sums);
            }
        }
    }

    /// Products 0 to 7, each made of later ones: four levels on the whole, all figures with two decimals.
    fn structures() -> impl Strategy<Value = (Boms, Bom)> {
        let loss = || prop_oneof![Just(0_i64), 1..5_000_i64];
        let line = (1..8_usize, 1..2_000_i64, loss());
        let one = (1..50_i64, loss(), proptest::collection::vec(line, 1..4));
        proptest::collection::vec(one, 4).prop_map(|made| {
            let cents = |n| Decimal::new(n, 2);
            let mut boms: Vec<_> = (0..)
                .zip(made)
                .map(|(n, (batch, loss, lines))| Bom {
                    batch: Decimal::from(batch),
                    lines: lines
                        .into_iter()
                        .map(|(step, quantity, loss)| Line {
                            component: format!("P{}", n + step),
                            quantity: cents(quantity),
                            loss: cents(loss),
                        })
                        .collect(),
                    ..lossy(cents(loss), bom(&format!("P{n}"), &[]))
                })
                .collect();
            let product = boms.remove(0);
            (all(boms), product)
        })
    }

    proptest! {
        #[test]
        fn an_explosion_is_what_following_every_way_down_gives((boms, product) in structures(), wanted in 1..100_i64) {
            let found = explode(&boms, &product, Decimal::from(wanted), Losses::Counted).unwrap();
            let mut sums = BTreeMap::new();
            naively(&boms, &product, Ratio(i128::from(wanted), 1), &mut sums);
            prop_assert_eq!(found.items.keys().collect::<Vec<_>>(), sums.keys().collect::<Vec<_>>());
            for (sku, ways) in sums {
                let parts = ways.into_iter().map(|Ratio(top, bottom)| {
                    // Whole and rest apart, so that both fit a decimal.
                    let rest = Decimal::from_i128_with_scale((top % bottom) * 1_000_000_000_000 / bottom, 12);
                    Decimal::from_i128_with_scale(top / bottom, 0) + rest
                });
                let exact: Decimal = parts.sum();
                prop_assert!((found.items[&sku].quantity - exact).abs() < dec!(0.000000001), "{} {}", sku, exact);
            }
        }

        #[test]
        fn levels_add_up_to_items_and_codes_fall((boms, product) in structures()) {
            let found = explode(&boms, &product, dec!(7), Losses::Counted).unwrap();
            for (sku, need) in &found.items {
                let levels = found.levels.iter().filter_map(|level| level.get(sku));
                prop_assert_eq!(levels.sum::<Decimal>(), need.quantity);
                for line in boms.get(sku).iter().flat_map(|bom| &bom.lines) {
                    prop_assert!(found.items[&line.component].level > need.level);
                }
            }
        }

        #[test]
        fn what_is_needed_for_a_quantity_makes_that_quantity((boms, product) in structures(), wanted in 1..100_i64) {
            let wanted = Decimal::from(wanted);
            let found = explode(&boms, &product, wanted, Losses::Counted).unwrap();
            for (sku, need) in found.items {
                let made = yield_of(&boms, &product, &sku, need.quantity).unwrap();
                prop_assert!((made - wanted).abs() < dec!(0.000000001), "{} {}", sku, made);
            }
        }

        #[test]
        fn losses_never_lessen_a_need((boms, product) in structures()) {
            let with = explode(&boms, &product, dec!(3), Losses::Counted).unwrap();
            let without = explode(&boms, &product, dec!(3), Losses::Ignored).unwrap();
            for (sku, need) in without.items {
                prop_assert!(with.items[&sku].quantity >= need.quantity);
            }
        }
    }
}
