//! Which statements cost the most: `pg_stat_statements` with planning, which slows Postgres down a little while it counts.

use load::company::Company;
use sqlx::{Connection as _, PgConnection};
use suite::say;

/// Statements told of one database.
const MOST: i64 = 14;

/// What Postgres needs to count.
pub(crate) fn settings() -> [(String, String); 3] {
    [
        ("shared_preload_libraries", "pg_stat_statements"),
        ("pg_stat_statements.track_planning", "on"),
        ("pg_stat_statements.max", "10000"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

#[derive(sqlx::FromRow)]
struct Cost {
    database: String,
    share: f64,
    name: String,
    calls: i64,
    rows: i64,
    plan_ms: f64,
    run_ms: f64,
    written: i64,
}

/// Counts from now on.
pub(crate) async fn begin(company: &Company) -> anyhow::Result<()> {
    let mut admin = PgConnection::connect(&company.postgres.admin_url()).await?;
    sqlx::query("create extension if not exists pg_stat_statements").execute(&mut admin).await?;
    sqlx::query("select pg_stat_statements_reset()").execute(&mut admin).await?;
    Ok(())
}

/// Says what was counted, the costliest of each service first, and counts anew.
pub(crate) async fn tell(company: &Company) -> anyhow::Result<()> {
    let mut admin = PgConnection::connect(&company.postgres.admin_url()).await?;
    let costs: Vec<Cost> = sqlx::query_as(
        "-- costliest_statements
        with counted as (
            select d.datname::text as database, s.query, s.calls, s.rows, s.total_plan_time as plan_ms,
                s.total_exec_time as run_ms, s.wal_bytes::int8 as written,
                sum(s.total_plan_time + s.total_exec_time) over (partition by s.dbid) as in_database,
                sum(s.total_plan_time + s.total_exec_time) over () as in_all,
                row_number() over (partition by s.dbid order by s.total_plan_time + s.total_exec_time desc) as place
            from pg_stat_statements s join pg_database d on d.oid = s.dbid
            where d.datname like 'shopfloor\\_%'
        )
        select database, (in_database / in_all)::float8 as share, calls, rows, plan_ms, run_ms, written,
            left(regexp_replace(query, '\\s+', ' ', 'g'), 60) as name
        from counted where place <= $1 order by in_database desc, place",
    )
    .bind(MOST)
    .fetch_all(&mut admin)
    .await?;
    let mut database = "";
    for cost in &costs {
        if cost.database != database {
            database = &cost.database;
            say::line(&format!("\n{database}: {:.0} % of all", cost.share * 100.0))?;
            say::line("     calls      rows   plan ms    run ms  plan µs   run µs    WAL B  statement")?;
        }
        #[expect(clippy::cast_precision_loss, reason = "figures for people to look at")]
        let (calls, written) = (cost.calls.max(1) as f64, cost.written as f64);
        say::line(&format!(
            "{:10}{:10}{:10.0}{:10.0}{:9.0}{:9.0}{:9.0}  {}",
            cost.calls,
            cost.rows,
            cost.plan_ms,
            cost.run_ms,
            cost.plan_ms / calls * 1000.0,
            cost.run_ms / calls * 1000.0,
            written / calls,
            cost.name
        ))?;
    }
    sqlx::query("select pg_stat_statements_reset()").execute(&mut admin).await?;
    Ok(())
}
