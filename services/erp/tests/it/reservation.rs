//! Who gets the stock.

use erp::Config;
use proto::{
    common::v1::PageRequest,
    erp::v1::{
        CloseReservationRequest, DemandState, GetReservationRequest, ListBackordersRequest, LotStatus,
        ReopenReservationRequest, ReserveLine, ReserveStockRequest, UpsertWarehouseRequest, erp_event::Event,
    },
    orders::v1::{LineKind, OrderConfirmed, orders_event::Event as Fact},
};
use time::Duration;
use tonic::Code;
use uuid::Uuid;

use crate::kit::{
    Erp, In, cancelled, event, fields, goods, key, line, lines_cancelled, order, pcs, placed, reason, value,
};

async fn close(erp: &Erp, id: Uuid) -> Result<(), tonic::Status> {
    let request = CloseReservationRequest { order_id: id.to_string() };
    erp.reservations().close_reservation(request).await.map(|_| ())
}

async fn reopen(erp: &Erp, id: Uuid) -> Result<(), tonic::Status> {
    let request = ReopenReservationRequest { order_id: id.to_string() };
    erp.reservations().reopen_reservation(request).await.map(|_| ())
}

fn hold(sku: &str, quantity: i64) -> ReserveStockRequest {
    ReserveStockRequest {
        request_id: key(),
        reference: "cart".into(),
        lines: vec![ReserveLine { sku: sku.into(), quantity: pcs(quantity) }],
        ..ReserveStockRequest::default()
    }
}

#[tokio::test]
async fn s10_reserve_ship_close_reopen_cancel() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 20, "10", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 10)]).await;
    assert_eq!(erp.has(id, 1).await.0, "10");
    crate::fulfilment::ship_part(&erp, id, 1, 5).await;
    assert_eq!(erp.has(id, 1).await.0, "5");
    close(&erp, id).await.unwrap();
    close(&erp, id).await.unwrap();
    assert_eq!(erp.has(id, 1).await.0, "0");
    assert_eq!(erp.reservation(id).await.state(), DemandState::Closed);
    reopen(&erp, id).await.unwrap();
    reopen(&erp, id).await.unwrap();
    assert_eq!(erp.has(id, 1).await.0, "5");
    erp.deliver(&[cancelled(id)]).await;
    let reservation = erp.reservation(id).await;
    assert_eq!((reservation.state(), reservation.lines[0].reserved.as_str()), (DemandState::Cancelled, "0"));
    assert_eq!((reservation.lines[0].shipped.as_str(), reservation.lines[0].cancelled.as_str()), ("5", "5"));
    assert_eq!(erp.figures("A").await, ["15", "0", "15", "0"]);
    assert_eq!(reason(&close(&erp, id).await.unwrap_err()), "CANCELLED");
    assert_eq!(reason(&reopen(&erp, id).await.unwrap_err()), "CANCELLED");
    erp.balanced().await;
}

#[tokio::test]
async fn s11_first_expired_first_out_over_several_lots() {
    let erp = Erp::with(Config { min_life_days: 10, ..Config::default() }).await;
    erp.know(&["A"]).await;
    let lot = |lot, quantity, expires_on| In { expires_on, ..goods("A", quantity, "10", lot) };
    // Today is 2026-03-02.
    erp.receive(&[
        lot("never", 50, ""),
        lot("late", 4, "2027-01-01"),
        lot("soon", 3, "2026-04-01"),
        lot("expired", 9, "2026-03-01"),
        lot("too short", 9, "2026-03-11"),
        lot("just enough", 1, "2026-03-12"),
        lot("quarantined", 9, "2026-03-20"),
        lot("blocked", 9, "2026-03-20"),
    ])
    .await;
    erp.set_lot("A", "quarantined", LotStatus::Quarantined).await.unwrap();
    erp.set_lot("A", "blocked", LotStatus::Blocked).await.unwrap();
    let id = erp.place(1, vec![line(1, "A", 10)]).await;
    let expected = [("just enough", "1"), ("soon", "3"), ("late", "4"), ("never", "2")];
    let lots = erp.lots(id, 1).await;
    assert_eq!(lots.iter().map(|(lot, part)| (lot.as_str(), part.as_str())).collect::<Vec<_>>(), expected);
    assert_eq!(erp.figures("A").await, ["94", "10", "48", "0"]);
    erp.balanced().await;
}

#[tokio::test]
async fn what_is_missing_waits_and_goods_go_to_those_who_wait_by_priority_then_time() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 4, "10", "L1")]).await;
    let first = erp.place(1, vec![line(1, "A", 6)]).await;
    let third = erp.place(3, vec![line(1, "A", 5)]).await;
    let second = erp.place(2, vec![line(1, "A", 5)]).await;
    let urgent = service::new_id();
    let mut rush = order(urgent, 4, vec![line(1, "A", 3)]);
    rush.priority = 5;
    erp.deliver(&[placed(rush)]).await;
    assert_eq!(erp.has(first, 1).await, ("4".into(), "2".into()));

    erp.receive(&[goods("A", 9, "10", "L2")]).await;
    assert_eq!(erp.has(urgent, 1).await, ("3".into(), "0".into()));
    assert_eq!(erp.has(first, 1).await, ("6".into(), "0".into()));
    assert_eq!(erp.has(second, 1).await, ("4".into(), "1".into()));
    assert_eq!(erp.has(third, 1).await, ("0".into(), "5".into()));
    assert_eq!(erp.told(third).await, ["order_allocated"], "who got nothing hears nothing");
    assert_eq!(erp.told(second).await, ["order_allocated", "order_allocated"]);

    erp.deliver(&[cancelled(first)]).await;
    assert_eq!(erp.has(second, 1).await, ("5".into(), "0".into()));
    assert_eq!(erp.has(third, 1).await, ("5".into(), "0".into()));
    assert_eq!(erp.figures("A").await, ["13", "13", "0", "0"]);
    assert_eq!(erp.told(first).await, ["order_allocated", "order_allocated", "reservation_released"]);
    erp.balanced().await;
}

#[tokio::test]
async fn an_allocation_says_what_every_line_has() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    erp.receive(&[goods("A", 2, "10", "L")]).await;
    let mut delivery = line(3, "POST", 1);
    delivery.kind = LineKind::Charge.into();
    let id = erp.place(1, vec![line(1, "A", 2), line(2, "B", 7), delivery]).await;
    let Event::OrderAllocated(fact) = erp.facts("order_allocated").await.remove(0) else { panic!() };
    assert_eq!((fact.order_id, fact.complete, fact.warehouse.as_str()), (id.to_string(), false, "MAIN"));
    assert_eq!(fact.cause, "order");
    let lines: Vec<_> = fact
        .lines
        .iter()
        .map(|line| (line.line_no, line.sku.as_str(), value(&line.reserved), value(&line.backordered)))
        .collect();
    assert_eq!(lines, [(1, "A", "2".into(), "0".into()), (2, "B", "0".into(), "7".into())]);
    assert!(fact.lines.iter().all(|line| line.reserved.as_ref().unwrap().unit == "pcs"));
}

#[tokio::test]
async fn an_order_delivered_twice_reserves_once() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "10", "L")]).await;
    let id = service::new_id();
    let one = order(id, 1, vec![line(1, "A", 4)]);
    let event = placed(one.clone());
    erp.deliver(std::slice::from_ref(&event)).await;
    erp.deliver(&[event, placed(one)]).await;
    assert_eq!(erp.figures("A").await, ["10", "4", "6", "0"]);
    assert_eq!(erp.told(id).await, ["order_allocated"]);
    let stop = cancelled(id);
    erp.deliver(std::slice::from_ref(&stop)).await;
    erp.deliver(&[stop, cancelled(id)]).await;
    assert_eq!(erp.figures("A").await, ["10", "0", "10", "0"]);
    assert_eq!(erp.told(id).await, ["order_allocated", "reservation_released"]);
    erp.balanced().await;
}

#[tokio::test]
async fn an_order_that_waits_for_confirmation_holds_nothing_until_it_is_confirmed() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "10", "L")]).await;
    let id = service::new_id();
    let mut held = order(id, 1, vec![line(1, "A", 4)]);
    held.confirmed = false;
    let at = held.placed_at;
    erp.deliver(&[placed(held)]).await;
    let unknown = GetReservationRequest { order_id: id.to_string() };
    assert_eq!(erp.reservations().get_reservation(unknown).await.unwrap_err().code(), Code::NotFound);
    let confirmed = OrderConfirmed {
        order_id: id.to_string(),
        lines: vec![line(1, "A", 3)],
        number: "W-1".into(),
        placed_at: at,
        ..OrderConfirmed::default()
    };
    erp.deliver(&[event(id, Fact::OrderConfirmed(confirmed))]).await;
    assert_eq!(erp.has(id, 1).await, ("3".into(), "0".into()));
    assert_eq!(erp.reservation(id).await.placed_at, at);
}

#[tokio::test]
async fn cancelling_an_order_nobody_told_us_of_changes_nothing() {
    let erp = Erp::start().await;
    let id = service::new_id();
    erp.deliver(&[cancelled(id), lines_cancelled(id, &[(1, "A", 1)])]).await;
    assert!(erp.told(id).await.is_empty());
}

#[tokio::test]
async fn a_partial_cancellation_gives_up_the_backorder_first_then_the_last_to_expire() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let lot = |lot, expires_on| In { expires_on, ..goods("A", 5, "10", lot) };
    erp.receive(&[lot("early", "2027-01-01"), lot("late", "2028-01-01")]).await;
    let id = erp.place(1, vec![line(1, "A", 12)]).await;
    assert_eq!(erp.has(id, 1).await, ("10".into(), "2".into()));
    erp.deliver(&[lines_cancelled(id, &[(1, "A", 3)])]).await;
    assert_eq!(erp.has(id, 1).await, ("9".into(), "0".into()));
    assert_eq!(erp.lots(id, 1).await, [("early".into(), "5".into()), ("late".into(), "4".into())]);
    erp.deliver(&[lines_cancelled(id, &[(1, "A", 100)])]).await;
    assert_eq!(erp.has(id, 1).await, ("0".into(), "0".into()));
    assert_eq!(erp.reservation(id).await.lines[0].cancelled, "12", "never more than was ordered");
    let complete: Vec<_> = erp
        .facts("order_allocated")
        .await
        .into_iter()
        .map(|fact| matches!(fact, Event::OrderAllocated(fact) if fact.complete))
        .collect();
    assert_eq!(complete, [false, true, false], "what needs nothing is nothing to assemble");
    assert_eq!(erp.figures("A").await, ["10", "0", "10", "0"]);
    erp.balanced().await;
}

#[tokio::test]
async fn depletion_and_replenishment_are_told_once_a_crossing() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    assert!(erp.told("A").await.is_empty());
    erp.receive(&[goods("A", 5, "10", "L1")]).await;
    assert!(erp.told("A").await.is_empty(), "the first stock is no replenishment");
    let id = erp.place(1, vec![line(1, "A", 4)]).await;
    assert!(erp.told("A").await.is_empty());
    erp.place(2, vec![line(1, "A", 3)]).await;
    erp.place(3, vec![line(1, "A", 1)]).await;
    assert_eq!(erp.told("A").await, ["stock_depleted"]);
    let Event::StockDepleted(fact) = erp.facts("stock_depleted").await.remove(0) else { panic!() };
    assert_eq!((fact.sku.as_str(), value(&fact.backordered)), ("A", "2".into()));
    erp.receive(&[goods("A", 3, "10", "L2")]).await;
    assert_eq!(erp.told("A").await, ["stock_depleted"], "all of it went to those who waited");
    erp.deliver(&[cancelled(id)]).await;
    assert_eq!(erp.told("A").await, ["stock_depleted", "stock_replenished"]);
    let Event::StockReplenished(fact) = erp.facts("stock_replenished").await.remove(0) else { panic!() };
    assert_eq!(value(&fact.available), "4");
    erp.place(4, vec![line(1, "A", 4)]).await;
    assert_eq!(erp.told("A").await, ["stock_depleted", "stock_replenished", "stock_depleted"]);
}

#[tokio::test]
async fn an_order_is_served_from_the_warehouse_that_covers_it_or_the_one_it_names() {
    let erp = Erp::start().await;
    let request = UpsertWarehouseRequest { code: "SPB".into(), name: "SPB".into(), min_life_days: 0 };
    erp.warehouses().upsert_warehouse(request).await.unwrap();
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 2, "10", "L1")]).await;
    erp.receive_into("SPB", &[goods("A", 9, "10", "L2")]).await;
    let large = erp.place(1, vec![line(1, "A", 5)]).await;
    assert_eq!(erp.reservation(large).await.warehouse, "SPB");
    let small = erp.place(2, vec![line(1, "A", 2)]).await;
    assert_eq!(erp.reservation(small).await.warehouse, "MAIN", "a tie goes to the default");
    let named = service::new_id();
    let mut there = order(named, 3, vec![line(1, "A", 3)]);
    there.warehouse = "MAIN".into();
    erp.deliver(&[placed(there)]).await;
    assert_eq!(erp.has(named, 1).await, ("0".into(), "3".into()), "what is in SPB is not for MAIN");
    erp.receive(&[goods("A", 1, "10", "L3")]).await;
    assert_eq!(erp.has(named, 1).await, ("1".into(), "2".into()));
    erp.balanced().await;
}

#[tokio::test]
async fn a_hold_takes_stock_from_orders_until_it_runs_out() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let until = erp.now() + Duration::minutes(15);
    let cart = ReserveStockRequest { expires_at: Some(proto::to_timestamp(until)), ..hold("A", 4) };
    let made = erp.reservations().reserve_stock(cart.clone()).await.unwrap().into_inner();
    assert_eq!(erp.reservations().reserve_stock(cart).await.unwrap().into_inner(), made, "the same key is one hold");
    let made: Uuid = made.reservation.unwrap().order_id.parse().unwrap();
    let id = erp.place(1, vec![line(1, "A", 3)]).await;
    assert_eq!(erp.has(id, 1).await, ("1".into(), "2".into()));

    erp.app.run_job("erp_expire_holds").await.unwrap();
    assert_eq!(erp.has(made, 1).await.0, "4", "not yet");
    erp.app.clock.advance(Duration::minutes(15));
    erp.app.run_job("erp_expire_holds").await.unwrap();
    erp.app.run_job("erp_expire_holds").await.unwrap();
    assert_eq!(erp.reservation(made).await.state(), DemandState::Expired);
    assert_eq!(erp.has(id, 1).await, ("3".into(), "0".into()));
    assert_eq!(reason(&close(&erp, made).await.unwrap_err()), "EXPIRED");
    assert!(erp.told(made).await.is_empty(), "a hold is nobody's order");
    erp.balanced().await;
}

#[tokio::test]
async fn a_hold_of_all_lines_is_all_or_nothing() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let both = |all_lines| ReserveStockRequest {
        lines: ["A", "B"].map(|sku| ReserveLine { sku: sku.into(), quantity: pcs(2) }).to_vec(),
        all_lines,
        ..hold("A", 1)
    };
    let refused = erp.reservations().reserve_stock(both(true)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "OUT_OF_STOCK"));
    assert_eq!(erp.figures("A").await, ["5", "0", "5", "0"]);
    assert_eq!(erp.figures("B").await[3], "0", "nothing is left waiting");
    let part = erp.reservations().reserve_stock(both(false)).await.unwrap().into_inner().reservation.unwrap();
    assert_eq!((part.lines[0].reserved.as_str(), part.lines[1].backordered.as_str()), ("2", "2"));
    let nothing = erp.reservations().reserve_stock(hold("B", 1)).await.unwrap_err();
    assert_eq!(reason(&nothing), "OUT_OF_STOCK");
    assert_eq!(reason(&erp.reservations().reserve_stock(hold("Z", 1)).await.unwrap_err()), "UNKNOWN_SKU");
    let elsewhere = ReserveStockRequest { warehouse: "MARS".into(), ..hold("A", 1) };
    assert_eq!(reason(&erp.reservations().reserve_stock(elsewhere).await.unwrap_err()), "UNKNOWN_WAREHOUSE");
    let past = Some(proto::to_timestamp(erp.now()));
    let bad = ReserveStockRequest { expires_at: past, reference: String::new(), ..hold("A", 0) };
    let refused = erp.reservations().reserve_stock(bad).await.unwrap_err();
    assert_eq!(fields(&refused), ["expires_at", "lines[0].quantity", "reference"]);
    erp.balanced().await;
}

#[tokio::test]
async fn an_expired_lot_goes_back_and_its_orders_are_served_from_others() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[In { expires_on: "2026-03-03", ..goods("A", 5, "10", "old") }, goods("A", 2, "10", "new")]).await;
    let id = erp.place(1, vec![line(1, "A", 4)]).await;
    assert_eq!(erp.lots(id, 1).await, [("old".into(), "4".into())]);
    erp.app.clock.advance(Duration::hours(24));
    erp.app.run_job("erp_expire_lots").await.unwrap();
    assert_eq!(erp.lots(id, 1).await, [("old".into(), "4".into())], "the last day is a day of use");
    erp.app.clock.advance(Duration::hours(24));
    erp.app.run_job("erp_expire_lots").await.unwrap();
    assert_eq!(erp.lots(id, 1).await, [("new".into(), "2".into())]);
    assert_eq!(erp.has(id, 1).await, ("2".into(), "2".into()));
    assert_eq!(erp.told("A").await, ["stock_depleted"]);
    erp.balanced().await;
}

#[tokio::test]
async fn backorders_are_listed_in_the_order_of_service() {
    let erp = Erp::start().await;
    let mut wanted = Vec::new();
    for (seconds, sku, priority) in [(5, "B", 0), (4, "A", 0), (3, "A", 0), (9, "A", 7)] {
        let id = service::new_id();
        let mut one = order(id, seconds, vec![line(1, sku, 2)]);
        one.priority = priority;
        erp.deliver(&[placed(one)]).await;
        wanted.push(id.to_string());
    }
    let expected: Vec<_> = [3, 2, 1, 0].map(|n: usize| wanted[n].clone()).to_vec();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 3, page_token: token });
        let request = ListBackordersRequest { page, sku: String::new() };
        let answer = erp.reservations().list_backorders(request).await.unwrap().into_inner();
        seen.extend(answer.backorders.into_iter().map(|one| one.order_id));
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, expected);
    let request = ListBackordersRequest { page: None, sku: "B".into() };
    let answer = erp.reservations().list_backorders(request).await.unwrap().into_inner();
    assert_eq!(answer.backorders.iter().map(|one| one.sku.as_str()).collect::<Vec<_>>(), ["B"]);
}

#[tokio::test]
async fn an_order_in_another_unit_than_its_item_waits_for_a_person() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let mut kilos = line(1, "A", 2);
    kilos.quantity.as_mut().unwrap().unit = "kg".into();
    let id = erp.place(1, vec![kilos]).await;
    assert_eq!(erp.has(id, 1).await, ("0".into(), "2".into()));
    assert_eq!(erp.figures("A").await[1], "0");
}
