//! SQL of the reads of levels.

use sqlx::PgConnection;
use uuid::Uuid;

/// An item that has levels.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct ItemView {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) category: String,
    pub(super) unit: String,
}

/// Items by sku; those never heard of are left out.
pub(super) async fn items(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<Vec<ItemView>> {
    sqlx::query_as(
        "-- items_with_levels
        select sku, name, category, coalesce(unit, '') as unit from stock_item where sku = any ($1) order by sku",
    )
    .bind(skus)
    .fetch_all(conn)
    .await
}

/// Watched items and warehouses after a key.
pub(super) async fn watched(
    conn: &mut PgConnection,
    after: Option<(String, Uuid)>,
    (below_only, class): (bool, Option<&str>),
    limit: i64,
) -> sqlx::Result<Vec<(String, Uuid)>> {
    let (sku, warehouse) = after.unwrap_or_default();
    sqlx::query_as(
        "-- watched_levels
        select sku, warehouse_id from stock_level
        where reorder_point is not null and (sku, warehouse_id) > ($1, $2) and ($3::text is null or class = $3)
            and (not $4 or below_since is not null)
        order by sku, warehouse_id limit $5",
    )
    .bind(sku)
    .bind(warehouse)
    .bind(class)
    .bind(below_only)
    .bind(limit)
    .fetch_all(conn)
    .await
}
