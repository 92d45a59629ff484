//! Items and warehouses.

use proto::{
    common::v1::PageRequest,
    erp::v1::{
        GetItemRequest, Item, ItemInput, ItemStatus, ListItemsRequest, ListWarehousesRequest, StockState,
        UpsertItemsRequest, UpsertWarehouseRequest,
    },
    orders::v1::{ProductChanged, orders_event::Event as Fact},
};
use tonic::Code;

use crate::kit::{Erp, event, fields, goods, key, line, reason};

async fn item(erp: &Erp, sku: &str) -> Item {
    let request = GetItemRequest { sku: sku.into() };
    erp.items().get_item(request).await.unwrap().into_inner().item.unwrap()
}

fn product(sku: &str, name: &str, unit: &str) -> messaging::Event {
    let product = ProductChanged {
        product_id: service::new_id().to_string(),
        sku: sku.into(),
        name: name.into(),
        unit: unit.into(),
        status: "active".into(),
        weight_grams: "120.5".into(),
        category: "Приманки".into(),
        barcode: "4600000000017".into(),
        ..ProductChanged::default()
    };
    event(sku, Fact::ProductChanged(product))
}

#[tokio::test]
async fn products_become_items_and_the_last_change_holds() {
    let erp = Erp::start().await;
    let first = product("LURE", "Воблер", "pcs");
    erp.deliver(&[first.clone(), product("OIL", "Масло", "ml"), product("LURE", "Воблер 90", "pcs")]).await;
    erp.deliver(&[first]).await;
    let lure = item(&erp, "LURE").await;
    assert_eq!((lure.name.as_str(), lure.unit.as_str(), lure.status()), ("Воблер 90", "pcs", ItemStatus::Active));
    assert_eq!(lure.weight_grams, "120.5");
    assert_eq!((lure.category.as_str(), lure.barcode.as_str()), ("Приманки", "4600000000017"));
    assert_eq!(item(&erp, "OIL").await.unit, "ml");
}

#[tokio::test]
async fn the_unit_of_an_item_in_use_stays() {
    let erp = Erp::start().await;
    erp.deliver(&[product("A", "Old", "pcs"), product("B", "Unused", "pcs")]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    erp.deliver(&[product("A", "New", "kg"), product("B", "Unused", "kg")]).await;
    let a = item(&erp, "A").await;
    assert_eq!((a.name.as_str(), a.unit.as_str()), ("New", "pcs"));
    assert_eq!(item(&erp, "B").await.unit, "kg");

    let change = ItemInput { sku: "A".into(), unit: "kg".into(), ..ItemInput::default() };
    let request = UpsertItemsRequest { request_id: key(), items: vec![change] };
    let refused = erp.items().upsert_items(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "UNIT_IN_USE"));
}

#[tokio::test]
async fn items_can_be_created_without_orders_and_the_same_request_creates_them_once() {
    let erp = Erp::start().await;
    let input =
        |sku: &str| ItemInput { sku: sku.into(), name: "Box".into(), unit: "pcs".into(), ..ItemInput::default() };
    let request = UpsertItemsRequest { request_id: key(), items: vec![input("A"), input("B")] };
    let answer = erp.items().upsert_items(request.clone()).await.unwrap().into_inner();
    assert_eq!((answer.created, answer.updated), (2, 0));
    let again = erp.items().upsert_items(request.clone()).await.unwrap().into_inner();
    assert_eq!(again, answer);
    let other = UpsertItemsRequest { items: vec![input("C")], ..request };
    let refused = erp.items().upsert_items(other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT"));
    let request = UpsertItemsRequest { request_id: key(), items: vec![input("B"), input("C")] };
    let answer = erp.items().upsert_items(request).await.unwrap().into_inner();
    assert_eq!((answer.created, answer.updated), (1, 1));
}

#[tokio::test]
async fn malformed_items_are_refused_field_by_field_and_nothing_is_created() {
    let erp = Erp::start().await;
    let items = vec![
        ItemInput { sku: "OK".into(), unit: "pcs".into(), ..ItemInput::default() },
        ItemInput { sku: " ".into(), unit: "parsec".into(), weight_grams: "-1".into(), ..ItemInput::default() },
        ItemInput { sku: "OK".into(), unit: "pcs".into(), status: ItemStatus::Unknown.into(), ..ItemInput::default() },
    ];
    let refused = erp.items().upsert_items(UpsertItemsRequest { request_id: String::new(), items }).await.unwrap_err();
    let expected = ["request_id", "items[1].unit", "items[1].weight_grams", "items[1].sku", "items[2].status", "items"];
    assert_eq!(fields(&refused), expected);
    let missing = erp.items().get_item(GetItemRequest { sku: "OK".into() }).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[tokio::test]
async fn items_are_listed_page_by_page_and_by_state() {
    let erp = Erp::start().await;
    erp.know(&["b", "A", "a", "Я", "B"]).await;
    erp.receive(&[goods("a", 1, "1", "")]).await;
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 2, page_token: token });
        let request = ListItemsRequest { page, ..ListItemsRequest::default() };
        let answer = erp.items().list_items(request).await.unwrap().into_inner();
        seen.extend(answer.items.into_iter().map(|item| item.sku));
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["A", "B", "a", "b", "Я"]);
    let request = ListItemsRequest { stock_state: StockState::Available.into(), ..ListItemsRequest::default() };
    let answer = erp.items().list_items(request).await.unwrap().into_inner();
    assert_eq!(answer.items.into_iter().map(|item| item.sku).collect::<Vec<_>>(), ["a"]);
    let request = ListItemsRequest {
        page: Some(PageRequest { page_size: 9999, page_token: String::new() }),
        ..ListItemsRequest::default()
    };
    assert_eq!(fields(&erp.items().list_items(request).await.unwrap_err()), ["page.page_size"]);
}

#[tokio::test]
async fn an_item_ordered_before_erp_knew_it_waits_and_is_served_once_it_comes() {
    let erp = Erp::start().await;
    let id = erp.place(1, vec![line(1, "NEW", 3)]).await;
    assert_eq!(erp.has(id, 1).await, ("0".into(), "3".into()));
    assert_eq!(item(&erp, "NEW").await.status(), ItemStatus::Unknown);
    assert_eq!(item(&erp, "NEW").await.stock_state(), StockState::Depleted);
    erp.deliver(&[product("NEW", "Новинка", "pcs")]).await;
    assert_eq!(item(&erp, "NEW").await.status(), ItemStatus::Active);
    erp.receive(&[goods("NEW", 2, "10", "L")]).await;
    assert_eq!(erp.has(id, 1).await, ("2".into(), "1".into()));
    erp.balanced().await;
}

#[tokio::test]
async fn warehouses_have_a_default_bin_and_a_quarantine_place() {
    let erp = Erp::start().await;
    let request = UpsertWarehouseRequest { code: "SPB".into(), name: "Петербург".into(), min_life_days: 30 };
    for _ in 0..2 {
        let warehouse =
            erp.warehouses().upsert_warehouse(request.clone()).await.unwrap().into_inner().warehouse.unwrap();
        assert_eq!((warehouse.code.as_str(), warehouse.min_life_days), ("SPB", 30));
        let places: Vec<_> = warehouse.places.iter().map(|place| (place.code.as_str(), place.kind.as_str())).collect();
        assert_eq!(places, [("SPB/DEFAULT", "stock"), ("SPB/QUARANTINE", "quarantine")]);
    }
    let all = erp.warehouses().list_warehouses(ListWarehousesRequest {}).await.unwrap().into_inner().warehouses;
    assert_eq!(all.iter().map(|warehouse| warehouse.code.as_str()).collect::<Vec<_>>(), ["MAIN", "SPB"]);
    let bad = UpsertWarehouseRequest { code: "a/b".into(), name: " ".into(), min_life_days: -1 };
    let refused = erp.warehouses().upsert_warehouse(bad).await.unwrap_err();
    assert_eq!(fields(&refused), ["code", "name", "min_life_days"]);
}
