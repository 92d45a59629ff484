//! SQL of the reads of cash.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// The counted cash of a run.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct HandInView {
    pub(super) run_id: Uuid,
    pub(super) courier: String,
    pub(super) collected: Decimal,
    pub(super) counted: Decimal,
    pub(super) difference: Decimal,
    pub(super) reason: String,
    pub(super) counted_by: String,
    pub(super) counted_at: OffsetDateTime,
    pub(super) decision: String,
    pub(super) decided_by: Option<String>,
}

/// The hand-in of a run.
pub(super) async fn hand_in(conn: &mut PgConnection, run: Uuid) -> sqlx::Result<Option<HandInView>> {
    sqlx::query_as(
        "-- cash_hand_in_view
        select h.run_id, r.courier, h.collected, h.counted, h.difference, h.reason, h.counted_by, h.counted_at, h.decision,
            h.decided_by
        from cash_hand_in h join delivery_run r on r.id = h.run_id where h.run_id = $1",
    )
    .bind(run)
    .fetch_optional(conn)
    .await
}

/// What one courier owes.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct DebtView {
    pub(super) courier: String,
    pub(super) collected: Decimal,
    pub(super) handed_in: Decimal,
    pub(super) waived: Decimal,
    pub(super) owed: Decimal,
}

/// Couriers who owe something, or are owed it.
pub(super) async fn debts(conn: &mut PgConnection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<DebtView>> {
    sqlx::query_as(
        "-- courier_debts
        select q.*, q.collected - q.handed_in + q.waived as owed
        from (
            select r.courier, sum(coalesce(c.collected, 0)) as collected, sum(coalesce(h.counted, 0)) as handed_in,
                sum(case h.decision when 'waived' then h.difference else 0 end) as waived
            from delivery_run r
            left join (select run_id, sum(cash_collected) as collected from run_stop group by run_id) c on c.run_id = r.id
            left join cash_hand_in h on h.run_id = r.id
            where $1::text is null or r.courier > $1
            group by r.courier
        ) q
        where q.collected - q.handed_in + q.waived <> 0
        order by q.courier limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}
