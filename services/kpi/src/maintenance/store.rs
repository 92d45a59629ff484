//! Empties tables.

use sqlx::PgConnection;
use time::OffsetDateTime;

pub(super) async fn wait_for_reports(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- wait_for_reports
        select pg_advisory_xact_lock(hashtext('kpi.rebuild')), pg_advisory_xact_lock(hashtext('kpi.sum_day'))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The tables are locked in the order in which consumers touch them: inbox first. Everything in the inbox and the dead
/// letters of this database belongs to kpi's consumers.
pub(super) async fn empty(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- empty_facts
        truncate inbox, dead_letter, order_fact, order_line_fact, shipment_fact, payment_fact, stock_day_fact,
                 stock_crossing_fact, task_fact, customer_fact, product_dim, day_mark, day_figure",
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn next_generation(conn: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- next_generation
        update facts_generation set generation = generation + 1, rebuilt_at = $1 returning generation",
    )
    .bind(now)
    .fetch_one(conn)
    .await
}
