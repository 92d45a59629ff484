//! SQL of the reads of runs.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A run's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct RunView {
    pub(super) id: Uuid,
    pub(super) number: i64,
    pub(super) state: String,
    pub(super) courier: String,
    pub(super) warehouse: String,
    pub(super) region: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) started_at: Option<OffsetDateTime>,
    pub(super) closed_at: Option<OffsetDateTime>,
    pub(super) cash_due: Decimal,
    pub(super) cash_collected: Decimal,
}

/// One run, or runs (of a courier, or all), newest first.
pub(super) async fn runs(
    conn: &mut PgConnection,
    (id, courier): (Option<Uuid>, Option<&str>),
    before: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<RunView>> {
    sqlx::query_as(
        "-- delivery_runs
        select r.id, r.number, r.state, r.courier, w.code as warehouse, r.region, r.created_at, r.started_at, r.closed_at,
            c.cash_due, c.cash_collected
        from (
            select * from delivery_run
            where ($1::uuid is null or id = $1) and ($2::text is null or courier = $2)
                and ($3::timestamptz is null or (created_at, id) < ($3, $4))
            order by created_at desc, id desc limit $5
        ) r
        join warehouse w on w.id = r.warehouse_id
        cross join lateral (
            select coalesce(sum(t.cash_due), 0) as cash_due, coalesce(sum(t.cash_collected), 0) as cash_collected
            from run_stop t where t.run_id = r.id
        ) c
        order by r.created_at desc, r.id desc",
    )
    .bind(id)
    .bind(courier)
    .bind(before.map(|key| key.0))
    .bind(before.map(|key| key.1))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// A stop.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct StopView {
    pub(super) stop_no: i32,
    pub(super) shipment_id: Uuid,
    pub(super) order_id: Uuid,
    pub(super) number: String,
    pub(super) region: String,
    pub(super) places: i32,
    pub(super) outcome: String,
    pub(super) note: String,
    pub(super) cash_due: Decimal,
    pub(super) cash_collected: Decimal,
    pub(super) resolved_at: Option<OffsetDateTime>,
}

/// Stops of a run.
pub(super) async fn stops(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<StopView>> {
    sqlx::query_as(
        "-- stops_of_run
        select t.stop_no, t.shipment_id, t.order_id, d.number, d.region, s.places, t.outcome, t.note, t.cash_due,
            t.cash_collected, t.resolved_at
        from run_stop t join shipment s on s.id = t.shipment_id join demand d on d.order_id = t.order_id
        where t.run_id = $1 order by t.stop_no",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}
