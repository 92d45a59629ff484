//! The first administrator.

use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::audit::{self, Fact};
use crate::employees::commands;
use crate::employees::domain::Employee;
use crate::employees::store;
use crate::passwords::Passwords;
use crate::secret;

/// Login of the first administrator.
const LOGIN: &str = "admin";

/// What to tell the person who installs the suite, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimePassword {
    /// Login.
    pub login: String,
    /// To be replaced with `AuthService.ChangePassword` before the first sign-in.
    pub password: String,
}

/// Creates the first administrator when there is no employee yet. Call inside a transaction and commit it; of several
/// copies starting at once, one gets the password.
///
/// # Errors
/// When the database fails.
pub async fn bootstrap(conn: &mut PgConnection, now: OffsetDateTime) -> anyhow::Result<Option<OneTimePassword>> {
    if store::any(conn).await? {
        return Ok(None);
    }
    let password = secret::one_time_password();
    let hash = Passwords::new(1)?.hash(password.clone()).await?;
    let employee = Employee {
        id: service::new_id(),
        login: LOGIN.to_owned(),
        display_name: "Administrator".to_owned(),
        locale: "ru".to_owned(),
        active: true,
        must_change_password: true,
        version: 1,
        created_at: now,
        last_sign_in_at: None,
        roles: vec!["administrator".to_owned()],
    };
    if !store::insert(conn, &employee, &hash).await? {
        return Ok(None);
    }
    commands::publish(conn, &employee, now).await?;
    let fact = Fact {
        actor: "identity",
        action: "employee.created",
        object_type: "employee",
        object_id: employee.id.to_string(),
        details: json!({"login": employee.login, "roles": employee.roles}),
    };
    audit::append(conn, fact, now).await?;
    Ok(Some(OneTimePassword { login: employee.login, password }))
}
