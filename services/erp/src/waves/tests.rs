use proptest::prelude::*;
use rust_decimal::dec;

use super::*;

fn line(tote: i32, place: &str, sku: &str, lot: &str, left: i64) -> PickLine {
    PickLine {
        tote,
        order: Uuid::from_u128(u128::from(tote.unsigned_abs())),
        shipment: Uuid::nil(),
        line_no: 1,
        sku: sku.into(),
        barcode: format!("46{sku}"),
        unit: "pcs".into(),
        lot: Uuid::new_v5(&Uuid::NAMESPACE_OID, lot.as_bytes()),
        lot_number: lot.into(),
        place: 100,
        place_code: place.into(),
        place_barcode: String::new(),
        quantity: left.into(),
        left: left.into(),
    }
}

fn scan(place: &str, item: &str, lot: &str, quantity: i64) -> Scan {
    let unit = "pcs".into();
    Scan { place: place.into(), item: item.into(), lot: lot.into(), unit, quantity: quantity.into() }
}

#[test]
fn a_wrong_place_item_or_lot_is_refused_with_what_was_expected() {
    let lines = [line(1, "A-1", "X", "x1", 2), line(2, "A-1", "X", "x2", 1), line(1, "A-2", "Y", "y1", 1)];
    let refused = |scan: &Scan| put(&lines, scan).unwrap_err();
    assert_eq!(refused(&scan("A-2", "X", "x1", 1)), Refusal::WrongPlace("A-1".into()));
    assert_eq!(refused(&scan("A-9", "Z", "", 1)), Refusal::WrongPlace("A-1, A-2".into()));
    assert_eq!(refused(&scan("A-2", "Z", "", 1)), Refusal::WrongItem("Y".into()));
    assert_eq!(refused(&scan("A-1", "X", "y1", 1)), Refusal::WrongLot("x1, x2".into()));
    assert_eq!(refused(&scan("A-1", "X", "", 1)), Refusal::LotNeeded("x1, x2".into()));
    assert_eq!(refused(&scan("A-1", "X", "x1", 3)), Refusal::OverPick("2".into()));
    let kilos = Scan { unit: "kg".into(), ..scan("A-2", "Y", "", 1) };
    assert_eq!(refused(&kilos), Refusal::Unit { sku: "Y".into(), unit: "pcs".into() });
    assert_eq!(
        put(&lines, &scan("A-2", "46Y", "", 1)).unwrap()[0].1,
        dec!(1),
        "by barcode, the lot goes without saying"
    );
}

#[test]
fn what_was_taken_is_not_taken_again() {
    let mut lines = [line(1, "A-1", "X", "x1", 2)];
    lines[0].left = dec!(0);
    assert_eq!(put(&lines, &scan("A-1", "X", "", 1)).unwrap_err(), Refusal::OverPick("0".into()));
}

proptest! {
    #[test]
    fn scans_fill_the_first_totes_and_shorts_empty_the_last(
        wants in prop::collection::vec(1i64..9, 1..8), part in 1i64..40,
    ) {
        let lines: Vec<_> = wants.iter().zip(1..).map(|(want, tote)| line(tote, "A", "X", "x", *want)).collect();
        let total: i64 = wants.iter().sum();
        let asked = scan("A", "X", "", part);
        if part > total {
            prop_assert_eq!(put(&lines, &asked), Err(Refusal::OverPick(total.to_string())));
            return Ok(());
        }
        for (puts, first) in [(put(&lines, &asked).unwrap(), 1), (lack(&lines, &asked).unwrap(), wants.len() as i32)] {
            prop_assert_eq!(puts.iter().map(|(_, part)| *part).sum::<Decimal>(), Decimal::from(part));
            prop_assert_eq!(puts[0].0.tote, first);
            // All but the last one get, or lose, everything.
            prop_assert!(puts[..puts.len() - 1].iter().all(|(line, part)| line.left == *part));
        }
    }

    #[test]
    fn a_wave_keeps_its_limits_and_the_order_of_the_queue_and_leaves_out_only_what_does_not_fit(
        orders in prop::collection::vec((1i64..6, 0i64..900), 0..30),
        most in 1usize..12, lines in prop::option::of(1i64..25), grams in prop::option::of(1i64..4000),
    ) {
        let candidates: Vec<_> = orders.iter().zip(1u128..).map(|((lines, grams), n)| Candidate {
            order: Uuid::from_u128(n), lines: *lines, weight_grams: (*grams).into(),
        }).collect();
        let limits = Limits { orders: most, lines, weight_grams: grams.map(Decimal::from) };
        let chosen = fill(&candidates, &limits);
        let of = |order: &Uuid| candidates.iter().find(|one| one.order == *order).unwrap();
        let sum_lines: i64 = chosen.iter().map(|order| of(order).lines).sum();
        let sum_grams: Decimal = chosen.iter().map(|order| of(order).weight_grams).sum();
        prop_assert!(chosen.is_sorted() && chosen.len() <= most);
        prop_assert!(lines.is_none_or(|most| sum_lines <= most));
        prop_assert!(grams.is_none_or(|most| sum_grams <= Decimal::from(most)));
        if chosen.len() < most {
            for left_out in candidates.iter().filter(|one| !chosen.contains(&one.order)) {
                let fits = lines.is_none_or(|most| sum_lines + left_out.lines <= most)
                    && grams.is_none_or(|most| sum_grams + left_out.weight_grams <= Decimal::from(most));
                prop_assert!(!fits);
            }
        }
    }
}
