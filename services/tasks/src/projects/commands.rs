//! Changes of projects.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{domain::Project, store};
use crate::error::Error;

/// A project to be made.
pub(super) struct NewProject {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) description: String,
}

/// Makes a project.
pub(super) async fn create(
    conn: &mut PgConnection,
    new: NewProject,
    actor: &str,
    now: OffsetDateTime,
) -> Result<Project, Error> {
    let project = Project {
        id: service::new_id(),
        key: new.key,
        name: new.name,
        description: new.description,
        last_number: 0,
        archived: false,
        version: 1,
        created_by: actor.to_owned(),
        created_at: now,
    };
    if store::insert(conn, &project).await? { Ok(project) } else { Err(Error::ProjectKeyTaken(project.key)) }
}

/// What is to become of a project.
pub(super) struct ProjectChange {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) archived: bool,
    pub(super) version: i64,
}

/// Changes a project.
pub(super) async fn update(conn: &mut PgConnection, change: ProjectChange) -> Result<Project, Error> {
    let mut project = store::lock(conn, &change.key).await?.ok_or_else(|| Error::not_found("project", &change.key))?;
    if project.version != change.version {
        return Err(Error::VersionConflict { given: change.version, present: project.version });
    }
    if change.archived && !project.archived && store::has_rules(conn, &project.key).await? {
        return Err(Error::refused(
            "PROJECT_IN_USE",
            "an enabled automation rule opens tasks in this project; switch it off or give it another project first",
        ));
    }
    project.name = change.name;
    project.description = change.description;
    project.archived = change.archived;
    project.version += 1;
    store::update(conn, &project).await?;
    Ok(project)
}
