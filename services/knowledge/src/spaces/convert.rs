//! Wire form of spaces and of their readers.

use proto::knowledge::v1 as wire;
use service::{Caller, Check};

use super::domain::{ADMIN, EVERYBODY, Level, Reader, Space, is_key};

impl From<&Caller> for Reader {
    fn from(caller: &Caller) -> Self {
        let mut roles = caller.roles.clone();
        roles.push(EVERYBODY.to_owned());
        Self { id: caller.id.clone(), roles, admin: caller.may(ADMIN) }
    }
}

/// Checks the key of a space.
pub(crate) fn key(check: &mut Check, field: &str, key: &str) -> String {
    check.require(is_key(key), field, "2 to 20 capital Latin letters and digits, a letter first");
    key.to_owned()
}

/// Checks the code of a role.
pub(crate) fn role(check: &mut Check, field: &str, role: &str) -> String {
    let role = check.text(field, role, 1..=100);
    check.require(!role.contains(char::is_whitespace), field, "no blanks");
    role
}

pub(super) fn access(check: &mut Check, list: &[wire::RoleAccess]) -> Vec<(String, Level)> {
    check.len("access", list.len(), 0..=100);
    let mut access: Vec<(String, Level)> = Vec::new();
    for (index, row) in list.iter().take(100).enumerate() {
        let level = match row.level() {
            wire::AccessLevel::Read => Level::Read,
            wire::AccessLevel::Write => Level::Write,
            wire::AccessLevel::Admin => Level::Admin,
            wire::AccessLevel::Unspecified => {
                check.wrong(format!("access[{index}].level"), "is missing or unknown");
                Level::Read
            }
        };
        let field = format!("access[{index}].role");
        let role = role(check, &field, &row.role);
        check.require(access.iter().all(|(known, _)| *known != role), field, "the role is named twice");
        access.push((role, level));
    }
    access.sort_by(|a, b| a.0.cmp(&b.0));
    access
}

/// The wire's level.
pub(crate) fn encode_level(level: Level) -> i32 {
    let level = match level {
        Level::None => wire::AccessLevel::Unspecified,
        Level::Read => wire::AccessLevel::Read,
        Level::Write => wire::AccessLevel::Write,
        Level::Admin => wire::AccessLevel::Admin,
    };
    level.into()
}

pub(super) fn encode(space: Space) -> wire::Space {
    wire::Space {
        space_id: space.id.to_string(),
        key: space.key,
        name: space.name,
        my_level: encode_level(space.level),
        version: space.version,
        created_at: Some(proto::to_timestamp(space.created_at)),
    }
}

pub(super) fn encode_access(access: Vec<(String, Level)>) -> Vec<wire::RoleAccess> {
    access.into_iter().map(|(role, level)| wire::RoleAccess { role, level: encode_level(level) }).collect()
}
