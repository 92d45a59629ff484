//! What other services tell of orders.

use proto::{crm::v1 as crm, erp::v1 as erp, orders::v1::LineKind, tasks::v1 as tasks};
use uuid::Uuid;

use crate::support::{Shop, allocated, amount, delivered, failed, line, order, packed, picking, shipped, start};

fn erp_event(event: erp::erp_event::Event, version: i64) -> messaging::Event {
    testkit::event("order", version, &erp::ErpEvent { event: Some(event) })
}

async fn line_of(shop: &Shop, id: &str) -> [String; 4] {
    let line = shop.get(id).await.lines.remove(0);
    [line.reserved, line.backordered, line.shipped, line.failed].map(|quantity| quantity.unwrap().value)
}

#[tokio::test]
async fn the_whole_way_of_an_order_is_on_its_timeline() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "2")]).await;
    shop.told(vec![allocated(&id, &[(1, "0", "2")])]).await;
    assert_eq!(shop.states(&id).await[2], "backordered");
    shop.told(vec![allocated(&id, &[(1, "1", "1")])]).await;
    assert_eq!(shop.states(&id).await[2], "partially_reserved");
    shop.told(vec![allocated(&id, &[(1, "2", "0")])]).await;
    assert_eq!(
        (shop.states(&id).await[2].as_str(), line_of(&shop, &id).await),
        ("reserved", ["2", "0", "0", "0"].map(str::to_owned))
    );
    let shipment = Uuid::now_v7().to_string();
    for (event, state) in [
        (picking(&id, &shipment), "picking"),
        (packed(&id, &shipment), "packed"),
        (shipped(&id, &shipment, &[(1, "1"), (1, "1")], true), "shipped"),
        (delivered(&id, &shipment, true), "delivered"),
    ] {
        shop.told(vec![event]).await;
        assert_eq!(shop.states(&id).await[2], state);
    }
    assert_eq!(line_of(&shop, &id).await, ["0", "0", "2", "0"].map(str::to_owned));
    shop.pay(&id, "200.00").await;
    assert_eq!(shop.states(&id).await, ["completed", "paid", "delivered"]);
    let told: Vec<_> =
        shop.timeline(&id).await.iter().map(|entry| format!("{} {}", entry.source, entry.code)).collect();
    let expected = [
        "orders order_placed",
        "erp order_allocated",
        "erp order_allocated",
        "erp order_allocated",
        "erp picking_started",
        "erp shipment_packed",
        "erp shipment_shipped",
        "erp shipment_delivered",
        "orders payment_recorded",
        "orders state_changed",
    ];
    assert_eq!(told, expected);
    let view = shop.get(&id).await.shipments.remove(0);
    assert_eq!(
        (view.state.as_str(), view.tracking_number.as_str(), view.carrier.as_str()),
        ("delivered", "TRACK-1", "cdek")
    );
    assert!(view.shipped_at.is_some() && view.ended_at.is_some());
}

#[tokio::test]
async fn each_fact_delivered_twice_has_one_effect() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "5")]).await;
    let shipment = Uuid::now_v7().to_string();
    let events: Vec<_> = [
        allocated(&id, &[(1, "5", "0")]),
        picking(&id, &shipment),
        packed(&id, &shipment),
        shipped(&id, &shipment, &[(1, "3")], false),
        delivered(&id, &shipment, false),
    ]
    .into_iter()
    .zip(1..)
    .map(|(event, version)| erp_event(event, version))
    .collect();
    shop.app.deliver(&events).await.unwrap();
    let (order, timeline, facts) = (shop.get(&id).await, shop.timeline(&id).await, shop.app.events().await);
    shop.app.deliver(&events).await.unwrap();
    assert_eq!((shop.get(&id).await, shop.timeline(&id).await, shop.app.events().await), (order, timeline, facts));
    // The same facts under other ids, as after a restored backup of erp: shipments tell them apart.
    shop.told(vec![shipped(&id, &shipment, &[(1, "3")], false), delivered(&id, &shipment, false)]).await;
    assert_eq!(line_of(&shop, &id).await[2], "3");
}

#[tokio::test]
async fn shipments_in_parts_ship_deliver_and_fail_by_themselves() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "4")]).await;
    let first = shop.ship(&id, &[(1, "1")], false).await;
    assert_eq!(shop.states(&id).await[2], "partially_shipped");
    shop.deliver_shipment(&id, &first, false).await;
    assert_eq!(shop.states(&id).await[2], "partially_shipped");
    let second = shop.ship(&id, &[(1, "3")], true).await;
    assert_eq!(shop.states(&id).await[2], "shipped");
    shop.told(vec![failed(&id, &second, &[(1, "3")])]).await;
    assert_eq!(shop.states(&id).await[2], "delivered", "one arrived, none is on its way");
    assert_eq!(line_of(&shop, &id).await, ["0", "0", "4", "3"].map(str::to_owned));
    let done = shop.try_cancel(&id).await.unwrap();
    assert_eq!(amount(&done.cancelled[0].amount), "300.00", "what did not arrive need not be paid");
    shop.pay(&id, "100.00").await;
    assert_eq!(shop.states(&id).await, ["completed", "paid", "delivered"]);
}

#[tokio::test]
async fn an_order_nobody_collects_is_told_apart_and_can_be_cancelled() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "2")]).await;
    let shipment = shop.ship(&id, &[(1, "2")], true).await;
    shop.told(vec![failed(&id, &shipment, &[(1, "2")])]).await;
    assert_eq!(shop.states(&id).await, ["confirmed", "unpaid", "not_collected"]);
    let refused = shop.try_return(&id, &[(1, "1")]).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition, "it is back already");
    shop.try_cancel(&id).await.unwrap();
    assert_eq!(shop.states(&id).await, ["cancelled", "unpaid", "cancelled"]);
}

#[tokio::test]
async fn goods_that_leave_while_the_order_is_cancelled_are_flagged_not_lost() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "2")]).await;
    shop.try_cancel(&id).await.unwrap();
    let shipment = Uuid::now_v7().to_string();
    shop.told(vec![
        allocated(&id, &[(1, "2", "0")]),
        picking(&id, &shipment),
        shipped(&id, &shipment, &[(1, "2")], true),
        delivered(&id, &shipment, true),
    ])
    .await;
    assert_eq!(shop.states(&id).await, ["cancelled", "unpaid", "cancelled"]);
    assert_eq!(shop.get(&id).await.summary.unwrap().flags, ["SHIPPED_AFTER_CANCEL"]);
    let back = shop.try_return(&id, &[(1, "2")]).await.unwrap().order_return.unwrap();
    assert_eq!(amount(&back.amount), "0.00", "its money was given back with the cancellation");
}

#[tokio::test]
async fn a_released_reservation_holds_nothing() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "2")]).await;
    let release = |reason: &str| {
        erp::erp_event::Event::ReservationReleased(erp::ReservationReleased {
            order_id: id.clone(),
            reason: reason.into(),
            ..Default::default()
        })
    };
    shop.told(vec![allocated(&id, &[(1, "2", "0")]), release("expired")]).await;
    assert_eq!((shop.states(&id).await[2].as_str(), line_of(&shop, &id).await[0].as_str()), ("none", "0"));
    shop.told(vec![allocated(&id, &[(1, "2", "0")])]).await;
    shop.try_cancel(&id).await.unwrap();
    shop.told(vec![release("order_cancelled")]).await;
    assert_eq!(shop.states(&id).await[2], "cancelled");
    assert_eq!(shop.timeline(&id).await.last().unwrap().reason, "order_cancelled");
}

#[tokio::test]
async fn a_batch_of_facts_about_many_orders_is_applied_in_order() {
    let shop = start().await;
    let mut ids = Vec::new();
    for at in 0..40 {
        ids.push(shop.push_lines(&at.to_string(), &[("A", "2")]).await);
    }
    let shipments: Vec<_> = ids.iter().map(|_| Uuid::now_v7().to_string()).collect();
    let mut events = Vec::new();
    for (version, make) in [
        (1, (|id: &str, _: &str| allocated(id, &[(1, "2", "0")])) as fn(&str, &str) -> erp::erp_event::Event),
        (2, |id, shipment| picking(id, shipment)),
        (3, |id, shipment| shipped(id, shipment, &[(1, "2")], true)),
    ] {
        for (id, shipment) in ids.iter().zip(&shipments).rev() {
            events.push(erp_event(make(id, shipment), version));
        }
    }
    shop.app.deliver(&events).await.unwrap();
    for id in &ids {
        assert_eq!(shop.states(id).await[2], "shipped");
        let names = shop.fact_names(id).await;
        assert_eq!(names, ["order_placed", "order_state_changed", "order_state_changed", "order_state_changed"]);
    }
}

#[tokio::test]
async fn facts_about_unknown_orders_and_malformed_ids_stop_nobody() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "2")]).await;
    let nobody = Uuid::now_v7().to_string();
    shop.told(vec![
        allocated("not an id", &[(1, "1", "0")]),
        allocated(&nobody, &[(1, "1", "0")]),
        allocated(&id, &[(1, "2", "0"), (77, "1", "0")]),
    ])
    .await;
    assert_eq!(shop.states(&id).await[2], "reserved");
}

#[tokio::test]
async fn the_customer_of_an_order_comes_from_crm() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "2")]).await;
    let customer = Uuid::now_v7().to_string();
    let identified = crm::CrmEvent {
        event: Some(crm::crm_event::Event::CustomerIdentified(crm::CustomerIdentified {
            customer_id: customer.clone(),
            order_id: id.clone(),
            first_order: true,
            ..Default::default()
        })),
    };
    let event = testkit::event(&customer, 1, &identified);
    shop.app.deliver(&[event.clone(), event]).await.unwrap();
    assert_eq!(shop.get(&id).await.summary.unwrap().customer_id, customer);
    let list = proto::orders::v1::ListOrdersRequest { customer_id: customer, ..Default::default() };
    assert_eq!(shop.orders().list_orders(list).await.unwrap().into_inner().orders.len(), 1);
    assert_eq!(shop.timeline(&id).await.iter().filter(|entry| entry.code == "customer_identified").count(), 1);
}

#[tokio::test]
async fn tasks_about_an_order_are_on_its_timeline_and_others_are_not() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "2")]).await;
    let opened = |kind: &str, subject_id: &str| tasks::TasksEvent {
        event: Some(tasks::tasks_event::Event::TaskOpened(tasks::TaskOpened {
            key: "WH-1".into(),
            task_type: "assemble".into(),
            subject_kind: kind.into(),
            subject_id: subject_id.into(),
            ..Default::default()
        })),
    };
    let closed = tasks::TasksEvent {
        event: Some(tasks::tasks_event::Event::TaskClosed(tasks::TaskClosed {
            key: "WH-1".into(),
            closed_by: "cause_gone".into(),
            subject_kind: "order".into(),
            subject_id: id.clone(),
            ..Default::default()
        })),
    };
    let events = [opened("order", &id), opened("product", "A"), opened("", ""), closed];
    let events: Vec<_> =
        events.iter().zip(1..).map(|(event, version)| testkit::event("task", version, event)).collect();
    shop.app.deliver(&events).await.unwrap();
    let told: Vec<_> = shop.timeline(&id).await.into_iter().skip(1).map(|entry| (entry.code, entry.params)).collect();
    assert_eq!(told.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), ["task_opened", "task_closed"]);
    assert_eq!((told[0].1["task_key"].as_str(), told[1].1["closed_by"].as_str()), ("WH-1", "cause_gone"));
}

#[tokio::test]
async fn another_day_of_what_an_order_waits_for_is_on_its_timeline_and_changes_nothing_else() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "2")]).await;
    let (states, facts) = (shop.states(&id).await, shop.app.events().await.len());
    let day = |line_no, day: &str| erp::PromisedDay { line_no, expected_on: day.into(), ..Default::default() };
    let fact = erp::PromiseChanged {
        order_id: id.clone(),
        lines: vec![day(1, "2026-04-01"), day(2, "")],
        ..Default::default()
    };
    let fact = erp::ErpEvent { event: Some(erp::erp_event::Event::PromiseChanged(fact)) };
    let event = testkit::event(&id, 1, &fact);
    shop.app.deliver(std::slice::from_ref(&event)).await.unwrap();
    shop.app.deliver(&[event]).await.unwrap();
    let told: Vec<_> = shop.timeline(&id).await.into_iter().filter(|entry| entry.code == "promise_changed").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].params["expected_on"], "1: 2026-04-01, 2: ");
    assert_eq!((shop.states(&id).await, shop.app.events().await.len()), (states, facts));
}

#[tokio::test]
async fn an_order_of_charges_only_is_complete_when_paid() {
    let shop = start().await;
    let charge = proto::orders::v1::OrderLineInput { kind: LineKind::Charge.into(), ..line("SERVICE", "1", "50.00") };
    let id = shop.push(order("1", vec![charge])).await.order_id;
    shop.pay(&id, "50.00").await;
    assert_eq!(shop.states(&id).await, ["completed", "paid", "none"]);
}
