//! The table of payments.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// A payment as it lies in its table.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub(super) struct PaymentRow {
    pub(super) id: Uuid,
    pub(super) order_id: Uuid,
    pub(super) method: String,
    pub(super) amount: Decimal,
    pub(super) provider: String,
    pub(super) provider_payment_id: String,
    pub(super) reason: String,
    pub(super) paid_at: OffsetDateTime,
    pub(super) recorded_by: String,
    pub(super) paid_total: Decimal,
    pub(super) payment_state: String,
}

/// Stores a payment.
pub(super) async fn insert(conn: &mut PgConnection, payment: &PaymentRow, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_payment
        insert into payment (id, order_id, method, amount, provider, provider_payment_id, reason, paid_at, recorded_by,
            recorded_at, paid_total, payment_state)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(payment.id)
    .bind(payment.order_id)
    .bind(&payment.method)
    .bind(payment.amount)
    .bind(&payment.provider)
    .bind(&payment.provider_payment_id)
    .bind(&payment.reason)
    .bind(payment.paid_at)
    .bind(&payment.recorded_by)
    .bind(now)
    .bind(payment.paid_total)
    .bind(&payment.payment_state)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the provider's payment id for this transaction, so that two notices of one payment take turns even when they
/// name different orders.
pub(super) async fn claim_provider_id(conn: &mut PgConnection, provider: &str, id: &str) -> sqlx::Result<()> {
    sqlx::query(
        "-- claim_provider_payment\nselect pg_advisory_xact_lock(hashtextextended('payment ' || $1 || ' ' || $2, 0))",
    )
    .bind(provider)
    .bind(id)
    .execute(conn)
    .await?;
    Ok(())
}

/// The payment a provider knows by an id.
pub(super) async fn by_provider_id(
    conn: &mut PgConnection,
    provider: &str,
    id: &str,
) -> sqlx::Result<Option<PaymentRow>> {
    sqlx::query_as(
        "-- payment_by_provider_id
        select id, order_id, method, amount, provider, provider_payment_id, reason, paid_at, recorded_by, paid_total,
            payment_state
        from payment where provider = $1 and provider_payment_id = $2 and provider_payment_id <> ''",
    )
    .bind(provider)
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Payments of an order after one of them.
pub(super) async fn list(
    conn: &mut PgConnection,
    order_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<PaymentRow>> {
    sqlx::query_as(
        "-- list_payments
        select id, order_id, method, amount, provider, provider_payment_id, reason, paid_at, recorded_by, paid_total,
            payment_state
        from payment where order_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
    )
    .bind(order_id)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}
