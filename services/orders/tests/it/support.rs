//! A started service with a few products, and short ways to talk to it.

use orders::Config;
use proto::{
    common::v1::{Money, Quantity},
    erp::v1 as erp,
    orders::v1::{
        self as wire, intake_service_client::IntakeServiceClient, order_service_client::OrderServiceClient,
        payment_service_client::PaymentServiceClient, price_service_client::PriceServiceClient,
        product_service_client::ProductServiceClient, return_service_client::ReturnServiceClient,
    },
};
use testkit::{TestChannel, TestService};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

pub(crate) struct Shop {
    pub(crate) app: TestService,
}

/// A shop with products A to D: pieces, 22 % VAT, category `Fishing/Lures`, and K sold by the kilogram.
pub(crate) async fn start() -> Shop {
    start_with(Config::default()).await
}

pub(crate) async fn start_with(config: Config) -> Shop {
    testkit::logs();
    let app = TestService::start(orders::NAME, &orders::MIGRATOR, |deps| orders::service(deps, &config)).await;
    let shop = Shop { app };
    for sku in ["A", "B", "C", "D", "K"] {
        let unit = if sku == "K" { "kg" } else { "pcs" };
        let request = wire::CreateProductRequest { unit: unit.into(), ..product(sku) };
        shop.products().create_product(request).await.unwrap();
    }
    shop
}

pub(crate) fn product(sku: &str) -> wire::CreateProductRequest {
    wire::CreateProductRequest {
        request_id: format!("create-{sku}"),
        sku: sku.to_owned(),
        name_ru: format!("Товар {sku}"),
        brand: "Rapala".to_owned(),
        category: "Fishing/Lures".to_owned(),
        vat_rate: "22".to_owned(),
        ..Default::default()
    }
}

impl Shop {
    pub(crate) fn all(&self) -> TestChannel {
        self.app.client(&["orders.*"])
    }
    pub(crate) fn products(&self) -> ProductServiceClient<TestChannel> {
        ProductServiceClient::new(self.all()).max_encoding_message_size(8 << 20)
    }
    pub(crate) fn prices(&self) -> PriceServiceClient<TestChannel> {
        PriceServiceClient::new(self.all())
    }
    pub(crate) fn intake(&self) -> IntakeServiceClient<TestChannel> {
        IntakeServiceClient::new(self.all())
    }
    pub(crate) fn orders(&self) -> OrderServiceClient<TestChannel> {
        OrderServiceClient::new(self.all())
    }
    pub(crate) fn payments(&self) -> PaymentServiceClient<TestChannel> {
        PaymentServiceClient::new(self.all())
    }
    pub(crate) fn returns(&self) -> ReturnServiceClient<TestChannel> {
        ReturnServiceClient::new(self.all())
    }

    pub(crate) async fn push(&self, order: wire::OrderInput) -> wire::PushOrderResponse {
        self.try_push(order).await.unwrap()
    }

    pub(crate) async fn try_push(&self, order: wire::OrderInput) -> Result<wire::PushOrderResponse, Status> {
        let request = wire::PushOrderRequest { order: Some(order), request_id: String::new() };
        Ok(self.intake().push_order(request).await?.into_inner())
    }

    /// Pushes an order of so many pieces of each sku at 100.00.
    pub(crate) async fn push_lines(&self, external_id: &str, lines: &[(&str, &str)]) -> String {
        let lines = lines.iter().map(|(sku, quantity)| line(sku, quantity, "100.00")).collect();
        self.push(order(external_id, lines)).await.order_id
    }

    pub(crate) async fn get(&self, order_id: &str) -> wire::Order {
        let request = wire::GetOrderRequest { order_id: order_id.to_owned() };
        self.orders().get_order(request).await.unwrap().into_inner().order.unwrap()
    }

    /// Order, payment and fulfilment state.
    pub(crate) async fn states(&self, order_id: &str) -> [String; 3] {
        let summary = self.get(order_id).await.summary.unwrap();
        [summary.state, summary.payment_state, summary.fulfilment_state]
    }

    pub(crate) async fn timeline(&self, order_id: &str) -> Vec<wire::TimelineEntry> {
        let request = wire::GetOrderTimelineRequest { order_id: order_id.to_owned(), ..Default::default() };
        self.orders().get_order_timeline(request).await.unwrap().into_inner().entries
    }

    /// All facts about an order in the outbox, by name.
    pub(crate) async fn fact_names(&self, order_id: &str) -> Vec<String> {
        let events = self.app.events().await;
        events.into_iter().filter(|event| event.aggregate_id == order_id).map(|event| event.name).collect()
    }

    pub(crate) async fn told(&self, events: Vec<erp::erp_event::Event>) {
        let events: Vec<_> = events
            .into_iter()
            .enumerate()
            .map(|(at, event)| {
                testkit::event("order", i64::try_from(at).unwrap() + 1, &erp::ErpEvent { event: Some(event) })
            })
            .collect();
        self.app.deliver(&events).await.unwrap();
    }

    /// The warehouse reserves, picks, packs and ships these quantities; the id of the shipment.
    pub(crate) async fn ship(&self, order_id: &str, lines: &[(i32, &str)], last: bool) -> String {
        let shipment = Uuid::now_v7().to_string();
        self.told(vec![
            picking(order_id, &shipment),
            packed(order_id, &shipment),
            shipped(order_id, &shipment, lines, last),
        ])
        .await;
        shipment
    }

    pub(crate) async fn deliver_shipment(&self, order_id: &str, shipment: &str, last: bool) {
        self.told(vec![delivered(order_id, shipment, last)]).await;
    }

    pub(crate) async fn pay(&self, order_id: &str, amount: &str) -> wire::RecordPaymentResponse {
        let request = wire::RecordPaymentRequest {
            order_id: order_id.to_owned(),
            request_id: Uuid::now_v7().to_string(),
            method: "card".to_owned(),
            amount: money(amount),
            ..Default::default()
        };
        self.payments().record_payment(request).await.unwrap().into_inner()
    }

    pub(crate) async fn try_cancel(&self, order_id: &str) -> Result<wire::CancelOrderResponse, Status> {
        let request = wire::CancelOrderRequest {
            order_id: order_id.to_owned(),
            request_id: Uuid::now_v7().to_string(),
            reason: "buyer_request".to_owned(),
            cancelled_at: None,
        };
        Ok(self.orders().cancel_order(request).await?.into_inner())
    }

    pub(crate) async fn try_cancel_lines(
        &self,
        order_id: &str,
        lines: &[(i32, &str)],
    ) -> Result<wire::CancelOrderLinesResponse, Status> {
        let request = wire::CancelOrderLinesRequest {
            order_id: order_id.to_owned(),
            request_id: Uuid::now_v7().to_string(),
            reason: "buyer_request".to_owned(),
            lines: parts(lines),
            cancelled_at: None,
        };
        Ok(self.orders().cancel_order_lines(request).await?.into_inner())
    }

    pub(crate) async fn try_confirm(&self, order_id: &str) -> Result<wire::Order, Status> {
        let request = wire::ConfirmOrderRequest {
            order_id: order_id.to_owned(),
            request_id: Uuid::now_v7().to_string(),
            reason: "checked".to_owned(),
        };
        Ok(self.orders().confirm_order(request).await?.into_inner().order.unwrap())
    }

    pub(crate) async fn try_return(
        &self,
        order_id: &str,
        lines: &[(i32, &str)],
    ) -> Result<wire::RecordReturnResponse, Status> {
        let request = wire::RecordReturnRequest {
            order_id: order_id.to_owned(),
            request_id: Uuid::now_v7().to_string(),
            lines: parts(lines),
            reason: "not_fitting".to_owned(),
            ..Default::default()
        };
        Ok(self.returns().record_return(request).await?.into_inner())
    }
}

pub(crate) fn parts(lines: &[(i32, &str)]) -> Vec<wire::LinePart> {
    let part = |(line_no, quantity): &(i32, &str)| wire::LinePart {
        line_no: *line_no,
        quantity: pieces(quantity),
        amount: None,
    };
    lines.iter().map(part).collect()
}

pub(crate) fn money(amount: &str) -> Option<Money> {
    Some(Money { currency: "RUB".to_owned(), amount: amount.to_owned() })
}

pub(crate) fn pieces(value: &str) -> Option<Quantity> {
    Some(Quantity { value: value.to_owned(), unit: String::new() })
}

pub(crate) fn amount(money: &Option<Money>) -> &str {
    &money.as_ref().expect("an amount").amount
}

pub(crate) fn line(sku: &str, quantity: &str, price: &str) -> wire::OrderLineInput {
    wire::OrderLineInput {
        sku: sku.to_owned(),
        quantity: pieces(quantity),
        unit_price: money(price),
        ..Default::default()
    }
}

pub(crate) fn order(external_id: &str, lines: Vec<wire::OrderLineInput>) -> wire::OrderInput {
    wire::OrderInput {
        channel: "web".to_owned(),
        external_id: external_id.to_owned(),
        currency: "RUB".to_owned(),
        lines,
        ..Default::default()
    }
}

pub(crate) fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

pub(crate) fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    details
        .bad_request()
        .map(|bad| bad.field_violations.iter().map(|violation| violation.field.clone()).collect())
        .unwrap_or_default()
}

/// Refused with this code and reason.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, why: &str) {
    let status = result.expect_err("must be refused");
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{}", status.message());
}

/// Refused because of exactly these fields.
#[track_caller]
pub(crate) fn invalid<T: std::fmt::Debug>(result: Result<T, Status>, wrong: &[&str]) {
    let status = result.expect_err("must be refused");
    assert_eq!(status.code(), Code::InvalidArgument, "{}", status.message());
    assert_eq!(fields(&status), wrong);
}

fn quantity(value: &str) -> Option<Quantity> {
    Some(Quantity { value: value.to_owned(), unit: "pcs".to_owned() })
}

pub(crate) fn allocated(order_id: &str, lines: &[(i32, &str, &str)]) -> erp::erp_event::Event {
    erp::erp_event::Event::OrderAllocated(erp::OrderAllocated {
        order_id: order_id.to_owned(),
        lines: lines
            .iter()
            .map(|(line_no, reserved, backordered)| erp::AllocatedLine {
                line_no: *line_no,
                sku: "A".to_owned(),
                reserved: quantity(reserved),
                backordered: quantity(backordered),
            })
            .collect(),
        complete: lines.iter().all(|(.., backordered)| *backordered == "0"),
        warehouse: "MSK".to_owned(),
        cause: "order".to_owned(),
        ..Default::default()
    })
}

pub(crate) fn picking(order_id: &str, shipment: &str) -> erp::erp_event::Event {
    let (order_id, shipment_id) = (order_id.to_owned(), shipment.to_owned());
    erp::erp_event::Event::PickingStarted(erp::PickingStarted { order_id, shipment_id, ..Default::default() })
}

pub(crate) fn packed(order_id: &str, shipment: &str) -> erp::erp_event::Event {
    let (order_id, shipment_id) = (order_id.to_owned(), shipment.to_owned());
    erp::erp_event::Event::ShipmentPacked(erp::ShipmentPacked {
        order_id,
        shipment_id,
        places: 1,
        ..Default::default()
    })
}

fn lots(lines: &[(i32, &str)]) -> Vec<erp::ShipmentLine> {
    lines
        .iter()
        .map(|(line_no, value)| erp::ShipmentLine {
            line_no: *line_no,
            sku: "A".to_owned(),
            lot: "L1".to_owned(),
            quantity: quantity(value),
            ..Default::default()
        })
        .collect()
}

pub(crate) fn shipped(order_id: &str, shipment: &str, lines: &[(i32, &str)], last: bool) -> erp::erp_event::Event {
    erp::erp_event::Event::ShipmentShipped(erp::ShipmentShipped {
        order_id: order_id.to_owned(),
        shipment_id: shipment.to_owned(),
        lines: lots(lines),
        r#final: last,
        carrier: "cdek".to_owned(),
        tracking_number: "TRACK-1".to_owned(),
        ..Default::default()
    })
}

pub(crate) fn delivered(order_id: &str, shipment: &str, last: bool) -> erp::erp_event::Event {
    let (order_id, shipment_id) = (order_id.to_owned(), shipment.to_owned());
    erp::erp_event::Event::ShipmentDelivered(erp::ShipmentDelivered {
        order_id,
        shipment_id,
        r#final: last,
        ..Default::default()
    })
}

pub(crate) fn failed(order_id: &str, shipment: &str, lines: &[(i32, &str)]) -> erp::erp_event::Event {
    erp::erp_event::Event::ShipmentFailed(erp::ShipmentFailed {
        order_id: order_id.to_owned(),
        shipment_id: shipment.to_owned(),
        reason: "not_collected".to_owned(),
        lines: lots(lines),
        ..Default::default()
    })
}
