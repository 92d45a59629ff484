//! The inbox: which events a consumer has applied.

use sqlx::PgConnection;
use uuid::Uuid;

/// Marks events as applied by `consumer` and returns those that had not been before.
///
/// Waits for a concurrent transaction that marks the same events, so that each is applied once.
pub(crate) async fn mark_new(conn: &mut PgConnection, consumer: &str, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- mark_inbox
        insert into inbox (consumer, event_id) select $1, id from unnest($2::uuid[]) as id order by id
        on conflict do nothing returning event_id",
    )
    .bind(consumer)
    .bind(ids)
    .fetch_all(conn)
    .await
}
