//! The SQL of reading the contact log.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Error;

/// A record of the log.
#[derive(sqlx::FromRow)]
pub(crate) struct RecordRow {
    pub record_id: Uuid,
    pub customer_id: Uuid,
    pub kind: String,
    pub direction: String,
    pub outcome: String,
    pub note: String,
    pub order_id: Option<Uuid>,
    pub author: String,
    pub happened_at: OffsetDateTime,
}

/// The records of a customer, the newest first.
pub(crate) async fn records_of(
    conn: &mut PgConnection,
    customer_id: Uuid,
    before: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<RecordRow>, Error> {
    let (at, id) = before.unzip();
    Ok(sqlx::query_as(
        "-- contact_records_of_customer
        select record_id, customer_id, kind, direction, outcome, note, order_id, author, happened_at
        from contact_record
        where customer_id = $1 and ($2::timestamptz is null or (happened_at, record_id) < ($2, $3::uuid))
        order by happened_at desc, record_id desc
        limit $4",
    )
    .bind(customer_id)
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}
