//! A started erp with short words for what the tests do all the time.

use std::sync::atomic::{AtomicI64, Ordering};

use erp::Config;
use messaging::Event;
use proto::{
    common::v1::{Money, Quantity},
    erp::v1::{
        bin_service_client::BinServiceClient, bom_service_client::BomServiceClient,
        cash_on_delivery_service_client::CashOnDeliveryServiceClient, count_service_client::CountServiceClient,
        cut_off_service_client::CutOffServiceClient, delivery_run_service_client::DeliveryRunServiceClient,
        expected_receipt_service_client::ExpectedReceiptServiceClient,
        fulfilment_service_client::FulfilmentServiceClient, item_service_client::ItemServiceClient,
        kit_service_client::KitServiceClient, landed_cost_service_client::LandedCostServiceClient,
        life_rule_service_client::LifeRuleServiceClient, pickup_service_client::PickupServiceClient,
        promise_service_client::PromiseServiceClient, put_away_service_client::PutAwayServiceClient,
        recall_service_client::RecallServiceClient, receipt_service_client::ReceiptServiceClient,
        reservation_override_service_client::ReservationOverrideServiceClient,
        reservation_service_client::ReservationServiceClient, stock_service_client::StockServiceClient,
        trace_service_client::TraceServiceClient, unit_service_client::UnitServiceClient,
        valuation_service_client::ValuationServiceClient, warehouse_service_client::WarehouseServiceClient,
        wave_service_client::WaveServiceClient, *,
    },
    orders::v1::{
        LineChange, LineKind, OrderCancelled, OrderLine, OrderLinesCancelled, OrderPlaced, OrderReturned, OrdersEvent,
        ReturnOutcome, orders_event::Event as Fact,
    },
};
use testkit::{START, TestChannel, TestService};
use time::{Duration, OffsetDateTime};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// A started erp.
pub(crate) struct Erp {
    /// The service under test.
    pub(crate) app: TestService,
    everything: TestChannel,
}

/// A key nobody used before.
pub(crate) fn key() -> String {
    service::new_id().to_string()
}

/// Pieces.
pub(crate) fn pcs(value: impl ToString) -> Option<Quantity> {
    Some(Quantity { value: value.to_string(), unit: "pcs".into() })
}

/// Roubles.
pub(crate) fn rub(amount: impl ToString) -> Option<Money> {
    Some(Money { currency: "RUB".into(), amount: amount.to_string() })
}

/// The amount of money in an answer.
pub(crate) fn amount(money: &Option<Money>) -> String {
    money.clone().unwrap().amount
}

/// The number of a quantity in an answer.
pub(crate) fn value(quantity: &Option<Quantity>) -> String {
    quantity.clone().unwrap().value
}

/// The reason code of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// The fields a refusal names.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_details_bad_request().unwrap();
    details.field_violations.into_iter().map(|violation| violation.field).collect()
}

/// An event of an order or product, later than all before.
pub(crate) fn event(aggregate: impl std::fmt::Display, fact: Fact) -> Event {
    static VERSION: AtomicI64 = AtomicI64::new(1);
    let version = VERSION.fetch_add(1, Ordering::Relaxed);
    testkit::event(aggregate, version, &OrdersEvent { event: Some(fact) })
}

/// An order's goods line.
pub(crate) fn line(line_no: i32, sku: &str, quantity: impl ToString) -> OrderLine {
    OrderLine {
        line_no,
        kind: LineKind::Goods.into(),
        sku: sku.into(),
        quantity: pcs(quantity),
        ..OrderLine::default()
    }
}

/// A confirmed order; the n-th order was placed n seconds after the first.
pub(crate) fn order(id: Uuid, after_seconds: i64, lines: Vec<OrderLine>) -> OrderPlaced {
    OrderPlaced {
        order_id: id.to_string(),
        number: format!("W-{after_seconds}"),
        placed_at: Some(proto::to_timestamp(START + Duration::seconds(after_seconds) - Duration::days(1))),
        region: "RU-MOW".into(),
        delivery_method: "courier".into(),
        lines,
        confirmed: true,
        ..OrderPlaced::default()
    }
}

/// The event of an order.
pub(crate) fn placed(order: OrderPlaced) -> Event {
    event(order.order_id.clone(), Fact::OrderPlaced(order))
}

/// The event of a whole cancellation.
pub(crate) fn cancelled(id: Uuid) -> Event {
    let fact = OrderCancelled { order_id: id.to_string(), reason: "buyer_request".into(), ..OrderCancelled::default() };
    event(id, Fact::OrderCancelled(fact))
}

fn changes(lines: &[(i32, &str, i64)]) -> Vec<LineChange> {
    let change = |(line_no, sku, quantity): &(i32, &str, i64)| LineChange {
        line_no: *line_no,
        sku: (*sku).into(),
        quantity: pcs(quantity),
        kind: LineKind::Goods.into(),
        ..LineChange::default()
    };
    lines.iter().map(change).collect()
}

/// The event of a partial cancellation.
pub(crate) fn lines_cancelled(id: Uuid, lines: &[(i32, &str, i64)]) -> Event {
    let fact =
        OrderLinesCancelled { order_id: id.to_string(), lines: changes(lines), ..OrderLinesCancelled::default() };
    event(id, Fact::OrderLinesCancelled(fact))
}

/// The event of a return.
pub(crate) fn returned(id: Uuid, lines: &[(i32, &str, i64)], outcome: ReturnOutcome) -> Event {
    let fact = OrderReturned {
        order_id: id.to_string(),
        return_id: service::new_id().to_string(),
        lines: changes(lines),
        reason: "defect".into(),
        outcome: outcome.into(),
        returned_at: Some(proto::to_timestamp(START)),
    };
    event(id, Fact::OrderReturned(fact))
}

/// What came in, for [`Erp::receive`].
#[derive(Clone, Copy)]
pub(crate) struct In<'a> {
    pub(crate) sku: &'a str,
    pub(crate) quantity: i64,
    pub(crate) unit_cost: &'a str,
    pub(crate) lot: &'a str,
    pub(crate) expires_on: &'a str,
}

/// Goods without expiry.
pub(crate) fn goods<'a>(sku: &'a str, quantity: i64, unit_cost: &'a str, lot: &'a str) -> In<'a> {
    In { sku, quantity, unit_cost, lot, expires_on: "" }
}

impl Erp {
    /// Starts it on its own database.
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    /// Starts it with settings.
    pub(crate) async fn with(config: Config) -> Self {
        testkit::logs();
        let app = TestService::start(erp::NAME, &erp::MIGRATOR, |deps| erp::service(deps, &config)).await;
        let everything = app.client(&["erp.*"]);
        Self { app, everything }
    }

    pub(crate) fn items(&self) -> ItemServiceClient<TestChannel> {
        ItemServiceClient::new(self.everything.clone())
    }

    pub(crate) fn warehouses(&self) -> WarehouseServiceClient<TestChannel> {
        WarehouseServiceClient::new(self.everything.clone())
    }

    pub(crate) fn stock(&self) -> StockServiceClient<TestChannel> {
        StockServiceClient::new(self.everything.clone())
    }

    pub(crate) fn valuation(&self) -> ValuationServiceClient<TestChannel> {
        ValuationServiceClient::new(self.everything.clone())
    }

    pub(crate) fn landed_costs(&self) -> LandedCostServiceClient<TestChannel> {
        LandedCostServiceClient::new(self.everything.clone())
    }

    pub(crate) fn receipts(&self) -> ReceiptServiceClient<TestChannel> {
        ReceiptServiceClient::new(self.everything.clone())
    }

    pub(crate) fn reservations(&self) -> ReservationServiceClient<TestChannel> {
        ReservationServiceClient::new(self.everything.clone())
    }

    pub(crate) fn fulfilment(&self) -> FulfilmentServiceClient<TestChannel> {
        FulfilmentServiceClient::new(self.everything.clone())
    }

    pub(crate) fn bins(&self) -> BinServiceClient<TestChannel> {
        BinServiceClient::new(self.everything.clone())
    }

    pub(crate) fn put_away(&self) -> PutAwayServiceClient<TestChannel> {
        PutAwayServiceClient::new(self.everything.clone())
    }

    /// Stocktaking, in the name of somebody.
    pub(crate) fn counts(&self, somebody: &str) -> CountServiceClient<TestChannel> {
        CountServiceClient::new(self.app.client_as(somebody, &["erp.*"]))
    }

    pub(crate) fn overrides(&self) -> ReservationOverrideServiceClient<TestChannel> {
        ReservationOverrideServiceClient::new(self.everything.clone())
    }

    pub(crate) fn life_rules(&self) -> LifeRuleServiceClient<TestChannel> {
        LifeRuleServiceClient::new(self.everything.clone())
    }

    pub(crate) fn units(&self) -> UnitServiceClient<TestChannel> {
        UnitServiceClient::new(self.everything.clone())
    }

    pub(crate) fn promises(&self) -> PromiseServiceClient<TestChannel> {
        PromiseServiceClient::new(self.everything.clone())
    }

    pub(crate) fn expected(&self) -> ExpectedReceiptServiceClient<TestChannel> {
        ExpectedReceiptServiceClient::new(self.everything.clone())
    }

    pub(crate) fn boms(&self) -> BomServiceClient<TestChannel> {
        BomServiceClient::new(self.everything.clone())
    }

    pub(crate) fn kits(&self) -> KitServiceClient<TestChannel> {
        KitServiceClient::new(self.everything.clone())
    }

    pub(crate) fn traces(&self) -> TraceServiceClient<TestChannel> {
        TraceServiceClient::new(self.everything.clone())
    }

    pub(crate) fn recalls(&self) -> RecallServiceClient<TestChannel> {
        RecallServiceClient::new(self.everything.clone())
    }

    pub(crate) fn cut_offs(&self) -> CutOffServiceClient<TestChannel> {
        CutOffServiceClient::new(self.everything.clone())
    }

    pub(crate) fn waves(&self) -> WaveServiceClient<TestChannel> {
        WaveServiceClient::new(self.everything.clone())
    }

    pub(crate) fn pickups(&self) -> PickupServiceClient<TestChannel> {
        PickupServiceClient::new(self.everything.clone())
    }

    pub(crate) fn runs(&self) -> DeliveryRunServiceClient<TestChannel> {
        DeliveryRunServiceClient::new(self.everything.clone())
    }

    pub(crate) fn cash(&self) -> CashOnDeliveryServiceClient<TestChannel> {
        CashOnDeliveryServiceClient::new(self.everything.clone())
    }

    /// Makes bins of the default warehouse, `zone-bin` each.
    pub(crate) async fn shelves(&self, bins: &[&str]) {
        sqlx::query(
            "insert into place (code, kind, warehouse_id, zone, bin)
            select b, 'stock', w.id, split_part(b, '-', 1), split_part(b, '-', 2)
            from unnest($1::text[]) as b, warehouse w where w.code = 'MAIN'",
        )
        .bind(bins)
        .execute(self.app.db.pool())
        .await
        .unwrap();
    }

    /// Moves goods from the default bin to another.
    pub(crate) async fn shelve(&self, bin: &str, sku: &str, lot: &str, quantity: i64) {
        let line = TransferLine { sku: sku.into(), lot: lot.into(), quantity: pcs(quantity) };
        let request = TransferStockRequest {
            request_id: key(),
            from_place: "MAIN/DEFAULT".into(),
            to_place: bin.into(),
            lines: vec![line],
            reason: "test".into(),
            ..TransferStockRequest::default()
        };
        self.stock().transfer_stock(request).await.unwrap();
    }

    /// Creates items counted in pieces.
    pub(crate) async fn know(&self, skus: &[&str]) {
        let item = |sku: &&str| ItemInput { sku: (*sku).into(), unit: "pcs".into(), ..ItemInput::default() };
        let request = UpsertItemsRequest { request_id: key(), items: skus.iter().map(item).collect() };
        self.items().upsert_items(request).await.unwrap();
    }

    /// Posts a receipt into the default warehouse.
    pub(crate) async fn receive(&self, goods: &[In<'_>]) -> Receipt {
        self.receive_into("", goods).await
    }

    /// Posts a receipt into a warehouse.
    pub(crate) async fn receive_into(&self, warehouse: &str, goods: &[In<'_>]) -> Receipt {
        let line = |one: &In<'_>| ReceiptLineInput {
            sku: one.sku.into(),
            quantity: pcs(one.quantity),
            cost: Some(receipt_line_input::Cost::UnitCost(rub(one.unit_cost).unwrap())),
            lot: one.lot.into(),
            expires_on: one.expires_on.into(),
            ..ReceiptLineInput::default()
        };
        let request = PostReceiptRequest {
            request_id: key(),
            warehouse: warehouse.into(),
            supplier: "SUP".into(),
            lines: goods.iter().map(line).collect(),
            ..PostReceiptRequest::default()
        };
        self.receipts().post_receipt(request).await.unwrap().into_inner().receipt.unwrap()
    }

    /// Delivers events and expects them to be applied.
    pub(crate) async fn deliver(&self, events: &[Event]) {
        self.app.deliver(events).await.unwrap();
    }

    /// Places an order of single pieces' lines and returns its id.
    pub(crate) async fn place(&self, after_seconds: i64, lines: Vec<OrderLine>) -> Uuid {
        let id = service::new_id();
        self.deliver(&[placed(order(id, after_seconds, lines))]).await;
        id
    }

    /// What an order has.
    pub(crate) async fn reservation(&self, id: Uuid) -> Reservation {
        let request = GetReservationRequest { order_id: id.to_string() };
        self.reservations().get_reservation(request).await.unwrap().into_inner().reservation.unwrap()
    }

    /// Held and waited-for quantity of an order's line.
    pub(crate) async fn has(&self, id: Uuid, line_no: i32) -> (String, String) {
        let reservation = self.reservation(id).await;
        let line = reservation.lines.iter().find(|line| line.line_no == line_no).unwrap();
        (line.reserved.clone(), line.backordered.clone())
    }

    /// The lots an order's line holds, with quantities.
    pub(crate) async fn lots(&self, id: Uuid, line_no: i32) -> Vec<(String, String)> {
        let reservation = self.reservation(id).await;
        let line = reservation.lines.into_iter().find(|line| line.line_no == line_no).unwrap();
        line.lots.into_iter().map(|lot| (lot.lot, lot.quantity)).collect()
    }

    /// Ships all an order holds.
    pub(crate) async fn ship(&self, id: Uuid) -> ShipOrderResult {
        let request =
            ShipOrdersRequest { request_id: key(), order_ids: vec![id.to_string()], ..ShipOrdersRequest::default() };
        self.fulfilment().ship_orders(request).await.unwrap().into_inner().results.remove(0)
    }

    /// Makes a shipment of all an order holds.
    pub(crate) async fn pick(&self, id: Uuid) -> Shipment {
        let request = StartPickingRequest { request_id: key(), order_id: id.to_string(), lines: Vec::new() };
        self.fulfilment().start_picking(request).await.unwrap().into_inner().shipment.unwrap()
    }

    /// An item's stock.
    pub(crate) async fn stock_of(&self, sku: &str) -> GetStockResponse {
        self.stock().get_stock(GetStockRequest { sku: sku.into() }).await.unwrap().into_inner()
    }

    /// On hand, reserved, available, backordered of an item over all warehouses.
    pub(crate) async fn figures(&self, sku: &str) -> [String; 4] {
        let total = self.stock_of(sku).await.total.unwrap();
        [total.on_hand, total.reserved, total.available, total.backordered]
    }

    /// Value of an item in own places.
    pub(crate) async fn worth(&self, sku: &str) -> String {
        amount(&self.stock_of(sku).await.value)
    }

    /// Corrects a lot in the default bin.
    pub(crate) async fn adjust(
        &self,
        kind: AdjustmentKind,
        sku: &str,
        lot: &str,
        quantity: i64,
    ) -> Result<AdjustStockResponse, Status> {
        let request = AdjustStockRequest {
            request_id: key(),
            warehouse: "MAIN".into(),
            sku: sku.into(),
            lot: lot.into(),
            kind: kind.into(),
            quantity: pcs(quantity),
            reason: "test".into(),
            ..AdjustStockRequest::default()
        };
        self.stock().adjust_stock(request).await.map(tonic::Response::into_inner)
    }

    /// Sets a lot's status.
    pub(crate) async fn set_lot(
        &self,
        sku: &str,
        lot: &str,
        status: LotStatus,
    ) -> Result<SetLotStatusResponse, Status> {
        let request = SetLotStatusRequest {
            request_id: key(),
            sku: sku.into(),
            lot: lot.into(),
            status: status.into(),
            reason: "test".into(),
        };
        self.stock().set_lot_status(request).await.map(tonic::Response::into_inner)
    }

    /// The recount finds nothing.
    pub(crate) async fn balanced(&self) {
        let found = self.stock().verify_ledger(VerifyLedgerRequest {}).await.unwrap().into_inner();
        assert!(found.balanced, "{:?}", found.checks);
        assert_eq!(found.checks.len(), 11);
    }

    /// Names of the facts published about an aggregate, in order.
    pub(crate) async fn told(&self, aggregate: impl std::fmt::Display) -> Vec<String> {
        let aggregate = aggregate.to_string();
        let events = self.app.events().await;
        let mut last = 0;
        let of_it = events.into_iter().filter(|event| event.aggregate_id == aggregate);
        let numbered = of_it.inspect(|event| {
            assert_eq!(event.version, last + 1, "versions without gaps");
            last = event.version;
        });
        numbered.map(|event| event.name).collect()
    }

    /// Facts of one kind, decoded.
    pub(crate) async fn facts(&self, name: &str) -> Vec<erp_event::Event> {
        self.app.facts::<ErpEvent>(name).await.into_iter().map(|event| event.event.unwrap()).collect()
    }

    /// The moment a test's clock shows.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.app.clock.now()
    }
}
