//! Everything that can go wrong, and how a caller is told.

use std::collections::HashMap;

use service::{Violation, status};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// What a command can't do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or the caller may not know of it.
    #[error("no {kind} {id}")]
    NotFound {
        /// What was looked for.
        kind: &'static str,
        /// Its id or key.
        id: String,
    },
    /// The key of a space is in use.
    #[error("space key {0} is taken")]
    SpaceKeyTaken(String),
    /// Somebody else changed it since the caller looked.
    #[error("version {given} was given, the present version is {present}")]
    VersionConflict {
        /// Version the caller had seen.
        given: i64,
        /// Version now.
        present: i64,
    },
    /// The caller may see it but not change it.
    #[error("{message}")]
    Denied {
        /// Reason code.
        reason: &'static str,
        /// What is missing.
        message: &'static str,
    },
    /// A rule of the business says no in the present state.
    #[error("{message}")]
    Refused {
        /// Reason code.
        reason: &'static str,
        /// What to do about it.
        message: &'static str,
    },
    /// Another change came in between; the same request again may well succeed.
    #[error("another change came in between; try again")]
    Raced,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Error {
    pub(crate) fn not_found(kind: &'static str, id: impl ToString) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    pub(crate) fn refused(reason: &'static str, message: &'static str) -> Self {
        Self::Refused { reason, message }
    }

    /// The caller may read the page but not write it.
    pub(crate) const READ_ONLY: Self =
        Self::Denied { reason: "PAGE_READ_ONLY", message: "you may read this page only" };

    /// The caller is no admin of the space.
    pub(crate) const NOT_ADMIN: Self =
        Self::Denied { reason: "NOT_SPACE_ADMIN", message: "only admins of the space may do this" };
}

/// The text has more different words than the index holds.
fn too_many_words(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).as_deref() == Some("54000")
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NotFound { kind, id } => status::not_found(kind, id),
            Error::SpaceKeyTaken(_) => status::already_exists("SPACE_KEY_TAKEN", message),
            Error::VersionConflict { present, .. } => {
                let mut details = ErrorDetails::new();
                let metadata = HashMap::from([("current_version".to_owned(), present.to_string())]);
                details.set_error_info("VERSION_CONFLICT", status::DOMAIN, metadata);
                Self::with_error_details(Code::Aborted, message, details)
            }
            Error::Raced => status::aborted("CONCURRENT_CHANGE", message),
            Error::Denied { reason, .. } => status::permission_denied(reason, message),
            Error::Refused { reason, .. } => status::precondition(reason, message),
            Error::Database(error) if too_many_words(&error) => {
                status::invalid(vec![Violation::new("body", "has too many different words")])
            }
            Error::Database(error) => status::from_sqlx(error),
        }
    }
}
