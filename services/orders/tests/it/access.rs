//! Who may call what.

use proto::orders::v1::{
    self as wire, intake_service_client::IntakeServiceClient, order_service_client::OrderServiceClient,
    payment_service_client::PaymentServiceClient, price_service_client::PriceServiceClient,
    product_service_client::ProductServiceClient, return_service_client::ReturnServiceClient,
};
use tonic::Code;

use crate::support::{line, order, refused, start};

/// Calls every RPC of the service with a channel and gives the code of each answer.
macro_rules! every_rpc {
    ($channel:expr, $($client:ident: $($rpc:ident),+;)+) => {
        vec![$($((stringify!($rpc), $client::new($channel).$rpc(tonic::Request::new(Default::default())).await.map(|_| ()).err()
            .map(|status| status.code()))),+),+]
    };
}

macro_rules! codes {
    ($channel:expr) => {
        every_rpc!($channel,
            ProductServiceClient: create_product, update_product, get_product, batch_get_products, list_products,
                import_products, list_import_rejections;
            PriceServiceClient: put_price_list, list_price_lists, set_prices, get_prices, list_price_history;
            IntakeServiceClient: push_order, push_orders, put_channel, list_channels;
            OrderServiceClient: get_order, get_order_by_external_id, list_orders, confirm_order, cancel_order,
                cancel_order_lines, complete_order, get_order_timeline, watch_order;
            PaymentServiceClient: record_payment, record_refund, record_payments, list_payments;
            ReturnServiceClient: record_return, list_returns;)
    };
}

#[tokio::test]
async fn no_rpc_answers_without_a_token_or_without_the_permission() {
    let shop = start().await;
    for (rpc, code) in codes!(shop.app.anonymous()) {
        assert_eq!(code, Some(Code::Unauthenticated), "{rpc}");
    }
    for (rpc, code) in codes!(shop.app.client(&["erp.*", "orders.nothing.at_all"])) {
        assert_eq!(code, Some(Code::PermissionDenied), "{rpc}");
    }
}

#[tokio::test]
async fn an_empty_request_is_answered_with_what_is_missing_and_changes_nothing() {
    let shop = start().await;
    let before = shop.app.events().await.len();
    for (rpc, code) in codes!(shop.all()) {
        let lists = ["list_products", "list_price_lists", "list_channels", "list_orders"];
        let expected = if lists.contains(&rpc) { None } else { Some(Code::InvalidArgument) };
        assert_eq!(code, expected, "{rpc}");
    }
    assert_eq!(shop.app.events().await.len(), before);
}

#[tokio::test]
async fn a_shops_key_pushes_into_its_own_channel_only() {
    let shop = start().await;
    let mut intake = IntakeServiceClient::new(shop.app.client_of_shop("web", &["orders.order.push"]));
    let push = |channel: &str, id: &str| wire::PushOrderRequest {
        order: Some(wire::OrderInput { channel: channel.into(), ..order(id, vec![line("A", "1", "10.00")]) }),
        request_id: String::new(),
    };
    refused(intake.push_order(push("counter", "1")).await, Code::PermissionDenied, "CHANNEL_NOT_YOURS");
    let first = intake.push_order(push("", "1")).await.unwrap().into_inner();
    let again = intake.push_order(push("web", "1")).await.unwrap().into_inner();
    assert!(!first.duplicate && again.duplicate, "the channel of the key is the channel of the order");
    assert_eq!(first.order_id, again.order_id);
}
