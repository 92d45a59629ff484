//! SQL of the reads of warehouses.

use sqlx::PgConnection;

/// A place of a warehouse.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct PlaceView {
    pub(crate) warehouse: String,
    pub(crate) name: String,
    pub(crate) min_life_days: i32,
    pub(crate) code: String,
    pub(crate) kind: String,
    pub(crate) zone: String,
    pub(crate) bin: String,
}

/// Default places of all warehouses or one, by warehouse and code.
pub(crate) async fn places(conn: &mut PgConnection, warehouse: Option<&str>) -> sqlx::Result<Vec<PlaceView>> {
    sqlx::query_as(
        "-- places_of_warehouses
        select w.code as warehouse, w.name, w.min_life_days, p.code, p.kind, p.zone, p.bin
        from (select * from warehouse where $1::text is null or code = $1 order by code limit 500) w
        join place p on p.warehouse_id = w.id and p.is_default
        order by w.code, p.code",
    )
    .bind(warehouse)
    .fetch_all(conn)
    .await
}
