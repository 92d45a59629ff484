//! Reads of the catalogue.

use sqlx::PgConnection;

use super::{
    domain::{Product, ProductStatus},
    store::ProductRow,
};

/// Products by sku, in its order.
pub(super) async fn by_skus(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<Vec<Product>> {
    let rows = sqlx::query_as::<_, ProductRow>(
        "-- products_by_sku
        select id, sku, name_ru, name_en, brand, category, series, unit, barcodes, vat_rate, weight_grams, status,
            description, version, updated_at
        from product where sku = any($1) order by sku",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Product::try_from).collect()
}

/// Which products to list; `None` for all.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) category: Option<String>,
    pub(super) brand: Option<String>,
    pub(super) status: Option<ProductStatus>,
    pub(super) barcode: Option<String>,
}

/// A page of products after a sku.
pub(super) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Product>> {
    let below = filter.category.as_ref().map(|category| {
        let escaped = category.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("{escaped}/%")
    });
    if let Some(barcode) = &filter.barcode {
        return by_barcode(conn, filter, barcode, below, after, limit).await;
    }
    let rows = sqlx::query_as::<_, ProductRow>(
        "-- list_products
        select id, sku, name_ru, name_en, brand, category, series, unit, barcodes, vat_rate, weight_grams, status,
            description, version, updated_at
        from product
        where sku > $1
          and ($2::text is null or category = $2 or category like $3)
          and ($4::text is null or brand = $4)
          and ($5::text is null or status = $5)
        order by sku limit $6",
    )
    .bind(after.unwrap_or_default())
    .bind(&filter.category)
    .bind(below)
    .bind(&filter.brand)
    .bind(filter.status.map(ProductStatus::code))
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Product::try_from).collect()
}

async fn by_barcode(
    conn: &mut PgConnection,
    filter: &Filter,
    barcode: &str,
    below: Option<String>,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Product>> {
    let rows = sqlx::query_as::<_, ProductRow>(
        "-- list_products_by_barcode
        select id, sku, name_ru, name_en, brand, category, series, unit, barcodes, vat_rate, weight_grams, status,
            description, version, updated_at
        from product
        where barcodes @> array[$6::text] and sku > $1
          and ($2::text is null or category = $2 or category like $3)
          and ($4::text is null or brand = $4)
          and ($5::text is null or status = $5)
        order by sku limit $7",
    )
    .bind(after.unwrap_or_default())
    .bind(&filter.category)
    .bind(below)
    .bind(&filter.brand)
    .bind(filter.status.map(ProductStatus::code))
    .bind(barcode)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Product::try_from).collect()
}
