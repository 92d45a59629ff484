//! SQL of the employees' writes.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::Employee;

/// What sign-in needs to know.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Account {
    /// Id.
    pub(crate) id: Uuid,
    /// May sign in.
    pub(crate) active: bool,
    /// PHC string.
    pub(crate) password_hash: String,
    /// One-time password.
    pub(crate) must_change_password: bool,
}

/// Adds an employee; false when the login is taken.
pub(crate) async fn insert(conn: &mut PgConnection, employee: &Employee, password_hash: &str) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "-- employee_insert
        insert into employee
            (id, login, display_name, locale, active, password_hash, must_change_password, version, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (login) do nothing",
    )
    .bind(employee.id)
    .bind(&employee.login)
    .bind(&employee.display_name)
    .bind(&employee.locale)
    .bind(employee.active)
    .bind(password_hash)
    .bind(employee.must_change_password)
    .bind(employee.version)
    .bind(employee.created_at)
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    add_roles(conn, employee.id, &employee.roles).await?;
    Ok(true)
}

/// An employee, locked.
pub(super) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Employee>> {
    sqlx::query_as::<_, Employee>(
        "-- employee_lock
        select id, login, display_name, locale, active, must_change_password, version, created_at, last_sign_in_at,
            array(select role from employee_role where employee_id = employee.id order by role) as roles
        from employee where id = $1 for update",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Writes name, locale, activity and version.
pub(super) async fn update(conn: &mut PgConnection, employee: &Employee) -> sqlx::Result<()> {
    sqlx::query(
        "-- employee_update
        update employee set display_name = $2, locale = $3, active = $4, version = $5 where id = $1",
    )
    .bind(employee.id)
    .bind(&employee.display_name)
    .bind(&employee.locale)
    .bind(employee.active)
    .bind(employee.version)
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives roles.
pub(super) async fn add_roles(conn: &mut PgConnection, id: Uuid, roles: &[String]) -> sqlx::Result<()> {
    sqlx::query(
        "-- employee_add_roles
        insert into employee_role (employee_id, role) select $1, unnest($2::text[]) on conflict do nothing",
    )
    .bind(id)
    .bind(roles)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a role away.
pub(super) async fn remove_role(conn: &mut PgConnection, id: Uuid, role: &str) -> sqlx::Result<()> {
    sqlx::query(
        "-- employee_remove_role
        delete from employee_role where employee_id = $1 and role = $2",
    )
    .bind(id)
    .bind(role)
    .execute(conn)
    .await?;
    Ok(())
}

/// True when somebody active other than `id` is administrator. Lets one transaction at a time ask.
pub(super) async fn other_administrator(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query(
        "-- employee_lock_administrators
        select pg_advisory_xact_lock(hashtext('identity.administrators'))",
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar::<_, bool>(
        "-- employee_other_administrator
        select exists (
            select from employee join employee_role on employee_id = id
            where role = 'administrator' and active and id <> $1)",
    )
    .bind(id)
    .fetch_one(conn)
    .await
}

/// Number of employees, at most one: is there any?
pub(crate) async fn any(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar::<_, bool>(
        "-- employee_any
        select exists (select from employee)",
    )
    .fetch_one(conn)
    .await
}

/// What sign-in needs to know about a login.
pub(crate) async fn account(conn: &mut PgConnection, login: &str) -> sqlx::Result<Option<Account>> {
    sqlx::query_as::<_, Account>(
        "-- employee_account
        select id, active, password_hash, must_change_password from employee where login = $1",
    )
    .bind(login)
    .fetch_optional(conn)
    .await
}

/// As `account`, locked.
pub(crate) async fn lock_account(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Account>> {
    sqlx::query_as::<_, Account>(
        "-- employee_lock_account
        select id, active, password_hash, must_change_password from employee where id = $1 for update",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Writes a password.
pub(crate) async fn set_password(
    conn: &mut PgConnection,
    id: Uuid,
    password_hash: &str,
    one_time: bool,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- employee_set_password
        update employee set password_hash = $2, must_change_password = $3 where id = $1",
    )
    .bind(id)
    .bind(password_hash)
    .bind(one_time)
    .execute(conn)
    .await?;
    Ok(())
}

/// Remembers a sign-in.
pub(crate) async fn signed_in(conn: &mut PgConnection, id: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- employee_signed_in
        update employee set last_sign_in_at = $2 where id = $1",
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Roles of an employee with their permissions.
pub(crate) async fn granted(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<(String, Vec<String>)>> {
    sqlx::query_as::<_, (String, Vec<String>)>(
        "-- employee_granted
        select code, permissions from employee_role join role on code = role
        where employee_id = $1 order by code",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

impl FromRow<'_, PgRow> for Employee {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            login: row.try_get("login")?,
            display_name: row.try_get("display_name")?,
            locale: row.try_get("locale")?,
            active: row.try_get("active")?,
            must_change_password: row.try_get("must_change_password")?,
            version: row.try_get("version")?,
            created_at: row.try_get("created_at")?,
            last_sign_in_at: row.try_get("last_sign_in_at")?,
            roles: row.try_get("roles")?,
        })
    }
}
