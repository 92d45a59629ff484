//! Goods that buyers sent back.

use proto::{
    erp::v1::{StockReturned, erp_event::Event},
    orders::v1::ReturnOutcome,
};

use crate::kit::{Erp, amount, goods, line, returned, value};

async fn told(erp: &Erp) -> Vec<StockReturned> {
    let facts = erp.facts("stock_returned").await;
    facts
        .into_iter()
        .map(|fact| match fact {
            Event::StockReturned(fact) => fact,
            _ => unreachable!(),
        })
        .collect()
}

#[tokio::test]
async fn s3_returns_come_back_at_the_cost_they_left_with() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    // One lot of the average 15, and two lots of their own cost.
    erp.receive(&[goods("A", 1, "10", "L"), goods("B", 1, "10", "L1")]).await;
    erp.receive(&[goods("A", 1, "20", "L"), goods("B", 1, "20", "L2")]).await;
    let id = erp.place(1, vec![line(1, "A", 1), line(2, "B", 1)]).await;
    assert_eq!(amount(&erp.ship(id).await.cost), "25.00");
    let back = returned(id, &[(1, "A", 1), (2, "B", 1)], ReturnOutcome::Restock);
    erp.deliver(std::slice::from_ref(&back)).await;
    erp.deliver(&[back]).await;
    assert_eq!(erp.figures("A").await, ["2", "0", "2", "0"]);
    assert_eq!((erp.worth("A").await, erp.worth("B").await), ("30.00".into(), "30.00".into()));
    let facts = told(&erp).await;
    assert_eq!((facts.len(), amount(&facts[0].cost), facts[0].outcome.as_str()), (1, "25.00".into(), "restock"));
    assert_eq!(facts[0].lines.iter().map(|line| line.lot.as_str()).collect::<Vec<_>>(), ["L", "L1"]);
    erp.balanced().await;
}

#[tokio::test]
async fn returned_one_by_one_exactly_the_cost_that_left_comes_back() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 3, "3.33333", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 3)]).await;
    assert_eq!(amount(&erp.ship(id).await.cost), "10.00");
    for _ in 0..3 {
        erp.deliver(&[returned(id, &[(1, "A", 1)], ReturnOutcome::Restock)]).await;
    }
    let costs: Vec<_> = told(&erp).await.iter().map(|fact| amount(&fact.cost)).collect();
    assert_eq!(costs, ["3.33", "3.34", "3.33"]);
    assert_eq!(erp.worth("A").await, "10.00");
    erp.deliver(&[returned(id, &[(1, "A", 1)], ReturnOutcome::Restock)]).await;
    assert_eq!(told(&erp).await.len(), 3, "what was never sent does not come back");
    assert_eq!(erp.figures("A").await[0], "3");
    erp.balanced().await;
}

#[tokio::test]
async fn the_outcome_says_where_returned_goods_go() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 6, "10", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 6)]).await;
    erp.ship(id).await;
    let waiting = erp.place(2, vec![line(1, "A", 1)]).await;
    erp.deliver(&[returned(id, &[(1, "A", 1)], ReturnOutcome::WriteOff)]).await;
    assert_eq!((erp.figures("A").await[0].as_str(), erp.worth("A").await.as_str()), ("0", "0.00"));
    erp.deliver(&[returned(id, &[(1, "A", 2)], ReturnOutcome::Repair)]).await;
    assert_eq!((erp.figures("A").await[0].as_str(), erp.worth("A").await.as_str()), ("0", "20.00"));
    assert_eq!(erp.has(waiting, 1).await.0, "0", "neither lost nor broken goods serve anybody");
    erp.deliver(&[returned(id, &[(1, "A", 3)], ReturnOutcome::Restock)]).await;
    assert_eq!(erp.has(waiting, 1).await.0, "1");
    assert_eq!(erp.figures("A").await, ["3", "1", "2", "0"]);
    let outcomes: Vec<_> = told(&erp).await.into_iter().map(|fact| fact.outcome).collect();
    assert_eq!(outcomes, ["write_off", "repair", "restock"]);
    let expected = ["order_allocated", "picking_started", "shipment_packed", "shipment_shipped"];
    assert_eq!(erp.told(id).await[..4], expected);
    assert_eq!(value(&told(&erp).await[1].lines[0].quantity), "2");
    erp.balanced().await;
}

#[tokio::test]
async fn a_return_of_an_order_nobody_told_us_of_is_remembered_and_changes_nothing() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let id = service::new_id();
    erp.deliver(&[returned(id, &[(1, "A", 1)], ReturnOutcome::Restock)]).await;
    assert!(erp.told(id).await.is_empty());
    let unmatched: String =
        sqlx::query_scalar("select unmatched::text from stock_return").fetch_one(erp.app.db.pool()).await.unwrap();
    assert_eq!(unmatched, "1");
}
