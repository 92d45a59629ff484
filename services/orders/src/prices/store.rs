//! Writes of prices.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

use crate::catalogue::{domain::PriceList, store::unreadable};

/// A price list as it lies in its table.
#[derive(FromRow)]
pub(super) struct PriceListRow {
    code: String,
    name: String,
    currency: String,
    vat_included: bool,
}

impl TryFrom<PriceListRow> for PriceList {
    type Error = sqlx::Error;

    fn try_from(row: PriceListRow) -> sqlx::Result<Self> {
        let currency = Currency::parse(&row.currency).map_err(|_| unreadable("currency"))?;
        Ok(Self { code: row.code, name: row.name, currency, vat_included: row.vat_included })
    }
}

/// One price list.
///
/// # Errors
/// Database errors.
pub async fn price_list(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<PriceList>> {
    sqlx::query_as::<_, PriceListRow>(
        "-- price_list_by_code
        select code, name, currency, vat_included from price_list where code = $1",
    )
    .bind(code)
    .fetch_optional(conn)
    .await?
    .map(PriceList::try_from)
    .transpose()
}

/// Stores a price list, new or renamed.
///
/// # Errors
/// Database errors.
pub async fn put_price_list(conn: &mut PgConnection, list: &PriceList, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- put_price_list
        insert into price_list (code, name, currency, vat_included, created_at) values ($1, $2, $3, $4, $5)
        on conflict (code) do update set name = excluded.name",
    )
    .bind(&list.code)
    .bind(&list.name)
    .bind(list.currency.code())
    .bind(list.vat_included)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ids of products by sku; unknown ones are missing.
///
/// # Errors
/// Database errors.
pub async fn product_ids(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<Vec<(String, Uuid)>> {
    sqlx::query_as("-- product_ids\nselect sku, id from product where sku = any($1)").bind(skus).fetch_all(conn).await
}

/// A price to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPrice {
    /// Product.
    pub product_id: Uuid,
    /// Price of one.
    pub amount: Decimal,
    /// First moment it holds.
    pub valid_from: OffsetDateTime,
    /// First moment it no longer holds.
    pub valid_to: Option<OffsetDateTime>,
}

/// Sets prices of a list and keeps those that differ in the history. Returns how many differed.
///
/// # Errors
/// Database errors.
pub async fn set(
    conn: &mut PgConnection,
    price_list: &str,
    prices: &[NewPrice],
    set_by: &str,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "-- set_prices
        with changed as (
            insert into price as p (price_list, product_id, valid_from, valid_to, amount)
            select $1, n.product_id, n.valid_from, n.valid_to, n.amount
            from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::numeric[])
                as n (product_id, valid_from, valid_to, amount)
            order by n.product_id, n.valid_from
            on conflict (price_list, product_id, valid_from) do update
                set valid_to = excluded.valid_to, amount = excluded.amount
                where p.amount <> excluded.amount or p.valid_to is distinct from excluded.valid_to
            returning product_id, valid_from, valid_to, amount
        )
        insert into price_history (price_list, product_id, valid_from, valid_to, amount, set_by, set_at)
        select $1, product_id, valid_from, valid_to, amount, $6, $7 from changed",
    )
    .bind(price_list)
    .bind(prices.iter().map(|price| price.product_id).collect::<Vec<_>>())
    .bind(prices.iter().map(|price| price.valid_from).collect::<Vec<_>>())
    .bind(prices.iter().map(|price| price.valid_to).collect::<Vec<_>>())
    .bind(prices.iter().map(|price| price.amount).collect::<Vec<_>>())
    .bind(set_by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The prices that hold now, by product.
///
/// # Errors
/// Database errors.
pub async fn current(
    conn: &mut PgConnection,
    price_list: &str,
    products: &[Uuid],
    at: OffsetDateTime,
) -> sqlx::Result<Vec<(Uuid, Decimal)>> {
    sqlx::query_as(
        "-- current_prices
        select distinct on (product_id) product_id, amount from price
        where price_list = $1 and product_id = any($2) and valid_from <= $3 and (valid_to is null or valid_to > $3)
        order by product_id, valid_from desc",
    )
    .bind(price_list)
    .bind(products)
    .bind(at)
    .fetch_all(conn)
    .await
}
