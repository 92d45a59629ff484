//! Many at once: exact, no deadlock, no error but the honest one.

use futures::future::join_all;
use proto::{
    erp::v1::{
        AdjustmentKind, ChargeBasis, ChargeInput, ChargeKind, CorrectReceiptCostRequest, LandedLineInput,
        PostLandedCostRequest, ReserveLine, ReserveStockRequest, ShipOrdersRequest,
    },
    orders::v1::ReturnOutcome,
};
use uuid::Uuid;

use crate::{
    kit::{Erp, cancelled, goods, key, line, order, pcs, placed, reason, returned, rub},
    valuation::received_at,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s9_two_hundred_buyers_at_once_and_ten_pieces() {
    let erp = Erp::start().await;
    erp.know(&["HOT"]).await;
    erp.receive(&[goods("HOT", 7, "10", "L1"), goods("HOT", 3, "10", "L2")]).await;
    let buy = async || {
        let request = ReserveStockRequest {
            request_id: key(),
            reference: "buyer".into(),
            lines: vec![ReserveLine { sku: "HOT".into(), quantity: pcs(1) }],
            all_lines: true,
            ..ReserveStockRequest::default()
        };
        erp.reservations().reserve_stock(request).await
    };
    let answers = join_all((0..200).map(|_| buy())).await;
    let got = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(got, 10);
    for refused in answers.into_iter().filter_map(Result::err) {
        assert_eq!(reason(&refused), "OUT_OF_STOCK", "{refused:?}");
    }
    assert_eq!(erp.figures("HOT").await, ["10", "10", "0", "0"]);
    assert_eq!(erp.told("HOT").await, ["stock_depleted"]);
    erp.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s9_two_hundred_orders_from_many_deliveries_at_once() {
    let erp = Erp::start().await;
    erp.know(&["HOT"]).await;
    erp.receive(&[goods("HOT", 10, "10", "L")]).await;
    let ids: Vec<_> = (0..200).map(|_| service::new_id()).collect();
    join_all(ids.iter().zip(1..).map(async |(id, n)| {
        erp.deliver(&[placed(order(*id, n, vec![line(1, "HOT", 1)]))]).await;
    }))
    .await;
    assert_eq!(erp.figures("HOT").await, ["10", "10", "0", "190"]);
    let complete = erp.facts("order_allocated").await;
    assert_eq!(complete.len(), 200);
    erp.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_at_once_on_the_same_goods_neither_deadlocks_nor_oversells() {
    let erp = Erp::start().await;
    let skus = ["A", "B", "C"];
    erp.know(&skus).await;
    erp.receive(&skus.map(|sku| goods(sku, 30, "3.33", "L"))).await;
    let ids: Vec<Uuid> = (0..60).map(|_| service::new_id()).collect();
    // Each order names the goods in another sequence; each is then shipped, cancelled or returned while others run.
    let live = async |n: usize, id: Uuid| {
        let lines = (0..3).map(|k| line(k + 1, skus[(n + k as usize) % 3], 1 + (n as i64 % 2))).collect();
        erp.deliver(&[placed(order(id, n as i64, lines))]).await;
        match n % 3 {
            0 => erp.deliver(&[cancelled(id)]).await,
            1 => drop(erp.ship(id).await),
            _ => {
                erp.ship(id).await;
                erp.deliver(&[returned(id, &[(1, "", 1), (3, "", 1)], ReturnOutcome::Restock)]).await;
            }
        }
    };
    let receive = async |n: usize| {
        let lot = format!("R{n}");
        let mut all = skus.map(|sku| goods(sku, 2, "4.5", &lot));
        all.rotate_left(n % 3);
        erp.receive(&all).await;
    };
    let count = async |n: usize| {
        let counted = erp.adjust(AdjustmentKind::Count, skus[n % 3], "L", 25).await;
        counted.map_or_else(|refused| assert_eq!(reason(&refused), "PICKED_STOCK"), |_| ());
    };
    tokio::join!(
        join_all(ids.iter().enumerate().map(|(n, id)| live(n, *id))),
        join_all((0..20).map(receive)),
        join_all((0..12).map(count)),
    );
    erp.balanced().await;
    for id in ids {
        erp.told(id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_comes_while_others_wait_to_be_shipped_is_unknown_to_them_and_breaks_nothing() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    erp.receive(&[goods("A", 5, "10", "L"), goods("B", 5, "10", "L")]).await;
    let (there, late) = (service::new_id(), service::new_id());
    erp.deliver(&[placed(order(there, 1, vec![line(1, "A", 1)]))]).await;
    let mut somebody = erp.app.db.begin().await.unwrap();
    sqlx::query("select from stock_item where sku = 'A' for update").execute(&mut *somebody).await.unwrap();
    let order_ids = [there, late].map(|id| id.to_string()).to_vec();
    let ship = async |order_ids| {
        let request = ShipOrdersRequest { request_id: key(), order_ids, ..ShipOrdersRequest::default() };
        erp.fulfilment().ship_orders(request).await.unwrap().into_inner().results
    };
    let shipping = ship(order_ids.clone());
    let meanwhile = async {
        testkit::eventually("the shipping waits for the item", async || {
            let waiting = "select count(*) from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'";
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(erp.app.db.pool()).await.unwrap() > 0
        })
        .await;
        erp.deliver(&[placed(order(late, 2, vec![line(1, "B", 1)]))]).await;
        somebody.commit().await.unwrap();
    };
    let (results, ()) = tokio::join!(shipping, meanwhile);
    let refusals: Vec<_> = results.iter().map(|result| result.refusal.as_str()).collect();
    assert_eq!(refusals, ["", "UNKNOWN_ORDER"]);
    let results = ship(order_ids).await;
    let refusals: Vec<_> = results.iter().map(|result| result.refusal.as_str()).collect();
    assert_eq!(refusals, ["NOTHING_RESERVED", ""]);
    erp.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_receipts_of_the_past_landed_cost_and_sales_at_once_end_as_if_they_came_one_by_one() {
    let erp = Erp::start().await;
    let skus = ["A", "B", "C"];
    erp.know(&skus).await;
    let receipt = erp.receive(&skus.map(|sku| goods(sku, 60, "3.33", "L"))).await;
    let day = time::Duration::days(1);
    let sell = async |n: i64| {
        let lines = (0..3).map(|k| line(k + 1, skus[(n as usize + k as usize) % 3], 1)).collect();
        let id = erp.place(n, lines).await;
        erp.ship(id).await;
        if n % 4 == 0 {
            erp.deliver(&[returned(id, &[(1, "", 1)], ReturnOutcome::Restock)]).await;
        }
    };
    let correct = async |n: i64| {
        let request = CorrectReceiptCostRequest {
            request_id: key(),
            receipt_id: receipt.receipt_id.clone(),
            line_no: 1 + i32::try_from(n % 3).unwrap(),
            line_cost: rub(format!("{}.11", 150 + n)),
            reason: "at once".into(),
        };
        erp.valuation().correct_receipt_cost(request).await.unwrap();
    };
    let land = async |n: i64| {
        let line =
            |line_no| LandedLineInput { receipt_id: receipt.receipt_id.clone(), line_no, ..LandedLineInput::default() };
        let charge = ChargeInput {
            kind: ChargeKind::Freight.into(),
            basis: ChargeBasis::Value.into(),
            amount: rub(format!("{n}.07")),
            ..ChargeInput::default()
        };
        let mut lines = vec![line(1), line(2), line(3)];
        lines.rotate_left(usize::try_from(n % 3).unwrap());
        let request = PostLandedCostRequest {
            request_id: key(),
            charges: vec![charge],
            lines,
            ..PostLandedCostRequest::default()
        };
        erp.landed_costs().post_landed_cost(request).await.unwrap();
    };
    let late = async |n: i64| {
        let sku = skus[usize::try_from(n % 3).unwrap()];
        received_at(&erp, sku, 2, "4.01", "L", erp.now() - day * i32::try_from(n).unwrap()).await.unwrap();
    };
    tokio::join!(
        join_all((1..=40).map(sell)),
        join_all((1..=20).map(correct)),
        join_all((1..=10).map(land)),
        join_all((1..=10).map(late)),
    );
    erp.balanced().await;
    let sums = "select (select sum(value) from stock_move where from_place = 1)
            - (select sum(value) from stock_move where to_place = 2) + (select sum(value) from stock_move where from_place = 2)
            - (select sum(value) from cost_layer) = 0";
    assert!(
        sqlx::query_scalar::<_, bool>(sums).fetch_one(erp.app.db.pool()).await.unwrap(),
        "nothing is lost on the way"
    );
}
