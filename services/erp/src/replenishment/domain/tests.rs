use proptest::prelude::*;
use rust_decimal::dec;

use super::*;

fn policy(target: Target, method: Method) -> Policy {
    Policy {
        target,
        warehouse: COMPANY,
        method,
        safety_stock: dec!(0),
        reorder_point: dec!(0),
        maximum: None,
        service_level: dec!(0.95),
        review_days: 0,
        history_days: 365,
        lead_time_days: dec!(7),
        lead_time_sigma_days: dec!(0),
        cover_days: None,
    }
}

fn category(path: &str) -> Policy {
    policy(Target::Category(path.into()), Method::Statistical)
}

fn history(days: i32, demand_days: i32, each: i64) -> History {
    History {
        begins: None,
        days,
        excluded: 0,
        demand_days,
        total: (i64::from(demand_days) * each).into(),
        squares: (i64::from(demand_days) * each * each).into(),
    }
}

#[test]
fn the_most_specific_policy_comes_first_and_a_name_is_not_a_path() {
    let all: Policies = [
        category(""),
        category("Fishing"),
        category("Fishing/Lures"),
        category("Fishing/Lu"),
        policy(Target::Item("A".into()), Method::Fixed),
        Policy { warehouse: Uuid::max(), ..category("Fishing/Lures/Jigs") },
    ]
    .into_iter()
    .collect();
    let names = |sku, path, warehouse| -> Vec<String> {
        all.of(sku, path, warehouse).into_iter().map(|policy| policy.target.name().to_owned()).collect()
    };
    assert_eq!(names("A", "Fishing/Lures/Jigs", COMPANY), ["A", "Fishing/Lures", "Fishing", ""]);
    assert_eq!(names("B", "Fishing/Lures", COMPANY), ["Fishing/Lures", "Fishing", ""]);
    assert_eq!(names("B", "Fishing/LuresX", COMPANY), ["Fishing", ""]);
    assert_eq!(names("B", "", COMPANY), [""]);
    assert_eq!(names("B", "Fishing/Lures/Jigs", Uuid::max()), ["Fishing/Lures/Jigs"]);
}

#[test]
fn too_little_history_falls_back_to_days_of_cover_of_the_next_policy_that_has_them() {
    let own = policy(Target::Item("A".into()), Method::Statistical);
    let wider = Policy { cover_days: Some(10), ..category("") };
    let few = history(20, 10, 4);
    let found = calculate(&[&own, &wider], &few, Unit::Piece).unwrap();
    assert_eq!((found.formula, found.mean, found.cover_days), ("days_of_cover", dec!(2), 10));
    assert_eq!((found.safety_stock, found.reorder_point), (dec!(20), dec!(34)), "2 a day for 10, and for 7 more");
    assert!(found.note.contains("20 days with demand on 10"), "{}", found.note);
    assert_eq!(calculate(&[&own], &few, Unit::Piece).unwrap().cover_days, 14);
    let nothing = calculate(&[&own], &History::default(), Unit::Piece).unwrap();
    assert_eq!((nothing.formula, nothing.reorder_point), ("days_of_cover", dec!(0)));
    assert_eq!(calculate(&[&own], &history(200, 3, 4), Unit::Piece).unwrap().formula, "days_of_cover");
}

#[test]
fn the_formula_follows_the_class_and_the_lead_time() {
    let own = policy(Target::Item("A".into()), Method::Statistical);
    let formula = |policy: &Policy, history: &History, unit| calculate(&[policy], history, unit).unwrap().formula;
    assert_eq!(formula(&own, &history(100, 100, 4), Unit::Piece), "normal");
    assert_eq!(formula(&own, &history(100, 20, 4), Unit::Piece), "negative_binomial");
    assert_eq!(formula(&own, &history(100, 20, 4), Unit::Kilogram), "gamma");
    let erratic = History { demand_days: 90, total: dec!(900), squares: dec!(30000), ..history(100, 0, 0) };
    assert_eq!(formula(&own, &erratic, Unit::Kilogram), "gamma");
    let long = Policy { lead_time_days: dec!(10), review_days: 4, ..own.clone() };
    assert_eq!(formula(&long, &erratic, Unit::Kilogram), "normal");
    assert_eq!(formula(&long, &history(100, 20, 4), Unit::Kilogram), "gamma", "seldom stays seldom");
    assert_eq!(calculate(&[&Policy { method: Method::None, ..own }], &erratic, Unit::Piece), None);
    assert_eq!(calculate(&[], &erratic, Unit::Piece), None);
}

#[test]
fn stock_is_rounded_up_to_what_can_be_counted() {
    assert_eq!(Calculation::in_unit(dec!(196.222917), Unit::Piece), dec!(197));
    assert_eq!(Calculation::in_unit(dec!(7.000000), Unit::Piece), dec!(7));
    assert_eq!(Calculation::in_unit(dec!(0.1234561), Unit::Kilogram), dec!(0.123457));
}

#[test]
fn a_reorder_point_of_zero_is_crossed_only_when_somebody_waits() {
    let level = Level { reorder_point: Some(dec!(0)), ..Level::default() };
    assert!(!level.is_below(dec!(0)) && level.is_below(dec!(-1)));
    let level = Level { reorder_point: Some(dec!(5)), maximum: Some(dec!(20)), ..Level::default() };
    assert!(level.is_below(dec!(5)) && !level.is_below(dec!(5.5)));
    assert_eq!((level.missing(dec!(5)), level.missing(dec!(30))), (dec!(15), dec!(0)));
    assert!(!Level::default().is_below(dec!(-9)), "nobody watches");
}

proptest! {
    #[test]
    fn crossings_alternate_and_each_is_told_once(available in prop::collection::vec(0i64..10, 1..60), point in 1i64..9) {
        let mut level = Level { reorder_point: Some(point.into()), ..Level::default() };
        let (mut below, mut told) = (false, 0);
        for (second, available) in (0..).zip(&available) {
            let now = OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second);
            let stock = Stock { available: (*available).into(), ..Stock::default() };
            let (crossing, was_out) = level.look(&stock, now);
            let is_below = *available <= point;
            prop_assert_eq!(crossing, match (below, is_below) {
                (false, true) => Some(Crossing::Fell),
                (true, false) => Some(Crossing::Recovered),
                _ => None,
            });
            prop_assert!(was_out.is_none_or(|since| since < now && *available > 0));
            prop_assert_eq!(level.out_since.is_some(), *available == 0);
            told += i64::from(crossing.is_some());
            below = is_below;
        }
        prop_assert_eq!((level.below_since.is_some(), level.version), (below, told));
    }

    #[test]
    fn a_reorder_point_covers_the_lead_time_and_the_safety_stock(
        days in 28i32..400, share in 1i32..100, each in 1i64..500, lead in 0i64..60, sigma in 0i64..10, units in 0..2_u8,
    ) {
        let demand_days = (days * share / 100).max(4);
        let one = Policy {
            lead_time_days: lead.into(),
            lead_time_sigma_days: sigma.into(),
            ..policy(Target::Item("A".into()), Method::Statistical)
        };
        let unit = if units == 0 { Unit::Piece } else { Unit::Kilogram };
        let found = calculate(&[&one], &history(days, demand_days, each), unit).unwrap();
        prop_assert!(found.safety_stock >= Decimal::ZERO);
        let expected = found.mean * Decimal::from(lead) + found.safety_stock;
        prop_assert!((found.reorder_point - expected).abs() < dec!(0.0001), "{found:?}");
    }
}
