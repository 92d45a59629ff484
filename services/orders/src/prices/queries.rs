//! Reads of prices.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;

use super::store::PriceListRow;
use crate::catalogue::domain::PriceList;

/// Price lists after a code.
pub(super) async fn price_lists(
    conn: &mut PgConnection,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<PriceList>> {
    let rows = sqlx::query_as::<_, PriceListRow>(
        "-- list_price_lists
        select code, name, currency, vat_included from price_list
        where ($1::text is null or code > $1) order by code limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(PriceList::try_from).collect()
}

/// A price that holds.
#[derive(FromRow)]
pub(super) struct PriceRow {
    pub(super) sku: String,
    pub(super) amount: Decimal,
    pub(super) valid_from: OffsetDateTime,
    pub(super) valid_to: Option<OffsetDateTime>,
}

/// Prices that hold at a moment, by sku.
pub(super) async fn prices_at(
    conn: &mut PgConnection,
    price_list: &str,
    skus: &[String],
    at: OffsetDateTime,
) -> sqlx::Result<Vec<PriceRow>> {
    sqlx::query_as::<_, PriceRow>(
        "-- prices_at
        select p.sku, now.amount, now.valid_from, now.valid_to
        from product p cross join lateral (
            select amount, valid_from, valid_to from price
            where price_list = $1 and product_id = p.id and valid_from <= $3 and (valid_to is null or valid_to > $3)
            order by valid_from desc limit 1) now
        where p.sku = any($2) order by p.sku",
    )
    .bind(price_list)
    .bind(skus)
    .bind(at)
    .fetch_all(conn)
    .await
}

/// A price as it was once set.
#[derive(FromRow)]
pub(super) struct HistoryRow {
    pub(super) id: i64,
    pub(super) amount: Decimal,
    pub(super) valid_from: OffsetDateTime,
    pub(super) valid_to: Option<OffsetDateTime>,
    pub(super) set_by: String,
    pub(super) set_at: OffsetDateTime,
}

/// What was set for a product in a list before an entry, newest first.
pub(super) async fn history(
    conn: &mut PgConnection,
    price_list: &str,
    sku: &str,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<HistoryRow>> {
    sqlx::query_as::<_, HistoryRow>(
        "-- list_price_history
        select h.id, h.amount, h.valid_from, h.valid_to, h.set_by, h.set_at
        from price_history h
        where h.price_list = $1 and h.product_id = (select id from product where sku = $2)
          and ($3::int8 is null or h.id < $3)
        order by h.id desc limit $4",
    )
    .bind(price_list)
    .bind(sku)
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
}
