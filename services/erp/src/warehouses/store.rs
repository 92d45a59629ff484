//! SQL of warehouses.

use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Warehouse;
use crate::{
    config::Rules,
    ledger::domain::{Place, PlaceKind},
};

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    code: String,
    bin: i64,
    quarantine: i64,
}

impl From<Row> for Warehouse {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            code: row.code,
            bin: Place { id: row.bin, kind: PlaceKind::Stock },
            quarantine: Place { id: row.quarantine, kind: PlaceKind::Quarantine },
        }
    }
}

/// All warehouses, the default one first, then by code.
pub(crate) async fn all(conn: &mut PgConnection, rules: &Rules) -> sqlx::Result<Vec<Warehouse>> {
    let rows = sqlx::query_as::<_, Row>(
        "-- all_warehouses
        select w.id, w.code, b.id as bin, q.id as quarantine
        from warehouse w
        join place b on b.warehouse_id = w.id and b.kind = 'stock' and b.is_default
        join place q on q.warehouse_id = w.id and q.kind = 'quarantine' and q.is_default
        order by w.code <> $1, w.code limit 500",
    )
    .bind(&rules.default_warehouse)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Warehouse::from).collect())
}

/// One warehouse.
pub(crate) async fn by_code(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Warehouse>> {
    let row = sqlx::query_as::<_, Row>(
        "-- warehouse_by_code
        select w.id, w.code, b.id as bin, q.id as quarantine
        from warehouse w
        join place b on b.warehouse_id = w.id and b.kind = 'stock' and b.is_default
        join place q on q.warehouse_id = w.id and q.kind = 'quarantine' and q.is_default
        where w.code = $1",
    )
    .bind(code)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Warehouse::from))
}

/// A place by its code, with the code of its warehouse.
pub(crate) async fn place(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<(Place, Option<String>)>> {
    let row = sqlx::query_as::<_, (i64, String, Option<String>)>(
        "-- place_by_code
        select p.id, p.kind, w.code from place p left join warehouse w on w.id = p.warehouse_id where p.code = $1",
    )
    .bind(code)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(id, kind, warehouse)| (Place { id, kind: PlaceKind::parse(&kind) }, warehouse)))
}

/// The code of a place; empty for one there is none of.
pub(crate) async fn code_of(conn: &mut PgConnection, place: i64) -> sqlx::Result<String> {
    let code: Option<String> = sqlx::query_scalar(
        "-- code_of_place
        select code from place where id = $1",
    )
    .bind(place)
    .fetch_optional(conn)
    .await?;
    Ok(code.unwrap_or_default())
}

/// The quarantine place of the warehouse each of these places is in.
pub(crate) async fn quarantine_of(conn: &mut PgConnection, places: &[i64]) -> sqlx::Result<Vec<(i64, i64)>> {
    sqlx::query_as(
        "-- quarantine_of_places
        select p.id, q.id from place p
        join place q on q.warehouse_id = p.warehouse_id and q.kind = 'quarantine' and q.is_default
        where p.id = any ($1)",
    )
    .bind(places)
    .fetch_all(conn)
    .await
}

/// Creates a warehouse with its places, or changes its name and rules.
pub(crate) async fn upsert(
    conn: &mut PgConnection,
    id: Uuid,
    code: &str,
    name: &str,
    min_life_days: i32,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- upsert_warehouse
        with w as (
            insert into warehouse (id, code, name, min_life_days) values ($1, $2, $3, $4)
            on conflict (code) do update set name = excluded.name, min_life_days = excluded.min_life_days
            returning id, code
        )
        insert into place (code, kind, purpose, warehouse_id, zone, bin, is_default)
        select w.code || '/' || p.bin, p.kind, p.purpose, w.id, w.code, p.bin, true
        from w, (values ('DEFAULT', 'stock', 'pick'), ('QUARANTINE', 'quarantine', 'quarantine')) as p (bin, kind, purpose)
        on conflict (code) do nothing",
    )
    .bind(id)
    .bind(code)
    .bind(name)
    .bind(min_life_days)
    .execute(conn)
    .await?;
    Ok(())
}
