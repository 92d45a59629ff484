//! What can go wrong in crm, and how a caller sees it.

use service::status;
use tonic::Status;
use uuid::Uuid;

use crate::identification::domain::Kind;

/// Why a command or a read did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such customer.
    #[error("there is no customer {0}")]
    CustomerUnknown(Uuid),
    /// Nothing is known of the order.
    #[error("there is no order {0}")]
    OrderUnknown(Uuid),
    /// The customer has no such contact.
    #[error("the customer has no contact {0}")]
    ContactUnknown(Uuid),
    /// There is no such version of the score model.
    #[error("there is no score model {0}")]
    ModelUnknown(i64),
    /// The contact belongs to somebody else.
    #[error("the {} belongs to customer {owner}", kind.code())]
    ContactTaken {
        /// What it is.
        kind: Kind,
        /// Whose it is.
        owner: Uuid,
    },
    /// The customer was edited meanwhile.
    #[error("the customer has revision {current}, the edit is based on {based_on}")]
    CustomerChanged {
        /// Revision of the edit.
        based_on: i64,
        /// The present one.
        current: i64,
    },
    /// The customer's personal data was erased.
    #[error("the customer's personal data was erased")]
    CustomerErased,
    /// No more tags.
    #[error("a customer has 50 tags at most")]
    TooManyTags,
    /// No order yet.
    #[error("the customer has no score before the first order")]
    NotScoredYet,
    /// The score model was changed meanwhile.
    #[error("the present score model is {current}, the new one is based on {based_on}")]
    ModelChanged {
        /// Version it was made from.
        based_on: i64,
        /// The present one.
        current: i64,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// What could not be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::CustomerUnknown(id) => status::not_found("customer", id),
            Error::OrderUnknown(id) => status::not_found("order", id),
            Error::ContactUnknown(id) => status::not_found("contact", id),
            Error::ModelUnknown(version) => status::not_found("score model", version),
            Error::ContactTaken { .. } => status::already_exists("CONTACT_TAKEN", text),
            Error::CustomerChanged { .. } => status::aborted("CUSTOMER_CHANGED", text),
            Error::CustomerErased => status::precondition("CUSTOMER_ERASED", text),
            Error::TooManyTags => status::precondition("TOO_MANY_TAGS", text),
            Error::NotScoredYet => status::precondition("NOT_SCORED_YET", text),
            Error::ModelChanged { .. } => status::aborted("MODEL_CHANGED", text),
            Error::Database(error) => status::from_sqlx(error),
            Error::Json(error) => status::internal(&error),
        }
    }
}
