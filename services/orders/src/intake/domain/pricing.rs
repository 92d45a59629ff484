//! Recomputing an order.
//!
//! Per line: base = price × quantity, less the line's discount, less its share of the order's discount (largest
//! remainder over the goods lines), then VAT inside or on top. Everything rounds half away from zero to the minor unit
//! at each of these steps, so that the printed figures of a line add up.

use std::{collections::BTreeSet, sync::Arc};

use rust_decimal::{Decimal, dec};
use service::Violation;
use types::{Unit, round_half_away, split_largest_remainder};

use super::{DELIVERY_CODE, Discount, Draft, DraftLine, HoldReason, Policy, Priced, PricedLine, TaxRounding};
use crate::{
    catalogue::domain::{Item, ProductStatus},
    life::domain::LineKind,
};

/// No order is worth more; keeps all products of two amounts within what a decimal can hold.
const LARGEST: Decimal = dec!(1_000_000_000_000);

/// Prices an order.
///
/// # Errors
/// The fields that make it impossible, for example an unknown sku.
pub fn price<'a>(
    draft: &Draft,
    policy: &Policy,
    find: impl Fn(&str) -> Option<&'a Arc<Item>>,
) -> Result<Priced, Vec<Violation>> {
    let include_tax = draft.prices_include_tax.unwrap_or(policy.prices_include_tax);
    let mut run = Run {
        draft,
        policy,
        include_tax,
        digits: draft.currency.minor_digits(),
        wrong: Vec::new(),
        holds: BTreeSet::new(),
    };
    let mut lines: Vec<_> = draft.lines.iter().enumerate().map(|(at, line)| run.base(at, line, &find)).collect();
    run.check_size(&lines);
    if !run.wrong.is_empty() {
        return Err(run.wrong);
    }
    run.spread_order_discount(&mut lines);
    if let Some((charge, tax_rate)) = draft.delivery {
        lines.push(run.delivery_line(charge, tax_rate));
    }
    for line in &mut lines {
        run.add_tax(line);
    }
    run.finish(lines)
}

struct Run<'a> {
    draft: &'a Draft,
    policy: &'a Policy,
    include_tax: bool,
    digits: u32,
    wrong: Vec<Violation>,
    holds: BTreeSet<HoldReason>,
}

impl Run<'_> {
    fn wrong(&mut self, at: usize, field: &str, description: impl Into<String>) {
        self.wrong.push(Violation::new(format!("order.lines[{at}].{field}"), description));
    }

    fn round(&self, value: Decimal) -> Decimal {
        round_half_away(value, self.digits)
    }

    /// A line before order discount and tax; `total` holds the net for now.
    fn base<'i>(&mut self, at: usize, line: &DraftLine, find: &impl Fn(&str) -> Option<&'i Arc<Item>>) -> PricedLine {
        let item = match line.kind {
            LineKind::Goods => find(&line.sku).cloned(),
            LineKind::Charge => None,
        };
        if line.kind == LineKind::Goods && item.is_none() {
            self.wrong(at, "sku", format!("there is no product {}", line.sku));
        }
        let own_unit = item.as_ref().map_or(Unit::Piece, |item| item.unit);
        let unit = line.unit.unwrap_or(own_unit);
        if unit != own_unit {
            self.wrong(at, "quantity.unit", format!("must be {own_unit}"));
        }
        if line.quantity.normalize().scale() > own_unit.digits() {
            self.wrong(at, "quantity.value", format!("has more decimals than {own_unit} allows"));
        }
        let list_price = item.as_ref().and_then(|item| self.list_price(item));
        let unit_price = line.unit_price.or(list_price).unwrap_or_else(|| {
            self.wrong(at, "unit_price", "is missing, and the price list has none");
            Decimal::ZERO
        });
        self.hold_by_list(item.as_deref(), unit_price, list_price);
        let base = match self.policy.rounding {
            TaxRounding::PerLine => self.round(unit_price * line.quantity),
            TaxRounding::PerUnit => self.round(self.round(unit_price) * line.quantity),
        };
        let discount = self.discount_of(line.discount, base);
        if discount > base.max(Decimal::ZERO) {
            self.wrong(at, "discount", "is more than the line");
        }
        let tax_rate = line.tax_rate.or(item.as_ref().map(|item| item.vat_rate)).unwrap_or(self.policy.charge_tax_rate);
        PricedLine {
            kind: line.kind,
            sku: line.sku.clone(),
            unit,
            quantity: line.quantity,
            unit_price,
            list_price,
            discount,
            order_discount: Decimal::ZERO,
            tax_rate,
            tax: Decimal::ZERO,
            total: base - discount,
            item,
        }
    }

    fn list_price(&self, item: &Item) -> Option<Decimal> {
        let list = self.policy.price_list.as_deref()?;
        // A list in another currency says nothing about this order.
        (self.policy.list_currency == Some(self.draft.currency)).then_some(())?;
        item.price_at(list, self.draft.placed_at)
    }

    fn hold_by_list(&mut self, item: Option<&Item>, unit_price: Decimal, list_price: Option<Decimal>) {
        if self.policy.price_authoritative {
            return;
        }
        if item.is_some_and(|item| item.status == ProductStatus::Draft) {
            self.holds.insert(HoldReason::ProductNotActive);
        }
        if list_price.is_some_and(|list| (list - unit_price).abs() > self.policy.tolerance) {
            self.holds.insert(HoldReason::PriceMismatch);
        }
    }

    fn discount_of(&self, discount: Discount, of: Decimal) -> Decimal {
        match discount {
            Discount::None => self.round(Decimal::ZERO),
            Discount::Amount(amount) => self.round(amount),
            Discount::Percent(percent) => self.round(of.max(Decimal::ZERO) * percent / dec!(100)),
        }
    }

    fn check_size(&mut self, lines: &[PricedLine]) {
        let sum: Decimal = lines.iter().map(|line| (line.total + line.discount).abs()).sum();
        if sum > LARGEST {
            self.wrong.push(Violation::new("order.lines", "add up to an absurd amount"));
        }
    }

    fn spread_order_discount(&mut self, lines: &mut [PricedLine]) {
        let weight = |line: &PricedLine| match line.kind {
            LineKind::Goods => line.total,
            LineKind::Charge => Decimal::ZERO,
        };
        let weights: Vec<_> = lines.iter().map(weight).collect();
        let goods: Decimal = weights.iter().sum();
        let discount = self.discount_of(self.draft.discount, goods);
        if discount > goods {
            self.wrong.push(Violation::new("order.discount", "is more than the goods"));
            return;
        }
        if discount.is_zero() {
            return;
        }
        for (line, part) in lines.iter_mut().zip(split_largest_remainder(discount, &weights, self.digits)) {
            line.order_discount = part;
            line.discount += part;
            line.total -= part;
        }
    }

    fn delivery_line(&self, charge: Decimal, tax_rate: Option<Decimal>) -> PricedLine {
        PricedLine {
            kind: LineKind::Charge,
            sku: DELIVERY_CODE.to_owned(),
            unit: Unit::Piece,
            quantity: Decimal::ONE,
            unit_price: charge,
            list_price: None,
            discount: self.round(Decimal::ZERO),
            order_discount: Decimal::ZERO,
            tax_rate: tax_rate.unwrap_or(self.policy.charge_tax_rate),
            tax: Decimal::ZERO,
            total: self.round(charge),
            item: None,
        }
    }

    fn add_tax(&self, line: &mut PricedLine) {
        let (net, rate) = (line.total, line.tax_rate);
        let whole = if self.include_tax { dec!(100) + rate } else { dec!(100) };
        line.tax = match self.policy.rounding {
            // Multiplied before divided: exact up to the one rounding.
            TaxRounding::PerLine => self.round(net * rate / whole),
            TaxRounding::PerUnit => self.round(self.round(net / line.quantity * (rate / whole)) * line.quantity),
        };
        if !self.include_tax {
            line.total = net + line.tax;
        }
    }

    fn finish(mut self, lines: Vec<PricedLine>) -> Result<Priced, Vec<Violation>> {
        let sum = |of: fn(&PricedLine) -> Decimal| {
            lines.iter().map(of).fold(round_half_away(Decimal::ZERO, self.digits), |sum, part| sum + part)
        };
        let (discount, tax, total) = (sum(|line| line.discount), sum(|line| line.tax), sum(|line| line.total));
        let has_goods = lines.iter().any(|line| line.kind == LineKind::Goods);
        if has_goods && total < Decimal::ZERO {
            self.wrong.push(Violation::new("order.lines", "add up to less than zero"));
        }
        if !self.wrong.is_empty() {
            return Err(self.wrong);
        }
        let off = |expected: Option<Decimal>, computed: Decimal| {
            expected.is_some_and(|expected| (expected - computed).abs() > self.policy.tolerance)
        };
        let line_off = self.draft.lines.iter().zip(&lines).any(|(asked, line)| off(asked.expected_total, line.total));
        if off(self.draft.expected_total, total) || off(self.draft.expected_tax, tax) || line_off {
            self.holds.insert(HoldReason::TotalMismatch);
        }
        let holds = self.holds.into_iter().collect();
        let prices_include_tax = self.include_tax;
        Ok(Priced { lines, gross: total + discount, discount, tax, total, prices_include_tax, holds })
    }
}

#[cfg(test)]
mod tests;
