//! A started suite and the few calls the tests make.

use std::path::PathBuf;

use proto::crm::v1::{GetCustomerRequest, GetCustomerResponse};
use proto::erp::v1::ReceiptLineInput;
use proto::erp::v1::receipt_line_input::Cost;
use proto::kpi::v1::{Filter, GetSummaryRequest, GetSummaryResponse, Period};
use proto::orders::v1::{
    BuyerInput, GetOrderRequest, GetOrderResponse, LineKind, Order, OrderInput, OrderLineInput, PutChannelRequest,
};
use suite::bulk::stock::{self, Delivery};
use suite::bulk::{intake, money, pieces, quiet};
use suite::client::api::Api;
use suite::say::Progress;
use suite::up::UpArgs;
use suite::up::children::Children;
use suite::up::home::Home;
use suite::up::suite::{Suite, listeners};
use time::OffsetDateTime;

pub(crate) const CHANNEL: &str = "e2e";

/// A suite on free ports in a folder of its own, which goes when the test ends.
pub(crate) struct Company {
    pub(crate) suite: Suite,
    pub(crate) staff: Api,
    pub(crate) currency: String,
    _folder: Folder,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

impl Company {
    pub(crate) async fn start(currency: &str) -> Self {
        let mut args = UpArgs::defaults();
        (args.http_port, args.grpc_port, args.ops_port) = (0, 0, 0);
        args.currency = currency.to_owned();
        let name = format!("shopfloor-e2e-{}-{}", std::process::id(), service::new_id().simple());
        let folder = Folder(std::env::temp_dir().join(name));
        let home = Home::open(&folder.0).unwrap();
        let children = Children::throw_away().await.unwrap();
        let listeners = listeners(&args).await.unwrap();
        let suite = Suite::over(home, children, listeners, &args).await.unwrap();
        let staff = suite.staff().unwrap();
        Self { suite, staff, currency: currency.to_owned(), _folder: folder }
    }

    pub(crate) async fn stop(self) {
        self.suite.stop().await.unwrap();
    }

    /// A product of this sku at 100.00 with so many pieces in stock at 60.00.
    pub(crate) async fn stocked(&self, sku: &str, stock: i64) {
        let channel = PutChannelRequest {
            code: CHANNEL.to_owned(),
            name: "Test shop".to_owned(),
            price_authoritative: true,
            prices_include_tax: true,
            ..PutChannelRequest::default()
        };
        intake::put_channel(&self.staff, &channel).await.unwrap();
        let row = format!("{sku},Товар {sku},Тест,pcs,22,active");
        intake::import_products(&self.staff, "sku,name_ru,category,unit,vat_rate,status", &[row], "").await.unwrap();
        self.quiet().await;
        if stock > 0 {
            let line = ReceiptLineInput {
                sku: sku.to_owned(),
                quantity: Some(pieces(stock)),
                lot: format!("{sku}-1"),
                cost: Some(Cost::UnitCost(money(&self.currency, 60.into()))),
                ..ReceiptLineInput::default()
            };
            let delivery = Delivery { supplier: "SUP-1".to_owned(), lines: vec![line] };
            let mut progress = Progress::new("lots", 1);
            let at = OffsetDateTime::now_utc() - time::Duration::DAY;
            stock::receive(&self.staff, vec![delivery], at, &mut progress).await.unwrap();
        }
        self.quiet().await;
    }

    pub(crate) fn order(&self, external_id: &str, sku: &str, quantity: i64, buyer: &str) -> OrderInput {
        OrderInput {
            channel: CHANNEL.to_owned(),
            external_id: external_id.to_owned(),
            currency: self.currency.clone(),
            lines: vec![OrderLineInput {
                kind: LineKind::Goods.into(),
                sku: sku.to_owned(),
                quantity: Some(pieces(quantity)),
                unit_price: Some(money(&self.currency, 100.into())),
                ..OrderLineInput::default()
            }],
            buyer: Some(BuyerInput {
                name: "Анна Петрова".to_owned(),
                email: format!("{buyer}@example.com"),
                ..BuyerInput::default()
            }),
            prices_include_tax: Some(true),
            ..OrderInput::default()
        }
    }

    pub(crate) async fn quiet(&self) -> quiet::Backlog {
        quiet::wait(&self.staff).await.unwrap()
    }

    pub(crate) async fn get_order(&self, order_id: &str) -> Order {
        let request = GetOrderRequest { order_id: order_id.to_owned() };
        let answer: GetOrderResponse =
            self.staff.call("shopfloor.orders.v1.OrderService/GetOrder", &request).await.unwrap();
        answer.order.unwrap()
    }

    /// The order once crm has said whose it is (contacts go over by a timer, after the events).
    pub(crate) async fn identified(&self, order_id: &str) -> Order {
        testkit::eventually("the order has a customer", async || {
            !self.get_order(order_id).await.summary.unwrap().customer_id.is_empty()
        })
        .await;
        self.quiet().await;
        self.get_order(order_id).await
    }

    pub(crate) async fn customer(&self, customer_id: &str) -> proto::crm::v1::Customer {
        let request = GetCustomerRequest { customer_id: customer_id.to_owned(), include_contacts: false };
        let answer: GetCustomerResponse =
            self.staff.call("shopfloor.crm.v1.CustomerService/GetCustomer", &request).await.unwrap();
        answer.customer.unwrap()
    }

    /// Different customers who ordered in a channel, as kpi counts them.
    pub(crate) async fn customers_of(&self, channel: &str) -> i64 {
        let request = GetSummaryRequest {
            period: Some(Period { from: "2010-01-01".to_owned(), to: "2012-12-31".to_owned() }),
            filter: Some(Filter { channels: vec![channel.to_owned()], ..Filter::default() }),
            ..GetSummaryRequest::default()
        };
        let answer: GetSummaryResponse =
            self.staff.call("shopfloor.kpi.v1.ReportService/GetSummary", &request).await.unwrap();
        answer.customers
    }

    pub(crate) async fn kpi(&self) -> GetSummaryResponse {
        let today = OffsetDateTime::now_utc().date();
        let period = Period {
            from: (today - time::Duration::days(3)).to_string(),
            to: (today + time::Duration::days(3)).to_string(),
        };
        let request = GetSummaryRequest { period: Some(period), ..GetSummaryRequest::default() };
        self.staff.call("shopfloor.kpi.v1.ReportService/GetSummary", &request).await.unwrap()
    }
}
