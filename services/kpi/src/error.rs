//! Everything that can go wrong, and how a caller is told.

use std::time::Duration;

use service::{Violation, status};
use tonic::Status;
use types::BusinessDayError;

/// What a report or a rebuild can't do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request does not make sense.
    #[error("the request is wrong")]
    Invalid(Vec<Violation>),
    /// An export has more rows than fit.
    #[error("the report has more than {0} rows; narrow the period or the filter")]
    TooLarge(i64),
    /// The period reaches beyond what the calendar knows.
    #[error(transparent)]
    Calendar(BusinessDayError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Error {
    pub(crate) fn invalid(field: &str, description: &str) -> Self {
        Self::Invalid(vec![Violation::new(field, description)])
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Invalid(violations) => status::invalid(violations),
            Error::TooLarge(_) => status::precondition("REPORT_TOO_LARGE", message),
            Error::Calendar(_) => status::invalid(vec![Violation::new("period", message)]),
            // The statement timeout of a report; see reports/queries.rs.
            Error::Database(sqlx::Error::Database(error)) if error.code().as_deref() == Some("57014") => {
                status::exhausted("the report takes too long; narrow the period or the filter", Duration::from_secs(10))
            }
            Error::Database(error) => status::from_sqlx(error),
        }
    }
}
