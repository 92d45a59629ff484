//! What was read, made ready to be computed with, and the answers in wire form.

use std::collections::BTreeMap;

use proto::erp::v1::{
    BomCostSource, ExplodeBomResponse, ExplodedByProduct, ExplodedItem, ExplodedLevel, RolledUpCost, RolledUpLine,
};
use rust_decimal::Decimal;
use time::Date;
use types::{Currency, Quantity, Unit, round_half_away};

use super::{
    convert::{by_products, costs, in_unit, lines, stored_quantity},
    domain::{
        self, Boms, Losses, Refusal,
        cost::{ProductCost, Source},
        explosion, round_down, round_up,
    },
    queries::WholeView,
};
use crate::{
    error::Error,
    ledger::convert::{money, quantity},
};

/// Digits of a unit cost beyond the minor unit's.
const FINER: u32 = 4;

/// A stored version in the items' own units.
fn in_own_units(view: &WholeView) -> Result<domain::Bom, Error> {
    let own = |sku: &str, value: Decimal, unit: &str, own: &str| in_unit(sku, stored_quantity(value, unit)?, own);
    let line = |((sku, value, unit, loss, _), item): ((&String, Decimal, &String, Decimal, &String), &String)| {
        Ok(domain::Line { component: sku.clone(), quantity: own(sku, value, unit, item)?, loss })
    };
    let by_product = |((sku, value, unit, _), item): ((&String, Decimal, &String, bool), &String)| {
        Ok((sku.clone(), own(sku, value, unit, item)?))
    };
    let head = &view.head;
    Ok(domain::Bom {
        sku: head.sku.clone(),
        number: head.number,
        batch: own(&head.sku, head.quantity, &head.unit, view.item_unit.as_deref().unwrap_or_default())?,
        loss: head.loss_percent,
        lines: lines(view).zip(&view.line_item_units).map(line).collect::<Result<_, Error>>()?,
        by_products: by_products(view)
            .zip(&view.by_product_item_units)
            .map(by_product)
            .collect::<Result<_, Error>>()?,
        costs: costs(view).collect(),
    })
}

/// A product's version with everything below it, ready to be computed with.
pub(super) struct Structure {
    /// The product's version.
    pub(super) root: domain::Bom,
    /// Unit of the product.
    pub(super) unit: Unit,
    /// Versions below it.
    pub(super) boms: Boms,
    /// Units of everything below it.
    pub(super) units: BTreeMap<String, Unit>,
}

impl Structure {
    /// From what was read.
    pub(super) fn new(root: &WholeView, below: &[WholeView]) -> Result<Self, Error> {
        let unit = |code: &str| Unit::parse(code).map_err(|_| Error::Inconsistent("a part without a known unit"));
        let mut units = BTreeMap::new();
        for view in std::iter::once(root).chain(below) {
            let parts = view.line_skus.iter().zip(&view.line_item_units);
            for (sku, code) in parts.chain(view.by_product_skus.iter().zip(&view.by_product_item_units)) {
                units.insert(sku.clone(), unit(code)?);
            }
        }
        let boms = below.iter().map(|view| Ok((view.head.sku.clone(), in_own_units(view)?)));
        Ok(Self {
            unit: unit(root.item_unit.as_deref().unwrap_or_default())?,
            boms: boms.collect::<Result<_, Error>>()?,
            root: in_own_units(root)?,
            units,
        })
    }

    fn unit(&self, sku: &str) -> Unit {
        self.units.get(sku).copied().unwrap_or(self.unit)
    }

    fn rounded_up(&self, sku: &str, value: Decimal) -> proto::common::v1::Quantity {
        let unit = self.unit(sku);
        quantity(round_up(value, unit.digits()), unit.code())
    }

    /// Good product that so much of a component makes, rounded down to the product's digits.
    pub(super) fn made_of(&self, component: &str, there: Quantity) -> Result<Decimal, Error> {
        let missing = || Refusal::NotAComponent(component.to_owned());
        let unit = self.units.get(component).ok_or_else(missing)?;
        let there = in_unit(component, there, unit.code())?;
        let made = explosion::yield_of(&self.boms, &self.root, component, there)?;
        Ok(round_down(made, self.unit.digits()))
    }

    /// The answer to an explosion.
    pub(super) fn explode(&self, wanted: Decimal, day: Date) -> Result<ExplodeBomResponse, Error> {
        let found = explosion::explode(&self.boms, &self.root, wanted, Losses::Counted)?;
        let lossless = explosion::explode(&self.boms, &self.root, wanted, Losses::Ignored)?;
        let mut items: Vec<_> = found
            .items
            .iter()
            .map(|(sku, need)| ExplodedItem {
                sku: sku.clone(),
                low_level_code: small(need.level),
                bom_number: self.boms.get(sku).map_or(0, |bom| bom.number),
                quantity: Some(self.rounded_up(sku, need.quantity)),
                lossless_quantity: lossless.items.get(sku).map(|need| self.rounded_up(sku, need.quantity)),
            })
            .collect();
        items.sort_by_key(|item| item.low_level_code);
        let levels = (1..).zip(&found.levels).flat_map(|(level, items)| items.iter().map(move |item| (level, item)));
        let levels = levels.map(|(level, (sku, value))| ExplodedLevel {
            level,
            sku: sku.clone(),
            quantity: Some(self.rounded_up(sku, *value)),
        });
        let by_products = found.by_products.iter().map(|(sku, value)| {
            let unit = self.unit(sku);
            let quantity = Some(quantity(round_half_away(*value, unit.digits()), unit.code()));
            ExplodedByProduct { sku: sku.clone(), quantity }
        });
        Ok(ExplodeBomResponse {
            sku: self.root.sku.clone(),
            number: self.root.number,
            date: day.to_string(),
            quantity: Some(quantity(wanted, self.unit.code())),
            levels: levels.collect(),
            by_products: by_products.collect(),
            items,
        })
    }
}

fn small(level: usize) -> i32 {
    i32::try_from(level).unwrap_or(i32::MAX)
}

/// A rolled-up cost in wire form.
pub(super) fn cost(cost: ProductCost, structure: &Structure, currency: Currency) -> RolledUpCost {
    let finer = |value| types::Money::new(round_half_away(value, currency.minor_digits() + FINER), currency).into();
    let line = |line: domain::cost::LineCost| RolledUpLine {
        quantity: Some(structure.rounded_up(&line.component, line.quantity)),
        unit_cost: Some(finer(line.unit.cost)),
        cost: Some(money(line.cost, currency)),
        source: match line.unit.source {
            Source::RolledUp => BomCostSource::RolledUp,
            Source::Given => BomCostSource::Given,
            Source::Stock => BomCostSource::Stock,
            Source::LastLot => BomCostSource::LastLot,
        }
        .into(),
        component_sku: line.component,
    };
    let unit = structure.unit(&cost.sku);
    RolledUpCost {
        low_level_code: small(cost.level),
        number: cost.number,
        good_quantity: Some(quantity(round_down(cost.good, unit.digits()), unit.code())),
        lines: cost.lines.into_iter().map(line).collect(),
        material: Some(money(cost.material, currency)),
        batch_costs: Some(money(cost.batch_costs, currency)),
        unit_costs: Some(money(cost.unit_costs, currency)),
        total: Some(money(cost.total, currency)),
        unit_cost: Some(finer(cost.unit_cost)),
        sku: cost.sku,
    }
}
