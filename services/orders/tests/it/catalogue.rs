//! Products.

use futures::future::join_all;
use proto::{
    common::v1::PageRequest,
    orders::v1::{self as wire, orders_event::Event},
};
use tonic::Code;

use crate::support::{Shop, invalid, product, refused, start};

async fn changes(shop: &Shop, sku: &str) -> Vec<wire::ProductChanged> {
    let facts = shop.app.facts::<wire::OrdersEvent>("product_changed").await;
    facts
        .into_iter()
        .filter_map(|fact| match fact.event {
            Some(Event::ProductChanged(fact)) if fact.sku == sku => Some(fact),
            _ => None,
        })
        .collect()
}

fn update(request_id: &str, sku: &str) -> wire::UpdateProductRequest {
    wire::UpdateProductRequest { request_id: request_id.into(), sku: sku.into(), ..Default::default() }
}

#[tokio::test]
async fn a_created_product_is_read_back_and_published() {
    let shop = start().await;
    let request = wire::CreateProductRequest {
        name_en: "Jig".into(),
        barcodes: vec!["4006381333931".into(), "036000291452".into()],
        weight_grams: "12.5".into(),
        category: " Fishing / Lures / Jigs ".into(),
        vat_rate: String::new(),
        ..product("JIG-1")
    };
    let made = shop.products().create_product(request).await.unwrap().into_inner().product.unwrap();
    let read = shop.products().get_product(wire::GetProductRequest { sku: "JIG-1".into() }).await.unwrap();
    assert_eq!(read.into_inner().product.unwrap(), made);
    assert_eq!((made.category.as_str(), made.vat_rate.as_str(), made.version), ("Fishing/Lures/Jigs", "22", 1));
    let [fact] = changes(&shop, "JIG-1").await.try_into().unwrap();
    assert_eq!(
        (fact.name.as_str(), fact.barcode.as_str(), fact.status.as_str()),
        ("Товар JIG-1", "4006381333931", "active")
    );
}

#[tokio::test]
async fn creating_again_with_the_same_key_is_answered_the_same_and_a_taken_sku_is_refused() {
    let shop = start().await;
    let first = shop.products().create_product(product("X")).await.unwrap().into_inner();
    let again = shop.products().create_product(product("X")).await.unwrap().into_inner();
    assert_eq!(first, again);
    let taken = wire::CreateProductRequest { request_id: "other".into(), ..product("X") };
    refused(shop.products().create_product(taken).await, Code::AlreadyExists, "SKU_TAKEN");
    let reused = wire::CreateProductRequest { name_ru: "Другое".into(), ..product("X") };
    refused(shop.products().create_product(reused).await, Code::AlreadyExists, "IDEMPOTENCY_CONFLICT");
    assert_eq!(changes(&shop, "X").await.len(), 1);
    shop.products().create_product(product("x")).await.expect("a sku is case-sensitive");
}

#[tokio::test]
async fn only_what_differs_is_published_and_an_old_version_is_refused() {
    let shop = start().await;
    let same = wire::UpdateProductRequest { brand: Some("Rapala".into()), ..update("1", "A") };
    assert!(!shop.products().update_product(same).await.unwrap().into_inner().changed);
    assert_eq!(changes(&shop, "A").await.len(), 1);
    let other = wire::UpdateProductRequest { brand: Some("Salmo".into()), version: 1, ..update("2", "A") };
    let changed = shop.products().update_product(other.clone()).await.unwrap().into_inner();
    assert_eq!((changed.changed, changed.product.as_ref().unwrap().version), (true, 2));
    assert_eq!(shop.products().update_product(other).await.unwrap().into_inner(), changed, "repeated");
    let stale = wire::UpdateProductRequest { brand: Some("Mepps".into()), version: 1, ..update("3", "A") };
    refused(shop.products().update_product(stale).await, Code::Aborted, "VERSION_MISMATCH");
    assert_eq!(
        changes(&shop, "A").await.iter().map(|fact| fact.brand.as_str()).collect::<Vec<_>>(),
        ["Rapala", "Salmo"]
    );
}

#[tokio::test]
async fn two_edits_of_one_version_at_once_and_one_wins() {
    let shop = start().await;
    let edits = (0..8).map(|at| {
        let request = wire::UpdateProductRequest {
            brand: Some(format!("Brand {at}")),
            version: 1,
            ..update(&format!("edit-{at}"), "A")
        };
        let mut products = shop.products();
        async move { products.update_product(request).await }
    });
    let won = join_all(edits).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(won, 1);
    assert_eq!(changes(&shop, "A").await.len(), 2);
}

#[tokio::test]
async fn wrong_fields_are_all_named() {
    let shop = start().await;
    let request = wire::CreateProductRequest {
        request_id: "with blank".into(),
        status: 99,
        unit: "barrel".into(),
        barcodes: vec!["4006381333930".into()],
        vat_rate: "101".into(),
        weight_grams: "-1".into(),
        ..product(&"x".repeat(65))
    };
    let wrong = ["request_id", "status", "sku", "unit", "barcodes", "vat_rate", "weight_grams"];
    invalid(shop.products().create_product(request).await, &wrong);
    let nameless = wire::CreateProductRequest { name_ru: String::new(), ..product("N") };
    invalid(shop.products().create_product(nameless).await, &["name_ru"]);
    let unit = wire::UpdateProductRequest { unit: Some("kg".into()), ..update("u", "A") };
    refused(shop.products().update_product(unit).await, Code::FailedPrecondition, "UNIT_IS_FIXED");
    refused(shop.products().update_product(update("v", "nope")).await, Code::NotFound, "NOT_FOUND");
    let unknown = wire::GetProductRequest { sku: "nope".into() };
    refused(shop.products().get_product(unknown).await, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn products_are_listed_by_sku_in_pages_and_by_filter() {
    let shop = start().await;
    let mut products = shop.products();
    let special = wire::CreateProductRequest {
        brand: "Salmo".into(),
        category: "Fishing/Lures_100%".into(),
        barcodes: vec!["96385074".into()],
        status: wire::ProductStatus::Draft.into(),
        ..product("S")
    };
    products.create_product(special).await.unwrap();
    let mut list = async |request: wire::ListProductsRequest| {
        let page = products.list_products(request).await.unwrap().into_inner();
        let skus: Vec<_> = page.products.iter().map(|product| product.sku.clone()).collect();
        (skus.join(","), page.page.unwrap().next_page_token)
    };
    let page = |page_size, page_token: &str| Some(PageRequest { page_size, page_token: page_token.to_owned() });
    let request = |page| wire::ListProductsRequest { page, ..Default::default() };
    let (first, token) = list(request(page(4, ""))).await;
    assert_eq!(first, "A,B,C,D");
    assert_eq!(list(request(page(4, &token))).await, ("K,S".to_owned(), String::new()));
    let by = |change: fn(&mut wire::ListProductsRequest)| {
        let mut request = request(None);
        change(&mut request);
        request
    };
    assert_eq!(list(by(|request| request.brand = "Salmo".into())).await.0, "S");
    assert_eq!(list(by(|request| request.category = "Fishing".into())).await.0, "A,B,C,D,K,S");
    assert_eq!(list(by(|request| request.category = "Fishing/Lures".into())).await.0, "A,B,C,D,K");
    assert_eq!(list(by(|request| request.barcode = "96385074".into())).await.0, "S");
    assert_eq!(list(by(|request| request.status = wire::ProductStatus::Draft.into())).await.0, "S");
    for (page_size, page_token) in [(501, ""), (-1, ""), (5, "nonsense"), (5, "Ilx1MDAwMCI")] {
        let refused = products.list_products(request(page(page_size, page_token))).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{page_size} {page_token}");
    }
}

#[tokio::test]
async fn many_products_are_read_at_once_and_unknown_ones_named() {
    let shop = start().await;
    let request = wire::BatchGetProductsRequest { skus: vec!["B".into(), "nope".into(), "A".into()] };
    let found = shop.products().batch_get_products(request).await.unwrap().into_inner();
    assert_eq!(found.products.iter().map(|product| product.sku.as_str()).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(found.missing, ["nope"]);
    let many = wire::BatchGetProductsRequest { skus: vec!["A".into(); 501] };
    invalid(shop.products().batch_get_products(many).await, &["skus"]);
}
