use proptest::prelude::*;
use rust_decimal::dec;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::explanations::{Language, explain};
use super::*;
use crate::orders::domain::Figures;

const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

fn order(days_ago: i64, bought: &[(&str, Decimal)]) -> PastOrder {
    PastOrder {
        placed_at: NOW - Duration::days(days_ago),
        defect_returns: 0,
        failed_shipments: 0,
        bought: bought.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect(),
    }
}

fn history() -> History {
    History {
        figures: Figures {
            placed_orders: 4,
            orders: 4,
            successful_orders: 3,
            shipped_orders: 4,
            not_collected_orders: 1,
            summed_orders: 3,
            failed_shipments: 1,
            gross_sum: dec!(12500),
            discount_sum: dec!(500),
            ordered_sum: dec!(12000),
            returned_sum: dec!(600),
            ..Figures::default()
        },
        first_order_at: Some(NOW - Duration::days(400)),
        orders: vec![
            order(10, &[("Fishing/Lures", dec!(3000))]),
            order(20, &[("Fishing/Lures", dec!(3000)), ("Fishing/Rods", dec!(2000))]),
            PastOrder { failed_shipments: 1, ..order(30, &[]) },
            order(400, &[("Nutrition", dec!(3400))]),
        ],
        load: Load { complaints: 1, inbound: 4 },
    }
}

fn values(history: &History) -> Vec<Option<Decimal>> {
    let categories = Categories::of(&history.orders);
    measure(history, &categories, NOW).into_iter().map(|measured| measured.value).collect()
}

#[test]
fn each_parameter_is_measured_as_documented() {
    let values = values(&history());
    assert_eq!(values[0], Some(dec!(10)), "recency: days since the last order");
    assert_eq!(values[1], Some(dec!(3)), "frequency: orders within 365 days");
    assert_eq!(values[2], Some(dec!(11400)), "monetary: ordered less returned");
    assert_eq!(values[3], Some(dec!(3800)), "average check: of the three orders in the sum");
    assert_eq!(values[4], Some(dec!(400)), "tenure: days since the first order");
    // Intervals 10, 10, 370: mean 130, population deviation 169.7056.
    assert_eq!(values[5], Some(dec!(1.3054)), "rhythm: coefficient of variation");
    assert_eq!(values[6], Some(dec!(0.05)), "return rate: 600 of 12000");
    assert_eq!(values[7], Some(dec!(0.25)), "non-collection: 1 of 4");
    // 1 complaint x 3 + 1 failed delivery x 2 + 4 contacts = 9 over 3 orders of the year.
    assert_eq!(values[8], Some(dec!(3)), "load per order");
    assert_eq!(values[9], Some(dec!(0.04)), "discount: 500 of 12500");
    // Shares 6000, 2000, 3400 of 11400.
    assert_eq!(values[10], Some(dec!(0.3967)), "concentration");
}

#[test]
fn a_customer_whose_only_order_was_cancelled_is_scored_without_data() {
    let history = History {
        figures: Figures { placed_orders: 1, ..Figures::default() },
        first_order_at: None,
        orders: Vec::new(),
        load: Load::default(),
    };
    let values = values(&history);
    assert_eq!(values.iter().filter(|value| value.is_some()).count(), 1, "only the load can be measured");
    let score = score(&measure(&history, &Categories::default(), NOW), &Model::initial());
    // 30 weight at 50 (6, 7, 8, 10, 11), 5 at 100 (9), 65 at 0.
    assert_eq!(score.total, dec!(20.00));
    assert_eq!(score.grade, "E");
}

#[test]
fn every_explanation_tells_its_figures_in_both_languages() {
    let history = history();
    let categories = Categories::of(&history.orders);
    let score = score(&measure(&history, &categories, NOW), &Model::initial());
    for parameter in &score.parameters {
        for language in [Language::Russian, Language::English] {
            let text = explain(parameter, language);
            assert!(!text.is_empty() && !text.contains(['{', '}', '?']), "{}: {text}", parameter.number);
            let empty = Parameter { value: None, figures: Vec::new(), ..parameter.clone() };
            assert!(!explain(&empty, language).is_empty());
        }
    }
    let returns = explain(&score.parameters[6], Language::English);
    assert_eq!(returns, "Returned: 5.00 % of the sum, 600.00 of 12000.00.");
    let recency = explain(&score.parameters[0], Language::Russian);
    assert_eq!(recency, "Дней с последнего заказа: 10 (заказ от 2026-05-22).");
}

#[test]
fn the_initial_model_keeps_its_own_rules() {
    assert_eq!(Model::initial().violations(), vec![]);
    assert_eq!(Model::initial().rules.iter().map(|rule| rule.weight).sum::<Decimal>(), dec!(100));
}

#[test]
fn a_model_that_breaks_rules_is_told_each_of_them() {
    let mut model = Model::initial();
    model.rules[0].weight = dec!(-1);
    model.rules[1].curve.points.clear();
    model.rules[2].curve.points.reverse();
    model.rules[3].score_without_data = dec!(101);
    model.grades = Grades([dec!(50), dec!(50), dec!(30), dec!(20)]);
    let fields: Vec<String> = model.violations().into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        [
            "model.rules[0].weight",
            "model.rules[1].points",
            "model.rules[2].points",
            "model.rules[3].score_without_data",
            "model.grades",
        ]
    );
}

#[test]
fn curves_are_straight_or_stepped_and_level_outside() {
    let points = vec![(dec!(10), dec!(20)), (dec!(20), dec!(80))];
    let linear = Curve { shape: Shape::Linear, points: points.clone() };
    let steps = Curve { shape: Shape::Steps, points };
    for (value, straight, stepped) in [(5, 20, 20), (10, 20, 20), (15, 50, 20), (20, 80, 80), (25, 80, 80)] {
        assert_eq!(linear.score(Decimal::from(value)), Decimal::from(straight), "linear at {value}");
        assert_eq!(steps.score(Decimal::from(value)), Decimal::from(stepped), "steps at {value}");
    }
}

proptest! {
    /// Case C3: ties are never split, because a score depends on the customer's own value only.
    #[test]
    fn c3_equal_values_get_equal_scores_and_a_better_value_never_a_worse_one(
        rule in 0usize..PARAMETERS, a in 0i64..2_000_000, b in 0i64..2_000_000,
    ) {
        let curve = &Model::initial().rules[rule].curve;
        let (a, b) = (Decimal::new(a.min(b), 1), Decimal::new(a.max(b), 1));
        prop_assert_eq!(curve.score(a), curve.score(a));
        let rising = curve.points.first().unwrap().1 < curve.points.last().unwrap().1;
        prop_assert_eq!(curve.score(a).cmp(&curve.score(b)).is_le() || curve.score(a) == curve.score(b),
            rising || curve.score(a) == curve.score(b));
    }

    #[test]
    fn a_total_lies_between_its_lowest_and_highest_parameter(days in 0i64..2000, orders in 1i64..50, sum in 0i64..10_000_000) {
        let history = History {
            figures: Figures { placed_orders: orders, orders, summed_orders: orders, ordered_sum: Decimal::new(sum, 2),
                gross_sum: Decimal::new(sum, 2), ..Figures::default() },
            first_order_at: Some(NOW - Duration::days(days)),
            orders: vec![order(days, &[])],
            load: Load::default(),
        };
        let score = score(&measure(&history, &Categories::default(), NOW), &Model::initial());
        let lowest = score.parameters.iter().map(|parameter| parameter.score).min().unwrap();
        let highest = score.parameters.iter().map(|parameter| parameter.score).max().unwrap();
        prop_assert!(lowest <= score.total && score.total <= highest);
        prop_assert_eq!(score.total.scale(), 2);
    }
}
