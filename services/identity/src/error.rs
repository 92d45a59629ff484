//! What can go wrong in this service, and the one mapping to gRPC status.

use std::time::Duration;

use service::Violation;
use service::status;
use tonic::Status;

/// A refusal or failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input breaks rules that need no look into the database.
    #[error("the request has fields that are not acceptable")]
    Invalid(Vec<Violation>),
    /// No such record.
    #[error("{kind} {id} does not exist")]
    NotFound {
        /// Kind of the record.
        kind: &'static str,
        /// Id asked for.
        id: String,
    },
    /// Another employee has this login.
    #[error("the login {0} is taken")]
    LoginTaken(String),
    /// There is such a role already.
    #[error("there is a role {0} already")]
    RoleExists(String),
    /// A seeded role was to be deleted, or the administrator role changed.
    #[error("the role {0} came with the installation and cannot be changed this way")]
    RoleBuiltIn(String),
    /// A role somebody holds was to be deleted.
    #[error("the role {0} is held by somebody")]
    RoleInUse(String),
    /// The bound on roles is reached.
    #[error("there are 500 roles already")]
    TooManyRoles,
    /// Nobody active would be administrator.
    #[error("at least one active employee must hold the role administrator")]
    LastAdministrator,
    /// The caller would hand out, or take over, more than it holds itself.
    #[error("this needs the permission {0}, which you do not hold yourself")]
    RoleBeyondCaller(String),
    /// Somebody else changed the record first.
    #[error("the record has version {0} by now; read it again")]
    VersionConflict(i64),
    /// Login, password or token is wrong, or no longer good. Never says which.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The password is right but a one-time one.
    #[error("the one-time password must be changed first: call ChangePassword")]
    PasswordChangeRequired,
    /// Too many failures; wait.
    #[error("too many failed attempts; try again in {} s", .0.as_secs())]
    Throttled(Duration),
    /// All password workers are busy.
    #[error("too many sign-ins at the moment")]
    Busy,
    /// The database refused or is away.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A defect.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Invalid(violations) => status::invalid(violations),
            Error::NotFound { kind, id } => status::not_found(kind, id),
            Error::LoginTaken(_) => status::already_exists("LOGIN_TAKEN", text),
            Error::RoleExists(_) => status::already_exists("ROLE_EXISTS", text),
            Error::RoleBuiltIn(_) => status::precondition("ROLE_BUILT_IN", text),
            Error::RoleInUse(_) => status::precondition("ROLE_IN_USE", text),
            Error::TooManyRoles => status::precondition("TOO_MANY_ROLES", text),
            Error::LastAdministrator => status::precondition("LAST_ADMINISTRATOR", text),
            Error::RoleBeyondCaller(_) => status::permission_denied("ROLE_BEYOND_CALLER", text),
            Error::VersionConflict(_) => status::aborted("VERSION_CONFLICT", text),
            Error::Unauthenticated(_) => status::unauthenticated("BAD_CREDENTIALS", text),
            Error::PasswordChangeRequired => status::precondition("PASSWORD_CHANGE_REQUIRED", text),
            Error::Throttled(wait) => status::exhausted(text, wait),
            Error::Busy => status::exhausted(text, Duration::from_secs(1)),
            Error::Database(error) => status::from_sqlx(error),
            Error::Internal(error) => status::internal(error.as_ref()),
        }
    }
}

/// A violation of one field.
pub(crate) fn violation(field: &str, description: impl Into<String>) -> Violation {
    Violation::new(field, description)
}
