//! Every RPC: who may call it, and what malformed ids are answered.

use proto::erp::v1::{
    bin_service_client::BinServiceClient, bom_service_client::BomServiceClient,
    cash_on_delivery_service_client::CashOnDeliveryServiceClient, count_service_client::CountServiceClient,
    cut_off_service_client::CutOffServiceClient, delivery_run_service_client::DeliveryRunServiceClient,
    expected_receipt_service_client::ExpectedReceiptServiceClient, fulfilment_service_client::FulfilmentServiceClient,
    item_service_client::ItemServiceClient, kit_service_client::KitServiceClient,
    landed_cost_service_client::LandedCostServiceClient, life_rule_service_client::LifeRuleServiceClient,
    pickup_service_client::PickupServiceClient, promise_service_client::PromiseServiceClient,
    put_away_service_client::PutAwayServiceClient, recall_service_client::RecallServiceClient,
    receipt_service_client::ReceiptServiceClient, replenishment_service_client::ReplenishmentServiceClient,
    reservation_override_service_client::ReservationOverrideServiceClient,
    reservation_service_client::ReservationServiceClient, slow_mover_service_client::SlowMoverServiceClient,
    stock_service_client::StockServiceClient, trace_service_client::TraceServiceClient,
    unit_service_client::UnitServiceClient, valuation_service_client::ValuationServiceClient,
    warehouse_service_client::WarehouseServiceClient, wave_service_client::WaveServiceClient, *,
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
            ValuationServiceClient: correct_receipt_cost(CorrectReceiptCostRequest), close_period(ClosePeriodRequest),
                reopen_period(ReopenPeriodRequest), get_period(GetPeriodRequest), get_stock_as_of(GetStockAsOfRequest),
                list_valuation(ListValuationRequest), set_valuation_method(SetValuationMethodRequest),
                set_standard_costs(SetStandardCostsRequest);
            LandedCostServiceClient: post_landed_cost(PostLandedCostRequest), cancel_landed_cost(CancelLandedCostRequest),
                get_landed_cost(GetLandedCostRequest);
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
                list_fulfilment_queue(ListFulfilmentQueueRequest), dismantle_shipment(DismantleShipmentRequest);
            CutOffServiceClient: set_cut_offs(SetCutOffsRequest), list_cut_offs(ListCutOffsRequest);
            WaveServiceClient: create_wave(CreateWaveRequest), start_wave(StartWaveRequest),
                cancel_wave(CancelWaveRequest), scan_pick(ScanPickRequest), report_short(ReportShortRequest),
                get_wave(GetWaveRequest), list_open_waves(ListOpenWavesRequest);
            PickupServiceClient: get_pickup(GetPickupRequest), reissue_pickup_code(ReissuePickupCodeRequest),
                hand_over(HandOverRequest);
            DeliveryRunServiceClient: create_delivery_run(CreateDeliveryRunRequest),
                start_delivery_run(StartDeliveryRunRequest), record_stop(RecordStopRequest),
                close_delivery_run(CloseDeliveryRunRequest), get_delivery_run(GetDeliveryRunRequest),
                list_delivery_runs(ListDeliveryRunsRequest);
            CashOnDeliveryServiceClient: hand_in_cash(HandInCashRequest),
                decide_cash_difference(DecideCashDifferenceRequest), list_courier_debts(ListCourierDebtsRequest);
            BinServiceClient: upsert_bins(UpsertBinsRequest), list_bins(ListBinsRequest), scan_bin(ScanBinRequest),
                block_bin(BlockBinRequest);
            PutAwayServiceClient: upsert_put_away_rules(UpsertPutAwayRulesRequest),
                delete_put_away_rules(DeletePutAwayRulesRequest), list_put_away_rules(ListPutAwayRulesRequest),
                suggest_put_away(SuggestPutAwayRequest), confirm_put_away(ConfirmPutAwayRequest);
            CountServiceClient: create_count(CreateCountRequest), list_counts(ListCountsRequest),
                get_count(GetCountRequest), list_count_bins(ListCountBinsRequest), record_count(RecordCountRequest),
                complete_bin(CompleteBinRequest), close_count(CloseCountRequest),
                list_count_lines(ListCountLinesRequest), demand_recount(DemandRecountRequest),
                approve_count(ApproveCountRequest), cancel_count(CancelCountRequest);
            BomServiceClient: put_bom(PutBomRequest), activate_bom(ActivateBomRequest), get_bom(GetBomRequest),
                list_boms(ListBomsRequest), where_used(WhereUsedRequest), explode_bom(ExplodeBomRequest),
                roll_up_cost(RollUpCostRequest);
            KitServiceClient: put_kit(PutKitRequest), get_kit(GetKitRequest), list_kits(ListKitsRequest),
                assemble_kit(AssembleKitRequest), disassemble_kit(DisassembleKitRequest);
            TraceServiceClient: trace_lot(TraceLotRequest), set_lot_facts(SetLotFactsRequest);
            RecallServiceClient: open_recall(OpenRecallRequest), get_recall(GetRecallRequest),
                list_recalls(ListRecallsRequest), list_recall_orders(ListRecallOrdersRequest),
                close_recall(CloseRecallRequest);
            ReplenishmentServiceClient: upsert_replenishment_policies(UpsertReplenishmentPoliciesRequest),
                delete_replenishment_policies(DeleteReplenishmentPoliciesRequest),
                list_replenishment_policies(ListReplenishmentPoliciesRequest), get_stock_level(GetStockLevelRequest),
                list_stock_levels(ListStockLevelsRequest), recalculate_stock_levels(RecalculateStockLevelsRequest),
                calculate_safety_stock(CalculateSafetyStockRequest), list_demand_days(ListDemandDaysRequest);
            SlowMoverServiceClient: put_slow_mover_rule(PutSlowMoverRuleRequest),
                delete_slow_mover_rule(DeleteSlowMoverRuleRequest), list_slow_mover_rules(ListSlowMoverRulesRequest),
                evaluate_slow_movers(EvaluateSlowMoversRequest), list_slow_movers(ListSlowMoversRequest),
                summarize_slow_movers(SummarizeSlowMoversRequest);
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

macro_rules! names {
    ($erp:ident . $client:ident . $method:ident ( $request:ident ), $($field:literal),+) => {
        let refused = $erp.$client().$method($request::default()).await.unwrap_err();
        assert_eq!(fields(&refused), [$($field),+], stringify!($method));
    };
}

#[tokio::test]
async fn malformed_requests_are_refused_by_field() {
    let erp = Erp::start().await;
    names!(erp.items.upsert_items(UpsertItemsRequest), "request_id", "items");
    names!(erp.fulfilment.dismantle_shipment(DismantleShipmentRequest), "request_id", "shipment_id");
    names!(erp.waves.create_wave(CreateWaveRequest), "request_id");
    names!(erp.waves.start_wave(StartWaveRequest), "request_id", "wave_id");
    names!(erp.waves.cancel_wave(CancelWaveRequest), "request_id", "wave_id");
    names!(erp.waves.scan_pick(ScanPickRequest), "request_id", "wave_id", "quantity", "place", "item");
    names!(erp.waves.report_short(ReportShortRequest), "request_id", "wave_id", "missing", "place", "item");
    names!(erp.waves.get_wave(GetWaveRequest), "wave_id");
    names!(erp.pickups.get_pickup(GetPickupRequest), "shipment_id");
    names!(erp.pickups.reissue_pickup_code(ReissuePickupCodeRequest), "request_id", "shipment_id");
    names!(erp.pickups.hand_over(HandOverRequest), "request_id", "shipment_id", "code");
    names!(erp.runs.create_delivery_run(CreateDeliveryRunRequest), "request_id", "region", "courier");
    names!(erp.runs.start_delivery_run(StartDeliveryRunRequest), "request_id", "run_id");
    names!(erp.runs.record_stop(RecordStopRequest), "request_id", "run_id", "shipment_id", "outcome");
    names!(erp.runs.close_delivery_run(CloseDeliveryRunRequest), "request_id", "run_id");
    names!(erp.runs.get_delivery_run(GetDeliveryRunRequest), "run_id");
    names!(erp.cash.hand_in_cash(HandInCashRequest), "request_id", "run_id", "counted");
    names!(erp.cash.decide_cash_difference(DecideCashDifferenceRequest), "request_id", "run_id", "decision");
    names!(
        erp.stock.adjust_stock(AdjustStockRequest),
        "request_id",
        "quantity",
        "kind",
        "warehouse",
        "sku",
        "lot",
        "reason"
    );
    names!(erp.stock.transfer_stock(TransferStockRequest), "request_id", "lines", "from_place", "to_place");
    names!(erp.stock.set_lot_status(SetLotStatusRequest), "request_id", "status", "sku", "lot");
    names!(erp.receipts.post_receipt(PostReceiptRequest), "request_id", "lines");
    names!(erp.receipts.get_receipt(GetReceiptRequest), "receipt_id");
    names!(
        erp.valuation.correct_receipt_cost(CorrectReceiptCostRequest),
        "request_id",
        "receipt_id",
        "line_no",
        "line_cost",
        "reason"
    );
    names!(erp.valuation.close_period(ClosePeriodRequest), "request_id", "through");
    names!(erp.valuation.reopen_period(ReopenPeriodRequest), "request_id", "from", "reason");
    names!(erp.valuation.get_stock_as_of(GetStockAsOfRequest), "sku");
    names!(erp.valuation.set_valuation_method(SetValuationMethodRequest), "request_id", "method", "reason");
    names!(erp.valuation.set_standard_costs(SetStandardCostsRequest), "request_id", "costs", "reason");
    names!(erp.landed_costs.post_landed_cost(PostLandedCostRequest), "request_id", "charges", "lines");
    names!(erp.landed_costs.cancel_landed_cost(CancelLandedCostRequest), "request_id", "landed_cost_id", "reason");
    names!(erp.landed_costs.get_landed_cost(GetLandedCostRequest), "landed_cost_id");
}

#[tokio::test]
async fn malformed_requests_about_reservations_and_shipments_are_refused_by_field() {
    let erp = Erp::start().await;
    names!(erp.reservations.reserve_stock(ReserveStockRequest), "request_id", "lines", "reference");
    names!(erp.reservations.get_reservation(GetReservationRequest), "order_id");
    names!(erp.reservations.close_reservation(CloseReservationRequest), "order_id");
    names!(erp.reservations.reopen_reservation(ReopenReservationRequest), "order_id");
    names!(erp.reservations.extend_hold(ExtendHoldRequest), "request_id", "order_id", "expires_at");
    names!(erp.overrides.pin_line(PinLineRequest), "request_id", "order_id", "lot", "reason");
    names!(
        erp.overrides.move_reservation(MoveReservationRequest),
        "request_id",
        "order_id",
        "to_order_id",
        "quantity",
        "reason",
        "approved_by"
    );
    names!(erp.overrides.set_priority(SetPriorityRequest), "request_id", "order_id", "reason");
    names!(erp.overrides.list_overrides(ListOverridesRequest), "order_id");
    names!(erp.life_rules.put_life_rules(PutLifeRulesRequest), "rules");
    names!(erp.units.put_item_units(PutItemUnitsRequest), "request_id", "units");
    names!(erp.units.delete_item_unit(DeleteItemUnitRequest), "sku", "unit");
    names!(erp.units.list_item_units(ListItemUnitsRequest), "sku");
    names!(erp.units.convert_quantity(ConvertQuantityRequest), "sku", "quantity");
    names!(erp.units.list_entered_quantities(ListEnteredQuantitiesRequest), "document_id");
    names!(erp.expected.upsert_expected_receipts(UpsertExpectedReceiptsRequest), "request_id", "receipts");
    names!(erp.expected.cancel_expected_receipt(CancelExpectedReceiptRequest), "expected_receipt_id", "reason");
    names!(erp.expected.get_expected_receipt(GetExpectedReceiptRequest), "expected_receipt_id");
    names!(erp.promises.promise_dates(PromiseDatesRequest), "lines");
    names!(erp.fulfilment.start_picking(StartPickingRequest), "request_id", "order_id");
    names!(erp.fulfilment.confirm_pick(ConfirmPickRequest), "request_id", "shipment_id");
    names!(erp.fulfilment.pack_shipment(PackShipmentRequest), "request_id", "shipment_id", "places");
    names!(erp.fulfilment.ship_shipment(ShipShipmentRequest), "request_id", "shipment_id");
    names!(erp.fulfilment.deliver_shipment(DeliverShipmentRequest), "request_id", "shipment_id");
    names!(erp.fulfilment.fail_shipment(FailShipmentRequest), "request_id", "shipment_id", "reason");
    names!(erp.fulfilment.ship_orders(ShipOrdersRequest), "request_id", "order_ids");
    names!(erp.fulfilment.deliver_shipments(DeliverShipmentsRequest), "request_id", "shipment_ids");
    names!(erp.fulfilment.get_shipment(GetShipmentRequest), "shipment_id");
    names!(erp.fulfilment.list_shipments(ListShipmentsRequest), "order_id");
    names!(erp.boms.put_bom(PutBomRequest), "request_id", "sku", "content", "content.lines", "content.quantity");
    names!(erp.boms.activate_bom(ActivateBomRequest), "request_id", "sku", "number");
    names!(erp.boms.get_bom(GetBomRequest), "sku");
    names!(erp.boms.where_used(WhereUsedRequest), "component_sku");
    names!(erp.boms.explode_bom(ExplodeBomRequest), "sku", "quantity");
    names!(erp.boms.roll_up_cost(RollUpCostRequest), "sku");
    names!(erp.kits.put_kit(PutKitRequest), "request_id", "sku", "components");
    names!(erp.kits.get_kit(GetKitRequest), "sku");
    names!(erp.kits.assemble_kit(AssembleKitRequest), "request_id", "quantity", "sku");
    names!(erp.kits.disassemble_kit(DisassembleKitRequest), "request_id", "quantity", "sku", "lot");
    names!(erp.traces.trace_lot(TraceLotRequest), "lot");
    names!(erp.traces.set_lot_facts(SetLotFactsRequest), "request_id", "sku", "lot", "facts");
    names!(erp.recalls.open_recall(OpenRecallRequest), "request_id", "severity", "lots", "reason");
    names!(erp.recalls.get_recall(GetRecallRequest), "recall_id");
    names!(erp.recalls.list_recall_orders(ListRecallOrdersRequest), "recall_id");
    names!(erp.recalls.close_recall(CloseRecallRequest), "request_id", "recall_id", "summary");
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
