//! Every RPC: who may call it, and what malformed ids are answered.

use proto::erp::v1::{
    bom_service_client::BomServiceClient, expected_receipt_service_client::ExpectedReceiptServiceClient,
    fulfilment_service_client::FulfilmentServiceClient, item_service_client::ItemServiceClient,
    life_rule_service_client::LifeRuleServiceClient, promise_service_client::PromiseServiceClient,
    receipt_service_client::ReceiptServiceClient,
    reservation_override_service_client::ReservationOverrideServiceClient,
    reservation_service_client::ReservationServiceClient, stock_service_client::StockServiceClient,
    unit_service_client::UnitServiceClient, warehouse_service_client::WarehouseServiceClient, *,
};
use tonic::Code;

use crate::kit::{Erp, fields};

macro_rules! each_rpc {
    ($channel:expr, $code:expr, $($client:ident: $($method:ident($request:ident)),*;)*) => {{
        let mut count = 0;
        $($(
            let answer = $client::new($channel.clone()).$method($request::default()).await;
            assert_eq!(answer.map(|_| ()).unwrap_err().code(), $code, stringify!($method));
            count += 1;
        )*)*
        count
    }};
}

macro_rules! all {
    ($channel:expr, $code:expr) => {
        each_rpc!($channel, $code,
            ItemServiceClient: upsert_items(UpsertItemsRequest), get_item(GetItemRequest), list_items(ListItemsRequest);
            WarehouseServiceClient: upsert_warehouse(UpsertWarehouseRequest), list_warehouses(ListWarehousesRequest);
            StockServiceClient: get_availability(GetAvailabilityRequest), get_stock(GetStockRequest),
                list_moves(ListMovesRequest), adjust_stock(AdjustStockRequest), transfer_stock(TransferStockRequest),
                set_lot_status(SetLotStatusRequest), verify_ledger(VerifyLedgerRequest);
            ReceiptServiceClient: post_receipt(PostReceiptRequest), get_receipt(GetReceiptRequest);
            ReservationServiceClient: reserve_stock(ReserveStockRequest), get_reservation(GetReservationRequest),
                close_reservation(CloseReservationRequest), reopen_reservation(ReopenReservationRequest),
                list_backorders(ListBackordersRequest), extend_hold(ExtendHoldRequest);
            ReservationOverrideServiceClient: pin_line(PinLineRequest), move_reservation(MoveReservationRequest),
                set_priority(SetPriorityRequest), list_overrides(ListOverridesRequest);
            LifeRuleServiceClient: put_life_rules(PutLifeRulesRequest), list_life_rules(ListLifeRulesRequest);
            UnitServiceClient: put_item_units(PutItemUnitsRequest), delete_item_unit(DeleteItemUnitRequest),
                list_item_units(ListItemUnitsRequest), convert_quantity(ConvertQuantityRequest),
                list_entered_quantities(ListEnteredQuantitiesRequest);
            ExpectedReceiptServiceClient: upsert_expected_receipts(UpsertExpectedReceiptsRequest),
                cancel_expected_receipt(CancelExpectedReceiptRequest),
                get_expected_receipt(GetExpectedReceiptRequest), list_expected_receipts(ListExpectedReceiptsRequest);
            PromiseServiceClient: promise_dates(PromiseDatesRequest);
            FulfilmentServiceClient: start_picking(StartPickingRequest), confirm_pick(ConfirmPickRequest),
                pack_shipment(PackShipmentRequest), ship_shipment(ShipShipmentRequest),
                deliver_shipment(DeliverShipmentRequest), fail_shipment(FailShipmentRequest),
                ship_orders(ShipOrdersRequest), deliver_shipments(DeliverShipmentsRequest),
                get_shipment(GetShipmentRequest), list_shipments(ListShipmentsRequest),
                list_fulfilment_queue(ListFulfilmentQueueRequest);
            BomServiceClient: put_bom(PutBomRequest), activate_bom(ActivateBomRequest), get_bom(GetBomRequest),
                list_boms(ListBomsRequest), where_used(WhereUsedRequest), explode_bom(ExplodeBomRequest),
                roll_up_cost(RollUpCostRequest);
        )
    };
}

#[tokio::test]
async fn no_call_goes_through_without_a_token_or_the_permission_it_names() {
    let erp = Erp::start().await;
    let rpcs = all!(erp.app.anonymous(), Code::Unauthenticated);
    all!(erp.app.client(&["orders.*", "erp.none.read"]), Code::PermissionDenied);
    let services: Vec<_> = proto::descriptor_pool().services().collect();
    let ours = services.iter().filter(|service| service.full_name().starts_with("shopfloor.erp.v1."));
    assert_eq!(ours.map(|service| service.methods().count()).sum::<usize>(), rpcs, "every RPC is tried");
}

#[tokio::test]
async fn malformed_requests_are_refused_by_field() {
    let erp = Erp::start().await;
    macro_rules! names {
        ($client:ident . $method:ident ( $request:ident ), $($field:literal),+) => {
            let refused = erp.$client().$method($request::default()).await.unwrap_err();
            assert_eq!(fields(&refused), [$($field),+], stringify!($method));
        };
    }
    names!(items.upsert_items(UpsertItemsRequest), "request_id", "items");
    names!(
        stock.adjust_stock(AdjustStockRequest),
        "request_id",
        "quantity",
        "kind",
        "warehouse",
        "sku",
        "lot",
        "reason"
    );
    names!(stock.transfer_stock(TransferStockRequest), "request_id", "lines", "from_place", "to_place");
    names!(stock.set_lot_status(SetLotStatusRequest), "request_id", "status", "sku", "lot");
    names!(receipts.post_receipt(PostReceiptRequest), "request_id", "lines");
    names!(receipts.get_receipt(GetReceiptRequest), "receipt_id");
    names!(reservations.reserve_stock(ReserveStockRequest), "request_id", "lines", "reference");
    names!(reservations.get_reservation(GetReservationRequest), "order_id");
    names!(reservations.close_reservation(CloseReservationRequest), "order_id");
    names!(reservations.reopen_reservation(ReopenReservationRequest), "order_id");
    names!(reservations.extend_hold(ExtendHoldRequest), "request_id", "order_id", "expires_at");
    names!(overrides.pin_line(PinLineRequest), "request_id", "order_id", "lot", "reason");
    names!(
        overrides.move_reservation(MoveReservationRequest),
        "request_id",
        "order_id",
        "to_order_id",
        "quantity",
        "reason",
        "approved_by"
    );
    names!(overrides.set_priority(SetPriorityRequest), "request_id", "order_id", "reason");
    names!(overrides.list_overrides(ListOverridesRequest), "order_id");
    names!(life_rules.put_life_rules(PutLifeRulesRequest), "rules");
    names!(units.put_item_units(PutItemUnitsRequest), "request_id", "units");
    names!(units.delete_item_unit(DeleteItemUnitRequest), "sku", "unit");
    names!(units.list_item_units(ListItemUnitsRequest), "sku");
    names!(units.convert_quantity(ConvertQuantityRequest), "sku", "quantity");
    names!(units.list_entered_quantities(ListEnteredQuantitiesRequest), "document_id");
    names!(expected.upsert_expected_receipts(UpsertExpectedReceiptsRequest), "request_id", "receipts");
    names!(expected.cancel_expected_receipt(CancelExpectedReceiptRequest), "expected_receipt_id", "reason");
    names!(expected.get_expected_receipt(GetExpectedReceiptRequest), "expected_receipt_id");
    names!(promises.promise_dates(PromiseDatesRequest), "lines");
    names!(fulfilment.start_picking(StartPickingRequest), "request_id", "order_id");
    names!(fulfilment.confirm_pick(ConfirmPickRequest), "request_id", "shipment_id");
    names!(fulfilment.pack_shipment(PackShipmentRequest), "request_id", "shipment_id", "places");
    names!(fulfilment.ship_shipment(ShipShipmentRequest), "request_id", "shipment_id");
    names!(fulfilment.deliver_shipment(DeliverShipmentRequest), "request_id", "shipment_id");
    names!(fulfilment.fail_shipment(FailShipmentRequest), "request_id", "shipment_id", "reason");
    names!(fulfilment.ship_orders(ShipOrdersRequest), "request_id", "order_ids");
    names!(fulfilment.deliver_shipments(DeliverShipmentsRequest), "request_id", "shipment_ids");
    names!(fulfilment.get_shipment(GetShipmentRequest), "shipment_id");
    names!(fulfilment.list_shipments(ListShipmentsRequest), "order_id");
    names!(boms.put_bom(PutBomRequest), "request_id", "sku", "content", "content.lines", "content.quantity");
    names!(boms.activate_bom(ActivateBomRequest), "request_id", "sku", "number");
    names!(boms.get_bom(GetBomRequest), "sku");
    names!(boms.where_used(WhereUsedRequest), "component_sku");
    names!(boms.explode_bom(ExplodeBomRequest), "sku", "quantity");
    names!(boms.roll_up_cost(RollUpCostRequest), "sku");
    let twice = vec![service::new_id().to_string(); 2];
    let request = ShipOrdersRequest { request_id: "k".into(), order_ids: twice, ..ShipOrdersRequest::default() };
    assert_eq!(fields(&erp.fulfilment().ship_orders(request).await.unwrap_err()), ["order_ids"]);
}

#[tokio::test]
async fn unknown_orders_are_not_found() {
    let erp = Erp::start().await;
    let order_id = service::new_id().to_string();
    let mut reservations = erp.reservations();
    let request = GetReservationRequest { order_id: order_id.clone() };
    assert_eq!(reservations.get_reservation(request).await.unwrap_err().code(), Code::NotFound);
    let request = CloseReservationRequest { order_id: order_id.clone() };
    assert_eq!(reservations.close_reservation(request).await.unwrap_err().code(), Code::NotFound);
    let request = ReopenReservationRequest { order_id: order_id.clone() };
    assert_eq!(reservations.reopen_reservation(request).await.unwrap_err().code(), Code::NotFound);
    let request = StartPickingRequest { request_id: "k".into(), order_id: order_id.clone(), lines: Vec::new() };
    assert_eq!(erp.fulfilment().start_picking(request).await.unwrap_err().code(), Code::NotFound);
    let request = GetShipmentRequest { shipment_id: order_id.clone() };
    assert_eq!(erp.fulfilment().get_shipment(request).await.unwrap_err().code(), Code::NotFound);
    let listed = erp.fulfilment().list_shipments(ListShipmentsRequest { order_id }).await.unwrap().into_inner();
    assert!(listed.shipments.is_empty());
}
