#![doc = "Roles and databases: one role per service, with rights to its own database only."]

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::home::Secrets;
use crate::services::Name;

/// Makes sure that every service has its role and database, and returns the databases' names by service.
///
/// Names are constants of this program and passwords letters and digits, so they can stand in the statements, which
/// take no parameters.
pub async fn ensure_databases(admin_url: &str, secrets: &Secrets) -> anyhow::Result<BTreeMap<Name, String>> {
    let mut conn = PgConnection::connect(admin_url).await?;
    run(&mut conn, "-- close_maintenance_database\nrevoke connect, temporary on database postgres from public".into())
        .await?;
    let mut databases = BTreeMap::new();
    for name in Name::ALL.into_iter().filter(|name| name.has_database()) {
        let (role, password) = (role(name), &secrets.database_passwords[name.word()]);
        ensure_role(&mut conn, &role, password).await?;
        let there: bool =
            sqlx::query_scalar("-- database_exists\nselect exists (select 1 from pg_database where datname = $1)")
                .bind(&role)
                .fetch_one(&mut conn)
                .await?;
        if !there {
            run(&mut conn, format!("-- create_database\ncreate database {role} owner {role}")).await?;
            run(&mut conn, format!("-- close_database\nrevoke all on database {role} from public")).await?;
        }
        databases.insert(name, role);
    }
    ensure_reader(&mut conn, &secrets.reader_password, &role(Name::Kpi)).await?;
    conn.close().await?;
    Ok(databases)
}

/// Role and database of a service.
pub fn role(name: Name) -> String {
    format!("shopfloor_{}", name.word())
}

/// The role dashboards read the figures with.
pub const READER: &str = "shopfloor_reader";

async fn ensure_role(conn: &mut PgConnection, role: &str, password: &str) -> anyhow::Result<()> {
    let there: bool = sqlx::query_scalar("-- role_exists\nselect exists (select 1 from pg_roles where rolname = $1)")
        .bind(role)
        .fetch_one(&mut *conn)
        .await?;
    let verb = if there { "alter" } else { "create" };
    run(
        conn,
        format!("-- ensure_role\n{verb} role {role} login nosuperuser nocreatedb nocreaterole password '{password}'"),
    )
    .await
}

async fn ensure_reader(conn: &mut PgConnection, password: &str, kpi: &str) -> anyhow::Result<()> {
    ensure_role(conn, READER, password).await?;
    // Sizes and statistics of the server, for the dashboard of operations.
    run(conn, format!("-- reader_may_monitor\ngrant pg_monitor to {READER}")).await?;
    run(conn, format!("-- reader_may_connect\ngrant connect on database {kpi} to {READER}")).await
}

/// Lets the reader role read the figures kpi offers in its schema `report`, and those it will. Run in kpi's database as
/// kpi's role.
pub async fn open_to_reader(kpi_url: &str) -> anyhow::Result<()> {
    let mut conn = PgConnection::connect(kpi_url).await?;
    run(&mut conn, format!("-- reader_schema\ngrant usage on schema report to {READER}")).await?;
    run(&mut conn, format!("-- reader_tables\ngrant select on all tables in schema report to {READER}")).await?;
    run(
        &mut conn,
        format!("-- reader_later_tables\nalter default privileges in schema report grant select on tables to {READER}"),
    )
    .await?;
    conn.close().await?;
    Ok(())
}

async fn run(conn: &mut PgConnection, sql: String) -> anyhow::Result<()> {
    sqlx::query(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}
