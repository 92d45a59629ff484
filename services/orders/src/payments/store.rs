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

/// Stores payments.
pub(super) async fn insert(conn: &mut PgConnection, payments: &[PaymentRow], now: OffsetDateTime) -> sqlx::Result<()> {
    fn column<'a, T>(payments: &'a [PaymentRow], get: impl Fn(&'a PaymentRow) -> T) -> Vec<T> {
        payments.iter().map(get).collect()
    }
    sqlx::query(
        "-- insert_payments
        insert into payment (id, order_id, method, amount, provider, provider_payment_id, reason, paid_at, recorded_by,
            recorded_at, paid_total, payment_state)
        select p.id, p.order_id, p.method, p.amount, p.provider, p.provider_payment_id, p.reason, p.paid_at, p.recorded_by,
            $12, p.paid_total, p.payment_state
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::numeric[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[], $9::text[], $10::numeric[], $11::text[])
            as p (id, order_id, method, amount, provider, provider_payment_id, reason, paid_at, recorded_by, paid_total,
                payment_state)",
    )
    .bind(column(payments, |row| row.id))
    .bind(column(payments, |row| row.order_id))
    .bind(column(payments, |row| row.method.as_str()))
    .bind(column(payments, |row| row.amount))
    .bind(column(payments, |row| row.provider.as_str()))
    .bind(column(payments, |row| row.provider_payment_id.as_str()))
    .bind(column(payments, |row| row.reason.as_str()))
    .bind(column(payments, |row| row.paid_at))
    .bind(column(payments, |row| row.recorded_by.as_str()))
    .bind(column(payments, |row| row.paid_total))
    .bind(column(payments, |row| row.payment_state.as_str()))
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the providers' payment ids for this transaction, so that two notices of one payment take turns even when they
/// name different orders; in one sequence everywhere, so that nobody waits in a circle.
pub(super) async fn claim_provider_ids(conn: &mut PgConnection, ids: &[(&str, &str)]) -> sqlx::Result<()> {
    let (providers, ids): (Vec<_>, Vec<_>) = ids.iter().copied().unzip();
    sqlx::query(
        "-- claim_provider_payments
        select pg_advisory_xact_lock(key)
        from (
            select distinct hashtextextended('payment ' || provider || ' ' || id, 0) as key
            from unnest($1::text[], $2::text[]) as c (provider, id)
            order by key
        ) k",
    )
    .bind(providers)
    .bind(ids)
    .execute(conn)
    .await?;
    Ok(())
}

/// The payments that providers know by these ids.
pub(super) async fn by_provider_ids(conn: &mut PgConnection, ids: &[(&str, &str)]) -> sqlx::Result<Vec<PaymentRow>> {
    let (providers, ids): (Vec<_>, Vec<_>) = ids.iter().copied().unzip();
    sqlx::query_as(
        "-- payments_by_provider_ids
        select p.id, p.order_id, p.method, p.amount, p.provider, p.provider_payment_id, p.reason, p.paid_at,
            p.recorded_by, p.paid_total, p.payment_state
        from (select distinct provider, id from unnest($1::text[], $2::text[]) as c (provider, id)) c
        join payment p on p.provider = c.provider and p.provider_payment_id = c.id and p.provider_payment_id <> ''",
    )
    .bind(providers)
    .bind(ids)
    .fetch_all(conn)
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
