//! SQL of kits and assemblies.

use std::collections::HashSet;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::domain::{Component, Free, Kit};
use crate::{
    config::Stamp,
    ledger::domain::{Place, PlaceKind},
};

/// One writer of kits at a time, so that no two close a circle. The first lock of a transaction.
pub(super) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- lock_kits
        select pg_advisory_xact_lock(hashtext('erp.kit'))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A kit's version.
pub(super) async fn version(conn: &mut PgConnection, sku: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "-- kit_version
        select version from kit where sku = $1",
    )
    .bind(sku)
    .fetch_optional(conn)
    .await
}

#[derive(sqlx::FromRow)]
struct ComponentRow {
    sku: String,
    quantity: Decimal,
    unit: String,
    weight: Decimal,
}

/// A kit as it stands.
pub(super) async fn kit(conn: &mut PgConnection, sku: &str) -> sqlx::Result<Option<Kit>> {
    let Some(version) = version(conn, sku).await? else { return Ok(None) };
    let rows = sqlx::query_as::<_, ComponentRow>(
        "-- kit_components
        select sku, quantity, unit, weight from kit_component where kit_sku = $1 order by line_no",
    )
    .bind(sku)
    .fetch_all(conn)
    .await?;
    let component =
        |row: ComponentRow| Component { sku: row.sku, quantity: row.quantity, unit: row.unit, weight: row.weight };
    Ok(Some(Kit { sku: sku.to_owned(), components: rows.into_iter().map(component).collect(), version }))
}

/// Whether a kit is one of these items or goes into one of them, over any number of steps.
pub(super) async fn closes_circle(conn: &mut PgConnection, kit: &str, components: &[&str]) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "-- kit_closes_circle
        with recursive below (sku) as (
            select s.sku collate \"C\" from unnest($2::text[]) as s (sku)
            union
            select c.sku from below b join kit_component c on c.kit_sku = b.sku
        )
        select exists (select from below where sku = $1)",
    )
    .bind(kit)
    .bind(components)
    .fetch_one(conn)
    .await
}

/// Writes what a kit is made of, whole.
pub(super) async fn put(conn: &mut PgConnection, kit: &Kit, stamp: &Stamp<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "-- put_kit
        insert into kit (sku, version, saved_by, saved_at) values ($1, $2, $3, $4)
        on conflict (sku) do update set version = excluded.version, saved_by = excluded.saved_by,
            saved_at = excluded.saved_at",
    )
    .bind(&kit.sku)
    .bind(kit.version)
    .bind(stamp.by)
    .bind(stamp.now)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- delete_kit_components
        delete from kit_component where kit_sku = $1",
    )
    .bind(&kit.sku)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- insert_kit_components
        insert into kit_component (kit_sku, line_no, sku, quantity, unit, weight)
        select $1, c.n, c.sku, c.quantity, c.unit, c.weight
        from unnest($2::text[], $3::numeric[], $4::text[], $5::numeric[])
            with ordinality as c (sku, quantity, unit, weight, n)",
    )
    .bind(&kit.sku)
    .bind(kit.components.iter().map(|one| one.sku.as_str()).collect::<Vec<_>>())
    .bind(kit.components.iter().map(|one| one.quantity).collect::<Vec<_>>())
    .bind(kit.components.iter().map(|one| one.unit.as_str()).collect::<Vec<_>>())
    .bind(kit.components.iter().map(|one| one.weight).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct FreeRow {
    sku: String,
    lot_id: Uuid,
    number: String,
    expires_on: Option<Date>,
    place_id: i64,
    place_code: String,
    quantity: Decimal,
}

/// What of locked items is free in a warehouse and not blocked, first to expire first; with a day only what lasts it.
pub(super) async fn free(
    conn: &mut PgConnection,
    warehouse: Uuid,
    skus: &[&str],
    day: Option<Date>,
) -> sqlx::Result<Vec<Free>> {
    let rows = sqlx::query_as::<_, FreeRow>(
        "-- free_for_kits
        select b.sku, b.lot_id, b.lot_number as number, b.expires_on, b.place_id, p.code as place_code,
            b.on_hand - b.reserved as quantity
        from stock_balance b join place p on p.id = b.place_id
        where b.sku = any ($2) and b.warehouse_id = $1 and b.on_hand > 0 and b.on_hand > b.reserved and b.sellable
            and ($3::date is null or b.expires_on is null or b.expires_on >= $3)
        order by b.sku, b.expires_on nulls last, b.received_at, b.lot_number, b.place_id",
    )
    .bind(warehouse)
    .bind(skus)
    .bind(day)
    .fetch_all(conn)
    .await?;
    let free = |row: FreeRow| Free {
        sku: row.sku,
        lot: row.lot_id,
        number: row.number,
        expires_on: row.expires_on,
        // Only places goods are sold from are sellable.
        place: Place { id: row.place_id, kind: PlaceKind::Stock },
        place_code: row.place_code,
        quantity: row.quantity,
    };
    Ok(rows.into_iter().map(free).collect())
}

/// Inserts the document of an assembly or disassembly and returns its number.
pub(super) async fn insert_assembly(
    conn: &mut PgConnection,
    (id, kind): (Uuid, &'static str),
    kit: &str,
    warehouse: Uuid,
    quantity: Decimal,
    stamp: &Stamp<'_>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- insert_assembly
        insert into assembly (id, kind, kit_sku, warehouse_id, quantity, created_by, created_at)
        values ($1, $2, $3, $4, $5, $6, $7) returning number",
    )
    .bind(id)
    .bind(kind)
    .bind(kit)
    .bind(warehouse)
    .bind(quantity)
    .bind(stamp.by)
    .bind(stamp.now)
    .fetch_one(conn)
    .await
}

/// A lot to bring goods into.
#[derive(Clone, Debug)]
pub(super) struct LotToMake {
    pub(super) sku: String,
    pub(super) number: String,
    pub(super) expires_on: Option<Date>,
    pub(super) unit_cost: Decimal,
}

/// Finds or makes lots, each named once, in the order given; the items are locked. Answers id and expiry of each.
pub(super) async fn find_or_make_lots(
    conn: &mut PgConnection,
    lots: &[LotToMake],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<(Uuid, Option<Date>)>> {
    sqlx::query_as(
        "-- find_or_make_lots
        with wanted as (
            select * from unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::numeric[])
                with ordinality as w (id, sku, number, expires_on, unit_cost, n)
        ), made as (
            insert into lot as l (id, sku, number, expires_on, received_at, unit_cost)
            select id, sku, number, expires_on, $6, unit_cost from wanted
            on conflict (sku, number) do update set unit_cost = l.unit_cost
            returning id, sku, number, expires_on
        )
        select m.id, m.expires_on from wanted w
        join made m on m.sku = w.sku collate \"C\" and m.number = w.number collate \"C\" order by w.n",
    )
    .bind(lots.iter().map(|_| service::new_id()).collect::<Vec<_>>())
    .bind(lots.iter().map(|lot| lot.sku.as_str()).collect::<Vec<_>>())
    .bind(lots.iter().map(|lot| lot.number.as_str()).collect::<Vec<_>>())
    .bind(lots.iter().map(|lot| lot.expires_on).collect::<Vec<_>>())
    .bind(lots.iter().map(|lot| lot.unit_cost).collect::<Vec<_>>())
    .bind(now)
    .fetch_all(conn)
    .await
}

/// Which of these lots a lot was made of.
pub(super) async fn made_of(conn: &mut PgConnection, output: Uuid, lots: &[Uuid]) -> sqlx::Result<HashSet<Uuid>> {
    let found: Vec<Uuid> = sqlx::query_scalar(
        "-- inputs_of_lot
        select distinct input_lot from lot_input where output_lot = $1 and input_lot = any ($2)",
    )
    .bind(output)
    .bind(lots)
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().collect())
}

/// Says which movements of a document made what of what. `weights` are those of the lots it made.
pub(super) async fn link(conn: &mut PgConnection, document: Uuid, weights: &[(Uuid, Decimal)]) -> sqlx::Result<u64> {
    // Place 3 is production.
    let done = sqlx::query(
        "-- link_lots
        insert into lot_input (output_move, input_move, output_lot, input_lot, weight)
        select o.id, i.id, o.lot_id, i.lot_id, w.weight
        from stock_move o
        join stock_move i on i.cause_id = o.cause_id and i.to_place = 3 and i.cause_kind in ('assembly', 'disassembly')
        join unnest($2::uuid[], $3::numeric[]) as w (lot_id, weight) on w.lot_id = o.lot_id
        where o.cause_id = $1 and o.from_place = 3 and o.cause_kind in ('assembly', 'disassembly')",
    )
    .bind(document)
    .bind(weights.iter().map(|(lot, _)| *lot).collect::<Vec<_>>())
    .bind(weights.iter().map(|(_, weight)| *weight).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
