//! SQL of the reads of kits.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// A kit with its components, one array a column.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct KitView {
    pub(crate) sku: String,
    pub(crate) version: i64,
    pub(crate) saved_by: String,
    pub(crate) saved_at: OffsetDateTime,
    pub(crate) skus: Vec<String>,
    pub(crate) quantities: Vec<Decimal>,
    pub(crate) units: Vec<String>,
    pub(crate) weights: Vec<Decimal>,
}

/// One kit.
pub(crate) async fn kit(conn: &mut PgConnection, sku: &str) -> sqlx::Result<Option<KitView>> {
    sqlx::query_as(
        "-- kit_by_sku
        select k.sku, k.version, k.saved_by, k.saved_at, array_agg(c.sku::text order by c.line_no) as skus,
            array_agg(c.quantity order by c.line_no) as quantities, array_agg(c.unit order by c.line_no) as units,
            array_agg(c.weight order by c.line_no) as weights
        from kit k join kit_component c on c.kit_sku = k.sku where k.sku = $1 group by k.sku",
    )
    .bind(sku)
    .fetch_optional(conn)
    .await
}

/// Kits after a sku.
pub(crate) async fn list(conn: &mut PgConnection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<KitView>> {
    sqlx::query_as(
        "-- list_kits
        select k.sku, k.version, k.saved_by, k.saved_at, array_agg(c.sku::text order by c.line_no) as skus,
            array_agg(c.quantity order by c.line_no) as quantities, array_agg(c.unit order by c.line_no) as units,
            array_agg(c.weight order by c.line_no) as weights
        from (select * from kit where sku > coalesce($1, '') order by sku limit $2) k
        join kit_component c on c.kit_sku = k.sku
        group by k.sku, k.version, k.saved_by, k.saved_at order by k.sku",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}
