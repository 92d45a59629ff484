//! SQL of the reads of landed cost.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// Landed cost's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct HeadView {
    pub(crate) id: Uuid,
    pub(crate) number: i64,
    pub(crate) declaration_number: String,
    pub(crate) country: String,
    pub(crate) cost: Decimal,
    pub(crate) created_by: String,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) cancelled_at: Option<OffsetDateTime>,
}

/// A charge.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ChargeView {
    pub(crate) charge_no: i32,
    pub(crate) kind: String,
    pub(crate) basis: String,
    pub(crate) amount: Decimal,
    pub(crate) currency: String,
    pub(crate) rate: Decimal,
    pub(crate) rate_on: Option<Date>,
    pub(crate) customs_code: String,
    pub(crate) cost: Decimal,
}

/// What a line took of a charge.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ShareView {
    pub(crate) line_no: i32,
    pub(crate) charge_no: i32,
    pub(crate) receipt_id: Uuid,
    pub(crate) receipt_line_no: i32,
    pub(crate) sku: String,
    pub(crate) lot: String,
    pub(crate) cost: Decimal,
}

/// Landed cost with its charges, and its shares by line and charge.
pub(crate) async fn landed_cost(
    conn: &mut PgConnection,
    id: Uuid,
) -> sqlx::Result<Option<(HeadView, Vec<ChargeView>, Vec<ShareView>)>> {
    let head = sqlx::query_as::<_, HeadView>(
        "-- landed_cost_by_id
        select id, number, declaration_number, country, cost, created_by, created_at, cancelled_at
        from landed_cost where id = $1",
    )
    .bind(id)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(head) = head else { return Ok(None) };
    let charges = sqlx::query_as::<_, ChargeView>(
        "-- landed_cost_charges
        select charge_no, kind, basis, amount, currency, rate, rate_on, customs_code, cost
        from landed_cost_charge where landed_cost_id = $1 order by charge_no",
    )
    .bind(id)
    .fetch_all(&mut *conn)
    .await?;
    let shares = sqlx::query_as::<_, ShareView>(
        "-- landed_cost_shares
        select s.line_no, s.charge_no, s.receipt_id, s.receipt_line_no, r.sku, l.number as lot, s.cost
        from landed_cost_share s
        join receipt_line r on r.receipt_id = s.receipt_id and r.line_no = s.receipt_line_no
        join lot l on l.id = r.lot_id
        where s.landed_cost_id = $1 order by s.line_no, s.charge_no",
    )
    .bind(id)
    .fetch_all(conn)
    .await?;
    Ok(Some((head, charges, shares)))
}
