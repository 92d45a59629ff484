//! SQL of the roles.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::domain::Role;

/// All roles by code.
pub(super) async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Role>> {
    sqlx::query_as::<_, Role>(
        "-- role_list
        select code, title, permissions, built_in, version from role order by code",
    )
    .fetch_all(conn)
    .await
}

/// One role, locked against change.
pub(super) async fn lock(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Role>> {
    sqlx::query_as::<_, Role>(
        "-- role_lock
        select code, title, permissions, built_in, version from role where code = $1 for update",
    )
    .bind(code)
    .fetch_optional(conn)
    .await
}

/// Permissions of roles, by code; locks the roles against deletion.
pub(crate) async fn permissions_of(
    conn: &mut PgConnection,
    codes: &[String],
) -> sqlx::Result<Vec<(String, Vec<String>)>> {
    sqlx::query_as::<_, (String, Vec<String>)>(
        "-- role_permissions_of
        select code, permissions from role where code = any($1) order by code for key share",
    )
    .bind(codes)
    .fetch_all(conn)
    .await
}

/// Number of roles.
pub(super) async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar::<_, i64>(
        "-- role_count
        select count(*) from role",
    )
    .fetch_one(conn)
    .await
}

/// Adds a role; false when the code is taken.
pub(super) async fn insert(conn: &mut PgConnection, role: &Role) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "-- role_insert
        insert into role (code, title, permissions, built_in, version) values ($1, $2, $3, $4, $5)
        on conflict (code) do nothing",
    )
    .bind(&role.code)
    .bind(&role.title)
    .bind(&role.permissions)
    .bind(role.built_in)
    .bind(role.version)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes title, permissions and version.
pub(super) async fn update(conn: &mut PgConnection, role: &Role) -> sqlx::Result<()> {
    sqlx::query(
        "-- role_update
        update role set title = $2, permissions = $3, version = $4 where code = $1",
    )
    .bind(&role.code)
    .bind(&role.title)
    .bind(&role.permissions)
    .bind(role.version)
    .execute(conn)
    .await?;
    Ok(())
}

/// True when an employee or a key that still works holds the role.
pub(super) async fn in_use(conn: &mut PgConnection, code: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar::<_, bool>(
        "-- role_in_use
        select exists (select from employee_role where role = $1)
            or exists (select from api_key_role where role = $1)",
    )
    .bind(code)
    .fetch_one(conn)
    .await
}

/// Deletes a role.
pub(super) async fn delete(conn: &mut PgConnection, code: &str) -> sqlx::Result<()> {
    sqlx::query(
        "-- role_delete
        delete from role where code = $1",
    )
    .bind(code)
    .execute(conn)
    .await?;
    Ok(())
}

impl FromRow<'_, PgRow> for Role {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            code: row.try_get("code")?,
            title: row.try_get("title")?,
            permissions: row.try_get("permissions")?,
            built_in: row.try_get("built_in")?,
            version: row.try_get("version")?,
        })
    }
}
