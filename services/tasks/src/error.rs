//! Everything that can go wrong, and how a caller is told.

use std::collections::HashMap;

use service::{Violation, status};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// What a command can't do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input does not make sense.
    #[error("invalid input")]
    Invalid(Vec<Violation>),
    /// There is no such thing.
    #[error("no {kind} {id}")]
    NotFound {
        /// What was looked for.
        kind: &'static str,
        /// Its id or key.
        id: String,
    },
    /// The key of a project is in use.
    #[error("project key {0} is taken")]
    ProjectKeyTaken(String),
    /// Somebody else changed it since the caller looked.
    #[error("version {given} was given, the present version is {present}")]
    VersionConflict {
        /// Version the caller had seen.
        given: i64,
        /// Version now.
        present: i64,
    },
    /// There is no arrow to that state for this caller.
    #[error("a task in state {from} can't be moved to {to}; allowed: {}", allowed.join(", "))]
    InvalidTransition {
        /// Present state.
        from: String,
        /// State wanted.
        to: String,
        /// States the caller may move it to.
        allowed: Vec<String>,
    },
    /// A rule of the business says no in the present state.
    #[error("{message}")]
    Refused {
        /// Reason code.
        reason: &'static str,
        /// What to do about it.
        message: String,
    },
    /// The caller lacks a permission that depends on the request.
    #[error("{0}")]
    Denied(&'static str),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Error {
    pub(crate) fn not_found(kind: &'static str, id: impl ToString) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    pub(crate) fn refused(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { reason, message: message.into() }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Invalid(violations) => status::invalid(violations),
            Error::NotFound { kind, id } => status::not_found(kind, &id),
            Error::ProjectKeyTaken(_) => status::already_exists("PROJECT_KEY_TAKEN", &message),
            Error::VersionConflict { .. } => status::aborted("VERSION_CONFLICT", &message),
            Error::InvalidTransition { allowed, .. } => {
                let mut details = ErrorDetails::new();
                let metadata = HashMap::from([("allowed".to_owned(), allowed.join(","))]);
                details.set_error_info("INVALID_TRANSITION", status::DOMAIN, metadata);
                Self::with_error_details(Code::FailedPrecondition, message, details)
            }
            Error::Refused { reason, .. } => status::precondition(reason, &message),
            Error::Denied(_) => status::permission_denied("PERMISSION_DENIED", &message),
            Error::Database(error) => status::from_sqlx(error),
        }
    }
}
