//! The SQL of the audit of looks at personal data.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Error;

/// A look at personal data.
#[derive(sqlx::FromRow)]
pub(crate) struct AccessRow {
    pub access_id: i64,
    pub caller: String,
    pub purpose: String,
    pub accessed_at: OffsetDateTime,
}

/// The looks at a customer's data, the newest first.
pub(crate) async fn accesses(
    conn: &mut PgConnection,
    customer_id: Uuid,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<AccessRow>, Error> {
    Ok(sqlx::query_as(
        "-- contact_accesses_of_customer
        select access_id, caller, purpose, accessed_at from contact_access
        where customer_id = $1 and ($2::int8 is null or access_id < $2)
        order by access_id desc
        limit $3",
    )
    .bind(customer_id)
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}
