//! The SQL of the contact log.

use sqlx::PgConnection;

use super::commands::Record;
use crate::error::Error;

/// Adds a record.
pub(crate) async fn insert(conn: &mut PgConnection, record: &Record) -> Result<(), Error> {
    sqlx::query(
        "-- insert_contact_record
        insert into contact_record (record_id, customer_id, kind, direction, outcome, note, order_id, author,
            happened_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(record.record_id)
    .bind(record.customer_id)
    .bind(record.kind)
    .bind(record.direction)
    .bind(&record.outcome)
    .bind(&record.note)
    .bind(record.order_id)
    .bind(&record.author)
    .bind(record.happened_at)
    .execute(conn)
    .await?;
    Ok(())
}
