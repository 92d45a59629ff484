//! What read-only clients see, and the gauges.

use sqlx::{AssertSqlSafe, Executor as _, Row as _};
use time::Duration;

use crate::{
    start,
    world::{MONDAY, charge, depleted, goods, interleave, order, random_streams},
};

#[tokio::test]
async fn the_reader_sees_every_view_of_the_report_schema_and_nothing_else() {
    let app = start().await;
    app.deliver(&interleave(1, &random_streams(21, 60))).await.unwrap();
    let mut tx = app.db.begin().await.unwrap();
    let conn: &mut sqlx::PgConnection = &mut tx;
    let views: Vec<String> =
        sqlx::query_scalar("select viewname::text from pg_views where schemaname = 'report' order by 1")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
    assert!(views.len() >= 12, "{views:?}");
    conn.execute("set local role kpi_reader").await.unwrap();
    for view in views {
        let count: i64 = conn
            .fetch_one(AssertSqlSafe(format!("select count(*) from report.{view}")))
            .await
            .unwrap_or_else(|error| panic!("{view}: {error}"))
            .get(0);
        assert_eq!(count == 0, view == "wrong_totals", "{view} has {count} rows");
    }
    for forbidden in ["select * from order_fact", "select * from outbox", "delete from report.orders"] {
        conn.execute("savepoint before").await.unwrap();
        let refused = conn.execute(forbidden).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"), "{forbidden}");
        conn.execute("rollback to savepoint before").await.unwrap();
    }
}

#[tokio::test]
async fn the_daily_view_equals_the_orders_behind_it() {
    let app = start().await;
    app.deliver(&interleave(2, &random_streams(22, 60))).await.unwrap();
    let differences: i64 = sqlx::query_scalar(
        "select count(*) from (
            select day, currency, orders, revenue, margin from report.daily
            except
            select business_day, currency, count(*), sum(revenue), sum(margin) from report.orders group by 1, 2
         ) d",
    )
    .fetch_one(app.db.pool())
    .await
    .unwrap();
    assert_eq!(differences, 0);
    let lines: bool = sqlx::query_scalar(
        "select (select sum(revenue) from report.order_lines) = (select sum(revenue) from report.orders)
            and (select sum(margin) from report.order_lines) = (select sum(margin) from report.orders)
            and (select sum(revenue) from report.daily_by_line_dimension where dimension = 'product')
                = (select sum(revenue) from report.orders)",
    )
    .fetch_one(app.db.pool())
    .await
    .unwrap();
    assert!(lines);
}

#[tokio::test]
async fn an_order_is_stuck_when_the_warehouse_does_not_answer_its_confirmation() {
    let app = start().await;
    let lines = || vec![goods("A", "", "", 1, 100)];
    let (mut stuck, mut answered) = (order(1, testkit::START, lines()), order(2, testkit::START, lines()));
    let (mut held, mut cancelled) = (order(3, testkit::START, lines()), order(4, testkit::START, lines()));
    let (mut fees, mut old) = (order(5, testkit::START, vec![charge("FEE", 100)]), order(6, MONDAY, lines()));
    let mut given_up = order(7, testkit::START, vec![goods("A", "", "", 1, 100), charge("FEE", 100)]);
    held.confirmed = false;
    let mut placed_long_ago = old.placed();
    placed_long_ago.time = testkit::START;
    let events = [
        stuck.placed(),
        answered.placed(),
        answered.allocated(testkit::START, false),
        held.placed(),
        cancelled.placed(),
        cancelled.cancelled(testkit::START, &[(1, 1, 100, 0)]),
        fees.placed(),
        given_up.placed(),
        given_up.lines_cancelled(testkit::START, &[(1, 1, 100, 0)]),
        placed_long_ago,
        old.allocated(testkit::START, true),
        depleted("A", 1, MONDAY),
    ];
    app.deliver(&events).await.unwrap();
    let count = async || {
        let since = app.clock.now() - Duration::minutes(10);
        kpi::live::stuck_orders(&mut app.db.acquire().await.unwrap(), since).await.unwrap()
    };
    app.run_job("kpi_live").await.unwrap();
    assert_eq!(count().await, 0);
    app.clock.advance(Duration::minutes(11));
    assert_eq!(count().await, 1);
    app.deliver(&[stuck.allocated(testkit::START, true)]).await.unwrap();
    assert_eq!(count().await, 0);
}
