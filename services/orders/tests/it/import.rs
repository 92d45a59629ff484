//! Import of products and prices by CSV.

use std::fmt::Write as _;

use proto::orders::v1 as wire;
use tonic::Code;

use crate::{
    prices::retail,
    support::{Shop, invalid, refused, start},
};

fn file(job_id: &str, text: &str) -> wire::ImportProductsRequest {
    wire::ImportProductsRequest {
        job_id: job_id.into(),
        part: 1,
        parts: 1,
        data: text.as_bytes().to_vec().into(),
        price_list: "retail".into(),
    }
}

async fn import(shop: &Shop, request: wire::ImportProductsRequest) -> wire::ImportProductsResponse {
    shop.products().import_products(request).await.unwrap().into_inner()
}

async fn product(shop: &Shop, sku: &str) -> Option<wire::Product> {
    let request = wire::GetProductRequest { sku: sku.into() };
    shop.products().get_product(request).await.ok().and_then(|found| found.into_inner().product)
}

async fn published(shop: &Shop) -> usize {
    shop.app.facts::<wire::OrdersEvent>("product_changed").await.len()
}

const SMALL: &str = "sku,name_ru,brand,price\nA,Товар A,Rapala,10.00\nN1,Новый,Salmo,20.00\nN2,Ещё,Salmo,\n,x,y,1\nN3,Плохая,Salmo,-1\n";

#[tokio::test]
async fn a_file_creates_changes_and_reports_and_the_same_file_again_changes_nothing() {
    let shop = start().await;
    retail(&shop).await;
    let before = published(&shop).await;
    let first = import(&shop, file("1", SMALL)).await;
    assert_eq!((first.finished, first.rows, first.created, first.changed, first.unchanged), (true, 5, 2, 0, 1));
    assert_eq!((first.rejected, first.prices), (2, 2));
    let told: Vec<_> = first.rejections.iter().map(|row| (row.row, row.column.as_str())).collect();
    assert_eq!(told, [(5, "sku"), (6, "price")]);
    assert_eq!(published(&shop).await, before + 2);

    assert_eq!(import(&shop, file("1", SMALL)).await, first, "the same import is answered the same");
    let again = import(&shop, file("2", SMALL)).await;
    assert_eq!((again.created, again.changed, again.unchanged, again.prices), (0, 0, 3, 0));
    assert_eq!(published(&shop).await, before + 2, "the same file under another name changes nothing");

    let other = import(&shop, file("3", "sku;brand\nN1;Mepps\n")).await;
    assert_eq!((other.changed, other.unchanged), (1, 0));
    let changed = product(&shop, "N1").await.unwrap();
    assert_eq!((changed.brand.as_str(), changed.name_ru.as_str()), ("Mepps", "Новый"));
}

#[tokio::test]
async fn a_file_in_parts_is_applied_when_the_last_is_in_whatever_their_order() {
    let shop = start().await;
    retail(&shop).await;
    let (head, tail) = SMALL.as_bytes().split_at(37);
    let part = |part: i32, data: &[u8]| wire::ImportProductsRequest {
        part,
        parts: 2,
        data: data.to_vec().into(),
        ..file("parts", "")
    };
    assert!(!import(&shop, part(2, tail)).await.finished);
    assert!(!import(&shop, part(2, tail)).await.finished, "a part may be repeated");
    assert!(product(&shop, "N1").await.is_none(), "nothing is applied before all is in");
    let other = shop.products().import_products(part(2, b"other")).await;
    refused(other, Code::AlreadyExists, "IMPORT_CONFLICT");
    let done = import(&shop, part(1, head)).await;
    assert_eq!((done.finished, done.created), (true, 2));
    let begun = shop.products().import_products(file("parts", "sku\n")).await;
    refused(begun, Code::AlreadyExists, "IMPORT_CONFLICT");
}

#[tokio::test]
async fn a_file_that_is_no_table_changes_nothing() {
    let shop = start().await;
    let before = published(&shop).await;
    let mut products = shop.products();
    invalid(products.import_products(file("1", "name_ru\nx\n")).await, &["data"]);
    invalid(products.import_products(file("2", "sku,colour\nA,red\n")).await, &["data"]);
    invalid(products.import_products(file("3", "sku,price\nA,1\n")).await, &["price_list"]);
    invalid(products.import_products(file("", "")).await, &["job_id", "data"]);
    let absurd = wire::ImportProductsRequest { part: 3, parts: 2, ..file("4", "sku\n") };
    invalid(products.import_products(absurd).await, &["part"]);
    let many = wire::ImportProductsRequest { parts: 1000, ..file("5", "sku\n") };
    invalid(products.import_products(many).await, &["parts"]);
    let large = wire::ImportProductsRequest { data: vec![b'x'; (4 << 20) + 1].into(), ..file("6", "") };
    invalid(products.import_products(large).await, &["data"]);
    assert_eq!(published(&shop).await, before);
}

#[tokio::test]
async fn every_rejected_row_can_be_read_page_by_page() {
    let shop = start().await;
    let mut text = "sku,name_ru,vat_rate\n".to_owned();
    for row in 0..450 {
        writeln!(text, "R{row},name,nonsense").unwrap();
    }
    let done = import(&shop, file("bad", &text)).await;
    assert_eq!((done.rejected, done.rejections.len(), done.created), (450, 200, 0));
    let (mut rows, mut token) = (Vec::new(), String::new());
    loop {
        let page = proto::common::v1::PageRequest { page_size: 200, page_token: token };
        let request = wire::ListImportRejectionsRequest { page: Some(page), job_id: "bad".into() };
        let page = shop.products().list_import_rejections(request).await.unwrap().into_inner();
        rows.extend(page.rejections.into_iter().map(|row| row.row));
        token = page.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(rows, (2..452).collect::<Vec<_>>());
    let unknown = wire::ListImportRejectionsRequest { page: None, job_id: "nope".into() };
    refused(shop.products().list_import_rejections(unknown).await, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn twenty_five_thousand_rows_are_one_import_and_a_broken_off_one_is_none() {
    let shop = start().await;
    retail(&shop).await;
    let mut text = "sku,name_ru,name_en,brand,category,vat_rate,price\n".to_owned();
    for row in 0..25_000 {
        writeln!(text, "P{row:05},Приманка {row},Lure {row},Brand {},Fishing/Lures,22,{}.50", row % 50, row % 900)
            .unwrap();
    }
    let before = published(&shop).await;
    let running = tokio::spawn({
        let (mut products, request) = (shop.products(), file("broken-off", &text));
        async move { products.import_products(request).await }
    });
    testkit::eventually("the import has begun", async || {
        let jobs: i64 =
            sqlx::query_scalar("select count(*) from import_job").fetch_one(shop.app.db.pool()).await.unwrap();
        jobs == 1
    })
    .await;
    // The caller leaves; whatever the server does with the rest, it is all or nothing.
    running.abort();
    let stored: i64 = sqlx::query_scalar("select count(*) from product where sku like 'P%'")
        .fetch_one(shop.app.db.pool())
        .await
        .unwrap();
    assert!(stored == 0 || stored == 25_000, "a mix: {stored}");

    let done = import(&shop, file("whole", &text)).await;
    assert_eq!((done.rows, done.rejected), (25_000, 0));
    assert_eq!(done.created + done.unchanged, 25_000);
    assert_eq!(published(&shop).await, before + 25_000);
}

#[tokio::test]
async fn an_import_that_is_never_finished_is_forgotten_after_a_day() {
    let shop = start().await;
    let part = |data: &str| wire::ImportProductsRequest { parts: 2, ..file("half", data) };
    import(&shop, part("sku,name_ru\n")).await;
    shop.app.run_job("orders_import_sweep").await.unwrap();
    let other = shop.products().import_products(part("other")).await;
    refused(other, Code::AlreadyExists, "IMPORT_CONFLICT");
    shop.app.clock.advance(time::Duration::hours(25));
    shop.app.run_job("orders_import_sweep").await.unwrap();
    assert!(!import(&shop, part("other")).await.finished, "the name is free again");
}
