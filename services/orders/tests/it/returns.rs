//! Returns of shipped goods.

use proto::{
    erp::v1 as erp,
    orders::v1::{self as wire, orders_event::Event},
};
use tonic::Code;
use uuid::Uuid;

use crate::support::{Shop, amount, invalid, parts, refused, start};

async fn delivered(shop: &Shop) -> String {
    let id = shop.push_lines("1", &[("A", "3"), ("B", "1")]).await;
    let shipment = shop.ship(&id, &[(1, "3"), (2, "1")], true).await;
    shop.deliver_shipment(&id, &shipment, true).await;
    shop.pay(&id, "400.00").await;
    id
}

#[tokio::test]
async fn a_return_is_recorded_published_and_booked_by_the_warehouse() {
    let shop = start().await;
    let id = delivered(&shop).await;
    assert_eq!(shop.states(&id).await, ["completed", "paid", "delivered"]);
    let request = wire::RecordReturnRequest {
        order_id: id.clone(),
        request_id: "r".into(),
        lines: parts(&[(1, "2")]),
        reason: "defect".into(),
        outcome: wire::ReturnOutcome::WriteOff.into(),
        returned_at: None,
    };
    let done = shop.returns().record_return(request.clone()).await.unwrap().into_inner();
    let back = done.order_return.clone().unwrap();
    assert_eq!((amount(&back.amount), done.fulfilment_state.as_str()), ("200.00", "delivered"));
    let again = shop.returns().record_return(request.clone()).await.unwrap().into_inner();
    assert_eq!(again, wire::RecordReturnResponse { duplicate: true, ..done }, "repeated");
    let other = wire::RecordReturnRequest { reason: "other".into(), ..request };
    refused(shop.returns().record_return(other).await, Code::AlreadyExists, "IDEMPOTENCY_CONFLICT");
    assert_eq!(shop.states(&id).await, ["completed", "overpaid", "delivered"]);

    let facts = shop.app.facts::<wire::OrdersEvent>("order_returned").await;
    let [fact] = <[wire::OrdersEvent; 1]>::try_from(facts).unwrap();
    let Some(Event::OrderReturned(fact)) = fact.event else { panic!("{fact:?}") };
    assert_eq!(
        (fact.outcome(), fact.lines[0].quantity.as_ref().unwrap().value.as_str()),
        (wire::ReturnOutcome::WriteOff, "2")
    );

    shop.told(vec![erp::erp_event::Event::StockReturned(erp::StockReturned {
        order_id: id.clone(),
        return_id: back.return_id,
        outcome: "write_off".into(),
        ..Default::default()
    })])
    .await;
    let list = wire::ListReturnsRequest { order_id: id.clone(), ..Default::default() };
    let listed = shop.returns().list_returns(list).await.unwrap().into_inner().returns;
    assert!(listed.len() == 1 && listed[0].booked_at.is_some() && listed[0].lines.len() == 1);
    assert_eq!(shop.timeline(&id).await.last().unwrap().code, "stock_returned");
}

#[tokio::test]
async fn when_everything_is_back_the_order_is_returned() {
    let shop = start().await;
    let id = delivered(&shop).await;
    shop.try_return(&id, &[(1, "3")]).await.unwrap();
    assert_eq!(shop.states(&id).await[2], "delivered");
    let done = shop.try_return(&id, &[(2, "1")]).await.unwrap();
    assert_eq!(done.fulfilment_state, "returned");
    assert_eq!(amount(&shop.get(&id).await.summary.unwrap().balance), "-400.00");
}

#[tokio::test]
async fn only_what_was_shipped_and_is_not_back_can_be_returned() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "3")]).await;
    refused(shop.try_return(&id, &[(1, "1")]).await, Code::FailedPrecondition, "QUANTITY_EXCEEDED");
    shop.ship(&id, &[(1, "2")], false).await;
    refused(shop.try_return(&id, &[(1, "3")]).await, Code::FailedPrecondition, "QUANTITY_EXCEEDED");
    shop.try_return(&id, &[(1, "2")]).await.unwrap();
    refused(shop.try_return(&id, &[(1, "1")]).await, Code::FailedPrecondition, "QUANTITY_EXCEEDED");
    invalid(shop.try_return(&id, &[(9, "1")]).await, &["lines[0].line_no"]);
    let nobody = Uuid::now_v7().to_string();
    refused(shop.try_return(&nobody, &[(1, "1")]).await, Code::NotFound, "NOT_FOUND");
    let list = wire::ListReturnsRequest { order_id: nobody, ..Default::default() };
    refused(shop.returns().list_returns(list).await, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn cancelling_and_returning_in_any_mixture_adds_up_to_the_line() {
    let shop = start().await;
    let lines = vec![crate::support::line("A", "7", "14.2857")];
    let id = shop.push(crate::support::order("mix", lines)).await.order_id;
    assert_eq!(amount(&shop.get(&id).await.summary.unwrap().total), "100.00");
    shop.try_cancel_lines(&id, &[(1, "1")]).await.unwrap();
    shop.ship(&id, &[(1, "4")], false).await;
    shop.try_return(&id, &[(1, "1")]).await.unwrap();
    shop.try_cancel_lines(&id, &[(1, "2")]).await.unwrap();
    for _ in 0..3 {
        shop.try_return(&id, &[(1, "1")]).await.unwrap();
    }
    let line = shop.get(&id).await.lines.remove(0);
    let sum = |text: &str| text.parse::<rust_decimal::Decimal>().unwrap();
    let given = sum(amount(&line.cancelled_amount)) + sum(amount(&line.returned_amount));
    assert_eq!(given.to_string(), "100.00");
    assert_eq!(shop.states(&id).await[2], "returned");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_return_the_same_pieces_at_once_and_none_too_many() {
    let shop = start().await;
    let id = delivered(&shop).await;
    let all = futures::future::join_all((0..12).map(|_| shop.try_return(&id, &[(1, "1")]))).await;
    assert_eq!(all.iter().filter(|result| result.is_ok()).count(), 3);
    assert_eq!(amount(&shop.get(&id).await.lines[0].returned_amount), "300.00");
}
