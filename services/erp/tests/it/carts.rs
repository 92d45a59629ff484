//! Holds with an end: extended, taken over by orders, given up for orders.

use erp::Config;
use futures::future::join_all;
use proto::{
    erp::v1::{
        CloseReservationRequest, DemandState, ExtendHoldRequest, ReserveLine, ReserveStockRequest,
        UpsertWarehouseRequest,
    },
    orders::v1::OrderPlaced,
};
use time::{Duration, OffsetDateTime};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::kit::{Erp, In, cancelled, fields, goods, key, line, order, pcs, placed, reason};

async fn cart(erp: &Erp, lines: &[(&str, i64)], minutes: i64) -> Result<Uuid, Status> {
    let request = ReserveStockRequest {
        request_id: key(),
        reference: "cart".into(),
        lines: lines
            .iter()
            .map(|(sku, quantity)| ReserveLine { sku: (*sku).into(), quantity: pcs(quantity) })
            .collect(),
        expires_at: Some(proto::to_timestamp(erp.now() + Duration::minutes(minutes))),
        ..ReserveStockRequest::default()
    };
    let made = erp.reservations().reserve_stock(request).await?.into_inner().reservation.unwrap();
    Ok(made.order_id.parse().unwrap())
}

fn naming(hold: Uuid, order: OrderPlaced) -> OrderPlaced {
    OrderPlaced { hold_id: hold.to_string(), ..order }
}

async fn extend(erp: &Erp, hold: Uuid, until: OffsetDateTime) -> Result<i32, Status> {
    let request = ExtendHoldRequest {
        request_id: key(),
        order_id: hold.to_string(),
        expires_at: Some(proto::to_timestamp(until)),
    };
    let answer = erp.reservations().extend_hold(request.clone()).await?.into_inner();
    assert_eq!(
        erp.reservations().extend_hold(request).await.unwrap().into_inner(),
        answer,
        "the same key extends once"
    );
    Ok(answer.reservation.unwrap().extensions)
}

/// States of all reservations, with quantities.
async fn ended(erp: &Erp, order: Uuid) -> Vec<(String, String, String)> {
    let sql = "select state, reason, trim_scale(sum(quantity))::text from reservation
        where order_id = $1 group by 1, 2 order by 1, 2";
    sqlx::query_as(sql).bind(order).fetch_all(erp.app.db.pool()).await.unwrap()
}

#[tokio::test]
async fn an_order_takes_over_the_goods_of_the_cart_it_names_lot_by_lot() {
    let erp = Erp::start().await;
    erp.know(&["A", "B", "C"]).await;
    let lot = |lot, expires_on| In { expires_on, ..goods("A", 3, "10", lot) };
    erp.receive(&[lot("L1", "2027-01-01"), lot("L2", "2028-01-01"), goods("B", 5, "1", "L"), goods("C", 1, "1", "L")])
        .await;
    let hold = cart(&erp, &[("A", 5), ("B", 2)], 15).await.unwrap();
    let waits = erp.place(1, vec![line(1, "A", 4), line(2, "B", 4)]).await;
    assert_eq!((erp.has(waits, 1).await.0, erp.has(waits, 2).await.0), ("1".into(), "3".into()));

    let id = service::new_id();
    let bought = naming(hold, order(id, 9, vec![line(1, "A", 2), line(2, "A", 2), line(3, "C", 1)]));
    let event = placed(bought.clone());
    erp.deliver(std::slice::from_ref(&event)).await;
    erp.deliver(&[event, placed(bought)]).await;
    assert_eq!(erp.lots(id, 1).await, [("L1".into(), "2".into())]);
    assert_eq!(erp.lots(id, 2).await, [("L1".into(), "1".into()), ("L2".into(), "1".into())]);
    assert_eq!(erp.has(id, 3).await.0, "1", "what the cart did not have is served as ever");
    assert_eq!(erp.reservation(id).await.hold_id, hold.to_string());
    assert_eq!(erp.told(id).await, ["order_allocated"]);
    let gone = erp.reservation(hold).await;
    assert_eq!((gone.state(), gone.lines[0].reserved.as_str()), (DemandState::Converted, "0"));
    assert_eq!(ended(&erp, hold).await, [("released".into(), "converted".into(), "7".into())]);
    assert_eq!(erp.has(waits, 1).await, ("2".into(), "2".into()), "the piece the order did not want went on");
    assert_eq!(erp.has(waits, 2).await, ("4".into(), "0".into()));
    assert_eq!(erp.figures("A").await, ["6", "6", "0", "2"]);

    let request = CloseReservationRequest { order_id: hold.to_string() };
    assert_eq!(reason(&erp.reservations().close_reservation(request).await.unwrap_err()), "CONVERTED");
    let refused = extend(&erp, hold, erp.now() + Duration::hours(1)).await.unwrap_err();
    assert_eq!(reason(&refused), "CONVERTED");
    erp.app.clock.advance(Duration::hours(1));
    erp.app.run_job("erp_expire_holds").await.unwrap();
    assert_eq!(erp.reservation(hold).await.state(), DemandState::Converted);
    erp.deliver(&[cancelled(id)]).await;
    assert_eq!(erp.figures("A").await, ["6", "4", "2", "0"]);
    erp.balanced().await;
}

#[tokio::test]
async fn an_order_that_names_an_ended_foreign_or_unfit_hold_is_served_like_any_other() {
    let erp = Erp::start().await;
    let request = UpsertWarehouseRequest { code: "SPB".into(), name: "SPB".into(), min_life_days: 0 };
    erp.warehouses().upsert_warehouse(request).await.unwrap();
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "10", "L")]).await;
    let hold = cart(&erp, &[("A", 4)], 15).await.unwrap();
    let elsewhere = service::new_id();
    let mut there = naming(hold, order(elsewhere, 1, vec![line(1, "A", 2)]));
    there.warehouse = "SPB".into();
    erp.deliver(&[placed(there)]).await;
    assert_eq!(erp.has(elsewhere, 1).await, ("0".into(), "2".into()));
    assert_eq!(erp.reservation(hold).await.state(), DemandState::Open, "the cart keeps what is in another warehouse");

    // Two orders in one batch name the same cart: the first has it.
    let [first, second] = [service::new_id(), service::new_id()];
    let both = [first, second].map(|id| placed(naming(hold, order(id, 2, vec![line(1, "A", 4)]))));
    erp.deliver(&both).await;
    assert_eq!(erp.reservation(first).await.hold_id, hold.to_string());
    assert_eq!(erp.reservation(second).await.hold_id, "");
    assert_eq!((erp.has(first, 1).await.0, erp.has(second, 1).await.0), ("4".into(), "4".into()));
    for nothing in [first, service::new_id()] {
        let id = service::new_id();
        erp.deliver(&[placed(naming(nothing, order(id, 3, vec![line(1, "A", 1)])))]).await;
        assert_eq!(erp.has(id, 1).await.0, "1", "an order is no hold to be taken over");
    }
    assert_eq!(erp.has(first, 1).await.0, "4");
    erp.balanced().await;
}

#[tokio::test]
async fn a_cart_is_extended_as_often_as_the_settings_allow_and_not_backwards() {
    let erp = Erp::with(Config { hold_extensions: 2, ..Config::default() }).await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let hold = cart(&erp, &[("A", 1)], 10).await.unwrap();
    let at = |minutes| erp.now() + Duration::minutes(minutes);
    assert_eq!(fields(&extend(&erp, hold, at(10)).await.unwrap_err()), ["expires_at"]);
    assert_eq!(extend(&erp, hold, at(20)).await.unwrap(), 1);
    erp.app.clock.advance(Duration::minutes(15));
    erp.app.run_job("erp_expire_holds").await.unwrap();
    assert_eq!(erp.has(hold, 1).await.0, "1");
    assert_eq!(extend(&erp, hold, at(20)).await.unwrap(), 2);
    let refused = extend(&erp, hold, at(30)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "HOLD_EXTENDED_OFTEN"));
    erp.app.clock.advance(Duration::minutes(25));
    assert_eq!(reason(&extend(&erp, hold, at(99)).await.unwrap_err()), "EXPIRED", "also before the job has seen it");
    erp.app.run_job("erp_expire_holds").await.unwrap();
    assert_eq!(ended(&erp, hold).await, [("expired".into(), "hold_expired".into(), "1".into())]);

    let endless = ReserveStockRequest {
        request_id: key(),
        reference: "manager".into(),
        lines: vec![ReserveLine { sku: "A".into(), quantity: pcs(1) }],
        ..ReserveStockRequest::default()
    };
    let endless = erp.reservations().reserve_stock(endless).await.unwrap().into_inner().reservation.unwrap();
    let refused = extend(&erp, endless.order_id.parse().unwrap(), at(9)).await.unwrap_err();
    assert_eq!(reason(&refused), "HOLD_WITHOUT_END");
    let order = erp.place(1, vec![line(1, "A", 1)]).await;
    assert_eq!(extend(&erp, order, at(9)).await.unwrap_err().code(), Code::NotFound);
    erp.balanced().await;
}

#[tokio::test]
async fn orders_leave_carts_alone_unless_the_company_wants_it_otherwise() {
    for take in [false, true] {
        let erp = Erp::with(Config { orders_take_carts: take, ..Config::default() }).await;
        erp.know(&["A"]).await;
        erp.receive(&[goods("A", 10, "10", "L")]).await;
        let first = cart(&erp, &[("A", 4)], 15).await.unwrap();
        erp.app.clock.advance(Duration::seconds(1));
        let last = cart(&erp, &[("A", 4)], 15).await.unwrap();
        let endless = ReserveStockRequest {
            request_id: key(),
            reference: "manager".into(),
            lines: vec![ReserveLine { sku: "A".into(), quantity: pcs(1) }],
            ..ReserveStockRequest::default()
        };
        erp.reservations().reserve_stock(endless).await.unwrap();
        let id = erp.place(1, vec![line(1, "A", 6)]).await;
        let has = [erp.has(id, 1).await, erp.has(last, 1).await, erp.has(first, 1).await].map(|(held, _)| held);
        let expected = if take { ["6", "0", "3"] } else { ["1", "4", "4"] };
        assert_eq!(has, expected, "the last made gives first, what has no end keeps");
        let more = erp.place(2, vec![line(1, "A", 6)]).await;
        assert_eq!(erp.has(more, 1).await.0, if take { "3" } else { "0" });
        assert_eq!(erp.figures("A").await[..3], ["10", "10", "0"]);
        erp.balanced().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_carts_bought_left_extended_and_given_up_at_once_end_exactly_once() {
    let erp = Erp::with(Config { orders_take_carts: true, ..Config::default() }).await;
    erp.know(&["A", "B"]).await;
    erp.receive(&[goods("A", 120, "10", "L"), goods("B", 150, "10", "L")]).await;
    let live = async |n: i64| {
        let wants = 1 + n % 3;
        let Ok(hold) = cart(&erp, &[("A", wants), ("B", 1)], 15).await.inspect_err(|refused| {
            assert_eq!(reason(refused), "OUT_OF_STOCK", "{refused:?}");
        }) else {
            return;
        };
        let id = service::new_id();
        let buy = async || {
            let bought = naming(hold, order(id, n, vec![line(1, "B", 1), line(2, "A", wants)]));
            erp.deliver(&[placed(bought)]).await;
        };
        let close = async || {
            let request = CloseReservationRequest { order_id: hold.to_string() };
            erp.reservations().close_reservation(request).await.map(drop)
        };
        match n % 4 {
            0 => buy().await,
            // Bought and given up at the same time: one of them has it.
            1 => {
                let ((), closed) = tokio::join!(buy(), close());
                closed.unwrap_or_else(|refused| assert_eq!(reason(&refused), "CONVERTED"));
            }
            2 => {
                let until = erp.now() + Duration::hours(1);
                let (extended, ()) = tokio::join!(extend(&erp, hold, until), buy());
                extended.map_or_else(|refused| assert_eq!(reason(&refused), "CONVERTED"), |times| assert_eq!(times, 1));
                erp.deliver(&[cancelled(id)]).await;
            }
            _ => close().await.unwrap(),
        }
    };
    join_all((0..200).map(live)).await;
    erp.app.clock.advance(Duration::hours(2));
    erp.app.run_job("erp_expire_holds").await.unwrap();
    erp.balanced().await;
    let sql = "select
        (select count(*) from demand where kind = 'hold' and state = 'open'),
        (select count(*) from demand where kind = 'order' and state = 'open' and hold_id is not null),
        (select count(*) from reservation r join demand d using (order_id) where d.kind = 'hold' and r.state = 'active'),
        (select count(*) from (select hold_id from demand where hold_id is not null group by 1 having count(*) > 1) twice)";
    let (open, bought, held, twice): (i64, i64, i64, i64) =
        sqlx::query_as(sql).fetch_one(erp.app.db.pool()).await.unwrap();
    assert_eq!((open, held, twice), (0, 0, 0));
    assert!(bought > 0, "some carts became orders");
    for sku in ["A", "B"] {
        let [on_hand, reserved, available, backordered] =
            erp.figures(sku).await.map(|text| text.parse::<i64>().unwrap());
        assert_eq!(on_hand, reserved + available);
        assert!(available == 0 || backordered == 0, "{sku}: {available} free while {backordered} wait");
    }
}
