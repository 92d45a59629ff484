//! Couriers' runs and the cash they collect.

use futures::future::join_all;
use proto::{
    erp::v1::{
        CashDecision, CloseDeliveryRunRequest, CreateDeliveryRunRequest, DecideCashDifferenceRequest, DeliveryRun,
        DeliveryRunState, FailShipmentRequest, FailureReason, FulfilmentQueue, GetDeliveryRunRequest,
        HandInCashRequest, ListCourierDebtsRequest, ListDeliveryRunsRequest, ListFulfilmentQueueRequest,
        RecordStopRequest, RunStopInput, StartDeliveryRunRequest, StopOutcome,
        cash_on_delivery_service_client::CashOnDeliveryServiceClient, erp_event::Event,
    },
    orders::v1::{
        LineChange, OrderCancelled, OrderLinesCancelled, OrderPlaced, PaymentRecorded, orders_event::Event as Fact,
    },
};
use rust_decimal::Decimal;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    fulfilment::{confirm, deliver, pack},
    kit::{Erp, amount, cancelled, event, fields, goods, key, line, order, pcs, placed, reason, rub},
};

async fn start() -> Erp {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 50, "10", "L")]).await;
    erp
}

/// A packed order of so many pieces, paid on delivery when it has a total.
async fn packed(erp: &Erp, n: i64, quantity: i64, total: &str) -> (Uuid, String) {
    let id = service::new_id();
    let mut order = order(id, n, vec![line(1, "A", quantity)]);
    if !total.is_empty() {
        order = OrderPlaced { payment_method: "cod".into(), total: rub(total), ..order };
    }
    erp.deliver(&[placed(order)]).await;
    (id, pack_all(erp, id).await)
}

async fn pack_all(erp: &Erp, order: Uuid) -> String {
    let shipment = erp.pick(order).await.shipment_id;
    confirm(erp, &shipment, Vec::new()).await.unwrap();
    pack(erp, &shipment).await.unwrap();
    shipment
}

async fn create(erp: &Erp, courier: &str, stops: &[(&str, Option<&str>)]) -> Result<DeliveryRun, Status> {
    let stop =
        |(id, cash): &(&str, Option<&str>)| RunStopInput { shipment_id: (*id).into(), cash_due: cash.and_then(rub) };
    let request = CreateDeliveryRunRequest {
        request_id: key(),
        courier: courier.into(),
        stops: stops.iter().map(stop).collect(),
        ..CreateDeliveryRunRequest::default()
    };
    let first = erp.runs().create_delivery_run(request.clone()).await?.into_inner();
    assert_eq!(erp.runs().create_delivery_run(request).await.unwrap().into_inner(), first, "repeated");
    Ok(first.run.unwrap())
}

async fn go(erp: &Erp, run: &str) -> Result<DeliveryRun, Status> {
    let request = StartDeliveryRunRequest { request_id: key(), run_id: run.into() };
    let first = erp.runs().start_delivery_run(request.clone()).await?.into_inner();
    assert_eq!(erp.runs().start_delivery_run(request).await.unwrap().into_inner(), first, "repeated");
    Ok(first.run.unwrap())
}

async fn stop(
    erp: &Erp,
    run: &str,
    shipment: &str,
    outcome: StopOutcome,
    (cash, note): (Option<&str>, &str),
) -> Result<DeliveryRun, Status> {
    let request = RecordStopRequest {
        request_id: key(),
        run_id: run.into(),
        shipment_id: shipment.into(),
        outcome: outcome.into(),
        cash_collected: cash.and_then(rub),
        note: note.into(),
    };
    let first = erp.runs().record_stop(request.clone()).await?.into_inner();
    assert_eq!(erp.runs().record_stop(request).await.unwrap().into_inner(), first, "repeated");
    Ok(first.run.unwrap())
}

async fn close(erp: &Erp, run: &str) -> Result<DeliveryRun, Status> {
    let request = CloseDeliveryRunRequest { request_id: key(), run_id: run.into() };
    let first = erp.runs().close_delivery_run(request.clone()).await?.into_inner();
    assert_eq!(erp.runs().close_delivery_run(request).await.unwrap().into_inner(), first, "repeated");
    Ok(first.run.unwrap())
}

async fn take_back(erp: &Erp, shipment: &str) {
    let request = FailShipmentRequest {
        request_id: key(),
        shipment_id: shipment.into(),
        reason: FailureReason::Refused.into(),
        ..FailShipmentRequest::default()
    };
    erp.fulfilment().fail_shipment(request).await.unwrap();
}

const NOTHING: (Option<&str>, &str) = (None, "");

#[tokio::test]
async fn a_run_ends_when_every_stop_has_ended_and_refused_goods_are_back() {
    let erp = start().await;
    let (_, a) = packed(&erp, 1, 1, "").await;
    let (_, b) = packed(&erp, 2, 1, "").await;
    let (gone, c) = packed(&erp, 3, 1, "").await;
    let (_, d) = packed(&erp, 4, 1, "").await;
    let run = create(&erp, "ivan", &[(&a, None), (&b, None), (&c, None), (&d, None)]).await.unwrap().run_id;
    assert_eq!(reason(&create(&erp, "petr", &[(&a, None)]).await.unwrap_err()), "ON_ANOTHER_RUN");
    assert_eq!(reason(&stop(&erp, &run, &a, StopOutcome::Delivered, NOTHING).await.unwrap_err()), "RUN_STATE");
    erp.deliver(&[cancelled(gone)]).await;
    let started = go(&erp, &run).await.unwrap();
    assert_eq!(started.state(), DeliveryRunState::Started);
    assert_eq!(started.stops[2].outcome(), StopOutcome::LeftOut, "it was cancelled");
    assert_eq!(reason(&go(&erp, &run).await.unwrap_err()), "RUN_STATE");
    assert_eq!(erp.figures("A").await, ["47", "0", "47", "0"]);

    stop(&erp, &run, &a, StopOutcome::Delivered, NOTHING).await.unwrap();
    assert_eq!(reason(&stop(&erp, &run, &a, StopOutcome::Refused, NOTHING).await.unwrap_err()), "STOP_STATE");
    stop(&erp, &run, &b, StopOutcome::Refused, NOTHING).await.unwrap();
    assert_eq!(reason(&close(&erp, &run).await.unwrap_err()), "STOPS_PENDING");
    stop(&erp, &run, &d, StopOutcome::Postponed, NOTHING).await.unwrap();
    assert_eq!(reason(&close(&erp, &run).await.unwrap_err()), "GOODS_OUT");
    let queue = FulfilmentQueue::ToDismantle.into();
    let request = ListFulfilmentQueueRequest { queue, ..ListFulfilmentQueueRequest::default() };
    let coming = erp.fulfilment().list_fulfilment_queue(request).await.unwrap().into_inner().entries;
    let coming: Vec<_> = coming.into_iter().map(|entry| entry.shipment_id).collect();
    assert_eq!(coming.iter().filter(|id| **id == b).count(), 1);
    assert!(!coming.contains(&d), "what is postponed goes out again");
    take_back(&erp, &b).await;
    assert_eq!(close(&erp, &run).await.unwrap().state(), DeliveryRunState::Closed);
    let next = create(&erp, "petr", &[(&d, None)]).await.unwrap().run_id;
    go(&erp, &next).await.unwrap();
    stop(&erp, &next, &d, StopOutcome::Delivered, NOTHING).await.unwrap();
    erp.balanced().await;

    let list = async |courier: &str| {
        let request = ListDeliveryRunsRequest { courier: courier.into(), ..ListDeliveryRunsRequest::default() };
        erp.runs().list_delivery_runs(request).await.unwrap().into_inner().runs
    };
    assert_eq!(list("").await.len(), 2);
    assert_eq!(list("ivan").await[0].run_id, run);
    let unknown = GetDeliveryRunRequest { run_id: key() };
    assert_eq!(erp.runs().get_delivery_run(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_run_of_a_region_takes_what_waits_for_it() {
    let erp = start().await;
    let (_, here) = packed(&erp, 1, 1, "").await;
    let id = service::new_id();
    erp.deliver(&[placed(OrderPlaced { region: "RU-SPE".into(), ..order(id, 2, vec![line(1, "A", 1)]) })]).await;
    pack_all(&erp, id).await;
    let of = |region: &str| CreateDeliveryRunRequest {
        request_id: key(),
        courier: "ivan".into(),
        region: region.into(),
        ..CreateDeliveryRunRequest::default()
    };
    let run = erp.runs().create_delivery_run(of("RU-MOW")).await.unwrap().into_inner().run.unwrap();
    let stops: Vec<_> = run.stops.into_iter().map(|stop| stop.shipment_id).collect();
    assert_eq!(stops, [here]);
    assert_eq!(reason(&erp.runs().create_delivery_run(of("RU-MOW")).await.unwrap_err()), "RUN_EMPTY");
    assert_eq!(fields(&erp.runs().create_delivery_run(of("")).await.unwrap_err()), ["region"]);
}

#[tokio::test]
async fn what_is_to_be_collected_is_what_the_order_still_owes() {
    let erp = start().await;
    let (id, shipment) = packed(&erp, 1, 3, "300.50").await;
    let change = |amount| LineChange {
        line_no: 1,
        sku: "A".into(),
        quantity: pcs(1),
        amount: rub(amount),
        ..LineChange::default()
    };
    let paid = |method: &str, amount| PaymentRecorded {
        order_id: id.to_string(),
        payment_id: key(),
        method: method.into(),
        amount: rub(amount),
        ..PaymentRecorded::default()
    };
    let fewer = OrderLinesCancelled {
        order_id: id.to_string(),
        lines: vec![change("100.17")],
        ..OrderLinesCancelled::default()
    };
    erp.deliver(&[
        event(id, Fact::OrderLinesCancelled(fewer)),
        event(id, Fact::PaymentRecorded(paid("card", "50"))),
        event(id, Fact::PaymentRecorded(paid("cod", "1"))),
    ])
    .await;
    let run = create(&erp, "ivan", &[(&shipment, None)]).await.unwrap();
    assert_eq!(amount(&run.stops[0].cash_due), "150.33");

    let (gone, _) = packed(&erp, 2, 1, "99").await;
    let all = OrderCancelled { order_id: gone.to_string(), lines: vec![change("99")], ..OrderCancelled::default() };
    erp.deliver(&[event(gone, Fact::OrderCancelled(all))]).await;
    let due: Vec<String> = sqlx::query_scalar("select due::text from order_cash order by order_id")
        .fetch_all(erp.app.db.pool())
        .await
        .unwrap();
    assert_eq!(due, ["150.33", "0"]);
}

#[tokio::test]
async fn only_the_last_part_of_an_order_knows_what_it_costs() {
    let erp = start().await;
    let (id, first) = packed(&erp, 1, 60, "600").await;
    assert_eq!(reason(&create(&erp, "ivan", &[(&first, None)]).await.unwrap_err()), "CASH_AMOUNT_NEEDED");
    let dollars = RunStopInput {
        shipment_id: first.clone(),
        cash_due: Some(proto::common::v1::Money { currency: "USD".into(), amount: "1".into() }),
    };
    let request = CreateDeliveryRunRequest {
        request_id: key(),
        courier: "ivan".into(),
        stops: vec![dollars],
        ..CreateDeliveryRunRequest::default()
    };
    assert_eq!(fields(&erp.runs().create_delivery_run(request).await.unwrap_err()), ["stops[0].cash_due"]);
    create(&erp, "ivan", &[(&first, Some("500"))]).await.unwrap();
    erp.receive(&[goods("A", 10, "10", "M")]).await;
    let last = pack_all(&erp, id).await;
    let run = create(&erp, "petr", &[(&last, None)]).await;
    // The first part is packed but not gone, so more is still to come.
    assert_eq!(reason(&run.unwrap_err()), "CASH_AMOUNT_NEEDED");
    let runs = erp.runs().list_delivery_runs(ListDeliveryRunsRequest::default()).await.unwrap().into_inner().runs;
    go(&erp, &runs[0].run_id).await.unwrap();
    let run = create(&erp, "petr", &[(&last, None)]).await.unwrap();
    assert_eq!(amount(&run.stops[0].cash_due), "100.00", "600 less the 500 of the other stop");
}

#[tokio::test]
async fn cash_is_counted_once_and_a_difference_is_decided_by_another_person() {
    let erp = start().await;
    let (_, a) = packed(&erp, 1, 1, "100.10").await;
    let (_, b) = packed(&erp, 2, 2, "200.20").await;
    let (_, c) = packed(&erp, 3, 1, "50").await;
    let run = create(&erp, "ivan", &[(&a, None), (&b, None), (&c, None)]).await.unwrap().run_id;
    go(&erp, &run).await.unwrap();
    let short = stop(&erp, &run, &a, StopOutcome::Delivered, (Some("100"), "")).await.unwrap_err();
    assert_eq!(reason(&short), "CASH_DIFFERS");
    stop(&erp, &run, &a, StopOutcome::Delivered, NOTHING).await.unwrap();
    let partly = (Some("100.10"), "took one of two");
    stop(&erp, &run, &b, StopOutcome::PartlyRefused, partly).await.unwrap();
    let absurd = stop(&erp, &run, &c, StopOutcome::NotFound, (Some("1"), "")).await.unwrap_err();
    assert_eq!(fields(&absurd), ["cash_collected"]);
    stop(&erp, &run, &c, StopOutcome::NotFound, NOTHING).await.unwrap();
    let hand_in = async |counted: &str, why: &str| {
        let (counted, reason) = (rub(counted), why.to_owned());
        let request = HandInCashRequest { request_id: key(), run_id: run.clone(), counted, reason };
        let first = erp.cash().hand_in_cash(request.clone()).await?.into_inner();
        assert_eq!(erp.cash().hand_in_cash(request).await.unwrap().into_inner(), first, "repeated");
        Ok::<_, Status>(first.hand_in.unwrap())
    };
    assert_eq!(reason(&hand_in("200.20", "").await.unwrap_err()), "RUN_STATE");
    take_back(&erp, &b).await;
    take_back(&erp, &c).await;
    close(&erp, &run).await.unwrap();
    let debts = async || {
        let request = ListCourierDebtsRequest::default();
        let debts = erp.cash().list_courier_debts(request).await.unwrap().into_inner().debts;
        debts.into_iter().map(|debt| (debt.courier, amount(&debt.owed))).collect::<Vec<_>>()
    };
    assert_eq!(debts().await, [("ivan".to_owned(), "200.20".to_owned())]);
    assert_eq!(reason(&hand_in("195", "").await.unwrap_err()), "CASH_DIFFERS");
    let counted = hand_in("195", "lost a note").await.unwrap();
    assert_eq!((amount(&counted.collected), amount(&counted.difference)), ("200.20".into(), "-5.20".into()));
    assert_eq!(reason(&hand_in("200.20", "").await.unwrap_err()), "ALREADY_HANDED_IN");
    let Event::CashHandedIn(fact) = erp.facts("cash_handed_in").await.remove(0) else { panic!() };
    assert_eq!((fact.courier.as_str(), amount(&fact.counted)), ("ivan", "195.00".into()));
    assert_eq!(debts().await, [("ivan".to_owned(), "5.20".to_owned())]);

    let decide = |decision: CashDecision| DecideCashDifferenceRequest {
        request_id: key(),
        run_id: run.clone(),
        decision: decision.into(),
    };
    let same = erp.cash().decide_cash_difference(decide(CashDecision::Waived)).await.unwrap_err();
    assert_eq!(reason(&same), "SAME_PERSON");
    let mut boss = CashOnDeliveryServiceClient::new(erp.app.client_as("boss", &["erp.cash.approve"]));
    let waive = decide(CashDecision::Waived);
    let first = boss.decide_cash_difference(waive.clone()).await.unwrap().into_inner();
    assert_eq!(boss.decide_cash_difference(waive).await.unwrap().into_inner(), first);
    assert_eq!(first.hand_in.unwrap().decided_by, "boss");
    let again = boss.decide_cash_difference(decide(CashDecision::Charged)).await.unwrap_err();
    assert_eq!(reason(&again), "ALREADY_DECIDED");
    assert!(debts().await.is_empty());
    let denied = boss.list_courier_debts(ListCourierDebtsRequest::default()).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    erp.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_couriers_at_once_want_the_same_shipments_and_each_goes_with_one() {
    let erp = start().await;
    let mut shipments = Vec::new();
    for n in 1..=12 {
        shipments.push(packed(&erp, n, 1, "10").await.1);
    }
    let runs = join_all((0..6).map(async |n| {
        let mut mine = shipments.clone();
        mine.rotate_left(n * 2);
        let name = format!("courier {n}");
        let mut got = Vec::new();
        for shipment in mine {
            match create(&erp, &name, &[(&shipment, None)]).await {
                Ok(run) => got.push((run.run_id, shipment)),
                Err(refused) => assert_eq!(reason(&refused), "ON_ANOTHER_RUN", "{refused:?}"),
            }
        }
        got
    }))
    .await;
    let runs: Vec<_> = runs.into_iter().flatten().collect();
    assert_eq!(runs.len(), 12);
    join_all(runs.iter().map(async |(run, shipment)| {
        go(&erp, run).await.unwrap();
        if deliver(&erp, shipment).await.is_ok() {
            stop(&erp, run, shipment, StopOutcome::Delivered, NOTHING).await.unwrap();
        }
        close(&erp, run).await.unwrap();
    }))
    .await;
    let debts = erp.cash().list_courier_debts(ListCourierDebtsRequest::default()).await.unwrap().into_inner().debts;
    let owed: Decimal = debts.iter().map(|debt| amount(&debt.owed).parse::<Decimal>().unwrap()).sum();
    assert_eq!(owed, Decimal::from(120));
    erp.balanced().await;
}
