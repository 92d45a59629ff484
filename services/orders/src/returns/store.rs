//! The tables of returns.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use types::Unit;
use uuid::Uuid;

use crate::{
    catalogue::store::unreadable,
    life::domain::{LineChange, LineKind, Money3},
};

/// A return as it lies in its table.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct ReturnRow {
    /// Id.
    pub id: Uuid,
    /// Order.
    pub order_id: Uuid,
    /// Reason code.
    pub reason: String,
    /// `restock`, `write_off`, `repair`.
    pub outcome: String,
    /// Sum of the lines.
    pub amount: Decimal,
    /// When it came back.
    pub returned_at: OffsetDateTime,
    /// Who recorded it.
    pub recorded_by: String,
    /// When erp had it in the books.
    pub booked_at: Option<OffsetDateTime>,
}

/// Stores a return.
pub(super) async fn insert(
    conn: &mut PgConnection,
    row: &ReturnRow,
    lines: &[LineChange],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_return
        insert into order_return (id, order_id, reason, outcome, amount, returned_at, recorded_by, recorded_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(row.id)
    .bind(row.order_id)
    .bind(&row.reason)
    .bind(&row.outcome)
    .bind(row.amount)
    .bind(row.returned_at)
    .bind(&row.recorded_by)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- insert_return_lines
        insert into order_return_line (return_id, line_no, sku, unit, quantity, amount, discount, tax)
        select $1, n.* from unnest($2::int4[], $3::text[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[],
            $8::numeric[]) as n",
    )
    .bind(row.id)
    .bind(lines.iter().map(|line| line.line_no).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.sku.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.unit.code()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.quantity).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.worth.amount).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.worth.discount).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.worth.tax).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns of an order after one of them.
pub(super) async fn list(
    conn: &mut PgConnection,
    order_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<ReturnRow>> {
    sqlx::query_as(
        "-- list_returns
        select id, order_id, reason, outcome, amount, returned_at, recorded_by, booked_at
        from order_return where order_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
    )
    .bind(order_id)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

#[derive(FromRow)]
struct LineRow {
    return_id: Uuid,
    line_no: i32,
    sku: String,
    unit: String,
    quantity: Decimal,
    amount: Decimal,
    discount: Decimal,
    tax: Decimal,
}

/// Lines of returns.
pub(super) async fn lines(conn: &mut PgConnection, returns: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Vec<LineChange>>> {
    let rows: Vec<LineRow> = sqlx::query_as(
        "-- return_lines
        select return_id, line_no, sku, unit, quantity, amount, discount, tax
        from order_return_line where return_id = any($1) order by return_id, line_no",
    )
    .bind(returns)
    .fetch_all(conn)
    .await?;
    let mut lines: HashMap<Uuid, Vec<LineChange>> = HashMap::new();
    for row in rows {
        lines.entry(row.return_id).or_default().push(LineChange {
            line_no: row.line_no,
            kind: LineKind::Goods,
            sku: row.sku,
            unit: Unit::parse(&row.unit).map_err(|_| unreadable("unit"))?,
            quantity: row.quantity,
            worth: Money3 { amount: row.amount, discount: row.discount, tax: row.tax },
        });
    }
    Ok(lines)
}

/// Marks returns as booked by erp.
///
/// # Errors
/// Database errors.
pub async fn mark_booked(conn: &mut PgConnection, booked: &[(Uuid, OffsetDateTime)]) -> sqlx::Result<()> {
    if booked.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- mark_returns_booked
        update order_return r set booked_at = n.at from unnest($1::uuid[], $2::timestamptz[]) as n (id, at)
        where r.id = n.id and r.booked_at is null",
    )
    .bind(booked.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(booked.iter().map(|(_, at)| *at).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
