//! Changes employees. Every change raises the version and is published.

use messaging::NewEvent;
use proto::identity::v1::{EmployeeChanged, IdentityEvent, identity_event};
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Employee, MOST_ROLES};
use super::store;
use crate::audit::{self, Fact};
use crate::error::{Error, violation};
use crate::roles::{self, Grantor};
use crate::sign_in::sessions;

const ADMINISTRATOR: &str = "administrator";

/// Changes wanted; `None` keeps.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Version read before, 0 for any.
    pub(super) version: i64,
    /// Name.
    pub(super) display_name: Option<String>,
    /// Language.
    pub(super) locale: Option<String>,
    /// May sign in.
    pub(super) active: Option<bool>,
}

/// Creates an employee with a one-time password.
pub(crate) async fn create(
    conn: &mut PgConnection,
    by: &Grantor,
    employee: Employee,
    password_hash: &str,
    now: OffsetDateTime,
) -> Result<Employee, Error> {
    let employee = Employee { roles: known_roles(conn, by, &employee.roles).await?, ..employee };
    if !store::insert(conn, &employee, password_hash).await? {
        return Err(Error::LoginTaken(employee.login));
    }
    let details = json!({"login": employee.login, "roles": employee.roles});
    changed(conn, by.id(), "employee.created", &employee, details, now).await?;
    Ok(employee)
}

/// Changes name, locale or activity.
pub(super) async fn update(
    conn: &mut PgConnection,
    by: &Grantor,
    id: Uuid,
    changes: Changes,
    now: OffsetDateTime,
) -> Result<Employee, Error> {
    let present = find(conn, id).await?;
    if changes.version != 0 && changes.version != present.version {
        return Err(Error::VersionConflict(present.version));
    }
    let mut employee = present.clone();
    employee.display_name = changes.display_name.unwrap_or(employee.display_name);
    employee.locale = changes.locale.unwrap_or(employee.locale);
    employee.active = changes.active.unwrap_or(employee.active);
    if employee == present {
        return Ok(employee);
    }
    if employee.active != present.active {
        let granted = store::granted(conn, id).await?.into_iter().flat_map(|(_, all)| all).collect::<Vec<_>>();
        by.require_held(&granted)?;
    }
    if !employee.active && present.active {
        keep_an_administrator(conn, &present).await?;
        sessions::revoke_all(conn, id, "deactivated", now).await?;
    }
    employee.version += 1;
    store::update(conn, &employee).await?;
    let details = json!({"active": employee.active, "locale": employee.locale});
    changed(conn, by.id(), "employee.updated", &employee, details, now).await?;
    Ok(employee)
}

/// Gives a role.
pub(super) async fn assign_role(
    conn: &mut PgConnection,
    by: &Grantor,
    id: Uuid,
    role: &str,
    now: OffsetDateTime,
) -> Result<Employee, Error> {
    let mut employee = find(conn, id).await?;
    let role = match roles::store::permissions_of(conn, &[role.to_owned()]).await?.pop() {
        Some((code, permissions)) => {
            by.require_held(&permissions)?;
            code
        }
        None => return Err(Error::NotFound { kind: "role", id: role.to_owned() }),
    };
    if employee.roles.contains(&role) {
        return Ok(employee);
    }
    if employee.roles.len() >= MOST_ROLES {
        return Err(Error::Invalid(vec![violation("role", "the employee holds 50 roles already")]));
    }
    store::add_roles(conn, id, std::slice::from_ref(&role)).await?;
    employee.version += 1;
    store::update(conn, &employee).await?;
    let details = json!({"role": role});
    employee.roles.push(role);
    employee.roles.sort();
    changed(conn, by.id(), "employee.role_assigned", &employee, details, now).await?;
    Ok(employee)
}

/// Takes a role away. The caller must hold the role's permissions: else a lesser one could disarm a greater one.
pub(super) async fn remove_role(
    conn: &mut PgConnection,
    by: &Grantor,
    id: Uuid,
    role: &str,
    now: OffsetDateTime,
) -> Result<Employee, Error> {
    let mut employee = find(conn, id).await?;
    if !employee.roles.iter().any(|held| held == role) {
        return Ok(employee);
    }
    let permissions = roles::store::permissions_of(conn, &[role.to_owned()]).await?;
    let permissions = permissions.into_iter().flat_map(|(_, all)| all).collect::<Vec<_>>();
    by.require_held(&permissions)?;
    if role == ADMINISTRATOR {
        keep_an_administrator(conn, &employee).await?;
    }
    store::remove_role(conn, id, role).await?;
    employee.version += 1;
    employee.roles.retain(|held| held != role);
    store::update(conn, &employee).await?;
    changed(conn, by.id(), "employee.role_removed", &employee, json!({"role": role}), now).await?;
    Ok(employee)
}

/// Sets a new one-time password and ends all sessions.
pub(super) async fn reset_password(
    conn: &mut PgConnection,
    by: &Grantor,
    id: Uuid,
    password_hash: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    find(conn, id).await?;
    let granted = store::granted(conn, id).await?.into_iter().flat_map(|(_, all)| all).collect::<Vec<_>>();
    by.require_held(&granted)?;
    store::set_password(conn, id, password_hash, true).await?;
    sessions::revoke_all(conn, id, "password", now).await?;
    record(conn, by.id(), "employee.password_reset", id, json!({}), now).await
}

/// Ends all sessions; says how many were live.
pub(super) async fn revoke_sessions(
    conn: &mut PgConnection,
    actor: &str,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<u64, Error> {
    find(conn, id).await?;
    let revoked = sessions::revoke_all(conn, id, "operator", now).await?;
    record(conn, actor, "employee.sessions_revoked", id, json!({"sessions": revoked}), now).await?;
    Ok(revoked)
}

async fn find(conn: &mut PgConnection, id: Uuid) -> Result<Employee, Error> {
    store::lock(conn, id).await?.ok_or_else(|| Error::NotFound { kind: "employee", id: id.to_string() })
}

/// The roles asked for, sorted and once each, all existing and within what the caller holds.
pub(crate) async fn known_roles(
    conn: &mut PgConnection,
    by: &Grantor,
    wanted: &[String],
) -> Result<Vec<String>, Error> {
    let found = roles::store::permissions_of(conn, wanted).await?;
    let unknown = wanted.iter().enumerate().filter(|(_, code)| !found.iter().any(|(known, _)| known == *code));
    let violations: Vec<_> =
        unknown.map(|(index, _)| violation(&format!("roles[{index}]"), "there is no such role")).collect();
    if !violations.is_empty() {
        return Err(Error::Invalid(violations));
    }
    for (_, permissions) in &found {
        by.require_held(permissions)?;
    }
    Ok(found.into_iter().map(|(code, _)| code).collect())
}

async fn keep_an_administrator(conn: &mut PgConnection, employee: &Employee) -> Result<(), Error> {
    let is_one = employee.active && employee.roles.iter().any(|role| role == ADMINISTRATOR);
    if is_one && !store::other_administrator(conn, employee.id).await? {
        return Err(Error::LastAdministrator);
    }
    Ok(())
}

async fn changed(
    conn: &mut PgConnection,
    actor: &str,
    action: &'static str,
    employee: &Employee,
    details: serde_json::Value,
    now: OffsetDateTime,
) -> Result<(), Error> {
    publish(conn, employee, now).await?;
    record(conn, actor, action, employee.id, details, now).await
}

/// Tells the others about an employee.
pub(crate) async fn publish(conn: &mut PgConnection, employee: &Employee, now: OffsetDateTime) -> Result<(), Error> {
    let event = IdentityEvent {
        event: Some(identity_event::Event::EmployeeChanged(EmployeeChanged {
            employee_id: employee.id.to_string(),
            roles: employee.roles.clone(),
            active: employee.active,
            changed_at: Some(proto::to_timestamp(now)),
        })),
    };
    messaging::outbox::append(conn, &[NewEvent::of("employee", employee.id, employee.version, now, &event)]).await?;
    Ok(())
}

async fn record(
    conn: &mut PgConnection,
    actor: &str,
    action: &'static str,
    id: Uuid,
    details: serde_json::Value,
    now: OffsetDateTime,
) -> Result<(), Error> {
    audit::append(conn, Fact { actor, action, object_type: "employee", object_id: id.to_string(), details }, now).await
}
