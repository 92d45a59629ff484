//! Payments and refunds.

use futures::future::join_all;
use proto::{
    common::v1::Money,
    orders::v1::{self as wire, orders_event::Event, payment_service_client::PaymentServiceClient},
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

fn entry(order_id: &str, amount: &str, provider_payment_id: &str) -> wire::PaymentEntry {
    wire::PaymentEntry {
        order_id: order_id.into(),
        method: "card".into(),
        amount: money(amount),
        provider: if provider_payment_id.is_empty() { String::new() } else { "bank".into() },
        provider_payment_id: provider_payment_id.into(),
        ..Default::default()
    }
}

fn register(request_id: &str, entries: Vec<wire::PaymentEntry>) -> wire::RecordPaymentsRequest {
    wire::RecordPaymentsRequest { request_id: request_id.into(), entries }
}

/// The reason, or the state and whether it was known.
fn outcomes(answer: wire::RecordPaymentsResponse) -> Vec<(String, bool)> {
    let outcome = |result: wire::PaymentResult| match result.outcome.unwrap() {
        wire::payment_result::Outcome::Recorded(done) => (done.payment_state, done.duplicate),
        wire::payment_result::Outcome::Refused(refused) => (refused.reason, false),
    };
    answer.results.into_iter().map(outcome).collect()
}

#[tokio::test]
async fn a_register_is_recorded_entry_by_entry_and_once() {
    let shop = start().await;
    let (one, two) = (shop.push_lines("1", &[("A", "3")]).await, shop.push_lines("2", &[("A", "1")]).await);
    let nobody = Uuid::now_v7().to_string();
    let refund = |amount| wire::PaymentEntry { refund: true, ..entry(&one, amount, "") };
    let euro = Some(Money { currency: "EUR".into(), amount: "1.00".into() });
    let entries = vec![
        entry(&one, "100.00", "p-1"),
        entry(&two, "100.00", "p-2"),
        entry(&one, "100.00", "p-1"),
        entry(&two, "100.00", "p-1"),
        entry(&one, "200.00", ""),
        refund("50.00"),
        refund("250.01"),
        entry(&nobody, "1.00", ""),
        wire::PaymentEntry { amount: euro, ..entry(&two, "1.00", "") },
    ];
    let request = register("r", entries);
    let mut payments = shop.payments();
    let answer = payments.record_payments(request.clone()).await.unwrap().into_inner();
    let expected = [
        ("partially_paid", false),
        ("paid", false),
        ("partially_paid", true),
        ("PROVIDER_PAYMENT_CONFLICT", false),
        ("paid", false),
        ("partially_refunded", false),
        ("REFUND_EXCEEDS_PAID", false),
        ("NOT_FOUND", false),
        ("OTHER_CURRENCY", false),
    ];
    assert_eq!(outcomes(answer.clone()), expected.map(|(word, known)| (word.to_owned(), known)));
    assert_eq!(payments.record_payments(request.clone()).await.unwrap().into_inner(), answer);
    let other = register("r", request.entries[..1].to_vec());
    refused(payments.record_payments(other).await, Code::AlreadyExists, "IDEMPOTENCY_CONFLICT");
    // The same register under another key: what providers named is known.
    let again = register("s", request.entries[..2].to_vec());
    let again = outcomes(payments.record_payments(again).await.unwrap().into_inner());
    assert_eq!(again, [("partially_paid", true), ("paid", true)].map(|(word, known)| (word.to_owned(), known)));
    let (first, second) = (shop.get(&one).await.summary.unwrap(), shop.get(&two).await.summary.unwrap());
    let sums = [&first.paid, &first.refunded, &second.paid].map(|sum| amount(sum).to_owned());
    assert_eq!(sums, ["300.00", "50.00", "100.00"]);
    let list = wire::ListPaymentsRequest { order_id: one.clone(), ..Default::default() };
    assert_eq!(payments.list_payments(list).await.unwrap().into_inner().payments.len(), 3);
}

#[tokio::test]
async fn a_malformed_register_is_refused_whole_and_refunds_need_their_permission() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "1")]).await;
    let mut payments = shop.payments();
    invalid(payments.record_payments(register("", vec![])).await, &["request_id", "entries"]);
    let nameless = wire::PaymentEntry { provider: String::new(), ..entry(&id, "0.001", "p") };
    let bad = vec![entry(&id, "1.00", ""), nameless, entry("x", "1.00", "")];
    let fields = ["entries[1].amount.amount", "entries[1].provider", "entries[2].order_id"];
    invalid(payments.record_payments(register("b", bad)).await, &fields);
    let many = vec![entry(&id, "1.00", ""); 501];
    invalid(payments.record_payments(register("m", many)).await, &["entries"]);
    let refund = wire::PaymentEntry { refund: true, ..entry(&id, "1.00", "") };
    let mut clerk = PaymentServiceClient::new(shop.app.client(&["orders.payment.record"]));
    let both = register("c", vec![entry(&id, "1.00", ""), refund]);
    refused(clerk.record_payments(both).await, Code::PermissionDenied, "PERMISSION_DENIED");
    assert_eq!(shop.states(&id).await[1], "unpaid");
}

#[tokio::test(flavor = "multi_thread")]
async fn registers_at_once_neither_wait_in_a_circle_nor_count_twice() {
    let shop = start().await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(shop.push_lines(&n.to_string(), &[("A", "10")]).await);
    }
    // Each names the same payments in another sequence.
    let registers =
        (0..12).map(|at| {
            let mut entries: Vec<_> =
                ids.iter().zip(0..).map(|(id, n): (_, i32)| entry(id, "10.00", &format!("p-{n}"))).collect();
            entries.rotate_left(at % 6);
            let mut payments = shop.payments();
            async move {
                outcomes(payments.record_payments(register(&format!("r-{at}"), entries)).await.unwrap().into_inner())
            }
        });
    let new = join_all(registers).await.into_iter().flatten().filter(|(_, known)| !known).count();
    assert_eq!(new, 6);
    for id in &ids {
        assert_eq!(amount(&shop.get(id).await.summary.unwrap().paid), "10.00");
    }
}
