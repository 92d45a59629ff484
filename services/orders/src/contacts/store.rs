//! The table of contacts that wait for crm.

use sqlx::{FromRow, PgConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A contact that waits.
#[derive(Clone, Debug, FromRow)]
pub(super) struct ContactRow {
    pub(super) order_id: Uuid,
    pub(super) channel: String,
    pub(super) external_customer_id: String,
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) email: String,
    pub(super) address: String,
    pub(super) region: String,
    pub(super) placed_at: OffsetDateTime,
}

/// Contacts whose time has come, oldest orders first.
pub(super) async fn due(conn: &mut PgConnection, now: OffsetDateTime, limit: i64) -> sqlx::Result<Vec<ContactRow>> {
    sqlx::query_as(
        "-- due_contacts
        select order_id, channel, external_customer_id, name, phone, email, address, region, placed_at
        from contact_handover where next_attempt_at <= $1 order by order_id limit $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Forgets contacts that crm has.
pub(super) async fn forget(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query("-- forget_contacts\ndelete from contact_handover where order_id = any($1)")
        .bind(orders)
        .execute(conn)
        .await?;
    Ok(())
}

/// Puts off a contact that crm refuses, each time for twice as long, a day at most.
pub(super) async fn put_off(conn: &mut PgConnection, order: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- put_off_contact
        update contact_handover set attempts = attempts + 1,
            next_attempt_at = $2::timestamptz + least($3::interval * power(2, least(attempts, 20)), interval '1 day')
        where order_id = $1",
    )
    .bind(order)
    .bind(now)
    .bind(Duration::SECOND * 10)
    .execute(conn)
    .await?;
    Ok(())
}
