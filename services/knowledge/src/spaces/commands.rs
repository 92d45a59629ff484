//! Changes of spaces.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    domain::{Level, Reader, Space},
    store,
};
use crate::error::Error;

/// A space to be made.
pub(super) struct NewSpace {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) access: Vec<(String, Level)>,
}

/// Makes a space.
pub(super) async fn create(
    conn: &mut PgConnection,
    new: NewSpace,
    reader: &Reader,
    now: OffsetDateTime,
) -> Result<Space, Error> {
    let held = new.access.iter().filter(|(role, _)| reader.roles.contains(role)).map(|(_, level)| *level);
    let level = if reader.admin { Level::Admin } else { held.max().unwrap_or(Level::None) };
    let space = Space { id: service::new_id(), key: new.key, name: new.name, version: 1, created_at: now, level };
    if !store::insert(conn, &space, &reader.id).await? {
        return Err(Error::SpaceKeyTaken(space.key));
    }
    store::replace_access(conn, space.id, &new.access).await?;
    Ok(space)
}

/// A space's name and access to be.
pub(super) struct NewAccess {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) access: Vec<(String, Level)>,
    pub(super) version: i64,
}

/// Replaces name and access; the space as the reader sees it then.
pub(super) async fn put_access(conn: &mut PgConnection, new: NewAccess, reader: &Reader) -> Result<Space, Error> {
    let space = store::lock(conn, &new.key, reader).await?.filter(|space| space.level > Level::None);
    let mut space = space.ok_or_else(|| Error::not_found("space", &new.key))?;
    if space.level < Level::Admin {
        return Err(Error::NOT_ADMIN);
    }
    if space.version != new.version {
        return Err(Error::VersionConflict { given: new.version, present: space.version });
    }
    space.name = new.name;
    space.version += 1;
    store::update(conn, &space).await?;
    store::replace_access(conn, space.id, &new.access).await?;
    if !reader.admin {
        let held = new.access.iter().filter(|(role, _)| reader.roles.contains(role)).map(|(_, level)| *level);
        space.level = held.max().unwrap_or(Level::None);
    }
    Ok(space)
}
