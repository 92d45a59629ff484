//! SQL of the reads of receipts.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A receipt's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ReceiptView {
    pub(crate) id: Uuid,
    pub(crate) number: i64,
    pub(crate) warehouse: String,
    pub(crate) place: String,
    pub(crate) supplier: String,
    pub(crate) cost: Decimal,
    pub(crate) received_at: OffsetDateTime,
    pub(crate) created_by: String,
}

/// A receipt's line.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct LineView {
    pub(crate) line_no: i32,
    pub(crate) sku: String,
    pub(crate) lot: String,
    pub(crate) quantity: Decimal,
    pub(crate) unit: String,
    pub(crate) cost: Decimal,
}

/// One receipt with its lines.
pub(crate) async fn receipt(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<(ReceiptView, Vec<LineView>)>> {
    let head = sqlx::query_as::<_, ReceiptView>(
        "-- receipt_by_id
        select r.id, r.number, w.code as warehouse, p.code as place, r.supplier, r.cost, r.received_at, r.created_by
        from receipt r join warehouse w on w.id = r.warehouse_id
        join place p on p.id = r.place_id or (r.place_id is null and p.warehouse_id = w.id and p.is_default and p.kind = 'stock')
        where r.id = $1",
    )
    .bind(id)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(head) = head else { return Ok(None) };
    let lines = sqlx::query_as::<_, LineView>(
        "-- receipt_lines
        select r.line_no, r.sku, l.number as lot, r.quantity, r.unit, r.cost
        from receipt_line r join lot l on l.id = r.lot_id where r.receipt_id = $1 order by r.line_no",
    )
    .bind(id)
    .fetch_all(conn)
    .await?;
    Ok(Some((head, lines)))
}
