//! SQL of the reads of expected receipts.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// An expected receipt.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ExpectedView {
    pub(crate) id: Uuid,
    pub(crate) source: String,
    pub(crate) document: String,
    pub(crate) document_line: i32,
    pub(crate) sku: String,
    pub(crate) unit: Option<String>,
    pub(crate) warehouse: String,
    pub(crate) quantity: Decimal,
    pub(crate) received: Decimal,
    pub(crate) expected_on: Date,
    pub(crate) supplier: String,
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) version: i64,
    pub(crate) updated_by: String,
    pub(crate) updated_at: OffsetDateTime,
}

/// Expected receipts by id.
pub(crate) async fn by_ids(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, ExpectedView>> {
    let rows: Vec<ExpectedView> = sqlx::query_as(
        "-- expected_receipts_by_id
        select e.id, e.source, e.document, e.document_line, e.sku, i.unit, w.code as warehouse, e.quantity, e.received,
            e.expected_on, e.supplier, e.state, e.reason, e.version, e.updated_by, e.updated_at
        from expected_receipt e join stock_item i on i.sku = e.sku join warehouse w on w.id = e.warehouse_id
        where e.id = any ($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Expected receipts after a day and id.
pub(crate) async fn list(
    conn: &mut PgConnection,
    (sku, state): (Option<&str>, Option<&str>),
    after: Option<&(Date, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<ExpectedView>> {
    sqlx::query_as(
        "-- list_expected_receipts
        select e.id, e.source, e.document, e.document_line, e.sku, i.unit, w.code as warehouse, e.quantity, e.received,
            e.expected_on, e.supplier, e.state, e.reason, e.version, e.updated_by, e.updated_at
        from expected_receipt e join stock_item i on i.sku = e.sku join warehouse w on w.id = e.warehouse_id
        where ($1::text is null or e.sku = $1) and ($2::text is null or e.state = $2)
            and ($3::date is null or (e.expected_on, e.id) > ($3, $4::uuid))
        order by e.expected_on, e.id limit $5",
    )
    .bind(sku)
    .bind(state)
    .bind(after.map(|(day, _)| *day))
    .bind(after.map(|(_, id)| *id))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Which expected receipt each line of a receipt brought.
pub(crate) async fn of_receipt(conn: &mut PgConnection, receipt: Uuid) -> sqlx::Result<HashMap<i32, Uuid>> {
    let rows: Vec<(i32, Uuid)> = sqlx::query_as(
        "-- expected_of_receipt
        select line_no, expected_receipt_id from expected_receipt_fulfilment where receipt_id = $1",
    )
    .bind(receipt)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}
