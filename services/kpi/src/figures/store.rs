//! Marks and sums of days.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

const SUM_DAY: &str = "-- sum_day
with cleared as (
    delete from day_mark where day = $1
)
insert into day_figure as known
    (scope, dimension, value, currency, day, orders, effective_orders, discounted_orders, cancelled_orders,
     returned_orders, uncollected_orders, lines, units, gross, discount, placed, cancelled, returned, uncollected,
     revenue, shipped, net_sales, cost)
select scope, dimension, value, currency, day, orders, effective_orders, discounted_orders, cancelled_orders,
       returned_orders, uncollected_orders, lines, units, gross, discount, placed, cancelled, returned, uncollected,
       revenue, shipped, net_sales, cost
from figure_from_facts
where day = $1
on conflict (dimension, currency, day, value) do update set
    orders = excluded.orders, effective_orders = excluded.effective_orders,
    discounted_orders = excluded.discounted_orders, cancelled_orders = excluded.cancelled_orders,
    returned_orders = excluded.returned_orders, uncollected_orders = excluded.uncollected_orders,
    lines = excluded.lines, units = excluded.units, gross = excluded.gross, discount = excluded.discount,
    placed = excluded.placed, cancelled = excluded.cancelled, returned = excluded.returned,
    uncollected = excluded.uncollected, revenue = excluded.revenue, shipped = excluded.shipped,
    net_sales = excluded.net_sales, cost = excluded.cost";

pub(super) async fn due_days(
    conn: &mut PgConnection,
    quiet_since: OffsetDateTime,
    first_before: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Date>> {
    sqlx::query_scalar(
        "-- due_days
        select day from day_mark group by day
        having max(marked_at) <= $1 or min(marked_at) <= $2
        order by day limit $3",
    )
    .bind(quiet_since)
    .bind(first_before)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Held to the end of the transaction. Two summings of one day must not overlap: the one with the older snapshot could
/// write last, while the other has taken away the marks that say so.
pub(super) async fn lock_summing(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- lock_summing
        select pg_advisory_xact_lock(hashtext('kpi.sum_day'))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn sum_day(conn: &mut PgConnection, day: Date) -> sqlx::Result<()> {
    sqlx::query(SUM_DAY).bind(day).execute(conn).await?;
    Ok(())
}

/// Takes away the marks that say nothing new: of each day the first and the last stay, so it stays marked and due when
/// it was.
pub(super) async fn thin_marks(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- thin_marks
        delete from day_mark m
        using (select day, min(mark_id) as first, max(mark_id) as last from day_mark group by day having count(*) > 2) d
        where m.day = d.day and m.mark_id > d.first and m.mark_id < d.last",
    )
    .execute(conn)
    .await?;
    Ok(())
}
