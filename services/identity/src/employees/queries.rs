//! SQL of the employees' reads.

use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Employee;

/// One employee.
pub(super) async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Employee>> {
    sqlx::query_as::<_, Employee>(
        "-- employee_get
        select id, login, display_name, locale, active, must_change_password, version, created_at, last_sign_in_at,
            array(select role from employee_role where employee_id = employee.id order by role) as roles
        from employee where id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Employees after a login.
pub(super) async fn list(
    conn: &mut PgConnection,
    active_only: bool,
    role: &str,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Employee>> {
    sqlx::query_as::<_, Employee>(
        "-- employee_list
        select id, login, display_name, locale, active, must_change_password, version, created_at, last_sign_in_at,
            array(select role from employee_role where employee_id = employee.id order by role) as roles
        from employee
        where (active or not $1)
          and ($2 = '' or exists (select from employee_role where employee_id = employee.id and role = $2))
          and ($3::text is null or login > $3)
        order by login
        limit $4",
    )
    .bind(active_only)
    .bind(role)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}
