//! The worked cases with known answers, through the public API.

use futures::future::join_all;
use orders::{Config, intake::domain::TaxRounding};
use proto::orders::v1 as wire;
use tonic::Code;

use crate::support::{Shop, amount, line, money, order, refused, start, start_with};

async fn on_top(shop: &Shop) -> wire::PushOrderResponse {
    let line = wire::OrderLineInput { tax_rate: "19".into(), ..line("A", "3", "1.08") };
    shop.push(wire::OrderInput { prices_include_tax: Some(false), ..order("m1", vec![line]) }).await
}

#[tokio::test]
async fn m1_tax_on_top_is_rounded_per_line_unless_configured_per_unit() {
    assert_eq!(amount(&on_top(&start().await).await.total), "3.86");
    let per_unit = Config { orders_tax_rounding: TaxRounding::PerUnit, ..Config::default() };
    assert_eq!(amount(&on_top(&start_with(per_unit).await).await.total), "3.87");
}

#[tokio::test]
async fn m1_a_channel_may_round_per_unit() {
    let shop = start().await;
    let channel = wire::PutChannelRequest {
        code: "web".into(),
        tax_rounding: wire::TaxRounding::PerUnit.into(),
        ..Default::default()
    };
    shop.intake().put_channel(channel).await.unwrap();
    assert_eq!(amount(&on_top(&shop).await.total), "3.87");
}

#[tokio::test]
async fn m2_returning_ten_pieces_one_by_one_gives_back_the_line_and_no_more() {
    let shop = start().await;
    let line = wire::OrderLineInput { discount_percent: "25".into(), ..line("A", "10", "23.90") };
    let pushed = shop.push(order("m2", vec![line])).await;
    assert_eq!(amount(&pushed.total), "179.25");
    shop.ship(&pushed.order_id, &[(1, "10")], true).await;
    shop.pay(&pushed.order_id, "179.25").await;
    let mut returned = Vec::new();
    for _ in 0..10 {
        let back = shop.try_return(&pushed.order_id, &[(1, "1")]).await.unwrap().order_return.unwrap();
        returned.push(amount(&back.amount).parse::<rust_decimal::Decimal>().unwrap());
    }
    assert_eq!(returned.iter().sum::<rust_decimal::Decimal>().to_string(), "179.25");
    assert!(returned.iter().all(|part| ["17.92", "17.93"].contains(&part.to_string().as_str())), "{returned:?}");
    refused(shop.try_return(&pushed.order_id, &[(1, "1")]).await, Code::FailedPrecondition, "QUANTITY_EXCEEDED");
    let order = shop.get(&pushed.order_id).await.summary.unwrap();
    assert_eq!((amount(&order.returned_amount), amount(&order.balance)), ("179.25", "-179.25"));
}

#[tokio::test]
async fn m2_cancelling_ten_pieces_one_by_one_takes_off_the_line_and_no_more() {
    let shop = start().await;
    let line = wire::OrderLineInput { discount_percent: "25".into(), ..line("A", "10", "23.90") };
    let id = shop.push(order("m2", vec![line])).await.order_id;
    for _ in 0..9 {
        shop.try_cancel_lines(&id, &[(1, "1")]).await.unwrap();
    }
    assert_eq!(shop.states(&id).await[0], "confirmed");
    shop.try_cancel_lines(&id, &[(1, "1")]).await.unwrap();
    let order = shop.get(&id).await;
    let (head, line) = (order.summary.unwrap(), &order.lines[0]);
    assert_eq!((amount(&head.cancelled_amount), amount(&line.cancelled_amount)), ("179.25", "179.25"));
    assert_eq!((head.state.as_str(), head.fulfilment_state.as_str()), ("cancelled", "cancelled"));
}

#[tokio::test]
async fn m3_an_order_discount_is_spread_by_largest_remainder() {
    let shop = start().await;
    let lines = ["A", "B", "C"].map(|sku| line(sku, "1", "200.00")).to_vec();
    let pushed = shop.push(wire::OrderInput { discount: money("100.00"), ..order("m3", lines) }).await;
    let lines = shop.get(&pushed.order_id).await.lines;
    let parts: Vec<_> = lines.iter().map(|line| amount(&line.order_discount)).collect();
    assert_eq!(parts, ["33.34", "33.33", "33.33"]);
    assert_eq!((amount(&pushed.discount), amount(&pushed.total)), ("100.00", "500.00"));
}

#[tokio::test]
async fn m4_tax_inside() {
    let shop = start().await;
    assert_eq!(amount(&shop.push(order("1", vec![line("A", "1", "100.00")])).await.tax), "18.03");
    let lines = ["A", "B", "C"].map(|sku| line(sku, "1", "10.00")).to_vec();
    let pushed = shop.push(order("2", lines)).await;
    assert_eq!(amount(&pushed.tax), "5.40");
    for line in shop.get(&pushed.order_id).await.lines {
        assert_eq!(amount(&line.line.unwrap().tax), "1.80");
    }
}

#[tokio::test]
async fn m9_the_same_push_from_three_places_is_one_order_and_another_body_is_refused() {
    let shop = start().await;
    let body = order("m9", vec![line("A", "2", "100.00")]);
    let push = |request_id: &str, order: &wire::OrderInput| {
        let request = wire::PushOrderRequest { order: Some(order.clone()), request_id: request_id.to_owned() };
        let mut intake = shop.intake();
        async move { intake.push_order(request).await.map(tonic::Response::into_inner) }
    };
    let answers = join_all(["browser", "webhook", "exchange"].map(|from| push(from, &body))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| !answer.duplicate).count(), 1);
    let same = |answer: &wire::PushOrderResponse| wire::PushOrderResponse { duplicate: false, ..answer.clone() };
    assert!(answers.iter().all(|answer| same(answer) == same(&answers[0])), "one answer: {answers:?}");

    let other = order("m9", vec![line("A", "3", "100.00")]);
    refused(push("fourth", &other).await, Code::AlreadyExists, "EXTERNAL_ID_CONFLICT");
    for key in ["browser", "webhook", "exchange"] {
        refused(push(key, &other).await, Code::AlreadyExists, "IDEMPOTENCY_CONFLICT");
        let another = order("m9-2", vec![line("A", "3", "100.00")]);
        refused(push(key, &another).await, Code::AlreadyExists, "IDEMPOTENCY_CONFLICT");
    }
    assert_eq!(shop.app.facts::<wire::OrdersEvent>("order_placed").await.len(), 1);
}
