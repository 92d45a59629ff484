//! Everything that can go wrong here, and how it looks from outside.

use service::{Violation, status};
use tonic::Status;

use crate::{catalogue::domain::PatchRefused, life::domain::Refused};

/// What stops a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule of an order's life says no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A rule of the catalogue says no.
    #[error(transparent)]
    Patch(#[from] PatchRefused),
    /// Another rule says no in the present state.
    #[error("{message}")]
    Precondition {
        /// Reason code.
        reason: &'static str,
        /// In words.
        message: String,
    },
    /// The request is wrong.
    #[error("the request is wrong")]
    Invalid(Vec<Violation>),
    /// There is no such thing.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// What it would be.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// The key is taken by something else.
    #[error("{message}")]
    Conflict {
        /// Reason code.
        reason: &'static str,
        /// In words.
        message: String,
    },
    /// Somebody else changed it in between.
    #[error("the version is {0} now")]
    VersionMismatch(i64),
    /// An order holds one of the keys already, or was just given it by somebody else.
    #[error("an order with one of these keys is there already")]
    KeyTaken,
    /// The database says no.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// There is no such thing.
    pub fn not_found(kind: &'static str, id: impl ToString) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    /// One field is wrong.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(field, description)])
    }
}

impl From<Vec<Violation>> for Error {
    fn from(violations: Vec<Violation>) -> Self {
        Self::Invalid(violations)
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refused) => refusal(&refused),
            Error::Patch(PatchRefused::UnitIsFixed) => {
                status::precondition("UNIT_IS_FIXED", PatchRefused::UnitIsFixed.to_string())
            }
            Error::Patch(PatchRefused::NoName) => {
                status::invalid(vec![Violation::new("name_ru", PatchRefused::NoName.to_string())])
            }
            Error::Precondition { reason, message } => status::precondition(reason, message),
            Error::Invalid(violations) => status::invalid(violations),
            Error::NotFound { kind, id } => status::not_found(kind, id),
            Error::Conflict { reason, message } => status::already_exists(reason, message),
            Error::VersionMismatch(_) => status::aborted("VERSION_MISMATCH", error.to_string()),
            Error::KeyTaken => status::aborted("KEY_TAKEN", error.to_string()),
            Error::Database(error) => status::from_sqlx(error),
        }
    }
}

fn refusal(refused: &Refused) -> Status {
    let reason = match refused {
        Refused::Forbidden { .. } => "FORBIDDEN_TRANSITION",
        Refused::NothingToCancel => "NOTHING_TO_CANCEL",
        Refused::QuantityExceeded { .. } => "QUANTITY_EXCEEDED",
        Refused::AmountExceeded { .. } => "AMOUNT_EXCEEDED",
        Refused::RefundExceedsPaid { .. } => "REFUND_EXCEEDS_PAID",
        Refused::NotDelivered => "NOT_DELIVERED",
        Refused::NoSuchLine(_) => return status::invalid(vec![Violation::new("lines", refused.to_string())]),
        Refused::OtherCurrency(_) => {
            return status::invalid(vec![Violation::new("amount.currency", refused.to_string())]);
        }
    };
    status::precondition(reason, refused.to_string())
}

/// A page token that is a text: made by us it is never empty and holds no NUL, which Postgres could not compare with.
///
/// # Errors
/// When it is not one of ours.
pub fn check_token(after: Option<&str>) -> Result<(), Error> {
    if after.is_some_and(|text| text.contains('\0')) {
        return Err(Error::invalid("page.page_token", "is not a token of this list"));
    }
    Ok(())
}
