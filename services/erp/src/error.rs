//! What can go wrong, and how the caller hears of it.

use service::{Violation, status};
use tonic::Status;

/// A refusal or a failure of the erp service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or is away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The request is malformed.
    #[error("the request is malformed")]
    Invalid(Vec<Violation>),
    /// Nothing of that id.
    #[error("there is no {0} {1}")]
    NotFound(&'static str, String),
    /// The items are not known.
    #[error("unknown items: {0}")]
    UnknownSku(String),
    /// No such warehouse.
    #[error("unknown warehouse {0}")]
    UnknownWarehouse(String),
    /// No such place, or not one of ours.
    #[error("{0} is not a place of our own")]
    UnknownPlace(String),
    /// A quantity is given in another unit than the item is stocked in.
    #[error("{sku} is stocked in {unit}")]
    UnitMismatch {
        /// Item.
        sku: String,
        /// Its unit.
        unit: String,
    },
    /// The unit of an item that is in use would change.
    #[error("the unit of {0} cannot change: it has stock, movements, open needs or bills of material")]
    UnitInUse(String),
    /// The lot exists with another expiry date.
    #[error("lot {lot} of {sku} has another expiry date")]
    LotMismatch {
        /// Item.
        sku: String,
        /// Lot.
        lot: String,
    },
    /// Less is there, or free, than asked for.
    #[error("only {there} of {sku} lot {lot} can be taken")]
    NotEnoughStock {
        /// Item.
        sku: String,
        /// Lot.
        lot: String,
        /// What can be taken.
        there: String,
    },
    /// The goods are already being picked or packed.
    #[error("{0} of the lot are already picked for shipments")]
    PickedStock(String),
    /// What was to be held is not available.
    #[error("not available: {0}")]
    OutOfStock(String),
    /// The order holds nothing that is not already in a shipment.
    #[error("order {0} holds nothing to pick")]
    NothingReserved(String),
    /// A part was asked for that the order does not hold.
    #[error("line {line_no} holds only {held}")]
    NotEnoughReserved {
        /// Line.
        line_no: i32,
        /// What it holds.
        held: String,
    },
    /// The shipment's state forbids it.
    #[error("the shipment is {state}; only {wanted} can be {done}")]
    ShipmentState {
        /// State it is in.
        state: &'static str,
        /// State it would have to be in.
        wanted: &'static str,
        /// What was tried.
        done: &'static str,
    },
    /// The order or hold has ended.
    #[error("it is {0}")]
    DemandEnded(String),
    /// Somebody else changed the record first.
    #[error("the record has version {0} by now; read it again")]
    VersionConflict(i64),
    /// A rule of bills of material.
    #[error(transparent)]
    Bom(#[from] crate::boms::domain::Refusal),
    /// A rule of reservations.
    #[error(transparent)]
    Reservation(#[from] crate::reservation::domain::Refusal),
    /// A rule of units of measure.
    #[error(transparent)]
    Unit(#[from] crate::units::domain::Refusal),
    /// A rule of expected receipts.
    #[error(transparent)]
    Expected(#[from] crate::expected::domain::Refusal),
    /// A moment lies before one it must follow.
    #[error("{0}")]
    TimeOrder(&'static str),
    /// A bug: the transaction must not be committed.
    #[error("inconsistent: {0}")]
    Inconsistent(&'static str),
}

impl From<Vec<Violation>> for Error {
    fn from(violations: Vec<Violation>) -> Self {
        Self::Invalid(violations)
    }
}

impl Error {
    /// One wrong field.
    pub(crate) fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(field, description)])
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Database(error) => status::from_sqlx(error),
            Error::Invalid(violations) => status::invalid(violations),
            Error::NotFound(kind, id) => status::not_found(kind, id),
            Error::UnknownSku(_) => status::precondition("UNKNOWN_SKU", text),
            Error::UnknownWarehouse(_) => status::precondition("UNKNOWN_WAREHOUSE", text),
            Error::UnknownPlace(_) => status::precondition("UNKNOWN_PLACE", text),
            Error::UnitMismatch { .. } => status::precondition("UNIT_MISMATCH", text),
            Error::UnitInUse(_) => status::precondition("UNIT_IN_USE", text),
            Error::LotMismatch { .. } => status::precondition("LOT_MISMATCH", text),
            Error::NotEnoughStock { .. } => status::precondition("NOT_ENOUGH_STOCK", text),
            Error::PickedStock(_) => status::precondition("PICKED_STOCK", text),
            Error::OutOfStock(_) => status::precondition("OUT_OF_STOCK", text),
            Error::NothingReserved(_) => status::precondition("NOTHING_RESERVED", text),
            Error::NotEnoughReserved { .. } => status::precondition("NOT_ENOUGH_RESERVED", text),
            Error::ShipmentState { .. } => status::precondition("SHIPMENT_STATE", text),
            Error::DemandEnded(state) => status::precondition(&state.to_uppercase(), text),
            Error::VersionConflict(_) => status::aborted("VERSION_CONFLICT", text),
            Error::Bom(refusal) => status::precondition(refusal.reason(), text),
            Error::Reservation(refusal) => status::precondition(refusal.reason(), text),
            Error::Unit(refusal) => status::precondition(refusal.reason(), text),
            Error::Expected(refusal) => status::precondition(refusal.reason(), text),
            Error::TimeOrder(_) => status::precondition("TIME_ORDER", text),
            Error::Inconsistent(_) => status::internal(&error),
        }
    }
}
