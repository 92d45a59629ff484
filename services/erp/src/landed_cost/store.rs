//! SQL of landed cost.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::Charge;

/// Items of receipt lines that exist.
pub(crate) async fn skus(conn: &mut PgConnection, keys: &[(Uuid, i32)]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- items_of_receipt_lines
        select distinct l.sku from unnest($1::uuid[], $2::int4[]) as k (receipt_id, line_no)
        join receipt_line l on l.receipt_id = k.receipt_id and l.line_no = k.line_no",
    )
    .bind(keys.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, line_no)| *line_no).collect::<Vec<_>>())
    .fetch_all(conn)
    .await
}

/// A receipt line that can take part.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ReceiptLine {
    pub(crate) receipt_id: Uuid,
    pub(crate) line_no: i32,
    pub(crate) sku: String,
    pub(crate) lot_id: Uuid,
    pub(crate) move_id: i64,
    pub(crate) quantity: Decimal,
    /// Price as corrected so far, landed cost aside.
    pub(crate) value: Decimal,
    /// Of the item, a unit.
    pub(crate) weight_grams: Option<Decimal>,
}

/// Receipt lines by key; their items are locked.
pub(crate) async fn lines(
    conn: &mut PgConnection,
    keys: &[(Uuid, i32)],
) -> sqlx::Result<HashMap<(Uuid, i32), ReceiptLine>> {
    let rows = sqlx::query_as::<_, ReceiptLine>(
        "-- receipt_lines_to_charge
        select l.receipt_id, l.line_no, l.sku, l.lot_id, l.move_id, l.quantity, i.weight_grams,
            m.value + coalesce((
                select sum(c.value) from stock_move c
                where c.sku = m.sku and c.corrects = m.id and c.cause_kind = 'cost_correction'
            ), 0) as value
        from unnest($1::uuid[], $2::int4[]) as k (receipt_id, line_no)
        join receipt_line l on l.receipt_id = k.receipt_id and l.line_no = k.line_no
        join stock_move m on m.id = l.move_id
        join stock_item i on i.sku = l.sku",
    )
    .bind(keys.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, line_no)| *line_no).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.receipt_id, row.line_no), row)).collect())
}

/// Landed cost to keep.
pub(crate) struct Document<'a> {
    pub(crate) id: Uuid,
    pub(crate) declaration_number: &'a str,
    pub(crate) country: &'a str,
    /// Charges with what they cost.
    pub(crate) charges: &'a [(Charge, Decimal)],
    /// Lines, in order.
    pub(crate) lines: &'a [ReceiptLine],
    /// What each line takes, by charge.
    pub(crate) shares: &'a [Vec<Decimal>],
}

/// Keeps landed cost, and the declaration and country of its lots.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    document: &Document<'_>,
    (now, by): (OffsetDateTime, &str),
) -> sqlx::Result<()> {
    let total: Decimal = document.charges.iter().map(|(_, cost)| *cost).sum();
    sqlx::query(
        "-- insert_landed_cost
        with lots as (
            update lot set declaration_number = coalesce(nullif($2, ''), declaration_number),
                country = coalesce(nullif($3, ''), country)
            where id = any ($7)
        )
        insert into landed_cost (id, declaration_number, country, cost, created_by, created_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(document.id)
    .bind(document.declaration_number)
    .bind(document.country)
    .bind(total)
    .bind(by)
    .bind(now)
    .bind(document.lines.iter().map(|line| line.lot_id).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    insert_charges(conn, document).await?;
    insert_shares(conn, document).await
}

async fn insert_charges(conn: &mut PgConnection, document: &Document<'_>) -> sqlx::Result<()> {
    let charges = || document.charges.iter().map(|(charge, _)| charge);
    sqlx::query(
        "-- insert_landed_cost_charges
        insert into landed_cost_charge (landed_cost_id, charge_no, kind, basis, amount, currency, rate, rate_on, customs_code, cost)
        select $1, c.n, c.kind, c.basis, c.amount, c.currency, c.rate, c.rate_on, c.customs_code, c.cost
        from unnest($2::text[], $3::text[], $4::numeric[], $5::text[], $6::numeric[], $7::date[], $8::text[], $9::numeric[])
            with ordinality as c (kind, basis, amount, currency, rate, rate_on, customs_code, cost, n)",
    )
    .bind(document.id)
    .bind(charges().map(|charge| charge.kind).collect::<Vec<_>>())
    .bind(charges().map(|charge| charge.basis.code()).collect::<Vec<_>>())
    .bind(charges().map(|charge| charge.amount).collect::<Vec<_>>())
    .bind(charges().map(|charge| charge.currency).collect::<Vec<_>>())
    .bind(charges().map(|charge| charge.rate).collect::<Vec<_>>())
    .bind(charges().map(|charge| charge.rate_on).collect::<Vec<_>>())
    .bind(charges().map(|charge| charge.customs_code.as_str()).collect::<Vec<_>>())
    .bind(document.charges.iter().map(|(_, cost)| *cost).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert_shares(conn: &mut PgConnection, document: &Document<'_>) -> sqlx::Result<()> {
    let mut rows: Vec<(i32, i32, &ReceiptLine, Decimal)> = Vec::new();
    for (shares, charge_no) in document.shares.iter().zip(1..) {
        rows.extend(shares.iter().zip(document.lines).zip(1..).map(|((cost, line), n)| (charge_no, n, line, *cost)));
    }
    sqlx::query(
        "-- insert_landed_cost_shares
        insert into landed_cost_share (landed_cost_id, charge_no, line_no, receipt_id, receipt_line_no, cost)
        select $1, s.* from unnest($2::int4[], $3::int4[], $4::uuid[], $5::int4[], $6::numeric[]) as s",
    )
    .bind(document.id)
    .bind(rows.iter().map(|(charge_no, ..)| *charge_no).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, n, ..)| *n).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, _, line, _)| line.receipt_id).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, _, line, _)| line.line_no).collect::<Vec<_>>())
    .bind(rows.iter().map(|(.., cost)| *cost).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// What landed cost added to movements, by item; nothing when there is none of that id.
pub(crate) async fn added(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<(String, i64, Decimal)>> {
    sqlx::query_as(
        "-- added_by_landed_cost
        select l.sku, l.move_id, sum(s.cost)
        from landed_cost_share s
        join receipt_line l on l.receipt_id = s.receipt_id and l.line_no = s.receipt_line_no
        where s.landed_cost_id = $1 group by l.sku, l.move_id order by l.move_id",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

/// Marks landed cost as taken back. Answers whether it was not before.
pub(crate) async fn cancel(
    conn: &mut PgConnection,
    id: Uuid,
    reason: &str,
    (now, by): (OffsetDateTime, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "-- cancel_landed_cost
        update landed_cost set cancelled_at = $2, cancelled_by = $3, cancel_reason = $4 where id = $1 and cancelled_at is null",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .bind(reason)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
