//! Goods that come in.

use proto::erp::v1::{
    GetReceiptRequest, PostReceiptRequest, ReceiptLineInput, erp_event::Event, receipt_line_input::Cost,
};
use time::Duration;
use tonic::Code;

use crate::kit::{Erp, In, amount, fields, goods, key, line, pcs, reason, rub, value};

fn request(lines: Vec<ReceiptLineInput>) -> PostReceiptRequest {
    PostReceiptRequest { request_id: key(), supplier: "SUP".into(), lines, ..PostReceiptRequest::default() }
}

fn input(sku: &str, quantity: i64, cost: Cost) -> ReceiptLineInput {
    ReceiptLineInput { sku: sku.into(), quantity: pcs(quantity), cost: Some(cost), ..ReceiptLineInput::default() }
}

#[tokio::test]
async fn a_receipt_makes_lots_balances_and_a_fact() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let mut bars = input("B", 7, Cost::LineCost(rub("100.01").unwrap()));
    (bars.lot, bars.expires_on, bars.supplier_lot) = ("B-1".into(), "2027-01-31".into(), "S77".into());
    let lines = vec![input("A", 3, Cost::UnitCost(rub("0.335").unwrap())), bars];
    let posted = erp.receipts().post_receipt(request(lines)).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(amount(&posted.cost), "101.02");
    assert_eq!(posted.lines.iter().map(|line| amount(&line.cost)).collect::<Vec<_>>(), ["1.01", "100.01"]);
    assert_eq!(posted.lines[0].lot, format!("R{}-1", posted.number));
    assert_eq!((posted.warehouse.as_str(), posted.created_by.as_str()), ("MAIN", "tester"));

    let read = GetReceiptRequest { receipt_id: posted.receipt_id.clone() };
    assert_eq!(erp.receipts().get_receipt(read).await.unwrap().into_inner().receipt.unwrap(), posted);
    let stock = erp.stock_of("B").await;
    assert_eq!((stock.lots.len(), stock.lots[0].lot.as_str()), (1, "B-1"));
    assert_eq!((stock.lots[0].expires_on.as_str(), stock.lots[0].supplier_lot.as_str()), ("2027-01-31", "S77"));
    assert_eq!(amount(&stock.value), "100.01");
    let Event::GoodsReceived(fact) = erp.facts("goods_received").await.remove(0) else { panic!() };
    assert_eq!((fact.receipt_id, fact.warehouse.as_str()), (posted.receipt_id, "MAIN"));
    assert_eq!(fact.lines[1].expires_on, "2027-01-31");
    assert_eq!(value(&fact.lines[0].quantity), "3");
    erp.balanced().await;
}

#[tokio::test]
async fn the_same_receipt_twice_is_one_receipt() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let one = request(vec![input("A", 5, Cost::UnitCost(rub("2").unwrap()))]);
    let first = erp.receipts().post_receipt(one.clone()).await.unwrap().into_inner();
    let second = erp.receipts().post_receipt(one.clone()).await.unwrap().into_inner();
    assert_eq!(first, second);
    assert_eq!(erp.figures("A").await[0], "5");
    let other = PostReceiptRequest { supplier: "OTHER".into(), ..one };
    let refused = erp.receipts().post_receipt(other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT"));
}

#[tokio::test]
async fn a_receipt_of_unknown_things_is_refused_whole() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let cost = || Cost::UnitCost(rub("1").unwrap());
    let refused = erp.receipts().post_receipt(request(vec![input("A", 1, cost()), input("Z", 1, cost())])).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "UNKNOWN_SKU"));
    assert!(refused.message().contains('Z') && !refused.message().contains('A'), "{}", refused.message());

    let elsewhere = PostReceiptRequest { warehouse: "MARS".into(), ..request(vec![input("A", 1, cost())]) };
    assert_eq!(reason(&erp.receipts().post_receipt(elsewhere).await.unwrap_err()), "UNKNOWN_WAREHOUSE");
    let mut kilos = input("A", 1, cost());
    kilos.quantity.as_mut().unwrap().unit = "kg".into();
    assert_eq!(reason(&erp.receipts().post_receipt(request(vec![kilos])).await.unwrap_err()), "UNIT_MISMATCH");
    assert_eq!(erp.figures("A").await[0], "0");
    let unknown = GetReceiptRequest { receipt_id: service::new_id().to_string() };
    assert_eq!(erp.receipts().get_receipt(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn malformed_receipts_are_refused_field_by_field() {
    let erp = Erp::start().await;
    let mut absurd = input("A", 0, Cost::UnitCost(rub("-1").unwrap()));
    absurd.expires_on = "31.01.2027".into();
    let mut foreign = input("A", 1, Cost::LineCost(rub("1").unwrap()));
    foreign.cost = Some(Cost::LineCost(proto::common::v1::Money { currency: "EUR".into(), amount: "1.001".into() }));
    let free = ReceiptLineInput { cost: None, ..input("A", 1, Cost::UnitCost(rub("1").unwrap())) };
    let huge = input("A", 999_999_999_999, Cost::UnitCost(rub("999999999999").unwrap()));
    let future = proto::to_timestamp(erp.now() + Duration::hours(1));
    let bad = PostReceiptRequest { received_at: Some(future), ..request(vec![absurd, foreign, free, huge]) };
    let refused = erp.receipts().post_receipt(bad).await.unwrap_err();
    let expected = [
        "received_at",
        "lines[0].quantity",
        "lines[0].unit_cost",
        "lines[0].expires_on",
        "lines[1].line_cost",
        "lines[1].line_cost",
        "lines[2].unit_cost",
        "lines[3].unit_cost",
    ];
    assert_eq!(fields(&refused), expected);
    assert_eq!(fields(&erp.receipts().post_receipt(request(Vec::new())).await.unwrap_err()), ["lines"]);
    let many = vec![input("A", 1, Cost::UnitCost(rub("1").unwrap())); 1001];
    assert_eq!(fields(&erp.receipts().post_receipt(request(many)).await.unwrap_err()), ["lines"]);
}

#[tokio::test]
async fn a_lot_keeps_its_expiry_date() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let lot = |expires_on| In { expires_on, ..goods("A", 1, "1", "L") };
    erp.receive(&[lot("2027-01-01")]).await;
    erp.receive(&[lot("")]).await;
    let mut again = input("A", 1, Cost::UnitCost(rub("1").unwrap()));
    (again.lot, again.expires_on) = ("L".into(), "2028-01-01".into());
    let refused = erp.receipts().post_receipt(request(vec![again])).await.unwrap_err();
    assert_eq!(reason(&refused), "LOT_MISMATCH");
    let lots = erp.stock_of("A").await.lots;
    assert_eq!((lots.len(), lots[0].on_hand.as_str(), lots[0].expires_on.as_str()), (1, "2", "2027-01-01"));
}

#[tokio::test]
async fn a_thousand_lines_are_one_receipt_and_serve_those_who_wait() {
    let erp = Erp::start().await;
    let skus: Vec<_> = (0..500).map(|n| format!("SKU-{n:03}")).collect();
    erp.know(&skus.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let id = erp.place(1, skus.iter().zip(1..).map(|(sku, n)| line(n, sku, 3)).collect()).await;
    let lines = skus.iter().chain(&skus).map(|sku| input(sku, 2, Cost::UnitCost(rub("1.5").unwrap()))).collect();
    let posted = erp.receipts().post_receipt(request(lines)).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((posted.lines.len(), amount(&posted.cost).as_str()), (1000, "3000.00"));
    let lines = erp.reservation(id).await.lines;
    assert!(lines.iter().all(|line| line.reserved == "3" && line.backordered == "0" && line.lots.len() == 2));
    let allocated = erp.facts("order_allocated").await;
    let causes: Vec<_> = allocated
        .iter()
        .map(|fact| match fact {
            Event::OrderAllocated(fact) => (fact.cause.as_str(), fact.complete),
            _ => unreachable!(),
        })
        .collect();
    assert_eq!(causes, [("order", false), ("goods_received", true)]);
    erp.balanced().await;
}
