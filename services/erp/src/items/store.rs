//! SQL of items.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::domain::ItemChange;

/// Which of these items are in use: with lots (that is, movements), open needs, bills of material or kits. Their unit must stay.
pub(crate) async fn in_use(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<BTreeSet<String>> {
    let used: Vec<String> = sqlx::query_scalar(
        "-- items_in_use
        select i.sku from stock_item i
        where i.sku = any ($1) and i.status <> 'unknown'
            and (i.backordered > 0 or i.reserved > 0 or exists (select from lot l where l.sku = i.sku)
                or exists (select from bom b where b.sku = i.sku)
                or exists (select from bom_line b where b.component_sku = i.sku)
                or exists (select from bom_by_product b where b.sku = i.sku)
                or exists (select from kit k where k.sku = i.sku)
                or exists (select from kit_component k where k.sku = i.sku))",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    Ok(used.into_iter().collect())
}

/// Inserts or changes items; each sku once, in sku order. Returns how many were inserted or known for the first time.
pub(crate) async fn upsert(conn: &mut PgConnection, changes: &[ItemChange], now: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- upsert_items
        with old as (select sku from stock_item where sku = any ($1) and status <> 'unknown'),
        written as (
            insert into stock_item (sku, name, unit, status, weight_grams, category, barcode, updated_at)
            select u.*, $8 from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[], $6::text[], $7::text[]) as u
            on conflict (sku) do update set name = excluded.name, unit = excluded.unit, status = excluded.status,
                weight_grams = excluded.weight_grams, category = excluded.category,
                barcode = excluded.barcode, updated_at = excluded.updated_at
            returning sku
        )
        select count(*) from written where sku not in (select sku from old)",
    )
    .bind(changes.iter().map(|change| change.sku.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.name.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.unit.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.status).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.weight_grams).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.category.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.barcode.as_str()).collect::<Vec<_>>())
    .bind(now)
    .fetch_one(conn)
    .await
}
