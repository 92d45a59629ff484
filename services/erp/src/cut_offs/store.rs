//! SQL of cut-off times.

use sqlx::PgConnection;
use time::Time;
use uuid::Uuid;

use super::domain::Week;

/// Replaces a week.
pub(super) async fn replace(conn: &mut PgConnection, warehouse: Uuid, week: &Week) -> sqlx::Result<()> {
    sqlx::query(
        "-- lock_week_of_warehouse
        select from warehouse where id = $1 for no key update",
    )
    .bind(warehouse)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- clear_cut_offs
        delete from cut_off where warehouse_id = $1 and delivery_method = $2 and region = $3",
    )
    .bind(warehouse)
    .bind(&week.delivery_method)
    .bind(&week.region)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- insert_cut_offs
        insert into cut_off (warehouse_id, delivery_method, region, weekday, leaves_at)
        select $1, $2, $3, d.* from unnest($4::int4[], $5::time[]) as d",
    )
    .bind(warehouse)
    .bind(&week.delivery_method)
    .bind(&week.region)
    .bind(week.days.iter().map(|(day, _)| *day).collect::<Vec<_>>())
    .bind(week.days.iter().map(|(_, time)| *time).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// All cut-offs: warehouse, method, region, day, time.
pub(super) async fn all(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String, String, i32, Time)>> {
    sqlx::query_as(
        "-- all_cut_offs
        select w.code, c.delivery_method, c.region, c.weekday, c.leaves_at
        from cut_off c join warehouse w on w.id = c.warehouse_id
        order by w.code, c.delivery_method, c.region, c.weekday limit 5000",
    )
    .fetch_all(conn)
    .await
}
