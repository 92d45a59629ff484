//! Worked cases and properties of pricing.

use proptest::prelude::*;
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

use super::*;
use crate::intake::domain::Contact;

fn item(sku: &str, vat_rate: Decimal) -> Arc<Item> {
    Arc::new(Item {
        product_id: Uuid::nil(),
        sku: sku.to_owned(),
        unit: Unit::Piece,
        vat_rate,
        category: String::new(),
        brand: String::new(),
        status: ProductStatus::Active,
        prices: Vec::new(),
    })
}

fn policy() -> Policy {
    Policy {
        price_list: None,
        list_currency: None,
        price_authoritative: false,
        prices_include_tax: true,
        rounding: TaxRounding::PerLine,
        tolerance: Decimal::ZERO,
        charge_tax_rate: dec!(22),
    }
}

fn line(quantity: Decimal, price: Decimal) -> DraftLine {
    DraftLine {
        kind: LineKind::Goods,
        sku: "A".to_owned(),
        quantity,
        unit: None,
        unit_price: Some(price),
        discount: Discount::None,
        tax_rate: None,
        expected_total: None,
    }
}

fn draft(lines: Vec<DraftLine>) -> Draft {
    Draft {
        channel: "web".to_owned(),
        external_id: "1".to_owned(),
        request_id: None,
        body_hash: Vec::new(),
        placed_at: OffsetDateTime::UNIX_EPOCH,
        currency: Currency::RUB,
        lines,
        discount: Discount::None,
        delivery: None,
        delivery_method: String::new(),
        region: String::new(),
        payment_method: String::new(),
        contact: Contact::default(),
        expected_total: None,
        expected_tax: None,
        comment: String::new(),
        priority: 0,
        warehouse: String::new(),
        hold_id: None,
        prices_include_tax: None,
    }
}

fn priced(draft: &Draft, policy: &Policy, vat: Decimal) -> Priced {
    let item = item("A", vat);
    price(draft, policy, |_| Some(&item)).unwrap()
}

#[test]
fn m1_tax_on_top_is_rounded_per_line_or_per_unit() {
    let order = draft(vec![line(dec!(3), dec!(1.08))]);
    let per_line = Policy { prices_include_tax: false, ..policy() };
    assert_eq!(priced(&order, &per_line, dec!(19)).total, dec!(3.86));
    let per_unit = Policy { rounding: TaxRounding::PerUnit, ..per_line };
    assert_eq!(priced(&order, &per_unit, dec!(19)).total, dec!(3.87));
}

#[test]
fn m2_ten_with_a_quarter_off() {
    let mut order = draft(vec![line(dec!(10), dec!(23.90))]);
    order.lines[0].discount = Discount::Percent(dec!(25));
    assert_eq!(priced(&order, &policy(), dec!(22)).total, dec!(179.25));
}

#[test]
fn m3_an_order_discount_is_spread_by_largest_remainder() {
    let mut order = draft(vec![line(dec!(1), dec!(200)); 3]);
    order.discount = Discount::Amount(dec!(100));
    let parts: Vec<_> = priced(&order, &policy(), dec!(22)).lines.iter().map(|line| line.order_discount).collect();
    assert_eq!(parts, [dec!(33.34), dec!(33.33), dec!(33.33)]);
}

#[test]
fn m4_tax_inside() {
    assert_eq!(priced(&draft(vec![line(dec!(1), dec!(100))]), &policy(), dec!(22)).tax, dec!(18.03));
    let three = priced(&draft(vec![line(dec!(1), dec!(10)); 3]), &policy(), dec!(22));
    assert_eq!(three.lines.iter().map(|line| line.tax).collect::<Vec<_>>(), [dec!(1.80); 3]);
    assert_eq!((three.tax, three.total), (dec!(5.40), dec!(30.00)));
}

#[test]
fn prices_with_four_decimals_round_once_per_line() {
    let order = priced(&draft(vec![line(dec!(1000), dec!(0.0415))]), &policy(), dec!(20));
    assert_eq!(order.total, dec!(41.50));
    assert_eq!(priced(&draft(vec![line(dec!(1), dec!(0.005))]), &policy(), dec!(20)).total, dec!(0.01));
}

#[test]
fn the_delivery_is_a_charge_line_and_gets_no_discount() {
    let mut order = draft(vec![line(dec!(1), dec!(100))]);
    order.discount = Discount::Percent(dec!(10));
    order.delivery = Some((dec!(350), Some(dec!(0))));
    let order = priced(&order, &policy(), dec!(22));
    assert_eq!(order.lines[1].sku, DELIVERY_CODE);
    assert_eq!((order.lines[1].total, order.lines[1].tax), (dec!(350), dec!(0)));
    assert_eq!((order.total, order.discount, order.gross), (dec!(440), dec!(10), dec!(450)));
}

#[test]
fn a_different_total_holds_the_order_and_a_total_within_tolerance_does_not() {
    let mut order = draft(vec![line(dec!(1), dec!(100))]);
    order.expected_total = Some(dec!(99.99));
    assert_eq!(priced(&order, &policy(), dec!(22)).holds, [HoldReason::TotalMismatch]);
    let lenient = Policy { tolerance: dec!(0.01), ..policy() };
    assert_eq!(priced(&order, &lenient, dec!(22)).holds, []);
    order.expected_total = None;
    order.lines[0].expected_total = Some(dec!(90));
    assert_eq!(priced(&order, &lenient, dec!(22)).holds, [HoldReason::TotalMismatch]);
}

#[test]
fn impossible_orders_name_the_field() {
    let refuse = |order: &Draft| {
        let item = item("A", dec!(22));
        let refused = price(order, &policy(), |sku| (sku == "A").then_some(&item)).unwrap_err();
        refused.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
    };
    let mut unknown = draft(vec![line(dec!(1), dec!(1)), line(dec!(1), dec!(1))]);
    unknown.lines[1].sku = "a".to_owned();
    assert_eq!(refuse(&unknown), ["order.lines[1].sku"]);
    assert_eq!(refuse(&draft(vec![line(dec!(0.5), dec!(1))])), ["order.lines[0].quantity.value"]);
    let mut unit = draft(vec![line(dec!(1), dec!(1))]);
    unit.lines[0].unit = Some(Unit::Kilogram);
    assert_eq!(refuse(&unit), ["order.lines[0].quantity.unit"]);
    let mut discount = draft(vec![line(dec!(1), dec!(1))]);
    discount.lines[0].discount = Discount::Amount(dec!(2));
    assert_eq!(refuse(&discount), ["order.lines[0].discount"]);
    let mut spread = draft(vec![line(dec!(1), dec!(1))]);
    spread.discount = Discount::Amount(dec!(2));
    assert_eq!(refuse(&spread), ["order.discount"]);
    assert_eq!(refuse(&draft(vec![line(dec!(10_000_000), dec!(10_000_000_000))])), ["order.lines"]);
    let mut credit = draft(vec![line(dec!(1), dec!(1)), line(dec!(1), dec!(-2))]);
    credit.lines[1].kind = LineKind::Charge;
    assert_eq!(refuse(&credit), ["order.lines"]);
    let mut unpriced = draft(vec![line(dec!(1), dec!(1))]);
    unpriced.lines[0].unit_price = None;
    assert_eq!(refuse(&unpriced), ["order.lines[0].unit_price"]);
}

#[test]
fn a_pure_credit_may_be_negative() {
    let mut order = draft(vec![line(dec!(1), dec!(-11062.06))]);
    order.lines[0].kind = LineKind::Charge;
    assert_eq!(priced(&order, &policy(), dec!(20)).total, dec!(-11062.06));
}

prop_compose! {
    fn any_line()(quantity in 1u32..500, price in 0i64..10_000_000, percent in 0u32..=100, rate in 0u32..=30) -> DraftLine {
        DraftLine {
            discount: Discount::Percent(percent.into()),
            tax_rate: Some(rate.into()),
            ..line(quantity.into(), Decimal::new(price, 4))
        }
    }
}

proptest! {
    #[test]
    fn lines_add_up_to_the_order_exactly_and_nothing_is_negative(
        lines in prop::collection::vec(any_line(), 1..30),
        percent in 0u32..=100,
        include in any::<bool>(),
        per_unit in any::<bool>(),
        delivery in 0i64..100_000,
    ) {
        let mut order = draft(lines);
        order.discount = Discount::Percent(percent.into());
        order.prices_include_tax = Some(include);
        order.delivery = Some((Decimal::new(delivery, 2), None));
        let rounding = if per_unit { TaxRounding::PerUnit } else { TaxRounding::PerLine };
        let order = priced(&order, &Policy { rounding, ..policy() }, dec!(22));
        let sum = |of: fn(&PricedLine) -> Decimal| order.lines.iter().map(of).sum::<Decimal>();
        prop_assert_eq!(sum(|line| line.total), order.total);
        prop_assert_eq!(sum(|line| line.discount), order.discount);
        prop_assert_eq!(sum(|line| line.tax), order.tax);
        prop_assert_eq!(order.gross - order.discount, order.total);
        for line in &order.lines {
            prop_assert!(line.total >= Decimal::ZERO && line.tax >= Decimal::ZERO && line.order_discount >= Decimal::ZERO);
            prop_assert!(line.total.scale() <= 2 && line.tax.scale() <= 2 && line.discount.scale() <= 2);
            prop_assert!(line.order_discount <= line.discount);
        }
    }

    #[test]
    fn an_order_discount_is_spread_exactly(
        lines in prop::collection::vec(any_line(), 1..30), share in 0u32..=1000,
    ) {
        let mut order = draft(lines);
        let plain = priced(&order, &policy(), dec!(22));
        let discount = round_half_away(plain.total * Decimal::from(share) / dec!(1000), 2);
        order.discount = Discount::Amount(discount);
        let order = priced(&order, &policy(), dec!(22));
        prop_assert_eq!(order.lines.iter().map(|line| line.order_discount).sum::<Decimal>(), discount);
        prop_assert_eq!(order.total, plain.total - discount);
    }
}
