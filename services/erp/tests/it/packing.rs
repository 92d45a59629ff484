//! Parcels with their weight, and what comes back in which condition.

use proto::erp::v1::{
    ComebackOutcome, DismantleShipmentRequest, FailShipmentRequest, FailureReason, FulfilmentQueue, ItemInput,
    ListFulfilmentQueueRequest, PackShipmentRequest, Parcel, ParcelContent, ReturnCondition, ReturnedPiece, Shipment,
    ShipmentState, UpsertItemsRequest, erp_event::Event,
};
use tonic::Status;

use crate::{
    fulfilment::{confirm, pack, ship},
    kit::{Erp, amount, cancelled, fields, goods, key, line, pcs, reason, value},
};

async fn with_weights(erp: &Erp, items: &[(&str, &str)]) {
    let item = |(sku, grams): &(&str, &str)| ItemInput {
        sku: (*sku).into(),
        unit: "pcs".into(),
        weight_grams: (*grams).into(),
        ..ItemInput::default()
    };
    let request = UpsertItemsRequest { request_id: key(), items: items.iter().map(item).collect() };
    erp.items().upsert_items(request).await.unwrap();
}

fn parcel(weight: &str, contents: &[(i32, &str, i64)]) -> Parcel {
    let content = |(line_no, lot, quantity): &(i32, &str, i64)| ParcelContent {
        line_no: *line_no,
        lot: (*lot).into(),
        quantity: pcs(quantity),
    };
    Parcel { weight_grams: weight.into(), contents: contents.iter().map(content).collect() }
}

async fn pack_as(erp: &Erp, id: &str, parcels: Vec<Parcel>, weight_reason: &str) -> Result<Shipment, Status> {
    let request = PackShipmentRequest {
        request_id: key(),
        shipment_id: id.into(),
        parcels,
        weight_reason: weight_reason.into(),
        ..PackShipmentRequest::default()
    };
    let first = erp.fulfilment().pack_shipment(request.clone()).await?.into_inner();
    assert_eq!(erp.fulfilment().pack_shipment(request).await.unwrap().into_inner(), first, "repeated");
    Ok(first.shipment.unwrap())
}

#[tokio::test]
async fn parcels_hold_what_the_shipment_has_and_weigh_what_it_should() {
    let erp = Erp::start().await;
    with_weights(&erp, &[("A", "1000"), ("B", "500")]).await;
    erp.receive(&[goods("A", 3, "10", "a"), goods("B", 2, "10", "b")]).await;
    let order = erp.place(1, vec![line(1, "A", 3), line(2, "B", 2)]).await;
    let id = erp.pick(order).await.shipment_id;
    confirm(&erp, &id, Vec::new()).await.unwrap();
    let refused = async |parcels| reason(&pack_as(&erp, &id, parcels, "").await.unwrap_err());
    assert_eq!(refused(vec![parcel("", &[(1, "a", 3)])]).await, "PARCEL_CONTENTS");
    assert_eq!(refused(vec![parcel("", &[(1, "a", 4), (2, "b", 2)])]).await, "PARCEL_CONTENTS");
    assert_eq!(refused(vec![parcel("", &[(1, "b", 3), (2, "b", 2)])]).await, "PARCEL_CONTENTS");
    // 3 × 1,000 + 2 × 500 = 4,000 g; 10 % and 300 g allow 700 g.
    let two = |second: &str| vec![parcel("1500", &[(1, "a", 1), (2, "b", 2)]), parcel(second, &[(1, "a", 2)])];
    let heavy = pack_as(&erp, &id, two("3200.5"), "").await.unwrap_err();
    assert_eq!(reason(&heavy), "WEIGHT_DIFFERS");
    assert!(heavy.message().contains("4700.5") && heavy.message().contains("4000"), "{heavy:?}");
    let packed = pack_as(&erp, &id, two("3200"), "").await.unwrap();
    assert_eq!((packed.places, packed.weight_grams.as_str(), packed.expected_grams.as_str()), (2, "4700", "4000"));
    assert_eq!(packed.parcels, two("3200"));
    assert_eq!(packed.weight_reason, "");
    let none = PackShipmentRequest { request_id: key(), shipment_id: id, ..PackShipmentRequest::default() };
    assert_eq!(fields(&erp.fulfilment().pack_shipment(none).await.unwrap_err()), ["places"]);
}

#[tokio::test]
async fn another_weight_is_taken_with_a_reason_and_an_unknown_one_is_not_compared() {
    let erp = Erp::start().await;
    with_weights(&erp, &[("A", "100"), ("B", "")]).await;
    erp.receive(&[goods("A", 9, "10", "a"), goods("B", 2, "10", "b")]).await;
    let light = erp.place(1, vec![line(1, "A", 1)]).await;
    let id = erp.pick(light).await.shipment_id;
    confirm(&erp, &id, Vec::new()).await.unwrap();
    let packed = pack_as(&erp, &id, vec![parcel("900", &[(1, "a", 1)])], "wooden box").await.unwrap();
    assert_eq!((packed.weight_reason.as_str(), packed.expected_grams.as_str()), ("wooden box", "100"));
    let unknown = erp.place(2, vec![line(1, "A", 1), line(2, "B", 1)]).await;
    let id = erp.pick(unknown).await.shipment_id;
    confirm(&erp, &id, Vec::new()).await.unwrap();
    let packed = pack_as(&erp, &id, vec![parcel("9000", &[(1, "a", 1), (2, "b", 1)])], "").await.unwrap();
    assert_eq!(packed.expected_grams, "");
}

fn back(lot: &str, quantity: i64, condition: ReturnCondition) -> ReturnedPiece {
    ReturnedPiece {
        line_no: 1,
        lot: lot.into(),
        quantity: pcs(quantity),
        condition: condition.into(),
        ..ReturnedPiece::default()
    }
}

async fn fail_with(erp: &Erp, id: &str, lines: Vec<ReturnedPiece>, rest_delivered: bool) -> Result<Shipment, Status> {
    let request = FailShipmentRequest {
        request_id: key(),
        shipment_id: id.into(),
        reason: FailureReason::Refused.into(),
        failed_at: None,
        lines,
        rest_delivered,
    };
    let first = erp.fulfilment().fail_shipment(request.clone()).await?.into_inner();
    assert_eq!(erp.fulfilment().fail_shipment(request).await.unwrap().into_inner(), first, "repeated");
    Ok(first.shipment.unwrap())
}

#[tokio::test]
async fn what_comes_back_goes_where_its_condition_says_at_the_cost_it_left_with() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 6, "3.335", "L")]).await;
    let order = erp.place(1, vec![line(1, "A", 6)]).await;
    let id = erp.ship(order).await.shipment_ids.remove(0);
    let refused = async |lines| fail_with(&erp, &id, lines, false).await.unwrap_err();
    let some = vec![back("L", 2, ReturnCondition::Sellable)];
    assert_eq!(reason(&refused(some).await), "RETURN_INCOMPLETE");
    let many = vec![back("L", 6, ReturnCondition::Sellable), back("L", 1, ReturnCondition::Missing)];
    assert_eq!(reason(&refused(many).await), "NOT_ENOUGH_SENT");
    assert_eq!(fields(&refused(vec![back("X", 6, ReturnCondition::Sellable)]).await), ["lines[0].lot"]);
    let mut sold_damaged = back("L", 6, ReturnCondition::Damaged);
    sold_damaged.outcome = ComebackOutcome::Restock.into();
    assert_eq!(fields(&refused(vec![sold_damaged]).await), ["lines[0].outcome"]);
    assert_eq!(fields(&refused(vec![back("L", 6, ReturnCondition::Unspecified)]).await), ["lines[0].condition"]);

    let lines = vec![
        back("L", 3, ReturnCondition::Sellable),
        back("L", 2, ReturnCondition::Damaged),
        back("L", 1, ReturnCondition::Missing),
    ];
    let failed = fail_with(&erp, &id, lines, false).await.unwrap();
    assert_eq!(failed.state(), ShipmentState::Failed);
    let outcomes: Vec<_> = failed.came_back.iter().map(|piece| (piece.outcome(), amount(&piece.cost))).collect();
    let expected = [
        (ComebackOutcome::Restock, "10.01".to_owned()),
        (ComebackOutcome::Quarantine, "6.67".to_owned()),
        (ComebackOutcome::WriteOff, "3.33".to_owned()),
    ];
    assert_eq!(outcomes, expected, "20.01 in all");
    assert_eq!(erp.figures("A").await[0], "3");
    assert_eq!(erp.worth("A").await, "16.68");
    let Event::ShipmentFailed(fact) = erp.facts("shipment_failed").await.remove(0) else { panic!() };
    assert_eq!((fact.lines.len(), value(&fact.lines[0].quantity), amount(&fact.cost)), (1, "6".into(), "20.01".into()));
    erp.balanced().await;
}

#[tokio::test]
async fn of_a_partly_refused_shipment_the_rest_is_delivered() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let order = erp.place(1, vec![line(1, "A", 5)]).await;
    let id = erp.ship(order).await.shipment_ids.remove(0);
    let bare = fail_with(&erp, &id, Vec::new(), true).await.unwrap_err();
    assert_eq!(fields(&bare), ["rest_delivered"]);
    let done = fail_with(&erp, &id, vec![back("L", 2, ReturnCondition::Sellable)], true).await.unwrap();
    assert_eq!((done.state(), done.lines[0].returned.as_str()), (ShipmentState::Delivered, "2"));
    assert_eq!(
        erp.told(order).await[1..],
        ["picking_started", "shipment_packed", "shipment_shipped", "shipment_failed", "shipment_delivered"]
    );
    assert_eq!(erp.figures("A").await, ["2", "0", "2", "0"]);
    erp.balanced().await;
}

#[tokio::test]
async fn what_is_given_up_after_picking_waits_to_be_taken_apart() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 2, "10", "L")]).await;
    let queue = async || -> Vec<String> {
        let queue = FulfilmentQueue::ToDismantle.into();
        let request = ListFulfilmentQueueRequest { queue, ..ListFulfilmentQueueRequest::default() };
        let entries = erp.fulfilment().list_fulfilment_queue(request).await.unwrap().into_inner().entries;
        entries.into_iter().map(|entry| entry.shipment_id).collect()
    };
    let (touched, untouched) = (erp.place(1, vec![line(1, "A", 1)]).await, erp.place(2, vec![line(1, "A", 1)]).await);
    let id = erp.pick(touched).await.shipment_id;
    let on_shelf = erp.pick(untouched).await.shipment_id;
    confirm(&erp, &id, Vec::new()).await.unwrap();
    pack(&erp, &id).await.unwrap();
    let dismantle = async |id: &str| {
        let request = DismantleShipmentRequest { request_id: key(), shipment_id: id.into() };
        erp.fulfilment().dismantle_shipment(request).await
    };
    assert_eq!(reason(&dismantle(&id).await.unwrap_err()), "SHIPMENT_STATE");
    erp.deliver(&[cancelled(touched), cancelled(untouched)]).await;
    assert_eq!(queue().await, std::slice::from_ref(&id));
    assert_eq!(reason(&ship(&erp, &id).await.unwrap_err()), "SHIPMENT_STATE");
    dismantle(&id).await.unwrap();
    assert!(queue().await.is_empty());
    assert_eq!(reason(&dismantle(&id).await.unwrap_err()), "SHIPMENT_STATE", "once");
    assert_eq!(reason(&dismantle(&on_shelf).await.unwrap_err()), "SHIPMENT_STATE");
}
