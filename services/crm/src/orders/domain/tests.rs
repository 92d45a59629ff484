use proptest::prelude::*;
use rust_decimal::dec;
use time::macros::datetime;

use super::*;

fn placement(total: Decimal, discount: Decimal) -> OrderChange {
    OrderChange::Placed(Placement {
        placed_at: datetime!(2026-03-01 10:00 UTC),
        channel: "web".to_owned(),
        region: "RU-MOW".to_owned(),
        currency: "RUB".to_owned(),
        gross: total + discount,
        discount,
        tax: dec!(10),
        total,
        lines: vec![FactLine(1, "Fishing".to_owned(), total)],
    })
}

fn part(amount: Decimal) -> LinePart {
    LinePart { line_no: 1, amount, discount: Decimal::ZERO, tax: Decimal::ZERO }
}

fn after(changes: &[OrderChange]) -> OrderFact {
    let mut fact = OrderFact::unknown(Uuid::nil());
    for change in changes {
        fact.apply(change);
    }
    fact
}

#[test]
fn an_order_that_was_not_collected_counts_but_brings_no_money() {
    let fact =
        after(&[placement(dec!(100), dec!(0)), OrderChange::Shipped(dec!(40)), OrderChange::ShipmentFailed(dec!(40))]);
    let figures = fact.figures(Currency::RUB);
    assert_eq!((figures.orders, figures.not_collected_orders, figures.summed_orders), (1, 1, 0));
    assert_eq!(figures.order_sum(), dec!(0));
    assert_eq!(fact.state(), "not_collected");
}

#[test]
fn cancelling_what_was_not_collected_does_not_make_it_forgotten() {
    let changes = [
        placement(dec!(100), dec!(0)),
        OrderChange::Shipped(dec!(40)),
        OrderChange::ShipmentFailed(dec!(40)),
        OrderChange::Cancelled(vec![part(dec!(100))]),
    ];
    let figures = after(&changes).figures(Currency::RUB);
    assert_eq!((figures.orders, figures.not_collected_orders, figures.order_sum()), (1, 1, dec!(0)));
}

#[test]
fn a_cancelled_order_is_only_a_placed_one() {
    let fact = after(&[placement(dec!(100), dec!(0)), OrderChange::Cancelled(vec![part(dec!(100))])]);
    assert_eq!(fact.figures(Currency::RUB), Figures { placed_orders: 1, ..Figures::default() });
    assert_eq!(fact.state(), "cancelled");
}

#[test]
fn cancelling_the_rest_of_a_shipped_order_keeps_what_was_shipped() {
    let fact = after(&[
        placement(dec!(100), dec!(0)),
        OrderChange::Shipped(dec!(20)),
        OrderChange::Cancelled(vec![part(dec!(60))]),
    ]);
    assert_eq!(fact.figures(Currency::RUB).order_sum(), dec!(40));
    assert_eq!(fact.figures(Currency::RUB).margin_sum, dec!(10));
}

#[test]
fn a_wholly_returned_order_is_no_success() {
    let mut fact = after(&[placement(dec!(100), dec!(0)), OrderChange::Completed]);
    assert_eq!(fact.figures(Currency::RUB).successful_orders, 1);
    fact.apply(&OrderChange::Returned { parts: vec![part(dec!(100))], defect: true });
    let figures = fact.figures(Currency::RUB);
    assert_eq!((figures.successful_orders, figures.returns, figures.defect_returns), (0, 1, 1));
}

#[test]
fn other_currencies_are_counted_but_not_summed() {
    let fact = after(&[placement(dec!(100), dec!(0))]);
    let figures = fact.figures(Currency::parse("EUR").unwrap());
    assert_eq!((figures.orders, figures.other_currency_orders, figures.summed_orders), (1, 1, 0));
    assert_eq!(figures.ordered_sum, dec!(0));
}

fn any_change() -> impl Strategy<Value = OrderChange> {
    let amount = || (0i64..10_000).prop_map(|cents| Decimal::new(cents, 2));
    prop_oneof![
        amount().prop_map(|amount| placement(amount, dec!(1.5))),
        amount().prop_map(|amount| OrderChange::Cancelled(vec![part(amount)])),
        amount().prop_map(|amount| OrderChange::LinesCancelled(vec![part(amount)])),
        Just(OrderChange::Completed),
        (amount(), any::<bool>())
            .prop_map(|(amount, defect)| OrderChange::Returned { parts: vec![part(amount)], defect }),
        amount().prop_map(OrderChange::Shipped),
        amount().prop_map(OrderChange::ShipmentFailed),
        amount().prop_map(OrderChange::StockReturned),
    ]
}

proptest! {
    /// Why the figures can be kept up to date by differences.
    #[test]
    fn the_differences_of_all_changes_add_up_to_the_figures(changes in prop::collection::vec(any_change(), 0..12)) {
        let mut fact = OrderFact::unknown(Uuid::nil());
        let mut kept = Figures::default();
        for change in &changes {
            kept.subtract(&fact.figures(Currency::RUB));
            fact.apply(change);
            kept.add(&fact.figures(Currency::RUB));
        }
        prop_assert_eq!(kept, fact.figures(Currency::RUB));
    }

    /// The check constraint of customer_figures must hold whatever arrives.
    #[test]
    fn the_counts_are_consistent(changes in prop::collection::vec(any_change(), 0..12)) {
        let figures = after(&changes).figures(Currency::RUB);
        prop_assert!(figures.placed_orders >= figures.orders);
        prop_assert!(figures.orders >= figures.successful_orders);
        prop_assert!(figures.shipped_orders >= figures.not_collected_orders);
        prop_assert!(figures.returns >= figures.defect_returns);
    }

    /// Events of orders and of erp may overtake each other.
    #[test]
    fn the_order_between_services_does_not_matter(costs in prop::collection::vec(1i64..1000, 1..4)) {
        let orders = [placement(dec!(500), dec!(0)), OrderChange::LinesCancelled(vec![part(dec!(50))])];
        let erp: Vec<_> = costs.iter().map(|cost| OrderChange::Shipped(Decimal::from(*cost))).collect();
        let one: Vec<_> = orders.iter().chain(&erp).cloned().collect();
        let two: Vec<_> = erp.iter().chain(&orders).cloned().collect();
        prop_assert_eq!(after(&one), after(&two));
    }
}
