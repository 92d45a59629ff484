//! Bills of material in wire form, and back.

use std::collections::BTreeMap;

use proto::{
    common::v1::Money,
    erp::v1::{
        Bom, BomByProduct, BomContent, BomCost, BomCostBasis, BomGivenCost, BomLine, BomState, BomUse,
        explode_bom_request::Known as KnownInput,
    },
};
use rust_decimal::Decimal;
use service::Check;
use types::{Currency, Quantity, Unit};

use super::{
    domain::{
        Basis, Content, Cost, NewByProduct, NewLine, Refusal,
        cost::{Source, UnitCost},
    },
    queries::{HeadView, UseView, WholeView},
};
use crate::{
    error::Error,
    ledger::convert::{number, quantity},
};

fn percent(check: &mut Check, field: &str, value: &str) -> Decimal {
    if value.is_empty() {
        return Decimal::ZERO;
    }
    let percent = check.decimal(field, value);
    let fits = percent >= Decimal::ZERO && percent < Decimal::ONE_HUNDRED && percent.normalize().scale() <= 4;
    check.require(fits, field, "must be 0 to 99.9999 with at most four decimals");
    percent
}

fn amount(check: &mut Check, field: &str, value: &Option<Money>, currency: Currency) -> Decimal {
    let money = check.money(field, value);
    if value.is_some() {
        check.require(money.currency == currency, field, format!("must be in {}", currency.code()));
        check.require(!money.is_negative(), field, "must not be negative");
    }
    money.amount
}

/// Reads what a version is to say.
pub(super) fn content(check: &mut Check, sku: &str, input: Option<&BomContent>, currency: Currency) -> Content {
    let nothing = BomContent::default();
    check.require(input.is_some(), "content", "is missing");
    let input = input.unwrap_or(&nothing);
    check.len("content.lines", input.lines.len(), 1..=50);
    check.len("content.by_products", input.by_products.len(), 0..=20);
    check.len("content.costs", input.costs.len(), 0..=20);
    let line = |(index, line): (usize, &BomLine)| {
        let at = |field: &str| format!("content.lines[{index}].{field}");
        NewLine {
            component: check.text(&at("component_sku"), &line.component_sku, 1..=64),
            quantity: check.positive_quantity(&at("quantity"), &line.quantity),
            loss_percent: percent(check, &at("loss_percent"), &line.loss_percent),
            note: check.optional_text(&at("note"), &line.note, 300),
        }
    };
    let lines = input.lines.iter().take(50).enumerate().map(line).collect();
    let by_product = |(index, part): (usize, &BomByProduct)| {
        let at = |field: &str| format!("content.by_products[{index}].{field}");
        check.require(part.sku != sku, at("sku"), "must not be the product");
        NewByProduct {
            sku: check.text(&at("sku"), &part.sku, 1..=64),
            quantity: check.positive_quantity(&at("quantity"), &part.quantity),
            waste: part.waste,
        }
    };
    let by_products = input.by_products.iter().take(20).enumerate().map(by_product).collect();
    let cost = |(index, cost): (usize, &BomCost)| {
        let at = |field: &str| format!("content.costs[{index}].{field}");
        let basis = match cost.basis() {
            BomCostBasis::Batch => Basis::Batch,
            BomCostBasis::Unit => Basis::Unit,
            BomCostBasis::Unspecified => {
                check.wrong(at("basis"), "is missing");
                Basis::Batch
            }
        };
        let name = check.text(&at("name"), &cost.name, 1..=100);
        Cost { name, basis, amount: amount(check, &at("amount"), &cost.amount, currency) }
    };
    let costs = input.costs.iter().take(20).enumerate().map(cost).collect();
    Content {
        valid_from: check.optional_date("content.valid_from", &input.valid_from),
        quantity: check.positive_quantity("content.quantity", &input.quantity),
        loss_percent: percent(check, "content.loss_percent", &input.loss_percent),
        lines,
        by_products,
        costs,
        note: check.optional_text("content.note", &input.note, 1_000),
    }
}

/// What an explosion starts from.
pub(super) enum Known {
    /// Good product wanted.
    Wanted(Quantity),
    /// So much of a component is there.
    Input(String, Quantity),
}

/// Reads what an explosion starts from.
pub(super) fn known(check: &mut Check, input: Option<&KnownInput>) -> Known {
    match input {
        Some(KnownInput::Input(input)) => Known::Input(
            check.text("input.component_sku", &input.component_sku, 1..=64),
            check.positive_quantity("input.quantity", &input.quantity),
        ),
        Some(KnownInput::Quantity(wanted)) => Known::Wanted(check.positive_quantity("quantity", &Some(wanted.clone()))),
        None => Known::Wanted(check.positive_quantity("quantity", &None)),
    }
}

/// Reads the costs a caller gives.
pub(super) fn given(
    check: &mut Check,
    product: &str,
    costs: &[BomGivenCost],
    currency: Currency,
) -> BTreeMap<String, UnitCost> {
    check.len("costs", costs.len(), 0..=500);
    let mut given = BTreeMap::new();
    for (index, cost) in costs.iter().take(500).enumerate() {
        let at = |field: &str| format!("costs[{index}].{field}");
        let sku = check.text(&at("sku"), &cost.sku, 1..=64);
        check.require(sku != product, at("sku"), "must be a component");
        let unit = UnitCost { cost: amount(check, &at("unit_cost"), &cost.unit_cost, currency), source: Source::Given };
        check.require(given.insert(sku, unit).is_none(), "costs", "must name each sku once");
    }
    given
}

/// The stored code of a state asked for.
pub(super) fn state_code(state: BomState) -> Option<&'static str> {
    match state {
        BomState::Unspecified => None,
        BomState::Draft => Some("draft"),
        BomState::Active => Some("active"),
    }
}

fn state(code: &str) -> i32 {
    let state = if code == "active" { BomState::Active } else { BomState::Draft };
    state.into()
}

/// A version in wire form, without its parts.
pub(super) fn head(view: HeadView) -> Bom {
    Bom {
        state: state(&view.state),
        content: Some(BomContent {
            valid_from: view.valid_from.to_string(),
            quantity: Some(quantity(view.quantity, &view.unit)),
            loss_percent: number(view.loss_percent),
            note: view.note,
            ..BomContent::default()
        }),
        sku: view.sku,
        number: view.number,
        version: view.version,
        saved_by: view.saved_by,
        saved_at: Some(proto::to_timestamp(view.saved_at)),
        activated_by: view.activated_by,
        activated_at: view.activated_at.map(proto::to_timestamp),
        line_count: view.line_count,
    }
}

/// A version in wire form, whole.
pub(super) fn whole(view: WholeView, currency: Currency) -> Bom {
    let lines = lines(&view).map(|(sku, value, unit, loss, note)| BomLine {
        component_sku: sku.clone(),
        quantity: Some(quantity(value, unit)),
        loss_percent: number(loss),
        note: note.clone(),
    });
    let by_products = by_products(&view).map(|(sku, value, unit, waste)| BomByProduct {
        sku: sku.clone(),
        quantity: Some(quantity(value, unit)),
        waste,
    });
    let costs = costs(&view).map(|cost| {
        let basis = match cost.basis {
            Basis::Batch => BomCostBasis::Batch,
            Basis::Unit => BomCostBasis::Unit,
        };
        let amount = types::Money::new(cost.amount, currency).into();
        BomCost { name: cost.name, basis: basis.into(), amount: Some(amount) }
    });
    let (lines, by_products, costs) = (lines.collect(), by_products.collect(), costs.collect());
    let mut bom = head(view.head);
    if let Some(content) = &mut bom.content {
        (content.lines, content.by_products, content.costs) = (lines, by_products, costs);
    }
    bom
}

/// The ingredients: item, quantity, unit, loss, note.
pub(super) fn lines(view: &WholeView) -> impl Iterator<Item = (&String, Decimal, &String, Decimal, &String)> {
    let quantities = view.line_quantities.iter().zip(&view.line_units);
    let rest = view.line_losses.iter().zip(&view.line_notes);
    view.line_skus
        .iter()
        .zip(quantities.zip(rest))
        .map(|(sku, ((value, unit), (loss, note)))| (sku, *value, unit, *loss, note))
}

/// The by-products: item, quantity, unit, waste.
pub(super) fn by_products(view: &WholeView) -> impl Iterator<Item = (&String, Decimal, &String, bool)> {
    let quantities = view.by_product_quantities.iter().zip(&view.by_product_units);
    let parts = view.by_product_skus.iter().zip(quantities.zip(&view.by_product_wastes));
    parts.map(|(sku, ((value, unit), waste))| (sku, *value, unit, *waste))
}

/// The costs.
pub(super) fn costs(view: &WholeView) -> impl Iterator<Item = Cost> {
    let amounts = view.cost_bases.iter().zip(&view.cost_amounts);
    let cost = |(name, (basis, amount)): (&String, (&String, &Decimal))| Cost {
        name: name.clone(),
        basis: Basis::parse(basis),
        amount: *amount,
    };
    view.cost_names.iter().zip(amounts).map(cost)
}

/// A quantity in the unit its item is stocked in.
///
/// # Errors
/// [`Error::UnitMismatch`] when it does not convert; [`Refusal::OutOfRange`].
pub(super) fn in_unit(sku: &str, quantity: Quantity, unit: &str) -> Result<Decimal, Error> {
    let stocked = Unit::parse(unit).ok().filter(|stocked| quantity.unit.converts_to(*stocked));
    let stocked = stocked.ok_or_else(|| Error::UnitMismatch { sku: sku.to_owned(), unit: unit.to_owned() })?;
    let converted = quantity.unit.convert(quantity.value, stocked);
    Ok(converted.ok_or_else(|| Refusal::OutOfRange(sku.to_owned()))?)
}

/// A quantity as it was written.
pub(super) fn stored_quantity(value: Decimal, unit: &str) -> Result<Quantity, Error> {
    let unit = Unit::parse(unit).map_err(|_| Error::Inconsistent("a bill of material with an unknown unit"))?;
    Ok(Quantity { value, unit })
}

/// What a stored version says, as it was written.
pub(super) fn stored(view: &WholeView) -> Result<Content, Error> {
    let line = |(sku, value, unit, loss, note): (&String, Decimal, &String, Decimal, &String)| {
        let quantity = stored_quantity(value, unit)?;
        Ok(NewLine { component: sku.clone(), quantity, loss_percent: loss, note: note.clone() })
    };
    let by_product = |(sku, value, unit, waste): (&String, Decimal, &String, bool)| {
        Ok(NewByProduct { sku: sku.clone(), quantity: stored_quantity(value, unit)?, waste })
    };
    Ok(Content {
        valid_from: Some(view.head.valid_from),
        quantity: stored_quantity(view.head.quantity, &view.head.unit)?,
        loss_percent: view.head.loss_percent,
        lines: lines(view).map(line).collect::<Result<_, Error>>()?,
        by_products: by_products(view).map(by_product).collect::<Result<_, Error>>()?,
        costs: costs(view).collect(),
        note: view.head.note.clone(),
    })
}

/// Where a component is used, in wire form.
pub(super) fn use_of(component: &str, unit: &str, view: UseView) -> Result<BomUse, Error> {
    let parts = view.line_quantities.iter().zip(&view.line_units);
    let parts = parts.map(|(value, code)| in_unit(component, stored_quantity(*value, code)?, unit));
    let sum = parts.sum::<Result<Decimal, Error>>()?;
    Ok(BomUse {
        state: state(&view.state),
        valid_from: view.valid_from.to_string(),
        batch: Some(quantity(view.quantity, &view.unit)),
        quantity: Some(quantity(sum, unit)),
        sku: view.sku,
        number: view.number,
    })
}
