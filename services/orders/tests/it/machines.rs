//! The state machines under whatever may come, in any order. Pure: no database.

use std::collections::BTreeMap;

use orders::{
    fulfilment::domain::{Allocation, Moved, Told, apply},
    life::domain::{
        Cause, Fact, FulfilmentState, Line, LineKind, Log, Machine, Money3, Order, OrderState, Part, PaymentState,
        Refused, cancel_lines, cancel_rest, complete, confirm,
    },
    payments::domain::{NewPayment, pay},
    returns::domain::take_back,
};
use proptest::prelude::*;
use rust_decimal::{Decimal, dec};
use time::OffsetDateTime;
use types::{Currency, Unit};
use uuid::Uuid;

fn cause() -> Cause {
    Cause {
        at: OffsetDateTime::UNIX_EPOCH,
        source: "orders",
        actor: "tester".to_owned(),
        code: "test",
        reason: "test".to_owned(),
        params: BTreeMap::new(),
    }
}

fn a_line(line_no: i32, kind: LineKind, quantity: u32, cents: i64) -> Line {
    let amount = Decimal::new(cents, 2);
    Line {
        line_no,
        kind,
        sku: format!("S{line_no}"),
        unit: Unit::Piece,
        quantity: quantity.into(),
        unit_price: amount / Decimal::from(quantity),
        list_price: None,
        worth: Money3 { amount, discount: amount / dec!(10), tax: amount / dec!(5) },
        order_discount: Decimal::ZERO,
        tax_rate: dec!(20),
        category: String::new(),
        brand: String::new(),
        cancelled: Decimal::ZERO,
        cancelled_worth: Money3::default(),
        reserved: Decimal::ZERO,
        backordered: Decimal::ZERO,
        shipped: Decimal::ZERO,
        failed: Decimal::ZERO,
        returned: Decimal::ZERO,
        returned_worth: Money3::default(),
        dirty: false,
        held_dirty: false,
    }
}

fn an_order(state: OrderState, lines: Vec<Line>) -> Order {
    Order {
        id: Uuid::from_u128(1),
        number: 1,
        currency: Currency::RUB,
        channel: String::new(),
        placed_at: OffsetDateTime::UNIX_EPOCH,
        customer_id: None,
        region: String::new(),
        delivery_method: String::new(),
        priority: 0,
        warehouse: String::new(),
        hold_id: None,
        total: lines.iter().map(|line| line.worth.amount).sum(),
        cancelled_amount: Decimal::ZERO,
        returned_amount: Decimal::ZERO,
        paid: Decimal::ZERO,
        refunded: Decimal::ZERO,
        state,
        payment_state: PaymentState::Unpaid,
        fulfilment_state: FulfilmentState::None,
        flags: Vec::new(),
        version: 1,
        lines,
        shipments: Vec::new(),
        allocation: None,
        log: Log::default(),
    }
}

#[test]
fn each_forbidden_transition_is_refused_and_changes_nothing() {
    fn check<M: Machine + std::fmt::Debug>(
        put: fn(&mut Order, M),
        get: fn(&Order) -> M,
        go: fn(&mut Order, M, &Cause) -> Result<(), Refused>,
    ) {
        for from in M::all() {
            for to in M::all() {
                let mut order = an_order(OrderState::New, vec![a_line(1, LineKind::Goods, 1, 100)]);
                put(&mut order, from);
                let before = order.clone();
                let done = go(&mut order, to, &cause());
                if from.may_become(to) {
                    assert_eq!((done, get(&order)), (Ok(()), to));
                    let moves = order.log.facts.iter().filter(|(_, fact)| matches!(fact, Fact::Moved { .. })).count();
                    assert_eq!((order.log.entries.len(), moves), (1, 1), "stored and published");
                    let completed = order.log.facts.iter().any(|(_, fact)| *fact == Fact::Completed);
                    assert_eq!(completed, (M::NAME, to.code()) == ("order", "completed"), "published by itself too");
                } else {
                    assert_eq!(done, Err(Refused::Forbidden { machine: M::NAME, from: from.code(), to: to.code() }));
                    assert_eq!(order, before);
                }
            }
        }
    }
    check(|order, state| order.state = state, |order| order.state, Order::move_order);
    check(|order, state| order.fulfilment_state = state, |order| order.fulfilment_state, Order::move_fulfilment);
}

#[derive(Clone, Debug)]
enum Step {
    Confirm,
    CancelRest,
    CancelLine(i32, u32),
    Complete,
    Pay(i64),
    Refund(i64),
    Return(i32, u32),
    Allocate(u32, u32),
    Release,
    Pick(u8),
    Pack(u8),
    Ship(u8, i32, u32),
    Deliver(u8, bool),
    Fail(u8, i32, u32),
}

fn any_step() -> impl Strategy<Value = Step> {
    let (line, pieces, shipment) = (1..=3i32, 1..=4u32, 0..3u8);
    prop_oneof![
        Just(Step::Confirm),
        Just(Step::CancelRest),
        (line.clone(), pieces.clone()).prop_map(|(line, pieces)| Step::CancelLine(line, pieces)),
        Just(Step::Complete),
        (1..20_000i64).prop_map(Step::Pay),
        (1..20_000i64).prop_map(Step::Refund),
        (line.clone(), pieces.clone()).prop_map(|(line, pieces)| Step::Return(line, pieces)),
        (0..5u32, 0..5u32).prop_map(|(reserved, backordered)| Step::Allocate(reserved, backordered)),
        Just(Step::Release),
        shipment.clone().prop_map(Step::Pick),
        shipment.clone().prop_map(Step::Pack),
        (shipment.clone(), line.clone(), pieces.clone()).prop_map(|(at, line, pieces)| Step::Ship(at, line, pieces)),
        (shipment.clone(), any::<bool>()).prop_map(|(at, last)| Step::Deliver(at, last)),
        (shipment, line, pieces).prop_map(|(at, line, pieces)| Step::Fail(at, line, pieces)),
    ]
}

fn id(shipment: u8) -> Uuid {
    Uuid::from_u128(100 + u128::from(shipment))
}

fn tell(order: &mut Order, told: Told) -> Result<(), Refused> {
    apply(order, &told, &cause());
    Ok(())
}

fn money_step(order: &mut Order, cents: i64, refund: bool) -> Result<(), Refused> {
    let payment = NewPayment {
        id: Uuid::nil(),
        paid_at: OffsetDateTime::UNIX_EPOCH,
        method: "card".into(),
        amount: Decimal::new(cents, 2),
        refund,
    };
    pay(order, &payment, &cause())
}

fn moved(line_no: i32, pieces: u32) -> Vec<Moved> {
    vec![Moved { line_no, quantity: pieces.into() }]
}

/// Does a step; a refused one leaves the order as it was, as a rolled-back transaction does.
fn step(order: &mut Order, step: &Step) {
    let before = order.clone();
    let part = |line_no: i32, pieces: u32| [Part { line_no, quantity: pieces.into(), amount: None }];
    let done = match *step {
        Step::Confirm => confirm(order, &cause()),
        Step::CancelRest => cancel_rest(order, OffsetDateTime::UNIX_EPOCH, &cause()).map(|_| ()),
        Step::CancelLine(line, pieces) => {
            cancel_lines(order, &part(line, pieces), OffsetDateTime::UNIX_EPOCH, &cause()).map(|_| ())
        }
        Step::Complete => complete(order, &cause()),
        Step::Pay(cents) => money_step(order, cents, false),
        Step::Refund(cents) => money_step(order, cents, true),
        Step::Return(line, pieces) => {
            take_back(order, Uuid::nil(), &part(line, pieces), "restock", OffsetDateTime::UNIX_EPOCH, &cause())
                .map(|_| ())
        }
        Step::Allocate(reserved, backordered) => {
            let lines = vec![Allocation { line_no: 1, reserved: reserved.into(), backordered: backordered.into() }];
            tell(order, Told::Allocated(lines))
        }
        Step::Release => tell(order, Told::Released),
        Step::Pick(at) => tell(order, Told::Picking(id(at))),
        Step::Pack(at) => tell(order, Told::Packed(id(at))),
        Step::Ship(at, line, pieces) => tell(
            order,
            Told::Shipped {
                shipment: id(at),
                lines: moved(line, pieces),
                carrier: String::new(),
                tracking_number: String::new(),
            },
        ),
        Step::Deliver(at, last) => tell(order, Told::Delivered { shipment: id(at), last }),
        Step::Fail(at, line, pieces) => tell(order, Told::Failed { shipment: id(at), lines: moved(line, pieces) }),
    };
    if done.is_err() {
        *order = before;
    }
}

/// Every move in the log starts where the one before ended, and is an arrow.
fn follow<M: Machine + std::fmt::Debug>(order: &Order, start: M, end: M) {
    let mut at = start;
    for entry in &order.log.entries {
        let Some(transition) = entry.transition.as_ref().filter(|transition| transition.machine == M::NAME) else {
            continue;
        };
        assert_eq!(transition.from, at.code());
        let to = M::parse(transition.to).unwrap();
        assert!(at.may_become(to), "{at:?} to {to:?}");
        at = to;
    }
    assert_eq!(at, end);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn whatever_happens_sums_are_exact_and_states_follow_their_arrows(
        held in any::<bool>(),
        cents in prop::collection::vec(0..30_000i64, 3),
        steps in prop::collection::vec(any_step(), 1..40),
    ) {
        let kinds = [LineKind::Goods, LineKind::Goods, LineKind::Charge];
        let lines = (0..3).map(|at| a_line(at + 1, kinds[at as usize], if at == 2 { 1 } else { 4 }, cents[at as usize])).collect();
        let start = if held { OrderState::New } else { OrderState::Confirmed };
        let mut order = an_order(start, lines);
        for one in &steps {
            step(&mut order, one);
            let zero = Decimal::ZERO;
            let given = |of: fn(&Line) -> Decimal| order.lines.iter().map(of).sum::<Decimal>();
            prop_assert_eq!(order.cancelled_amount, given(|line| line.cancelled_worth.amount));
            prop_assert_eq!(order.returned_amount, given(|line| line.returned_worth.amount));
            prop_assert!(order.refunded <= order.paid && order.refunded >= zero);
            for line in &order.lines {
                prop_assert!(line.cancelled >= zero && line.cancelled <= line.quantity);
                prop_assert!(line.shipped >= zero && line.shipped <= line.quantity);
                prop_assert!(line.failed >= zero && line.returned >= zero && line.failed + line.returned <= line.shipped);
                prop_assert!(line.reserved >= zero && line.backordered >= zero);
                let gone = line.cancelled_worth.amount + line.returned_worth.amount;
                prop_assert!(gone >= zero && gone <= line.worth.amount);
                if line.cancelled + line.returned >= line.quantity {
                    prop_assert_eq!(gone, line.worth.amount, "the last piece takes what is left");
                }
                let tax = line.cancelled_worth.tax + line.returned_worth.tax;
                prop_assert!(tax >= zero && tax <= line.worth.tax);
            }
        }
        follow(&order, start, order.state);
        follow(&order, PaymentState::Unpaid, order.payment_state);
        follow(&order, FulfilmentState::None, order.fulfilment_state);
        let moves = order.log.entries.iter().filter(|entry| entry.transition.is_some()).count();
        let told = order.log.facts.iter().filter(|(_, fact)| matches!(fact, Fact::Moved { .. })).count();
        prop_assert_eq!(moves, told, "what is stored is published");
    }
}
