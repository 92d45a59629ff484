//! Writes of the catalogue.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use types::Unit;
use uuid::Uuid;

use super::domain::{Details, Product, ProductStatus};

/// A product as it lies in its table; used by the reads too.
#[derive(FromRow)]
pub(super) struct ProductRow {
    id: Uuid,
    sku: String,
    name_ru: String,
    name_en: String,
    brand: String,
    category: String,
    series: String,
    unit: String,
    barcodes: Vec<String>,
    vat_rate: Decimal,
    weight_grams: Option<Decimal>,
    status: String,
    description: String,
    version: i64,
    updated_at: OffsetDateTime,
}

/// A stored text that is not one of its words: only a broken migration can do that.
pub(crate) fn unreadable(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("unreadable {what} in the database").into())
}

impl TryFrom<ProductRow> for Product {
    type Error = sqlx::Error;

    fn try_from(row: ProductRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            sku: row.sku,
            details: Details {
                name_ru: row.name_ru,
                name_en: row.name_en,
                brand: row.brand,
                category: row.category,
                series: row.series,
                unit: Unit::parse(&row.unit).map_err(|_| unreadable("unit"))?,
                barcodes: row.barcodes,
                vat_rate: row.vat_rate.normalize(),
                weight_grams: row.weight_grams.map(|weight| weight.normalize()),
                status: ProductStatus::parse(&row.status).ok_or_else(|| unreadable("product status"))?,
                description: row.description,
            },
            version: row.version,
            updated_at: row.updated_at,
        })
    }
}

/// Says that what intake reads changes in this transaction. Called first: it also makes catalogue writers take turns.
///
/// # Errors
/// Database errors.
pub async fn stamp(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("-- stamp_catalogue\nupdate catalogue_stamp set version = version + 1").execute(conn).await?;
    Ok(())
}

/// Reads and locks products by sku, in the order of their sku.
///
/// # Errors
/// Database errors.
pub async fn lock(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<Vec<Product>> {
    let rows = sqlx::query_as::<_, ProductRow>(
        "-- lock_products
        select id, sku, name_ru, name_en, brand, category, series, unit, barcodes, vat_rate, weight_grams, status,
            description, version, updated_at
        from product where sku = any($1) order by sku for update",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Product::try_from).collect()
}

/// The columns of products side by side, as unnest wants them.
struct Columns<'a> {
    ids: Vec<Uuid>,
    texts: [Vec<&'a str>; 9],
    barcodes: Vec<String>,
    vat_rates: Vec<Decimal>,
    weights: Vec<Option<Decimal>>,
    versions: Vec<i64>,
    updated: Vec<OffsetDateTime>,
}

impl<'a> Columns<'a> {
    fn of(products: &[&'a Product]) -> Self {
        let text = |of: fn(&'a Product) -> &'a str| products.iter().map(|product| of(product)).collect::<Vec<_>>();
        Self {
            ids: products.iter().map(|product| product.id).collect(),
            texts: [
                text(|product| &product.sku),
                text(|product| &product.details.name_ru),
                text(|product| &product.details.name_en),
                text(|product| &product.details.brand),
                text(|product| &product.details.category),
                text(|product| &product.details.series),
                text(|product| product.details.unit.code()),
                text(|product| product.details.status.code()),
                text(|product| &product.details.description),
            ],
            barcodes: products.iter().map(|product| product.details.barcodes.join("|")).collect(),
            vat_rates: products.iter().map(|product| product.details.vat_rate).collect(),
            weights: products.iter().map(|product| product.details.weight_grams).collect(),
            versions: products.iter().map(|product| product.version).collect(),
            updated: products.iter().map(|product| product.updated_at).collect(),
        }
    }
}

/// Stores new products; those whose sku is taken are left out. Returns how many were stored.
///
/// # Errors
/// Database errors.
pub async fn insert(conn: &mut PgConnection, products: &[&Product]) -> sqlx::Result<u64> {
    let columns = Columns::of(products);
    let [sku, name_ru, name_en, brand, category, series, unit, status, description] = columns.texts;
    let done = sqlx::query(
        "-- insert_products
        insert into product (id, sku, name_ru, name_en, brand, category, series, unit, status, description, barcodes,
            vat_rate, weight_grams, version, created_at, updated_at)
        select id, sku, name_ru, name_en, brand, category, series, unit, status, description,
            string_to_array(barcodes, '|'), vat_rate, weight_grams, version, at, at
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::numeric[], $13::numeric[], $14::int8[], $15::timestamptz[])
            as n (id, sku, name_ru, name_en, brand, category, series, unit, status, description, barcodes, vat_rate,
                weight_grams, version, at)
        on conflict on constraint product_sku_key do nothing",
    )
    .bind(columns.ids)
    .bind(sku)
    .bind(name_ru)
    .bind(name_en)
    .bind(brand)
    .bind(category)
    .bind(series)
    .bind(unit)
    .bind(status)
    .bind(description)
    .bind(columns.barcodes)
    .bind(columns.vat_rates)
    .bind(columns.weights)
    .bind(columns.versions)
    .bind(columns.updated)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Stores changed products; they are locked.
///
/// # Errors
/// Database errors.
pub async fn update(conn: &mut PgConnection, products: &[&Product]) -> sqlx::Result<()> {
    let columns = Columns::of(products);
    let [_, name_ru, name_en, brand, category, series, unit, status, description] = columns.texts;
    sqlx::query(
        "-- update_products
        update product p set name_ru = n.name_ru, name_en = n.name_en, brand = n.brand, category = n.category,
            series = n.series, unit = n.unit, status = n.status, description = n.description,
            barcodes = string_to_array(n.barcodes, '|'), vat_rate = n.vat_rate, weight_grams = n.weight_grams,
            version = n.version, updated_at = n.at
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::numeric[], $12::numeric[], $13::int8[], $14::timestamptz[])
            as n (id, name_ru, name_en, brand, category, series, unit, status, description, barcodes, vat_rate,
                weight_grams, version, at)
        where p.id = n.id",
    )
    .bind(columns.ids)
    .bind(name_ru)
    .bind(name_en)
    .bind(brand)
    .bind(category)
    .bind(series)
    .bind(unit)
    .bind(status)
    .bind(description)
    .bind(columns.barcodes)
    .bind(columns.vat_rates)
    .bind(columns.weights)
    .bind(columns.versions)
    .bind(columns.updated)
    .execute(conn)
    .await?;
    Ok(())
}
