//! Who gets what, case by case and at random.

use super::*;
use proptest::prelude::*;
use rust_decimal::dec;
use time::macros::{date, datetime};

fn lot(number: &str, expires_on: Option<Date>, free: Decimal) -> FreeLot {
    FreeLot {
        sku: "A".into(),
        warehouse: Uuid::from_u128(1),
        place: 100,
        lot: Uuid::new_v5(&Uuid::NAMESPACE_OID, number.as_bytes()),
        expires_on,
        received_at: datetime!(2026-01-01 0:00 UTC),
        number: number.into(),
        free,
    }
}

fn need(order: u128, quantity: Decimal) -> Need {
    Need {
        order: Uuid::from_u128(order),
        line_no: 1,
        sku: "A".into(),
        warehouse: None,
        quantity,
        priority: 0,
        placed_at: datetime!(2026-01-02 0:00 UTC),
        good_until: None,
    }
}

#[test]
fn s11_lots_that_live_too_short_for_the_channel_are_left_to_others() {
    let lots =
        vec![lot("short", Some(date!(2026 - 06 - 01)), dec!(3)), lot("long", Some(date!(2027 - 01 - 01)), dec!(3))];
    let (short, long) = (lots[0].lot, lots[1].lot);
    let picky = Need { good_until: Some(date!(2026 - 06 - 02)), ..need(1, dec!(5)) };
    let got = allocate(&mut Pool::new(lots), vec![picky, need(2, dec!(2))], &[Uuid::from_u128(1)]).grants;
    let got: Vec<_> = got.iter().map(|grant| (grant.order.as_u128(), grant.lot, grant.quantity)).collect();
    assert_eq!(got, [(1, long, dec!(3)), (2, short, dec!(2))]);
}

#[test]
fn s11_several_lots_are_taken_when_the_first_cannot_cover() {
    let lots = vec![
        lot("never", None, dec!(9)),
        lot("late", Some(date!(2027 - 01 - 01)), dec!(5)),
        lot("soon", Some(date!(2026 - 06 - 01)), dec!(3)),
    ];
    let wanted: Vec<_> = [2, 1, 0].into_iter().map(|i: usize| lots[i].lot).collect();
    let got = allocate(&mut Pool::new(lots), vec![need(1, dec!(10))], &[Uuid::from_u128(1)]);
    assert_eq!(got.grants.iter().map(|grant| grant.lot).collect::<Vec<_>>(), wanted);
    assert_eq!(got.grants.iter().map(|grant| grant.quantity).collect::<Vec<_>>(), [dec!(3), dec!(5), dec!(2)]);
}

#[test]
fn an_order_goes_to_the_warehouse_that_covers_it() {
    let mut lots = vec![lot("a", None, dec!(2)), lot("b", None, dec!(5))];
    lots[1].warehouse = Uuid::from_u128(2);
    let both = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let got = allocate(&mut Pool::new(lots.clone()), vec![need(1, dec!(4))], &both);
    assert_eq!(got.chosen[&Uuid::from_u128(1)], both[1]);
    let got = allocate(&mut Pool::new(lots), vec![need(1, dec!(2))], &both);
    assert_eq!(got.chosen[&Uuid::from_u128(1)], both[0], "a tie goes to the default");
}

proptest! {
    #[test]
    fn nobody_gets_more_than_wanted_nothing_is_given_twice_and_the_line_before_is_full_before_the_next(
        lots in prop::collection::vec((0i64..40, prop::option::of(0i64..5)), 0..8),
        needs in prop::collection::vec((1i64..30, 0i32..3, 0i64..4), 0..12),
    ) {
        let lots: Vec<_> = lots.into_iter().enumerate().map(|(n, (free, days))| {
            lot(&n.to_string(), days.map(|days| date!(2026 - 05 - 01) + time::Duration::days(days)), free.into())
        }).collect();
        let needs: Vec<_> = needs.into_iter().enumerate().map(|(n, (quantity, priority, hours))| Need {
            priority,
            placed_at: datetime!(2026-01-02 0:00 UTC) + time::Duration::hours(hours),
            ..need(n as u128 + 1, quantity.into())
        }).collect();
        let before: Decimal = lots.iter().map(|lot| lot.free).sum();
        let wanted: Decimal = needs.iter().map(|need| need.quantity).sum();
        let mut pool = Pool::new(lots.clone());
        let got = allocate(&mut pool, needs.clone(), &[Uuid::from_u128(1)]).grants;

        let given: Decimal = got.iter().map(|grant| grant.quantity).sum();
        prop_assert_eq!(given, before.min(wanted));
        prop_assert_eq!(pool.free_in("A", Uuid::from_u128(1)), before - given);
        for lot in &lots {
            let of_lot: Decimal = got.iter().filter(|grant| grant.lot == lot.lot).map(|grant| grant.quantity).sum();
            prop_assert!(of_lot <= lot.free);
        }
        let mut sorted = needs;
        sorted.sort_by_key(|need| (-need.priority, need.placed_at, need.order));
        let mut short = false;
        for need in sorted {
            let of_need: Decimal = got.iter().filter(|g| g.order == need.order).map(|g| g.quantity).sum();
            prop_assert!(of_need <= need.quantity);
            prop_assert!(!short || of_need.is_zero());
            short |= of_need < need.quantity;
        }
        let expiries: Vec<_> = got.iter().map(|grant| {
            let lot = lots.iter().find(|lot| lot.lot == grant.lot).unwrap();
            (lot.expires_on.is_none(), lot.expires_on)
        }).collect();
        prop_assert!(expiries.is_sorted());
    }
}
