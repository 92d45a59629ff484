//! Price lists, prices and their history.

use proto::{common::v1::Money, orders::v1 as wire};
use testkit::START;
use time::Duration;
use tonic::Code;

use crate::support::{Shop, amount, invalid, money, order, refused, start};

pub(crate) async fn retail(shop: &Shop) {
    let list = wire::PutPriceListRequest {
        code: "retail".into(),
        name: "Розница".into(),
        currency: "RUB".into(),
        vat_included: true,
    };
    shop.prices().put_price_list(list).await.unwrap();
}

pub(crate) fn price(sku: &str, amount: &str) -> wire::PriceInput {
    wire::PriceInput { sku: sku.into(), price: money(amount), ..Default::default() }
}

fn from(days: i64, to: Option<i64>, price: wire::PriceInput) -> wire::PriceInput {
    let at = |days| proto::to_timestamp(START + Duration::days(days));
    wire::PriceInput { valid_from: Some(at(days)), valid_to: to.map(at), ..price }
}

pub(crate) fn set(request_id: &str, prices: Vec<wire::PriceInput>) -> wire::SetPricesRequest {
    wire::SetPricesRequest { request_id: request_id.into(), price_list: "retail".into(), prices }
}

async fn at(shop: &Shop, days: i64) -> String {
    let request = wire::GetPricesRequest {
        price_list: "retail".into(),
        skus: vec!["A".into()],
        at: Some(proto::to_timestamp(START + Duration::days(days))),
    };
    let found = shop.prices().get_prices(request).await.unwrap().into_inner();
    found.prices.first().map(|price| amount(&price.price).to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn of_the_prices_that_hold_the_one_that_began_last_counts() {
    let shop = start().await;
    retail(&shop).await;
    let prices = vec![
        from(0, None, price("A", "100.00")),
        from(10, Some(20), price("A", "80.00")),
        from(30, None, price("A", "110.5555")),
    ];
    assert_eq!(shop.prices().set_prices(set("1", prices)).await.unwrap().into_inner().changed, 3);
    let mut seen = Vec::new();
    for day in [-1, 0, 10, 19, 20, 30] {
        seen.push(at(&shop, day).await);
    }
    assert_eq!(seen, ["", "100.00", "80.00", "80.00", "100.00", "110.5555"]);
}

#[tokio::test]
async fn history_keeps_what_was_set_before_and_repeating_changes_nothing() {
    let shop = start().await;
    retail(&shop).await;
    let first = set("1", vec![from(0, None, price("A", "100.00"))]);
    assert_eq!(shop.prices().set_prices(first.clone()).await.unwrap().into_inner().changed, 1);
    assert_eq!(shop.prices().set_prices(first.clone()).await.unwrap().into_inner().changed, 1, "the same answer");
    let same = wire::SetPricesRequest { request_id: "2".into(), ..first };
    assert_eq!(shop.prices().set_prices(same).await.unwrap().into_inner().changed, 0);
    shop.prices().set_prices(set("3", vec![from(0, None, price("A", "90.00"))])).await.unwrap();
    let request = wire::ListPriceHistoryRequest { price_list: "retail".into(), sku: "A".into(), ..Default::default() };
    let history = shop.prices().list_price_history(request).await.unwrap().into_inner().entries;
    let told: Vec<_> =
        history.iter().map(|entry| (amount(&entry.price.as_ref().unwrap().price), entry.set_by.as_str())).collect();
    assert_eq!(told, [("90.00", "tester"), ("100.00", "tester")]);
}

#[tokio::test]
async fn a_wrong_price_refuses_the_whole_call() {
    let shop = start().await;
    retail(&shop).await;
    let mut prices = shop.prices();
    let good = price("A", "100.00");
    invalid(prices.set_prices(set("1", vec![good.clone(), price("nope", "1")])).await, &["prices[1].sku"]);
    invalid(prices.set_prices(set("2", vec![good.clone(), price("B", "-1")])).await, &["prices[1].price"]);
    invalid(prices.set_prices(set("3", vec![price("B", "1.00001")])).await, &["prices[0].price"]);
    invalid(prices.set_prices(set("4", vec![from(5, Some(5), good.clone())])).await, &["prices[0].valid_to"]);
    invalid(prices.set_prices(set("5", vec![good.clone(), good.clone()])).await, &["prices[1].sku"]);
    let euro = Some(Money { currency: "EUR".into(), amount: "1".into() });
    let foreign = wire::PriceInput { price: euro, ..good.clone() };
    invalid(prices.set_prices(set("6", vec![foreign])).await, &["prices[0].price.currency"]);
    let unknown = wire::SetPricesRequest { price_list: "nope".into(), ..set("7", vec![good]) };
    refused(prices.set_prices(unknown).await, Code::NotFound, "NOT_FOUND");
    assert_eq!(at(&shop, 1).await, "");
}

#[tokio::test]
async fn a_price_list_keeps_its_currency_and_vat_flag() {
    let shop = start().await;
    retail(&shop).await;
    let put = |currency: &str, vat_included, name: &str| wire::PutPriceListRequest {
        code: "retail".into(),
        name: name.into(),
        currency: currency.into(),
        vat_included,
    };
    let mut prices = shop.prices();
    refused(prices.put_price_list(put("EUR", true, "x")).await, Code::FailedPrecondition, "PRICE_LIST_FIXED");
    refused(prices.put_price_list(put("RUB", false, "x")).await, Code::FailedPrecondition, "PRICE_LIST_FIXED");
    invalid(prices.put_price_list(put("rub", true, "x")).await, &["currency"]);
    prices.put_price_list(put("RUB", true, "Новое имя")).await.unwrap();
    let lists = prices.list_price_lists(wire::ListPriceListsRequest::default()).await.unwrap().into_inner();
    assert_eq!(lists.price_lists[0].name, "Новое имя");
}

#[tokio::test]
async fn an_order_that_differs_from_the_price_list_is_held_and_a_changed_list_counts_at_once() {
    let shop = start().await;
    retail(&shop).await;
    shop.prices().set_prices(set("1", vec![from(-5, None, price("A", "100.00"))])).await.unwrap();
    let push = |id: &str, unit_price: &str| order(id, vec![crate::support::line("A", "1", unit_price)]);
    assert_eq!(shop.push(push("1", "100.00")).await.state, "confirmed");
    let held = shop.push(push("2", "99.00")).await;
    assert_eq!((held.state.as_str(), held.hold_reasons), ("new", vec!["PRICE_MISMATCH".to_owned()]));
    shop.prices().set_prices(set("2", vec![from(-1, None, price("A", "99.00"))])).await.unwrap();
    assert_eq!(shop.push(push("3", "99.00")).await.state, "confirmed");
    assert_eq!(shop.push(push("4", "100.00")).await.state, "new");
    let mut unpriced = push("5", "1");
    unpriced.lines[0].unit_price = None;
    assert_eq!(amount(&shop.push(unpriced).await.total), "99.00", "the list's price");
    let replayed = wire::OrderInput { channel: "replay".into(), ..push("6", "1.00") };
    assert_eq!(shop.push(replayed).await.state, "confirmed", "a channel whose own prices count");
}
