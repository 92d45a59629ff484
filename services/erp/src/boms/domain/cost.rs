//! What a product costs to make: material at what it costs, level by level, plus what a batch and a unit cost.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Basis, Bom, Boms, Losses, Refusal, explosion::explode};

/// Where a component's cost is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Its own version.
    RolledUp,
    /// The caller.
    Given,
    /// Moving average of the stock.
    Stock,
    /// Its last lot.
    LastLot,
}

/// What one unit costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitCost {
    /// How much.
    pub cost: Decimal,
    /// Says who.
    pub source: Source,
}

/// An ingredient's share of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineCost {
    /// Component.
    pub component: String,
    /// What the batch takes of it, losses included.
    pub quantity: Decimal,
    /// One unit.
    pub unit: UnitCost,
    /// All of it.
    pub cost: Decimal,
}

/// The cost of a batch of a product, unrounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductCost {
    /// Product.
    pub sku: String,
    /// Low-level code; 0 for the product asked for.
    pub level: usize,
    /// Version.
    pub number: i32,
    /// Good units of the batch.
    pub good: Decimal,
    /// Ingredients.
    pub lines: Vec<LineCost>,
    /// Sum of them.
    pub material: Decimal,
    /// Costs by batch.
    pub batch_costs: Decimal,
    /// Costs by unit, for all good units.
    pub unit_costs: Decimal,
    /// Everything.
    pub total: Decimal,
    /// One good unit. By-products and waste carry nothing.
    pub unit_cost: Decimal,
}

/// Costs of a product and of every component that is made: the product first, then by low-level code and sku.
///
/// # Errors
/// [`Refusal::CostMissing`] with every bought component that `bought` does not know; those of [`explode`].
pub fn roll_up(boms: &Boms, product: &Bom, bought: &BTreeMap<String, UnitCost>) -> Result<Vec<ProductCost>, Refusal> {
    let structure = explode(boms, product, product.batch, Losses::Counted)?;
    let unknown = structure.items.keys().filter(|sku| !boms.contains_key(*sku) && !bought.contains_key(*sku));
    let unknown: Vec<_> = unknown.cloned().collect();
    if !unknown.is_empty() {
        return Err(Refusal::CostMissing(unknown));
    }
    let made = structure.items.iter().filter_map(|(sku, need)| Some((need.level, boms.get(sku)?)));
    let mut made: Vec<_> = made.chain([(0, product)]).collect();
    made.sort_by(|(level, bom), (other_level, other)| level.cmp(other_level).then_with(|| bom.sku.cmp(&other.sku)));
    let mut known = bought.clone();
    let mut costs = Vec::with_capacity(made.len());
    // From the bottom: a component's code is always higher than that of what it goes into.
    for (level, bom) in made.into_iter().rev() {
        let cost = of_batch(bom, level, &known)?;
        known.insert(bom.sku.clone(), UnitCost { cost: cost.unit_cost, source: Source::RolledUp });
        costs.push(cost);
    }
    costs.reverse();
    Ok(costs)
}

fn of_batch(bom: &Bom, level: usize, known: &BTreeMap<String, UnitCost>) -> Result<ProductCost, Refusal> {
    let mut material = Decimal::ZERO;
    let mut lines = Vec::with_capacity(bom.lines.len());
    for line in &bom.lines {
        let unit = *known.get(&line.component).ok_or_else(|| Refusal::CostMissing(vec![line.component.clone()]))?;
        let quantity = bom.taken(line)?;
        let cost = bom.fits(quantity.checked_mul(unit.cost))?;
        material = bom.fits(material.checked_add(cost))?;
        lines.push(LineCost { component: line.component.clone(), quantity, unit, cost });
    }
    let good = bom.good();
    let of = |basis| bom.costs.iter().filter(move |cost| cost.basis == basis).map(|cost| cost.amount);
    let batch_costs = bom.fits(of(Basis::Batch).try_fold(Decimal::ZERO, Decimal::checked_add))?;
    let by_unit = of(Basis::Unit).try_fold(Decimal::ZERO, Decimal::checked_add);
    let unit_costs = bom.fits(by_unit.and_then(|sum| sum.checked_mul(good)))?;
    let total = bom.fits(Some(material + batch_costs + unit_costs))?;
    let unit_cost = bom.fits(total.checked_div(good))?;
    Ok(ProductCost {
        sku: bom.sku.clone(),
        level,
        number: bom.number,
        good,
        lines,
        material,
        batch_costs,
        unit_costs,
        total,
        unit_cost,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::dec;

    use super::super::Cost;
    use super::super::tests::{all, bom};
    use super::*;

    fn bought(costs: &[(&str, Decimal)]) -> BTreeMap<String, UnitCost> {
        let unit = |cost: Decimal| UnitCost { cost, source: Source::Given };
        costs.iter().map(|(sku, cost)| ((*sku).to_owned(), unit(*cost))).collect()
    }

    fn cost(basis: Basis, amount: Decimal) -> Cost {
        Cost { name: "x".into(), basis, amount }
    }

    #[test]
    fn p1_recipe_cost() {
        let mut product = bom("A", &[("X", dec!(5), dec!(0)), ("Y", dec!(4), dec!(0))]);
        product.costs = vec![cost(Basis::Batch, dec!(300)), cost(Basis::Unit, dec!(100))];
        let costs = roll_up(&Boms::new(), &product, &bought(&[("X", dec!(10)), ("Y", dec!(25))])).unwrap();
        let [a] = costs.as_slice() else { panic!("one product") };
        assert_eq!((a.material, a.batch_costs, a.unit_costs), (dec!(150), dec!(300), dec!(100)));
        assert_eq!((a.total, a.unit_cost), (dec!(550), dec!(550)));
    }

    #[test]
    fn p3_waste_carries_nothing() {
        let mut product = bom("GOOD", &[("IN", dec!(20), dec!(0))]);
        product.by_products = vec![("WASTE".into(), dec!(1))];
        let costs = roll_up(&Boms::new(), &product, &bought(&[("IN", dec!(1))])).unwrap();
        assert_eq!((costs[0].total, costs[0].unit_cost), (dec!(20), dec!(20)));
    }

    #[test]
    fn a_made_component_costs_what_its_batch_costs() {
        // 10 kg of premix from 12 kg at 5 and a batch charge of 40, a fifth lost: 100 for 8 kg.
        let mut premix = bom("PREMIX", &[("RAW", dec!(12), dec!(0))]);
        (premix.batch, premix.loss) = (dec!(10), dec!(20));
        premix.costs = vec![cost(Basis::Batch, dec!(40))];
        let product = bom("JAR", &[("PREMIX", dec!(0.5), dec!(50)), ("LID", dec!(1), dec!(0))]);
        let known = bought(&[("RAW", dec!(5)), ("LID", dec!(3))]);
        let costs = roll_up(&all([premix]), &product, &known).unwrap();
        assert_eq!(
            costs.iter().map(|cost| (cost.sku.as_str(), cost.level)).collect::<Vec<_>>(),
            [("JAR", 0), ("PREMIX", 1)]
        );
        assert_eq!((costs[1].total, costs[1].unit_cost), (dec!(100), dec!(12.5)));
        assert_eq!((costs[0].lines[0].quantity, costs[0].total), (dec!(1), dec!(15.5)));
        assert_eq!(costs[0].lines[0].unit.source, Source::RolledUp);
    }

    #[test]
    fn every_cost_that_is_missing_is_named() {
        let product = bom("A", &[("X", dec!(1), dec!(0)), ("Y", dec!(1), dec!(0)), ("Z", dec!(1), dec!(0))]);
        let refused = roll_up(&Boms::new(), &product, &bought(&[("Y", dec!(0))]));
        assert_eq!(refused, Err(Refusal::CostMissing(vec!["X".into(), "Z".into()])));
    }

    proptest! {
        #[test]
        fn without_other_costs_a_product_costs_what_its_leaves_cost(
            quantities in proptest::collection::vec(1..1_000_i64, 6),
            losses in proptest::collection::vec(0..9_000_i64, 4),
            prices in proptest::collection::vec(0..100_000_i64, 3),
        ) {
            let q = |n: usize| Decimal::new(quantities[n], 2);
            let l = |n: usize| Decimal::new(losses[n], 2);
            let product = Bom { loss: l(0), ..bom("A", &[("B", q(0), l(1)), ("C", q(1), dec!(0)), ("X", q(2), dec!(0))]) };
            let boms = all([bom("B", &[("C", q(3), l(2)), ("Y", q(4), dec!(0))]), Bom { loss: l(3), ..bom("C", &[("Z", q(5), dec!(0))]) }]);
            let prices: Vec<_> = ["X", "Y", "Z"].into_iter().zip(prices.iter().map(|price| Decimal::new(*price, 2))).collect();
            let costs = roll_up(&boms, &product, &bought(&prices)).unwrap();
            let leaves = explode(&boms, &product, dec!(1), Losses::Counted).unwrap();
            let sum: Decimal = prices.iter().map(|(sku, price)| leaves.items[*sku].quantity * price).sum();
            prop_assert!((costs[0].unit_cost - sum).abs() < dec!(0.000000001));
        }
    }
}
