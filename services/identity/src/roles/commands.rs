//! Changes roles.

use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::domain::{ADMINISTRATOR, Grantor, MOST_ROLES, Role};
use super::store;
use crate::audit::{self, Fact};
use crate::error::Error;

/// Creates a role.
pub(super) async fn create(
    conn: &mut PgConnection,
    by: &Grantor,
    role: Role,
    now: OffsetDateTime,
) -> Result<Role, Error> {
    by.catalogue.check(&role.permissions).map_err(Error::Invalid)?;
    by.require_held(&role.permissions)?;
    if store::count(conn).await? >= MOST_ROLES {
        return Err(Error::TooManyRoles);
    }
    if !store::insert(conn, &role).await? {
        return Err(Error::RoleExists(role.code));
    }
    record(conn, by.id(), "role.created", &role, now).await?;
    Ok(role)
}

/// Replaces title and permissions. What the role held before must be the caller's too: else a role could be emptied by
/// somebody below it.
pub(super) async fn update(
    conn: &mut PgConnection,
    by: &Grantor,
    wanted: Role,
    now: OffsetDateTime,
) -> Result<Role, Error> {
    by.catalogue.check(&wanted.permissions).map_err(Error::Invalid)?;
    let present = find(conn, &wanted.code).await?;
    if present.code == ADMINISTRATOR {
        return Err(Error::RoleBuiltIn(present.code));
    }
    if wanted.version != 0 && wanted.version != present.version {
        return Err(Error::VersionConflict(present.version));
    }
    by.require_held(&present.permissions)?;
    by.require_held(&wanted.permissions)?;
    let role = Role { built_in: present.built_in, version: present.version + 1, ..wanted };
    store::update(conn, &role).await?;
    record(conn, by.id(), "role.updated", &role, now).await?;
    Ok(role)
}

/// Deletes a role nobody holds.
pub(super) async fn delete(
    conn: &mut PgConnection,
    by: &Grantor,
    code: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let role = find(conn, code).await?;
    if role.built_in {
        return Err(Error::RoleBuiltIn(role.code));
    }
    by.require_held(&role.permissions)?;
    if store::in_use(conn, code).await? {
        return Err(Error::RoleInUse(role.code));
    }
    store::delete(conn, code).await?;
    record(conn, by.id(), "role.deleted", &role, now).await
}

async fn find(conn: &mut PgConnection, code: &str) -> Result<Role, Error> {
    store::lock(conn, code).await?.ok_or_else(|| Error::NotFound { kind: "role", id: code.to_owned() })
}

async fn record(
    conn: &mut PgConnection,
    actor: &str,
    action: &'static str,
    role: &Role,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let details = json!({"title": role.title, "permissions": role.permissions});
    audit::append(conn, Fact { actor, action, object_type: "role", object_id: role.code.clone(), details }, now).await
}
