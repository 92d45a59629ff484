//! Confirming, cancelling, completing, listing.

use proto::{
    common::v1::PageRequest,
    orders::v1::{self as wire, orders_event::Event},
};
use testkit::START;
use time::Duration;
use tonic::Code;
use uuid::Uuid;

use crate::support::{Shop, amount, invalid, line, money, order, parts, refused, start};

/// The warehouse's hold of the buyer's cart.
const CART: &str = "018f0000-0000-7000-8000-000000000001";

async fn held(shop: &Shop, id: &str) -> String {
    let body = wire::OrderInput {
        expected_total: money("1.00"),
        hold_id: CART.into(),
        ..order(id, vec![line("A", "2", "100.00")])
    };
    shop.push(body).await.order_id
}

#[tokio::test]
async fn a_held_order_is_confirmed_once_and_its_event_carries_the_standing_lines() {
    let shop = start().await;
    let id = held(&shop, "1").await;
    shop.try_cancel_lines(&id, &[(1, "1")]).await.unwrap();
    let request =
        wire::ConfirmOrderRequest { order_id: id.clone(), request_id: "c".into(), reason: "called the buyer".into() };
    let first = shop.orders().confirm_order(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.order.as_ref().unwrap().summary.as_ref().unwrap().state, "confirmed");
    assert_eq!(shop.orders().confirm_order(request).await.unwrap().into_inner(), first, "repeated");
    refused(shop.try_confirm(&id).await, Code::FailedPrecondition, "FORBIDDEN_TRANSITION");
    let names = shop.fact_names(&id).await;
    assert_eq!(names, ["order_placed", "order_lines_cancelled", "order_confirmed", "order_state_changed"]);
    let facts = shop.app.facts::<wire::OrdersEvent>("order_confirmed").await;
    let Some(Event::OrderConfirmed(fact)) = &facts[0].event else { panic!() };
    assert_eq!(fact.number, "W-000000001");
    assert_eq!((fact.channel.as_str(), fact.hold_id.as_str()), ("web", CART), "as when it was placed");
    assert_eq!(fact.lines[0].quantity.as_ref().unwrap().value, "1");
    assert_eq!(amount(&fact.lines[0].total), "100.00");
    let last = shop.timeline(&id).await.pop().unwrap();
    assert_eq!((last.from_state.as_str(), last.to_state.as_str()), ("new", "confirmed"));
    assert_eq!((last.actor.as_str(), last.reason.as_str()), ("tester", "called the buyer"));
}

#[tokio::test]
async fn cancelling_an_order_takes_everything_with_it_and_only_once() {
    let shop = start().await;
    let body = wire::OrderInput {
        delivery: Some(wire::DeliveryInput { charge: money("300.00"), ..Default::default() }),
        ..order("1", vec![line("A", "2", "100.00"), line("B", "1", "50.00")])
    };
    let id = shop.push(body).await.order_id;
    let done = shop.try_cancel(&id).await.unwrap();
    assert_eq!(
        done.cancelled.iter().map(|line| amount(&line.amount)).collect::<Vec<_>>(),
        ["200.00", "50.00", "300.00"]
    );
    let head = done.order.unwrap().summary.unwrap();
    assert_eq!((amount(&head.cancelled_amount), amount(&head.balance)), ("550.00", "0.00"));
    assert_eq!(shop.states(&id).await, ["cancelled", "unpaid", "cancelled"]);
    refused(shop.try_cancel(&id).await, Code::FailedPrecondition, "FORBIDDEN_TRANSITION");
    refused(shop.try_cancel_lines(&id, &[(1, "1")]).await, Code::FailedPrecondition, "FORBIDDEN_TRANSITION");
    refused(shop.try_confirm(&id).await, Code::FailedPrecondition, "FORBIDDEN_TRANSITION");
    let names = shop.fact_names(&id).await;
    assert_eq!(names, ["order_placed", "order_cancelled", "order_state_changed", "order_state_changed"]);
}

#[tokio::test]
async fn cancelling_after_a_partial_shipment_leaves_what_was_shipped() {
    let shop = start().await;
    let body = wire::OrderInput {
        delivery: Some(wire::DeliveryInput { charge: money("300.00"), ..Default::default() }),
        ..order("1", vec![line("A", "5", "100.00"), line("B", "1", "50.00")])
    };
    let id = shop.push(body).await.order_id;
    let shipment = shop.ship(&id, &[(1, "2")], false).await;
    assert_eq!(shop.states(&id).await[2], "partially_shipped");
    let done = shop.try_cancel(&id).await.unwrap();
    let told: Vec<_> = done
        .cancelled
        .iter()
        .map(|line| (line.line_no, line.quantity.as_ref().unwrap().value.as_str(), amount(&line.amount)))
        .collect();
    assert_eq!(told, [(1, "3", "300.00"), (2, "1", "50.00")], "the delivery was made");
    assert_eq!(shop.states(&id).await, ["confirmed", "unpaid", "shipped"]);
    refused(shop.try_cancel(&id).await, Code::FailedPrecondition, "NOTHING_TO_CANCEL");
    shop.deliver_shipment(&id, &shipment, false).await;
    assert_eq!(shop.states(&id).await[2], "delivered", "no other shipment is on its way");
    shop.pay(&id, "500.00").await;
    assert_eq!(shop.states(&id).await, ["completed", "paid", "delivered"]);
    assert_eq!(shop.fact_names(&id).await.pop().as_deref(), Some("order_completed"));
}

#[tokio::test]
async fn cancelling_more_than_is_open_changes_nothing() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "3"), ("B", "1")]).await;
    refused(shop.try_cancel_lines(&id, &[(2, "1"), (1, "4")]).await, Code::FailedPrecondition, "QUANTITY_EXCEEDED");
    invalid(shop.try_cancel_lines(&id, &[(3, "1")]).await, &["lines[0].line_no"]);
    invalid(shop.try_cancel_lines(&id, &[(1, "0.5")]).await, &["lines[0].quantity.value"]);
    invalid(shop.try_cancel_lines(&id, &[(1, "0")]).await, &["lines[0].quantity"]);
    invalid(shop.try_cancel_lines(&id, &[(1, "1"), (1, "1")]).await, &["lines[1].line_no"]);
    invalid(shop.try_cancel_lines(&id, &[]).await, &["lines"]);
    let nobody = Uuid::now_v7().to_string();
    refused(shop.try_cancel_lines(&nobody, &[(1, "1")]).await, Code::NotFound, "NOT_FOUND");
    let order = shop.get(&id).await;
    assert_eq!(amount(&order.summary.unwrap().cancelled_amount), "0.00");
    assert_eq!(shop.fact_names(&id).await, ["order_placed"]);
}

#[tokio::test]
async fn a_cancelled_part_may_have_its_own_money_within_the_line() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "3")]).await;
    let with = |request_id: &str, quantity: &str, amount: &str| {
        let mut lines = parts(&[(1, quantity)]);
        lines[0].amount = money(amount);
        wire::CancelOrderLinesRequest {
            order_id: id.clone(),
            request_id: request_id.into(),
            reason: "price_corrected".into(),
            lines,
            cancelled_at: None,
        }
    };
    let mut orders = shop.orders();
    refused(orders.cancel_order_lines(with("1", "1", "300.01")).await, Code::FailedPrecondition, "AMOUNT_EXCEEDED");
    refused(orders.cancel_order_lines(with("2", "1", "-1.00")).await, Code::FailedPrecondition, "AMOUNT_EXCEEDED");
    let done = orders.cancel_order_lines(with("3", "1", "90.00")).await.unwrap().into_inner();
    assert_eq!(amount(&done.cancelled[0].amount), "90.00");
    let again = orders.cancel_order_lines(with("3", "1", "90.00")).await.unwrap().into_inner();
    assert_eq!(again, wire::CancelOrderLinesResponse { duplicate: true, ..done.clone() }, "once");
    refused(orders.cancel_order_lines(with("3", "1", "80.00")).await, Code::AlreadyExists, "IDEMPOTENCY_CONFLICT");
    let rest = shop.try_cancel_lines(&id, &[(1, "2")]).await.unwrap();
    assert_eq!(amount(&rest.cancelled[0].amount), "210.00", "the last pieces take what is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_cancel_the_same_line_at_once_and_none_too_many() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "10"), ("B", "1")]).await;
    let all = futures::future::join_all((0..25).map(|_| shop.try_cancel_lines(&id, &[(1, "1")]))).await;
    assert_eq!(all.iter().filter(|result| result.is_ok()).count(), 10);
    for result in all.into_iter().filter(Result::is_err) {
        refused(result, Code::FailedPrecondition, "QUANTITY_EXCEEDED");
    }
    assert_eq!(amount(&shop.get(&id).await.lines[0].cancelled_amount), "1000.00");
}

#[tokio::test]
async fn a_delivered_order_may_be_completed_by_hand_though_something_is_owed() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "1")]).await;
    let complete = |request_id: &str| {
        let request = wire::CompleteOrderRequest {
            order_id: id.clone(),
            request_id: request_id.into(),
            reason: "rest waived".into(),
        };
        let mut orders = shop.orders();
        async move { orders.complete_order(request).await }
    };
    refused(complete("1").await, Code::FailedPrecondition, "NOT_DELIVERED");
    let shipment = shop.ship(&id, &[(1, "1")], true).await;
    refused(complete("2").await, Code::FailedPrecondition, "NOT_DELIVERED");
    shop.deliver_shipment(&id, &shipment, true).await;
    complete("3").await.unwrap();
    assert_eq!(shop.states(&id).await, ["completed", "unpaid", "delivered"]);
    refused(complete("4").await, Code::FailedPrecondition, "FORBIDDEN_TRANSITION");
    refused(shop.try_cancel(&id).await, Code::FailedPrecondition, "FORBIDDEN_TRANSITION");
}

#[tokio::test]
async fn a_forgotten_charge_can_be_taken_off_a_completed_order() {
    let shop = start().await;
    let body = wire::OrderInput {
        delivery: Some(wire::DeliveryInput { charge: money("300.00"), ..Default::default() }),
        ..order("1", vec![line("A", "1", "100.00")])
    };
    let id = shop.push(body).await.order_id;
    let shipment = shop.ship(&id, &[(1, "1")], true).await;
    shop.deliver_shipment(&id, &shipment, true).await;
    shop.pay(&id, "400.00").await;
    shop.try_cancel_lines(&id, &[(2, "1")]).await.unwrap();
    assert_eq!(shop.states(&id).await, ["completed", "overpaid", "delivered"]);
    refused(shop.try_cancel_lines(&id, &[(1, "1")]).await, Code::FailedPrecondition, "FORBIDDEN_TRANSITION");
}

#[tokio::test]
async fn orders_are_listed_latest_first_in_pages_and_by_filter() {
    let shop = start().await;
    let mut ids = Vec::new();
    for day in 0..5 {
        let body = wire::OrderInput {
            placed_at: Some(proto::to_timestamp(START - Duration::days(day))),
            channel: if day == 3 { "counter".into() } else { "web".into() },
            expected_total: if day == 1 { money("1.00") } else { None },
            ..order(&day.to_string(), vec![line("A", "1", "100.00")])
        };
        ids.push(shop.push(body).await.order_id);
    }
    let list = |request: wire::ListOrdersRequest| {
        let mut orders = shop.orders();
        async move { orders.list_orders(request).await.map(tonic::Response::into_inner) }
    };
    let names = |page: &wire::ListOrdersResponse| {
        page.orders.iter().map(|order| order.external_id.clone()).collect::<Vec<_>>().join("")
    };
    let (mut seen, mut token) = (String::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 2, page_token: token });
        let page = list(wire::ListOrdersRequest { page, ..Default::default() }).await.unwrap();
        seen.push_str(&names(&page));
        token = page.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, "01234");
    let at = |days| Some(proto::to_timestamp(START - Duration::days(days)));
    let filters: Vec<(wire::ListOrdersRequest, &str)> = vec![
        (wire::ListOrdersRequest { state: "new".into(), ..Default::default() }, "1"),
        (wire::ListOrdersRequest { channel: "counter".into(), ..Default::default() }, "3"),
        (wire::ListOrdersRequest { payment_state: "paid".into(), ..Default::default() }, ""),
        (wire::ListOrdersRequest { fulfilment_state: "none".into(), ..Default::default() }, "01234"),
        (wire::ListOrdersRequest { placed_from: at(3), placed_before: at(1), ..Default::default() }, "23"),
        (wire::ListOrdersRequest { number: "W-000000002".into(), ..Default::default() }, "1"),
        (wire::ListOrdersRequest { customer_id: Uuid::now_v7().to_string(), ..Default::default() }, ""),
    ];
    for (filter, expected) in filters {
        assert_eq!(names(&list(filter.clone()).await.unwrap()), expected, "{filter:?}");
    }
    let wrong = wire::ListOrdersRequest {
        state: "nonsense".into(),
        number: "1".into(),
        customer_id: "x".into(),
        ..Default::default()
    };
    invalid(list(wrong).await, &["number", "state", "customer_id"]);
    let forged = "WzI1MzQwMjMwMDc5OSw5OTk5OTksIjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJd";
    let page = Some(PageRequest { page_size: 2, page_token: forged.into() });
    list(wire::ListOrdersRequest { page, ..Default::default() }).await.expect("the end of time is a moment too");
    refused(
        shop.orders().get_order(wire::GetOrderRequest { order_id: Uuid::now_v7().to_string() }).await,
        Code::NotFound,
        "NOT_FOUND",
    );
}

#[tokio::test]
async fn a_timeline_is_read_in_pages() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "9")]).await;
    for _ in 0..4 {
        shop.try_cancel_lines(&id, &[(1, "1")]).await.unwrap();
    }
    let page = |page_token: String| {
        let page = Some(PageRequest { page_size: 3, page_token });
        let request = wire::GetOrderTimelineRequest { page, order_id: id.clone() };
        let mut orders = shop.orders();
        async move { orders.get_order_timeline(request).await.unwrap().into_inner() }
    };
    let first = page(String::new()).await;
    let second = page(first.page.unwrap().next_page_token).await;
    let codes: Vec<_> = first.entries.iter().chain(&second.entries).map(|entry| entry.code.as_str()).collect();
    assert_eq!(codes, ["order_placed", "lines_cancelled", "lines_cancelled", "lines_cancelled", "lines_cancelled"]);
    let unknown = wire::GetOrderTimelineRequest { order_id: Uuid::now_v7().to_string(), ..Default::default() };
    refused(shop.orders().get_order_timeline(unknown).await, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn a_cancellation_of_the_past_is_published_with_its_own_time() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "2")]).await;
    let long_ago = Some(proto::to_timestamp(START - Duration::days(400)));
    let request = wire::CancelOrderLinesRequest {
        order_id: id.clone(),
        request_id: "past".into(),
        reason: "history".into(),
        lines: parts(&[(1, "1")]),
        cancelled_at: long_ago,
    };
    shop.orders().cancel_order_lines(request).await.unwrap();
    let facts = shop.app.facts::<wire::OrdersEvent>("order_lines_cancelled").await;
    let Some(Event::OrderLinesCancelled(fact)) = &facts[0].event else { panic!() };
    assert_eq!(fact.cancelled_at, long_ago);
    let last = shop.timeline(&id).await.pop().unwrap();
    assert_eq!(last.at, Some(proto::to_timestamp(START)), "the history tells when it was done here");
}
