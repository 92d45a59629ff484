//! Intake with many orders stored, against intake into empty tables: the orders just taken are copied by SQL, with their
//! lines, their history and their events, under ids and times of the past.

use std::time::Instant;

use sqlx::{Connection as _, PgConnection};
use suite::services::Name;

use super::{INTAKE, intake};
use crate::Bench;
use crate::exact::Reach;
use crate::report::Row;

const CONNECTIONS: usize = 128;

pub(super) async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    bench.fresh("intake", &INTAKE).await?;
    let connections = CONNECTIONS.min(bench.plan.connections.iter().copied().max().unwrap_or(CONNECTIONS));
    let (orders, mut seen) = (bench.orders(), (Vec::new(), Vec::new()));
    let empty = intake::push_one(bench, &orders, connections, &mut seen).await?;
    bench.published().await?;
    bench.exact("intake into empty tables", &orders, &seen.0, &seen.1, Reach::Stored).await?;
    let begun = Instant::now();
    let mut conn = PgConnection::connect(&bench.company.admin_url(Name::Orders)).await?;
    fill(&mut conn, bench.plan.stored).await?;
    bench.report.note(format!("{} orders copied in {:.0} s", bench.plan.stored, begun.elapsed().as_secs_f64()))?;
    let (more, mut seen) = (bench.orders(), (Vec::new(), Vec::new()));
    let full = intake::push_one(bench, &more, connections, &mut seen).await?;
    bench.published().await?;
    let lost: i64 = sqlx::query_scalar("-- taken_later\nselect count(*) from orders where external_id like $1")
        .bind(format!("{}%", more.external_id(load::orders::Number(0)).trim_end_matches('0')))
        .fetch_one(&mut conn)
        .await?;
    if lost < seen.0.len() as i64 {
        bench.report.faults.push(format!("intake into full tables: {} acknowledged, {lost} stored", seen.0.len()));
    }
    bench.report.note(format!("into empty tables, {}", intake::words(connections, "orders", &empty)))?;
    bench.report.note(format!("into full tables, {}", intake::words(connections, "orders", &full)))?;
    let name = format!("intake with {} orders stored", bench.plan.stored);
    bench.report.row(Row::at_least(&name, full.rate(), "orders/s", ("empty", empty.rate()), 0.85))
}

/// Copies orders until there are `count` more. The ids are those of a past in which an order came every second.
async fn fill(conn: &mut PgConnection, count: i64) -> anyhow::Result<()> {
    let mut tx = conn.begin().await?;
    sqlx::query(
        "-- fill_plan
        create temp table fill as
        with models as (select array_agg(id) as ids from (select id from orders order by number limit 1000) m)
        select n, ids[1 + n % array_length(ids, 1)] as model,
            (lpad(to_hex((extract(epoch from now()) * 1000)::bigint - ($1 - n + 60) * 1000), 12, '0') || '7'
             || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid as id,
            now() - ($1 - n + 60) * interval '1 second' as at
        from models, generate_series(1, $1::bigint) n",
    )
    .bind(count)
    .execute(&mut *tx)
    .await?;
    let copies = [
        "-- fill_orders
        insert into orders
        select r.* from fill f join orders o on o.id = f.model, lateral jsonb_populate_record(o, jsonb_build_object(
            'id', f.id, 'number', -f.n, 'external_id', 'fill-' || f.n, 'request_id', 'fill-' || f.n, 'placed_at', f.at,
            'received_at', f.at)) r
        order by f.n",
        "-- fill_lines
        insert into order_line
        select r.* from fill f join order_line o on o.order_id = f.model,
            lateral jsonb_populate_record(o, jsonb_build_object('order_id', f.id)) r
        order by f.n",
        "-- fill_timeline
        insert into order_timeline overriding system value
        select r.* from fill f join order_timeline o on o.order_id = f.model,
            lateral jsonb_populate_record(o, jsonb_build_object('order_id', f.id, 'at', f.at)) r
        order by f.n",
        "-- fill_outbox
        insert into outbox overriding system value
        select r.* from fill f join outbox o on o.aggregate_id = f.model::text,
            lateral jsonb_populate_record(o, jsonb_build_object('outbox_id', -f.n * 4 - o.version, 'aggregate_id', f.id,
                'event_id', gen_random_uuid(), 'occurred_at', f.at)) r
        order by f.n",
    ];
    for sql in copies {
        sqlx::query(sql).execute(&mut *tx).await?;
    }
    sqlx::query("-- fill_done\ndrop table fill").execute(&mut *tx).await?;
    tx.commit().await?;
    sqlx::query("-- tidy\nvacuum analyze").execute(&mut *conn).await?;
    sqlx::query("-- write_everything_now\ncheckpoint").execute(conn).await?;
    Ok(())
}
