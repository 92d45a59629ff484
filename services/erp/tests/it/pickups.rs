//! Parcels at the counter.

use futures::future::join_all;
use proto::{
    erp::v1::{
        FulfilmentQueue, GetPickupRequest, HandOverRequest, HandOverResponse, ListFulfilmentQueueRequest, Pickup,
        PickupState, ReissuePickupCodeRequest, ShipmentState, erp_event::Event,
        pickup_service_client::PickupServiceClient,
    },
    orders::v1::OrderPlaced,
};
use time::Duration;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    fulfilment::{confirm, pack, ship},
    kit::{Erp, cancelled, goods, key, line, order, placed, reason},
};

async fn start() -> Erp {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    erp
}

/// An order for the counter, packed: the order and its shipment.
async fn packed(erp: &Erp, n: i64) -> (Uuid, String) {
    let id = service::new_id();
    let order = OrderPlaced { delivery_method: "pickup".into(), ..order(id, n, vec![line(1, "A", 1)]) };
    erp.deliver(&[placed(order)]).await;
    let shipment = erp.pick(id).await.shipment_id;
    confirm(erp, &shipment, Vec::new()).await.unwrap();
    pack(erp, &shipment).await.unwrap();
    (id, shipment)
}

async fn get(erp: &Erp, shipment: &str) -> Pickup {
    let request = GetPickupRequest { shipment_id: shipment.into() };
    erp.pickups().get_pickup(request).await.unwrap().into_inner().pickup.unwrap()
}

async fn hand_over(erp: &Erp, shipment: &str, code: &str) -> Result<HandOverResponse, Status> {
    let request = HandOverRequest { request_id: key(), shipment_id: shipment.into(), code: code.into() };
    erp.pickups().hand_over(request).await.map(tonic::Response::into_inner)
}

async fn waiting(erp: &Erp, queue: FulfilmentQueue) -> usize {
    let request = ListFulfilmentQueueRequest { queue: queue.into(), ..ListFulfilmentQueueRequest::default() };
    erp.fulfilment().list_fulfilment_queue(request).await.unwrap().into_inner().entries.len()
}

#[tokio::test]
async fn who_knows_the_code_gets_the_goods_once() {
    let erp = start().await;
    let (order, shipment) = packed(&erp, 1).await;
    let Event::PickupReady(fact) = erp.facts("pickup_ready").await.remove(0) else { panic!() };
    assert_eq!((fact.order_id, fact.shipment_id.as_str()), (order.to_string(), shipment.as_str()));
    assert_eq!(fact.expires_at, Some(proto::to_timestamp(erp.now() + Duration::days(7))));
    assert_eq!(waiting(&erp, FulfilmentQueue::SelfPickup).await, 1);
    assert_eq!(waiting(&erp, FulfilmentQueue::ToShip).await, 0, "it goes nowhere");
    let code = get(&erp, &shipment).await.code;
    let request = HandOverRequest { request_id: key(), shipment_id: shipment.clone(), code: code.clone() };
    let first = erp.pickups().hand_over(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.shipment.as_ref().unwrap().state(), ShipmentState::Delivered);
    assert_eq!(erp.pickups().hand_over(request).await.unwrap().into_inner(), first);
    assert_eq!(reason(&hand_over(&erp, &shipment, &code).await.unwrap_err()), "PICKUP_ENDED");
    assert_eq!(get(&erp, &shipment).await.state(), PickupState::Collected);
    assert_eq!(erp.told(order).await.last().unwrap(), "shipment_delivered");
    erp.balanced().await;
}

#[tokio::test]
async fn wrong_codes_are_counted_and_five_are_enough() {
    let erp = start().await;
    let (_, shipment) = packed(&erp, 1).await;
    let code = get(&erp, &shipment).await.code;
    let request = HandOverRequest { request_id: key(), shipment_id: shipment.clone(), code: "wrong".into() };
    for _ in 0..3 {
        let refused = erp.pickups().hand_over(request.clone()).await.unwrap_err();
        assert_eq!(reason(&refused), "WRONG_CODE", "a repeat is not counted again");
    }
    assert_eq!(get(&erp, &shipment).await.attempts_left, 4);
    for _ in 0..4 {
        assert_eq!(reason(&hand_over(&erp, &shipment, "000").await.unwrap_err()), "WRONG_CODE");
    }
    assert_eq!(reason(&hand_over(&erp, &shipment, &code).await.unwrap_err()), "TOO_MANY_ATTEMPTS");
    let request = ReissuePickupCodeRequest { request_id: key(), shipment_id: shipment.clone() };
    let pickup = erp.pickups().reissue_pickup_code(request.clone()).await.unwrap().into_inner();
    assert_eq!(erp.pickups().reissue_pickup_code(request).await.unwrap().into_inner(), pickup);
    hand_over(&erp, &shipment, &pickup.pickup.unwrap().code).await.unwrap();
    let request = ReissuePickupCodeRequest { request_id: key(), shipment_id: shipment };
    assert_eq!(reason(&erp.pickups().reissue_pickup_code(request).await.unwrap_err()), "PICKUP_ENDED");
}

#[tokio::test]
async fn the_counter_cannot_read_the_code_it_asks_for() {
    let erp = start().await;
    let (_, shipment) = packed(&erp, 1).await;
    let mut counter = PickupServiceClient::new(erp.app.client(&["erp.pickup.hand_over"]));
    let refused = counter.get_pickup(GetPickupRequest { shipment_id: shipment }).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let unknown = GetPickupRequest { shipment_id: service::new_id().to_string() };
    assert_eq!(erp.pickups().get_pickup(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn what_nobody_collects_goes_back_to_stock() {
    let erp = start().await;
    let (order, shipment) = packed(&erp, 1).await;
    let (cancelled_order, other) = packed(&erp, 2).await;
    let (_, sent) = packed(&erp, 3).await;
    erp.deliver(&[cancelled(cancelled_order)]).await;
    ship(&erp, &sent).await.unwrap();
    erp.app.clock.advance(Duration::days(7) - Duration::SECOND);
    erp.app.run_job("erp_expire_pickups").await.unwrap();
    assert_eq!(get(&erp, &shipment).await.state(), PickupState::Waiting);
    erp.app.clock.advance(Duration::SECOND);
    erp.app.run_job("erp_expire_pickups").await.unwrap();
    assert_eq!(get(&erp, &shipment).await.state(), PickupState::Expired);
    for other in [&other, &sent] {
        assert_eq!(get(&erp, other).await.state(), PickupState::Cancelled);
    }
    assert_eq!(erp.told(order).await[4..], ["shipment_shipped", "shipment_failed"]);
    assert_eq!(erp.figures("A").await, ["4", "0", "4", "0"]);
    assert_eq!(erp.worth("A").await, "40.00");
    erp.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_the_counter_at_once_one_gets_the_goods() {
    let erp = start().await;
    let (_, shipment) = packed(&erp, 1).await;
    let code = get(&erp, &shipment).await.code;
    let answers = join_all((0..20).map(|_| hand_over(&erp, &shipment, &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.into_iter().filter_map(Result::err) {
        assert!(["PICKUP_ENDED", "SHIPMENT_STATE"].contains(&reason(&refused).as_str()), "{refused:?}");
    }
    assert_eq!(erp.figures("A").await, ["4", "0", "4", "0"]);
    erp.balanced().await;
}
