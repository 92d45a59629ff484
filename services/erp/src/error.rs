//! What can go wrong, and how the caller hears of it.

use service::{Violation, status};
use time::{Date, OffsetDateTime};
use tonic::Status;

use crate::valuation::store_past::Gap;

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
    #[error("the unit of {0} cannot change: it has stock, movements, open needs, bills of material or kits")]
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
    /// The contents of the parcels are not what the shipment has.
    #[error("the parcels differ from the shipment: {0}")]
    ParcelContents(String),
    /// A shipment weighs something else than its items.
    #[error("the shipment weighs {weighed} g, its items {expected} g; say why that is right")]
    WeightDiffers {
        /// By the items, in grams.
        expected: String,
        /// On the scales, in grams.
        weighed: String,
    },
    /// What came back leaves something unsaid.
    #[error("of {0} pieces it is not said what became of them")]
    ReturnIncomplete(String),
    /// More came back than was sent.
    #[error("only {there} of line {line_no} can come back")]
    NotEnoughSent {
        /// Line.
        line_no: i32,
        /// What can come back.
        there: String,
    },
    /// A rule of waves.
    #[error(transparent)]
    Wave(#[from] crate::waves::domain::Refusal),
    /// A rule of self-pickup.
    #[error(transparent)]
    Pickup(#[from] crate::pickups::domain::Refusal),
    /// A rule of couriers' runs.
    #[error(transparent)]
    Run(#[from] crate::runs::domain::Refusal),
    /// A rule of cash on delivery.
    #[error(transparent)]
    Cash(#[from] crate::cash::domain::Refusal),
    /// The order or hold has ended.
    #[error("it is {0}")]
    DemandEnded(String),
    /// Somebody else changed the record first.
    #[error("the record has version {0} by now; read it again")]
    VersionConflict(i64),
    /// Goods came into a bin while it was to be blocked.
    #[error("{0} is busy; try again")]
    BinBusy(String),
    /// A rule of bins.
    #[error(transparent)]
    Bin(#[from] crate::bins::domain::Refusal),
    /// A rule of stocktaking.
    #[error(transparent)]
    Count(#[from] crate::counts::domain::Refusal),
    /// A rule of bills of material.
    #[error(transparent)]
    Bom(#[from] crate::boms::domain::Refusal),
    /// A recall would concern more lots than one may.
    #[error("more than {0} lots are concerned")]
    RecallTooLarge(usize),
    /// Something was made of the lots while they were being locked.
    #[error("goods were being made of the lots meanwhile; try again")]
    RecallRaced,
    /// The recall has ended.
    #[error("recall {0} is closed")]
    RecallClosed(i64),
    /// An open recall keeps the lot blocked.
    #[error("lot {lot} of {sku} is recalled; it stays blocked until the recall is closed")]
    LotRecalled {
        /// Item.
        sku: String,
        /// Lot.
        lot: String,
    },
    /// A kit would contain itself.
    #[error("{0} would contain itself")]
    KitCycle(String),
    /// A kit counted in parts.
    #[error("{0} is not counted in whole units")]
    KitUnit(String),
    /// There are as many rules as there may be.
    #[error("there are {0} rules already; more are not kept")]
    TooManyRules(usize),
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
    /// The moment lies in a period that is closed.
    #[error("what happened before {0} is closed")]
    PeriodClosed(OffsetDateTime),
    /// The day to close has not ended.
    #[error("{0} is not over")]
    PeriodNotOver(Date),
    /// The day to open is open.
    #[error("{0} is open")]
    PeriodOpen(Date),
    /// Something that was taken later would not have been there.
    #[error("{} of {} lot {} would have been missing in {} at {}", .0.missing.normalize(), .0.sku, .0.lot, .0.place, .0.at)]
    PastWouldBeNegative(Box<Gap>),
    /// An item is valued at standard cost and has none.
    #[error("{0} is valued at standard cost and has none")]
    StandardCostMissing(String),
    /// A charge goes by weight, and this has none.
    #[error("{0} has no weight")]
    WeightMissing(String),
    /// A charge goes by volume, and this has none.
    #[error("{0} has no volume")]
    VolumeMissing(String),
    /// A charge goes by customs code, and no line has it.
    #[error("no line has the customs code {0}")]
    NoLineOfCode(String),
    /// Landed cost was taken back already.
    #[error("it was cancelled already")]
    LandedCostCancelled,
    /// Somebody else changed what this depends on; the same request may be sent again.
    #[error("somebody else changed the goods meanwhile; try again")]
    Busy,
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
            Error::ParcelContents(_) => status::precondition("PARCEL_CONTENTS", text),
            Error::WeightDiffers { .. } => status::precondition("WEIGHT_DIFFERS", text),
            Error::ReturnIncomplete(_) => status::precondition("RETURN_INCOMPLETE", text),
            Error::NotEnoughSent { .. } => status::precondition("NOT_ENOUGH_SENT", text),
            Error::Wave(refusal) => status::precondition(refusal.reason(), text),
            Error::Pickup(refusal) => status::precondition(refusal.reason(), text),
            Error::Run(refusal) => status::precondition(refusal.reason(), text),
            Error::Cash(refusal) => status::precondition(refusal.reason(), text),
            Error::DemandEnded(state) => status::precondition(&state.to_uppercase(), text),
            Error::VersionConflict(_) => status::aborted("VERSION_CONFLICT", text),
            Error::BinBusy(_) => status::aborted("BIN_BUSY", text),
            Error::Bin(refusal) => status::precondition(refusal.reason(), text),
            Error::Count(refusal) => status::precondition(refusal.reason(), text),
            Error::Bom(refusal) => status::precondition(refusal.reason(), text),
            Error::PeriodClosed(_) => status::precondition("PERIOD_CLOSED", text),
            Error::PeriodNotOver(_) => status::precondition("PERIOD_NOT_OVER", text),
            Error::PeriodOpen(_) => status::precondition("PERIOD_OPEN", text),
            Error::PastWouldBeNegative(_) => status::precondition("PAST_WOULD_BE_NEGATIVE", text),
            Error::StandardCostMissing(_) => status::precondition("STANDARD_COST_MISSING", text),
            Error::WeightMissing(_) => status::precondition("WEIGHT_MISSING", text),
            Error::VolumeMissing(_) => status::precondition("VOLUME_MISSING", text),
            Error::NoLineOfCode(_) => status::precondition("NO_LINE_OF_CODE", text),
            Error::LandedCostCancelled => status::precondition("LANDED_COST_CANCELLED", text),
            Error::Busy => status::aborted("STOCK_CHANGED", text),
            Error::RecallTooLarge(_) => status::precondition("RECALL_TOO_LARGE", text),
            Error::RecallRaced => status::aborted("RECALL_RACED", text),
            Error::RecallClosed(_) => status::precondition("RECALL_CLOSED", text),
            Error::LotRecalled { .. } => status::precondition("LOT_RECALLED", text),
            Error::KitCycle(_) => status::precondition("KIT_CYCLE", text),
            Error::KitUnit(_) => status::precondition("KIT_UNIT", text),
            Error::TooManyRules(_) => status::precondition("TOO_MANY_RULES", text),
            Error::Reservation(refusal) => status::precondition(refusal.reason(), text),
            Error::Unit(refusal) => status::precondition(refusal.reason(), text),
            Error::Expected(refusal) => status::precondition(refusal.reason(), text),
            Error::TimeOrder(_) => status::precondition("TIME_ORDER", text),
            Error::Inconsistent(_) => status::internal(&error),
        }
    }
}
