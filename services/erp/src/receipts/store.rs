//! SQL of receipts and lots.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::ledger::commands::Posted;

/// A lot to find or make.
#[derive(Clone, Debug)]
pub(crate) struct LotInput {
    pub(crate) sku: String,
    pub(crate) number: String,
    pub(crate) expires_on: Option<Date>,
    pub(crate) supplier_lot: String,
    pub(crate) unit_cost: Decimal,
}

/// Inserts a receipt's head and returns its number.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    warehouse: Uuid,
    supplier: &str,
    cost: Decimal,
    (received_at, now): (OffsetDateTime, OffsetDateTime),
    by: &str,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- insert_receipt
        insert into receipt (id, warehouse_id, supplier, cost, received_at, created_by, created_at)
        values ($1, $2, $3, $4, $5, $6, $7) returning number",
    )
    .bind(id)
    .bind(warehouse)
    .bind(supplier)
    .bind(cost)
    .bind(received_at)
    .bind(by)
    .bind(now)
    .fetch_one(conn)
    .await
}

/// Finds or makes lots, each named once; the items are locked. Answers id and expiry by item and number. The unit cost
/// of a lot that exists becomes the latest.
pub(crate) async fn upsert_lots(
    conn: &mut PgConnection,
    lots: &[LotInput],
    supplier: &str,
    received_at: OffsetDateTime,
) -> sqlx::Result<HashMap<(String, String), (Uuid, Option<Date>)>> {
    let rows = sqlx::query_as::<_, (Uuid, String, String, Option<Date>)>(
        "-- upsert_lots
        insert into lot (id, sku, number, expires_on, supplier, supplier_lot, received_at, unit_cost)
        select l.id, l.sku, l.number, l.expires_on, $7, l.supplier_lot, $8, l.unit_cost
        from unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::text[], $6::numeric[])
            as l (id, sku, number, expires_on, supplier_lot, unit_cost)
        on conflict (sku, number) do update set unit_cost = excluded.unit_cost
        returning id, sku, number, expires_on",
    )
    .bind(lots.iter().map(|_| service::new_id()).collect::<Vec<_>>())
    .bind(lots.iter().map(|lot| lot.sku.as_str()).collect::<Vec<_>>())
    .bind(lots.iter().map(|lot| lot.number.as_str()).collect::<Vec<_>>())
    .bind(lots.iter().map(|lot| lot.expires_on).collect::<Vec<_>>())
    .bind(lots.iter().map(|lot| lot.supplier_lot.as_str()).collect::<Vec<_>>())
    .bind(lots.iter().map(|lot| lot.unit_cost).collect::<Vec<_>>())
    .bind(supplier)
    .bind(received_at)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(id, sku, number, expires_on)| ((sku, number), (id, expires_on))).collect())
}

/// A posted line.
#[derive(Clone, Debug)]
pub(crate) struct PostedLine {
    pub(crate) line_no: i32,
    pub(crate) sku: String,
    pub(crate) lot: Uuid,
    pub(crate) quantity: Decimal,
    pub(crate) unit: String,
    pub(crate) cost: Decimal,
}

/// Inserts a receipt's lines, each with its entry in the ledger.
pub(crate) async fn insert_lines(
    conn: &mut PgConnection,
    id: Uuid,
    lines: &[(PostedLine, String)],
    posted: &[Posted],
) -> sqlx::Result<()> {
    let lines = || lines.iter().map(|(line, _)| line);
    sqlx::query(
        "-- insert_receipt_lines
        insert into receipt_line (receipt_id, line_no, sku, lot_id, quantity, unit, cost, move_id)
        select $1, l.* from unnest($2::int4[], $3::text[], $4::uuid[], $5::numeric[], $6::text[], $7::numeric[], $8::int8[]) as l",
    )
    .bind(id)
    .bind(lines().map(|line| line.line_no).collect::<Vec<_>>())
    .bind(lines().map(|line| line.sku.as_str()).collect::<Vec<_>>())
    .bind(lines().map(|line| line.lot).collect::<Vec<_>>())
    .bind(lines().map(|line| line.quantity).collect::<Vec<_>>())
    .bind(lines().map(|line| line.unit.as_str()).collect::<Vec<_>>())
    .bind(lines().map(|line| line.cost).collect::<Vec<_>>())
    .bind(posted.iter().map(|one| one.id).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
