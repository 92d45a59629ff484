//! SQL of couriers' runs.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::Parcel;

#[derive(sqlx::FromRow)]
struct ParcelRow {
    id: Uuid,
    order_id: Uuid,
    state: String,
    on_run: bool,
    order_due: Option<Decimal>,
    taken: Decimal,
    is_last: bool,
}

/// Shipments that are to go, in the order asked for, with what is known of their orders' cash.
pub(super) async fn parcels(conn: &mut PgConnection, shipments: &[Uuid]) -> sqlx::Result<Vec<Parcel>> {
    let rows = sqlx::query_as::<_, ParcelRow>(
        "-- parcels_for_run
        select s.id, s.order_id, s.state, c.due as order_due,
            exists (select from run_stop t where t.shipment_id = s.id and t.outcome = 'pending') as on_run,
            coalesce((
                select sum(case t.outcome when 'pending' then t.cash_due else t.cash_collected end)
                from run_stop t where t.order_id = s.order_id
            ), 0) as taken,
            not exists (select from demand_line l where l.order_id = s.order_id and l.backordered > 0 and not l.closed)
                and not exists (
                    select from reservation r
                    where r.order_id = s.order_id and r.state = 'active' and r.shipment_id is distinct from s.id
                ) as is_last
        from unnest($1::uuid[]) with ordinality as k (id, n)
        join shipment s on s.id = k.id
        left join order_cash c on c.order_id = s.order_id
        order by k.n",
    )
    .bind(shipments)
    .fetch_all(conn)
    .await?;
    let parcel = |row: ParcelRow| Parcel {
        shipment: row.id,
        order: row.order_id,
        state: row.state,
        on_run: row.on_run,
        order_due: row.order_due,
        taken: row.taken,
        is_last: row.is_last,
    };
    Ok(rows.into_iter().map(parcel).collect())
}

/// Head of a new run.
pub(super) struct NewRun<'a> {
    pub(super) id: Uuid,
    pub(super) warehouse: Uuid,
    pub(super) courier: &'a str,
    pub(super) region: &'a str,
}

/// Inserts a run with its stops (shipment, order, cash due).
pub(super) async fn insert(
    conn: &mut PgConnection,
    run: &NewRun<'_>,
    stops: &[(Uuid, Uuid, Decimal)],
    now: OffsetDateTime,
    by: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_delivery_run
        insert into delivery_run (id, warehouse_id, courier, region, created_by, created_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(run.id)
    .bind(run.warehouse)
    .bind(run.courier)
    .bind(run.region)
    .bind(by)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- insert_run_stops
        insert into run_stop (run_id, stop_no, shipment_id, order_id, cash_due)
        select $1, s.n, s.shipment_id, s.order_id, s.due
        from unnest($2::uuid[], $3::uuid[], $4::numeric[]) with ordinality as s (shipment_id, order_id, due, n)",
    )
    .bind(run.id)
    .bind(stops.iter().map(|stop| stop.0).collect::<Vec<_>>())
    .bind(stops.iter().map(|stop| stop.1).collect::<Vec<_>>())
    .bind(stops.iter().map(|stop| stop.2).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// A run's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Head {
    pub(crate) state: String,
    pub(crate) courier: String,
}

/// Locks a run. After items and shipments.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Head>> {
    sqlx::query_as(
        "-- lock_delivery_run
        select state, courier from delivery_run where id = $1 for no key update",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Shipments of a run by stop. They never change once it is made.
pub(super) async fn shipments(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- shipments_of_run
        select shipment_id from run_stop where run_id = $1 order by stop_no",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

/// The courier leaves, without what was cancelled meanwhile.
pub(super) async fn start(
    conn: &mut PgConnection,
    id: Uuid,
    left_out: &[Uuid],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- leave_out_stops
        update run_stop set outcome = 'left_out', resolved_at = $3 where run_id = $1 and shipment_id = any ($2)",
    )
    .bind(id)
    .bind(left_out)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- start_delivery_run
        update delivery_run set state = 'started', started_at = $2 where id = $1",
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// What is due at a stop, and its outcome so far.
pub(super) async fn stop(conn: &mut PgConnection, id: Uuid, shipment: Uuid) -> sqlx::Result<Option<(Decimal, String)>> {
    sqlx::query_as(
        "-- run_stop_of_shipment
        select cash_due, outcome from run_stop where run_id = $1 and shipment_id = $2",
    )
    .bind(id)
    .bind(shipment)
    .fetch_optional(conn)
    .await
}

/// How a stop ended.
pub(super) struct Ended<'a> {
    pub(super) outcome: &'static str,
    pub(super) collected: Decimal,
    pub(super) note: &'a str,
    pub(super) at: OffsetDateTime,
}

/// Ends a stop; the run is locked.
pub(super) async fn end_stop(conn: &mut PgConnection, id: Uuid, shipment: Uuid, ended: &Ended<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "-- end_run_stop
        update run_stop set outcome = $3, cash_collected = $4, note = $5, resolved_at = $6
        where run_id = $1 and shipment_id = $2 and outcome = 'pending'",
    )
    .bind(id)
    .bind(shipment)
    .bind(ended.outcome)
    .bind(ended.collected)
    .bind(ended.note)
    .bind(ended.at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Stops that have not ended, and refused shipments that were neither taken back nor sent again.
pub(super) async fn unaccounted(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "-- unaccounted_stops
        select count(*) filter (where t.outcome = 'pending'),
            count(*) filter (where t.outcome in ('refused', 'partly_refused', 'not_found') and s.state = 'shipped' and not exists (
                select from run_stop later where later.shipment_id = t.shipment_id and later.outcome = 'pending'
            ))
        from run_stop t join shipment s on s.id = t.shipment_id where t.run_id = $1",
    )
    .bind(id)
    .fetch_one(conn)
    .await
}

/// Closes a run.
pub(super) async fn close(conn: &mut PgConnection, id: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- close_delivery_run
        update delivery_run set state = 'closed', closed_at = $2 where id = $1",
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}
