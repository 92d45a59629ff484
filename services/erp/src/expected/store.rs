//! SQL of expected receipts.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::domain::{Key, NewExpected};

/// An expected receipt as commands see it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Expected {
    pub(crate) id: Uuid,
    pub(crate) source: String,
    pub(crate) document: String,
    pub(crate) document_line: i32,
    pub(crate) sku: String,
    pub(crate) warehouse_id: Uuid,
    pub(crate) quantity: Decimal,
    pub(crate) received: Decimal,
    pub(crate) expected_on: Date,
    pub(crate) state: String,
}

/// Expected receipts by what they are known by.
pub(crate) async fn by_keys(conn: &mut PgConnection, keys: &[&Key]) -> sqlx::Result<Vec<Expected>> {
    sqlx::query_as(
        "-- expected_by_key
        select e.id, e.source, e.document, e.document_line, e.sku, e.warehouse_id, e.quantity, e.received, e.expected_on,
            e.state
        from unnest($1::text[], $2::text[], $3::int4[]) as k (source, document, document_line)
        join expected_receipt e on e.source = k.source collate \"C\" and e.document = k.document collate \"C\"
            and e.document_line = k.document_line",
    )
    .bind(keys.iter().map(|key| key.0).collect::<Vec<_>>())
    .bind(keys.iter().map(|key| key.1.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|key| key.2).collect::<Vec<_>>())
    .fetch_all(conn)
    .await
}

/// Expected receipts by id.
pub(crate) async fn by_ids(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Expected>> {
    let rows: Vec<Expected> = sqlx::query_as(
        "-- expected_by_id
        select id, source, document, document_line, sku, warehouse_id, quantity, received, expected_on, state
        from expected_receipt where id = any ($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// A row to write.
#[derive(Clone, Debug)]
pub(crate) struct Written<'a> {
    pub(crate) input: &'a NewExpected,
    pub(crate) warehouse: Uuid,
    pub(crate) quantity: Decimal,
    /// Given what came so far.
    pub(crate) state: &'static str,
}

/// Inserts or changes expected receipts; their items are locked. Answers the ids of those that are of the item and warehouse given:
/// all, unless somebody has just entered one of another.
pub(crate) async fn upsert(
    conn: &mut PgConnection,
    rows: &[Written<'_>],
    by: &str,
    now: OffsetDateTime,
) -> sqlx::Result<HashMap<(String, String, i32), Uuid>> {
    let written: Vec<(Uuid, String, String, i32)> = sqlx::query_as(
        "-- upsert_expected_receipts
        insert into expected_receipt as e (id, source, document, document_line, sku, warehouse_id, quantity, expected_on,
            supplier, state, updated_by, updated_at)
        select n.*, $11, $12
        from unnest($1::uuid[], $2::text[], $3::text[], $4::int4[], $5::text[], $6::uuid[], $7::numeric[], $8::date[],
            $9::text[], $10::text[])
            as n (id, source, document, document_line, sku, warehouse_id, quantity, expected_on, supplier, state)
        order by n.source collate \"C\", n.document collate \"C\", n.document_line
        on conflict (source, document, document_line) do update
            set quantity = excluded.quantity, expected_on = excluded.expected_on, supplier = excluded.supplier,
                state = excluded.state, version = e.version + 1, updated_by = excluded.updated_by,
                updated_at = excluded.updated_at
            where e.sku = excluded.sku and e.warehouse_id = excluded.warehouse_id
        returning id, source, document, document_line",
    )
    .bind(rows.iter().map(|_| service::new_id()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.input.key.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.input.key.1.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.input.key.2).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.input.entered.sku.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.warehouse).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.quantity).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.input.expected_on).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.input.supplier.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.state).collect::<Vec<_>>())
    .bind(by)
    .bind(now)
    .fetch_all(conn)
    .await?;
    Ok(written.into_iter().map(|(id, source, document, line)| ((source, document, line), id)).collect())
}

/// Cancels one; its item is locked.
pub(crate) async fn cancel(
    conn: &mut PgConnection,
    id: Uuid,
    reason: &str,
    by: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- cancel_expected_receipt
        update expected_receipt
        set state = 'cancelled', reason = $2, version = version + 1, updated_by = $3, updated_at = $4 where id = $1",
    )
    .bind(id)
    .bind(reason)
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// What receipts' lines brought of expected receipts, each named once, with the state it comes to; their items are locked.
pub(crate) async fn fulfil(
    conn: &mut PgConnection,
    fulfilled: &[(Uuid, Decimal, &'static str)],
    by: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- fulfil_expected_receipts
        update expected_receipt e
        set received = f.received, state = f.state, version = e.version + 1, updated_by = $4, updated_at = $5
        from unnest($1::uuid[], $2::numeric[], $3::text[]) as f (id, received, state) where e.id = f.id",
    )
    .bind(fulfilled.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind(fulfilled.iter().map(|(_, received, _)| *received).collect::<Vec<_>>())
    .bind(fulfilled.iter().map(|(.., state)| *state).collect::<Vec<_>>())
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps which line of a receipt brought what of an expected receipt.
pub(crate) async fn link(conn: &mut PgConnection, receipt: Uuid, lines: &[(i32, Uuid, Decimal)]) -> sqlx::Result<()> {
    sqlx::query(
        "-- link_expected_receipts
        insert into expected_receipt_fulfilment (receipt_id, line_no, expected_receipt_id, quantity)
        select $1, f.* from unnest($2::int4[], $3::uuid[], $4::numeric[]) as f",
    )
    .bind(receipt)
    .bind(lines.iter().map(|(line_no, ..)| *line_no).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, expected, _)| *expected).collect::<Vec<_>>())
    .bind(lines.iter().map(|(.., quantity)| *quantity).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
