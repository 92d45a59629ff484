//! SQL of the reads of items.

use rust_decimal::Decimal;
use sqlx::PgConnection;

/// An item with its totals.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ItemView {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) unit: Option<String>,
    pub(crate) status: String,
    pub(crate) weight_grams: Option<Decimal>,
    pub(crate) category: String,
    pub(crate) barcode: String,
    pub(crate) on_hand: Decimal,
    pub(crate) reserved: Decimal,
    pub(crate) backordered: Decimal,
    pub(crate) state: String,
}

/// One item.
pub(crate) async fn item(conn: &mut PgConnection, sku: &str) -> sqlx::Result<Option<ItemView>> {
    sqlx::query_as(
        "-- item_by_sku
        select sku, name, unit, status, weight_grams, category, barcode, on_hand, reserved, backordered, state
        from stock_item where sku = $1",
    )
    .bind(sku)
    .fetch_optional(conn)
    .await
}

/// Items after a sku.
pub(crate) async fn list(
    conn: &mut PgConnection,
    after: Option<&str>,
    state: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<ItemView>> {
    sqlx::query_as(
        "-- list_items
        select sku, name, unit, status, weight_grams, category, barcode, on_hand, reserved, backordered, state
        from stock_item
        where sku > coalesce($1, '') and ($2::text is null or state = $2)
        order by sku limit $3",
    )
    .bind(after)
    .bind(state)
    .bind(limit)
    .fetch_all(conn)
    .await
}
