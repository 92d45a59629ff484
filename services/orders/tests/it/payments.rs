//! Payments and refunds.

use futures::future::join_all;
use proto::{
    common::v1::Money,
    orders::v1::{self as wire, orders_event::Event},
};
use tonic::Code;
use uuid::Uuid;

use crate::support::{Shop, amount, invalid, money, refused, start};

fn payment(order_id: &str, request_id: &str, amount: &str) -> wire::RecordPaymentRequest {
    wire::RecordPaymentRequest {
        order_id: order_id.into(),
        request_id: request_id.into(),
        method: "card".into(),
        amount: money(amount),
        ..Default::default()
    }
}

async fn try_refund(
    shop: &Shop,
    order_id: &str,
    key: &str,
    amount: &str,
) -> Result<wire::RecordRefundResponse, tonic::Status> {
    let request = wire::RecordRefundRequest {
        order_id: order_id.into(),
        request_id: key.into(),
        method: "card".into(),
        amount: money(amount),
        reason: "returned".into(),
        ..Default::default()
    };
    Ok(shop.payments().record_refund(request).await?.into_inner())
}

#[tokio::test]
async fn partial_full_and_over_payments_and_refunds_move_the_payment_state() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "3")]).await;
    let mut seen = Vec::new();
    for part in ["100.00", "200.00", "50.00"] {
        let done = shop.pay(&id, part).await;
        seen.push((done.payment_state, amount(&done.paid_total).to_owned()));
    }
    for (key, part) in [("r1", "50.00"), ("r2", "300.00")] {
        let done = try_refund(&shop, &id, key, part).await.unwrap();
        seen.push((done.payment_state, amount(&done.paid_total).to_owned()));
    }
    let expected = [
        ("partially_paid", "100.00"),
        ("paid", "300.00"),
        ("overpaid", "350.00"),
        ("partially_refunded", "300.00"),
        ("refunded", "0.00"),
    ];
    assert_eq!(seen, expected.map(|(state, total)| (state.to_owned(), total.to_owned())));
    refused(try_refund(&shop, &id, "r3", "0.01").await, Code::FailedPrecondition, "REFUND_EXCEEDS_PAID");
    let list = wire::ListPaymentsRequest { order_id: id.clone(), ..Default::default() };
    let payments = shop.payments().list_payments(list).await.unwrap().into_inner().payments;
    let amounts: Vec<_> = payments.iter().map(|payment| amount(&payment.amount)).collect();
    assert_eq!(amounts, ["100.00", "200.00", "50.00", "-50.00", "-300.00"]);
    let facts = shop.app.facts::<wire::OrdersEvent>("payment_recorded").await;
    assert_eq!(facts.len(), 5);
    let Some(Event::PaymentRecorded(last)) = &facts[4].event else { panic!() };
    assert_eq!(
        (amount(&last.amount), amount(&last.paid_total), last.payment_state.as_str()),
        ("-300.00", "0.00", "refunded")
    );
}

#[tokio::test]
async fn a_paid_order_that_is_cancelled_in_part_is_overpaid() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "3")]).await;
    shop.pay(&id, "300.00").await;
    shop.try_cancel_lines(&id, &[(1, "1")]).await.unwrap();
    assert_eq!(shop.states(&id).await, ["confirmed", "overpaid", "none"]);
    let head = shop.get(&id).await.summary.unwrap();
    assert_eq!(amount(&head.balance), "-100.00");
}

#[tokio::test]
async fn a_payment_is_recorded_once_by_request_id_and_by_the_providers_id() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "1")]).await;
    let other = shop.push_lines("2", &[("A", "1")]).await;
    let known = |request_id: &str, order_id: &str, amount: &str| wire::RecordPaymentRequest {
        provider: "yookassa".into(),
        provider_payment_id: "p-1".into(),
        ..payment(order_id, request_id, amount)
    };
    let mut payments = shop.payments();
    let first = payments.record_payment(known("1", &id, "40.00")).await.unwrap().into_inner();
    assert!(!first.duplicate);
    for key in ["1", "2"] {
        let again = payments.record_payment(known(key, &id, "40.00")).await.unwrap().into_inner();
        assert_eq!(again, wire::RecordPaymentResponse { duplicate: true, ..first.clone() }, "{key}");
    }
    let conflict = "PROVIDER_PAYMENT_CONFLICT";
    refused(payments.record_payment(known("3", &id, "41.00")).await, Code::AlreadyExists, conflict);
    refused(payments.record_payment(known("4", &other, "40.00")).await, Code::AlreadyExists, conflict);
    refused(payments.record_payment(known("1", &id, "41.00")).await, Code::AlreadyExists, "IDEMPOTENCY_CONFLICT");
    assert_eq!(amount(&shop.get(&id).await.summary.unwrap().paid), "40.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_and_refunds_at_once_add_up() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "10")]).await;
    let notices = (0..40).map(|at| {
        let request = wire::RecordPaymentRequest {
            provider: "bank".into(),
            provider_payment_id: format!("p-{}", at % 10),
            ..payment(&id, &format!("n-{at}"), "100.00")
        };
        let mut payments = shop.payments();
        async move { payments.record_payment(request).await.unwrap().into_inner().duplicate }
    });
    assert_eq!(join_all(notices).await.into_iter().filter(|duplicate| !duplicate).count(), 10);
    let keys: Vec<_> = (0..15).map(|at| format!("r-{at}")).collect();
    let refunds = join_all(keys.iter().map(|key| try_refund(&shop, &id, key, "90.00"))).await;
    assert_eq!(refunds.iter().filter(|refund| refund.is_ok()).count(), 11, "1,000 paid hold eleven times 90");
    let head = shop.get(&id).await.summary.unwrap();
    assert_eq!((amount(&head.paid), amount(&head.refunded)), ("1000.00", "990.00"));
}

#[tokio::test]
async fn wrong_payments_are_refused() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "1")]).await;
    let mut payments = shop.payments();
    for bad in ["0", "-5.00", "0.001", "1000000000001", "x"] {
        let wrong = payments.record_payment(payment(&id, "1", bad)).await.unwrap_err();
        assert_eq!(wrong.code(), Code::InvalidArgument, "{bad}");
    }
    let euro = Some(Money { currency: "EUR".into(), amount: "1.00".into() });
    let foreign = wire::RecordPaymentRequest { amount: euro, ..payment(&id, "2", "1") };
    invalid(payments.record_payment(foreign).await, &["amount.currency"]);
    let nameless = wire::RecordPaymentRequest { provider_payment_id: "p".into(), ..payment(&id, "3", "1") };
    invalid(payments.record_payment(nameless).await, &["provider"]);
    let nobody = Uuid::now_v7().to_string();
    refused(payments.record_payment(payment(&nobody, "4", "1")).await, Code::NotFound, "NOT_FOUND");
    refused(try_refund(&shop, &id, "5", "1.00").await, Code::FailedPrecondition, "REFUND_EXCEEDS_PAID");
    let list = wire::ListPaymentsRequest { order_id: nobody, ..Default::default() };
    refused(payments.list_payments(list).await, Code::NotFound, "NOT_FOUND");
    assert_eq!(shop.states(&id).await[1], "unpaid");
}
