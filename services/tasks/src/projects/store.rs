//! SQL of the commands on projects.

use sqlx::{FromRow, PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use super::domain::Project;

impl<'r> FromRow<'r, PgRow> for Project {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            key: row.try_get("key")?,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            last_number: row.try_get("last_number")?,
            archived: row.try_get("archived")?,
            version: row.try_get("version")?,
            created_by: row.try_get("created_by")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// Stores a new project; false when its key is taken.
pub(crate) async fn insert(conn: &mut PgConnection, project: &Project) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "-- insert_project
        insert into project (id, key, name, description, created_by, created_at) values ($1, $2, $3, $4, $5, $6)
        on conflict (key) do nothing",
    )
    .bind(project.id)
    .bind(&project.key)
    .bind(&project.name)
    .bind(&project.description)
    .bind(&project.created_by)
    .bind(project.created_at)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Reads and locks a project.
pub(crate) async fn lock(conn: &mut PgConnection, key: &str) -> sqlx::Result<Option<Project>> {
    sqlx::query_as(
        "-- lock_project
        select id, key, name, description, last_number, archived, version, created_by, created_at
        from project where key = $1 for update",
    )
    .bind(key)
    .fetch_optional(conn)
    .await
}

/// Writes what may change of a project.
pub(crate) async fn update(conn: &mut PgConnection, project: &Project) -> sqlx::Result<()> {
    sqlx::query(
        "-- update_project
        update project set name = $2, description = $3, archived = $4, version = $5 where id = $1",
    )
    .bind(project.id)
    .bind(&project.name)
    .bind(&project.description)
    .bind(project.archived)
    .bind(project.version)
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an enabled rule opens tasks in the project.
pub(crate) async fn has_rules(conn: &mut PgConnection, key: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "-- project_has_rules
        select exists (select 1 from automation_rule where project = $1 and enabled)",
    )
    .bind(key)
    .fetch_one(conn)
    .await
}

/// The numbers a project gave away: the last of them, and the project's id.
pub(crate) struct Numbers {
    /// The project.
    pub(crate) project_id: Uuid,
    /// Its key.
    pub(crate) key: String,
    /// The last number taken.
    pub(crate) last: i64,
    /// Whether the project takes no new tasks.
    pub(crate) archived: bool,
}

/// Takes `counts[i]` numbers of project `keys[i]`, all projects in one statement, locked in the order of their keys.
/// The rows stay locked until the transaction ends: that is why there are no gaps.
pub(crate) async fn take_numbers(conn: &mut PgConnection, keys: &[&str], counts: &[i64]) -> sqlx::Result<Vec<Numbers>> {
    let rows: Vec<(Uuid, String, i64, bool)> = sqlx::query_as(
        "-- take_numbers
        with wanted as (select * from unnest($1::text[], $2::int8[]) as w (key, count)),
        locked as (
            select p.id, w.count from project p join wanted w on w.key = p.key order by p.key for update of p
        )
        update project p set last_number = p.last_number + l.count from locked l where p.id = l.id
        returning p.id, p.key, p.last_number, p.archived",
    )
    .bind(keys)
    .bind(counts)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(project_id, key, last, archived)| Numbers { project_id, key, last, archived }).collect())
}
