//! From reserved to delivered, or back.

use proto::{
    common::v1::PageRequest,
    erp::v1::{
        ConfirmPickRequest, DeliverShipmentRequest, DeliverShipmentsRequest, FailShipmentRequest, FailureReason,
        FulfilmentQueue, GetShipmentRequest, ListFulfilmentQueueRequest, ListMovesRequest, ListShipmentsRequest,
        PackShipmentRequest, PickLine, PickedLine, ShipOrdersRequest, ShipShipmentRequest, Shipment, ShipmentState,
        ShortReason, StartPickingRequest, erp_event::Event,
    },
};
use time::Duration;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::kit::{
    Erp, In, amount, cancelled, fields, goods, key, line, lines_cancelled, order, pcs, placed, reason, value,
};

pub(crate) async fn confirm(erp: &Erp, id: &str, lines: Vec<PickedLine>) -> Result<Shipment, Status> {
    let request = ConfirmPickRequest { request_id: key(), shipment_id: id.into(), lines };
    erp.fulfilment().confirm_pick(request).await.map(|answer| answer.into_inner().shipment.unwrap())
}

pub(crate) async fn pack(erp: &Erp, id: &str) -> Result<Shipment, Status> {
    let request = PackShipmentRequest {
        request_id: key(),
        shipment_id: id.into(),
        places: 2,
        weight_grams: "1250.5".into(),
        ..PackShipmentRequest::default()
    };
    erp.fulfilment().pack_shipment(request).await.map(|answer| answer.into_inner().shipment.unwrap())
}

pub(crate) async fn ship(erp: &Erp, id: &str) -> Result<Shipment, Status> {
    let request = ShipShipmentRequest {
        request_id: key(),
        shipment_id: id.into(),
        carrier: "cdek".into(),
        tracking_number: "T1".into(),
    };
    erp.fulfilment().ship_shipment(request).await.map(|answer| answer.into_inner().shipment.unwrap())
}

pub(crate) async fn deliver(erp: &Erp, id: &str) -> Result<Shipment, Status> {
    let request = DeliverShipmentRequest { request_id: key(), shipment_id: id.into() };
    erp.fulfilment().deliver_shipment(request).await.map(|answer| answer.into_inner().shipment.unwrap())
}

async fn fail(erp: &Erp, id: &str) -> Result<Shipment, Status> {
    let request = FailShipmentRequest {
        request_id: key(),
        shipment_id: id.into(),
        reason: FailureReason::NotCollected.into(),
        ..FailShipmentRequest::default()
    };
    erp.fulfilment().fail_shipment(request).await.map(|answer| answer.into_inner().shipment.unwrap())
}

/// Picks, packs and ships part of a line.
pub(crate) async fn ship_part(erp: &Erp, order: Uuid, line_no: i32, quantity: i64) -> Shipment {
    let lines = vec![PickLine { line_no, quantity: pcs(quantity) }];
    let request = StartPickingRequest { request_id: key(), order_id: order.to_string(), lines };
    let id = erp.fulfilment().start_picking(request).await.unwrap().into_inner().shipment.unwrap().shipment_id;
    confirm(erp, &id, Vec::new()).await.unwrap();
    pack(erp, &id).await.unwrap();
    ship(erp, &id).await.unwrap()
}

async fn queue(erp: &Erp, queue: FulfilmentQueue, region: &str) -> Vec<String> {
    let request = ListFulfilmentQueueRequest {
        queue: queue.into(),
        region: region.into(),
        ..ListFulfilmentQueueRequest::default()
    };
    let entries = erp.fulfilment().list_fulfilment_queue(request).await.unwrap().into_inner().entries;
    entries.into_iter().map(|entry| entry.order_id).collect()
}

#[tokio::test]
async fn an_order_is_picked_packed_shipped_and_delivered() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let dated = |expires_on, lot| In { expires_on, ..goods("A", 2, "10.01", lot) };
    erp.receive(&[dated("2027-05-01", "late"), dated("2027-01-01", "early"), goods("B", 1, "7", "b")]).await;
    let id = erp.place(1, vec![line(1, "A", 3), line(2, "B", 1)]).await;
    let name = id.to_string();
    assert_eq!(queue(&erp, FulfilmentQueue::ToPick, "").await, std::slice::from_ref(&name));
    let picking = erp.pick(id).await;
    assert_eq!(picking.state(), ShipmentState::Picking);
    let lines: Vec<_> = picking.lines.iter().map(|line| (line.lot.as_str(), value(&line.planned))).collect();
    assert_eq!(lines, [("early", "2".into()), ("late", "1".into()), ("b", "1".into())]);
    assert!(queue(&erp, FulfilmentQueue::ToPick, "").await.is_empty());
    assert_eq!(queue(&erp, FulfilmentQueue::ToPack, "RU-MOW").await, std::slice::from_ref(&name));
    assert!(queue(&erp, FulfilmentQueue::ToPack, "RU-SPE").await.is_empty());

    let shipment = picking.shipment_id;
    assert_eq!(confirm(&erp, &shipment, Vec::new()).await.unwrap().state(), ShipmentState::Picked);
    let packed = pack(&erp, &shipment).await.unwrap();
    assert_eq!((packed.state(), packed.places, packed.weight_grams.as_str()), (ShipmentState::Packed, 2, "1250.5"));
    assert_eq!(queue(&erp, FulfilmentQueue::ToShip, "").await, std::slice::from_ref(&name));
    assert_eq!(erp.figures("A").await, ["4", "3", "1", "0"], "packed goods are still ours");
    let shipped = ship(&erp, &shipment).await.unwrap();
    assert_eq!((shipped.state(), shipped.carrier.as_str()), (ShipmentState::Shipped, "cdek"));
    assert_eq!(amount(&shipped.cost), "37.03");
    assert_eq!(erp.figures("A").await, ["1", "0", "1", "0"]);
    assert_eq!(erp.worth("A").await, "10.01");
    assert_eq!(queue(&erp, FulfilmentQueue::ToDeliver, "").await, [name]);
    assert_eq!(deliver(&erp, &shipment).await.unwrap().state(), ShipmentState::Delivered);
    assert!(queue(&erp, FulfilmentQueue::ToDeliver, "").await.is_empty());

    let expected = ["order_allocated", "picking_started", "shipment_packed", "shipment_shipped", "shipment_delivered"];
    assert_eq!(erp.told(id).await, expected);
    let Event::ShipmentShipped(fact) = erp.facts("shipment_shipped").await.remove(0) else { panic!() };
    assert!(fact.r#final);
    assert_eq!(
        (amount(&fact.cost), fact.tracking_number.as_str(), fact.warehouse.as_str()),
        ("37.03".into(), "T1", "MAIN")
    );
    let lines: Vec<_> = fact.lines.iter().map(|line| (line.line_no, line.lot.as_str(), amount(&line.cost))).collect();
    assert_eq!(lines, [(1, "early", "20.02".into()), (1, "late", "10.01".into()), (2, "b", "7.00".into())]);
    let Event::ShipmentDelivered(fact) = erp.facts("shipment_delivered").await.remove(0) else { panic!() };
    assert!(fact.r#final);
    let request = ListMovesRequest { order_id: id.to_string(), ..ListMovesRequest::default() };
    let moves = erp.stock().list_moves(request).await.unwrap().into_inner().moves;
    assert!(moves.iter().all(|one| one.from_place == "MAIN/DEFAULT" && one.to_place == "CUSTOMER"));
    assert_eq!(moves.len(), 3);
    erp.balanced().await;
}

#[tokio::test]
async fn a_step_out_of_turn_is_refused_and_changes_nothing() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 5)]).await;
    let shipment = erp.pick(id).await.shipment_id;
    let refused = |status: Result<Shipment, Status>| {
        let status = status.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "SHIPMENT_STATE"));
    };
    refused(pack(&erp, &shipment).await);
    refused(ship(&erp, &shipment).await);
    refused(deliver(&erp, &shipment).await);
    refused(fail(&erp, &shipment).await);
    confirm(&erp, &shipment, Vec::new()).await.unwrap();
    refused(confirm(&erp, &shipment, Vec::new()).await);
    refused(ship(&erp, &shipment).await);
    pack(&erp, &shipment).await.unwrap();
    refused(pack(&erp, &shipment).await);
    refused(deliver(&erp, &shipment).await);
    ship(&erp, &shipment).await.unwrap();
    refused(ship(&erp, &shipment).await);
    deliver(&erp, &shipment).await.unwrap();
    refused(fail(&erp, &shipment).await);
    refused(deliver(&erp, &shipment).await);
    assert_eq!(erp.told(id).await.len(), 5);
    assert_eq!(erp.figures("A").await, ["0", "0", "0", "0"]);
    let unknown = service::new_id().to_string();
    for status in [
        confirm(&erp, &unknown, Vec::new()).await,
        pack(&erp, &unknown).await,
        ship(&erp, &unknown).await,
        deliver(&erp, &unknown).await,
        fail(&erp, &unknown).await,
    ] {
        assert_eq!(status.unwrap_err().code(), Code::NotFound);
    }
}

#[tokio::test]
async fn every_step_repeated_with_its_key_is_one_step() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 2)]).await;
    let mut client = erp.fulfilment();
    let request = StartPickingRequest { request_id: key(), order_id: id.to_string(), lines: Vec::new() };
    let first = client.start_picking(request.clone()).await.unwrap().into_inner();
    assert_eq!(client.start_picking(request).await.unwrap().into_inner(), first);
    let shipment_id = first.shipment.unwrap().shipment_id;
    let request = ConfirmPickRequest { request_id: key(), shipment_id: shipment_id.clone(), lines: Vec::new() };
    let first = client.confirm_pick(request.clone()).await.unwrap().into_inner();
    assert_eq!(client.confirm_pick(request).await.unwrap().into_inner(), first);
    let request = PackShipmentRequest {
        request_id: key(),
        shipment_id: shipment_id.clone(),
        places: 1,
        ..PackShipmentRequest::default()
    };
    let first = client.pack_shipment(request.clone()).await.unwrap().into_inner();
    assert_eq!(client.pack_shipment(request).await.unwrap().into_inner(), first);
    let request =
        ShipShipmentRequest { request_id: key(), shipment_id: shipment_id.clone(), ..ShipShipmentRequest::default() };
    let first = client.ship_shipment(request.clone()).await.unwrap().into_inner();
    assert_eq!(client.ship_shipment(request).await.unwrap().into_inner(), first);
    let request = FailShipmentRequest {
        request_id: key(),
        shipment_id,
        reason: FailureReason::Refused.into(),
        ..FailShipmentRequest::default()
    };
    let first = client.fail_shipment(request.clone()).await.unwrap().into_inner();
    assert_eq!(client.fail_shipment(request).await.unwrap().into_inner(), first);
    assert_eq!(erp.figures("A").await, ["5", "0", "5", "0"]);
    assert_eq!(erp.told(id).await.len(), 5);
    erp.balanced().await;
}

#[tokio::test]
async fn an_order_ships_in_parts_and_only_the_last_is_final() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "10", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 10)]).await;
    let part = ship_part(&erp, id, 1, 4).await;
    assert_eq!(amount(&part.cost), "40.00");
    deliver(&erp, &part.shipment_id).await.unwrap();
    let asked = StartPickingRequest {
        request_id: key(),
        order_id: id.to_string(),
        lines: vec![PickLine { line_no: 1, quantity: pcs(7) }],
    };
    let refused = erp.fulfilment().start_picking(asked).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_ENOUGH_RESERVED");
    assert!(erp.ship(id).await.r#final);
    let finals: Vec<_> = erp
        .facts("shipment_shipped")
        .await
        .into_iter()
        .map(|fact| match fact {
            Event::ShipmentShipped(fact) => fact.r#final,
            _ => unreachable!(),
        })
        .collect();
    assert_eq!(finals, [false, true]);
    let Event::ShipmentDelivered(first) = erp.facts("shipment_delivered").await.remove(0) else { panic!() };
    assert!(!first.r#final);
    let request = ListShipmentsRequest { order_id: id.to_string() };
    let shipments = erp.fulfilment().list_shipments(request).await.unwrap().into_inner().shipments;
    assert_eq!(shipments.iter().map(|one| value(&one.lines[0].quantity)).collect::<Vec<_>>(), ["4", "6"]);
    let nothing = erp.ship(id).await;
    assert_eq!((nothing.refusal.as_str(), nothing.shipment_ids.len()), ("NOTHING_RESERVED", 0));
    erp.balanced().await;
}

#[tokio::test]
async fn a_short_pick_is_served_from_other_lots_and_the_missing_goods_leave_the_books() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let lot = |lot, quantity, expires_on| In { expires_on, ..goods("A", quantity, "10", lot) };
    erp.receive(&[lot("one", 5, "2027-01-01"), lot("two", 2, "2028-01-01")]).await;
    let id = erp.place(1, vec![line(1, "A", 5)]).await;
    let shipment = erp.pick(id).await.shipment_id;
    let found = |lot: &str, picked: i64, short_reason: ShortReason| PickedLine {
        line_no: 1,
        lot: lot.into(),
        picked: pcs(picked),
        short_reason: short_reason.into(),
    };
    let refused = confirm(&erp, &shipment, vec![found("one", 6, ShortReason::NotFound)]).await.unwrap_err();
    assert_eq!(fields(&refused), ["lines[0].picked"]);
    let refused = confirm(&erp, &shipment, vec![found("two", 1, ShortReason::NotFound)]).await.unwrap_err();
    assert_eq!(fields(&refused), ["lines[0].lot"]);
    let picked = confirm(&erp, &shipment, vec![found("one", 1, ShortReason::NotFound)]).await.unwrap();
    assert_eq!((picked.state(), value(&picked.lines[0].quantity)), (ShipmentState::Picked, "1".into()));
    assert_eq!(erp.has(id, 1).await, ("3".into(), "2".into()));
    assert_eq!(erp.lots(id, 1).await, [("one".into(), "1".into()), ("two".into(), "2".into())]);
    assert_eq!(erp.worth("A").await, "30.00");
    assert_eq!(erp.told(id).await, ["order_allocated", "picking_started", "order_allocated"]);
    let request = ListMovesRequest { sku: "A".into(), lot: "one".into(), ..ListMovesRequest::default() };
    let newest = erp.stock().list_moves(request).await.unwrap().into_inner().moves.remove(0);
    assert_eq!(
        (newest.to_place.as_str(), newest.quantity.as_str(), newest.cause_kind.as_str()),
        ("COUNTING", "4", "short_pick")
    );

    let second = erp.pick(id).await.shipment_id;
    let gone = confirm(&erp, &second, vec![found("two", 0, ShortReason::Damaged)]).await.unwrap();
    assert_eq!(gone.state(), ShipmentState::Cancelled, "nothing was found");
    assert_eq!(erp.has(id, 1).await, ("1".into(), "4".into()));
    let places: Vec<_> = erp.stock_of("A").await.lots.into_iter().map(|lot| (lot.place, lot.on_hand)).collect();
    assert_eq!(places, [("MAIN/DEFAULT".into(), "1".into()), ("MAIN/QUARANTINE".to_string(), "2".to_string())]);
    erp.balanced().await;
}

#[tokio::test]
async fn a_failed_delivery_brings_the_goods_back_at_the_cost_they_left_with() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 3, "3.333", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 2)]).await;
    let waiting = erp.place(2, vec![line(1, "A", 2)]).await;
    let shipment = erp.ship(id).await.shipment_ids.remove(0);
    assert_eq!(erp.worth("A").await, "3.33");
    erp.receive(&[goods("A", 1, "100", "L")]).await;
    assert_eq!(erp.has(waiting, 1).await, ("2".into(), "0".into()));
    let third = erp.place(3, vec![line(1, "A", 1)]).await;
    let failed = fail(&erp, &shipment).await.unwrap();
    assert_eq!((failed.state(), failed.failure.as_str()), (ShipmentState::Failed, "not_collected"));
    assert_eq!(failed.lines[0].returned, "2");
    assert_eq!(erp.has(third, 1).await, ("1".into(), "0".into()), "what came back serves who waits");
    assert_eq!(erp.worth("A").await, "110.00");
    let Event::ShipmentFailed(fact) = erp.facts("shipment_failed").await.remove(0) else { panic!() };
    assert_eq!(
        (fact.reason.as_str(), amount(&fact.cost), value(&fact.lines[0].quantity)),
        ("not_collected", "6.67".into(), "2".into())
    );
    erp.balanced().await;
}

#[tokio::test]
async fn a_cancelled_order_gives_up_its_open_shipments() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 6, "10", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 6)]).await;
    let shipment = erp.pick(id).await.shipment_id;
    erp.deliver(&[lines_cancelled(id, &[(1, "A", 2)])]).await;
    let request = GetShipmentRequest { shipment_id: shipment.clone() };
    let shrunk = erp.fulfilment().get_shipment(request.clone()).await.unwrap().into_inner().shipment.unwrap();
    assert_eq!((shrunk.state(), value(&shrunk.lines[0].quantity)), (ShipmentState::Picking, "4".into()));
    erp.deliver(&[cancelled(id)]).await;
    let gone = erp.fulfilment().get_shipment(request).await.unwrap().into_inner().shipment.unwrap();
    assert_eq!(gone.state(), ShipmentState::Cancelled);
    assert_eq!(erp.figures("A").await, ["6", "0", "6", "0"]);
    assert_eq!(reason(&confirm(&erp, &shipment, Vec::new()).await.unwrap_err()), "SHIPMENT_STATE");
    let request = StartPickingRequest { request_id: key(), order_id: id.to_string(), lines: Vec::new() };
    assert_eq!(reason(&erp.fulfilment().start_picking(request).await.unwrap_err()), "NOTHING_RESERVED");
    erp.balanced().await;
}

#[tokio::test]
async fn hundreds_of_orders_ship_and_deliver_in_one_call_each_with_its_own_result() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    erp.receive(&[goods("A", 1000, "1.01", "LA"), goods("B", 10, "5", "LB")]).await;
    let ids: Vec<_> = (0..300).map(|_| service::new_id()).collect();
    let events: Vec<_> =
        ids.iter().zip(1..).map(|(id, n)| placed(order(*id, n, vec![line(1, "A", 3), line(2, "B", 1)]))).collect();
    erp.deliver(&events).await;
    let begun = erp.pick(ids[0]).await.shipment_id;
    let mut order_ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
    order_ids.push(service::new_id().to_string());
    let request = ShipOrdersRequest { request_id: key(), order_ids, shipped_at: None, carrier: "post".into() };
    let answer = erp.fulfilment().ship_orders(request.clone()).await.unwrap().into_inner();
    let again = erp.fulfilment().ship_orders(request).await.unwrap().into_inner();
    assert_eq!((again.results, again.duplicate), (answer.results.clone(), true));
    assert!(!answer.duplicate);
    assert_eq!(answer.results.len(), 301);
    assert_eq!(answer.results[0].shipment_ids, [begun], "what was begun is finished");
    assert!(
        answer.results[..10].iter().all(|one| one.r#final && one.refusal.is_empty() && amount(&one.cost) == "8.03")
    );
    assert!(answer.results[10..300].iter().all(|one| !one.r#final && one.shipment_ids.len() == 1));
    assert_eq!(answer.results[300].refusal, "UNKNOWN_ORDER");
    assert_eq!(erp.figures("A").await, ["100", "0", "100", "0"]);
    assert_eq!(erp.worth("A").await, "101.00");

    let mut shipment_ids: Vec<_> = answer.results.into_iter().flat_map(|one| one.shipment_ids).collect();
    shipment_ids.push(service::new_id().to_string());
    let request = DeliverShipmentsRequest { request_id: key(), shipment_ids: shipment_ids.clone(), delivered_at: None };
    let answer = erp.fulfilment().deliver_shipments(request).await.unwrap().into_inner();
    assert!(answer.results[..300].iter().all(|one| one.delivered));
    assert_eq!(answer.results[300].refusal, "UNKNOWN_SHIPMENT");
    let request = DeliverShipmentsRequest { request_id: key(), shipment_ids, delivered_at: None };
    let again = erp.fulfilment().deliver_shipments(request).await.unwrap().into_inner();
    assert!(again.results[..300].iter().all(|one| one.refusal == "SHIPMENT_STATE"));
    erp.balanced().await;
}

#[tokio::test]
async fn history_is_shipped_with_its_own_times_and_times_never_go_back() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 1)]).await;
    let at = |hours| Some(proto::to_timestamp(erp.now() - Duration::hours(hours)));
    let request = |shipped_at| ShipOrdersRequest {
        request_id: key(),
        order_ids: vec![id.to_string()],
        shipped_at,
        carrier: String::new(),
    };
    let mut client = erp.fulfilment();
    let early = client.ship_orders(request(at(25))).await.unwrap().into_inner();
    assert_eq!(early.results[0].refusal, "TIME_BEFORE_ORDER");
    let future = client.ship_orders(request(at(-1))).await.unwrap_err();
    assert_eq!(fields(&future), ["shipped_at"]);
    let shipment = client.ship_orders(request(at(12))).await.unwrap().into_inner().results.remove(0).shipment_ids;
    let Event::ShipmentShipped(fact) = erp.facts("shipment_shipped").await.remove(0) else { panic!() };
    assert_eq!(fact.shipped_at, at(12));
    let deliver =
        |delivered_at| DeliverShipmentsRequest { request_id: key(), shipment_ids: shipment.clone(), delivered_at };
    let early = client.deliver_shipments(deliver(at(13))).await.unwrap().into_inner();
    assert_eq!(early.results[0].refusal, "TIME_BEFORE_SHIPMENT");
    let good = client.deliver_shipments(deliver(at(11))).await.unwrap().into_inner();
    assert!(good.results[0].delivered);
    let request = GetShipmentRequest { shipment_id: shipment[0].clone() };
    let read = client.get_shipment(request).await.unwrap().into_inner().shipment.unwrap();
    assert_eq!((read.shipped_at, read.ended_at), (at(12), at(11)));
}

#[tokio::test]
async fn a_queue_is_walked_page_by_page() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 50, "10", "L")]).await;
    let mut expected = Vec::new();
    for n in 1..=7 {
        expected.push(erp.place(n, vec![line(1, "A", 1)]).await.to_string());
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListFulfilmentQueueRequest {
            page: Some(PageRequest { page_size: 3, page_token: token }),
            queue: FulfilmentQueue::ToPick.into(),
            region: "RU-MOW".into(),
            ..ListFulfilmentQueueRequest::default()
        };
        let answer = erp.fulfilment().list_fulfilment_queue(request).await.unwrap().into_inner();
        seen.extend(answer.entries.into_iter().map(|entry| entry.order_id));
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, expected);
    let refused = erp.fulfilment().list_fulfilment_queue(ListFulfilmentQueueRequest::default()).await.unwrap_err();
    assert_eq!(fields(&refused), ["queue"]);
}
