//! How stops end, and what is to be collected.

use rust_decimal::Decimal;
use uuid::Uuid;

/// Why something is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No shipment is there to go.
    #[error("no shipment is there to be delivered")]
    Empty,
    /// The run's state forbids it.
    #[error("the run is {0}")]
    State(String),
    /// The stop has ended.
    #[error("the stop has ended: {0}")]
    StopState(String),
    /// The shipment is on the way with somebody.
    #[error("shipment {0} is on another run")]
    OnAnotherRun(Uuid),
    /// The shipment is in no state to go.
    #[error("shipment {0} is {1}; only packed or shipped can go")]
    Shipment(Uuid, String),
    /// More of the order is to come, so nobody knows what this part costs the buyer.
    #[error("shipment {0} is not the last of its order: say what is to be collected")]
    CashAmountNeeded(Uuid),
    /// Another amount than due, and nobody says why.
    #[error("{collected} was collected, {due} was due; say why in the note")]
    CashDiffers {
        /// To collect.
        due: Decimal,
        /// Collected.
        collected: Decimal,
    },
    /// Stops have not ended.
    #[error("{0} stops have not ended")]
    StopsPending(i64),
    /// Goods have not come back.
    #[error("{0} refused shipments were not taken back yet")]
    GoodsOut(i64),
}

impl Refusal {
    /// The reason code.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "RUN_EMPTY",
            Self::State(_) => "RUN_STATE",
            Self::StopState(_) => "STOP_STATE",
            Self::OnAnotherRun(_) => "ON_ANOTHER_RUN",
            Self::Shipment(..) => "SHIPMENT_STATE",
            Self::CashAmountNeeded(_) => "CASH_AMOUNT_NEEDED",
            Self::CashDiffers { .. } => "CASH_DIFFERS",
            Self::StopsPending(_) => "STOPS_PENDING",
            Self::GoodsOut(_) => "GOODS_OUT",
        }
    }
}

/// How a stop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The buyer has everything.
    Delivered,
    /// The buyer took nothing.
    Refused,
    /// The buyer took a part.
    PartlyRefused,
    /// Nobody was there.
    NotFound,
    /// Another day.
    Postponed,
}

impl Outcome {
    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::PartlyRefused => "partly_refused",
            Self::NotFound => "not_found",
            Self::Postponed => "postponed",
        }
    }

    /// Whether the buyer took something, and so paid.
    #[must_use]
    pub fn pays(self) -> bool {
        matches!(self, Self::Delivered | Self::PartlyRefused)
    }
}

/// A shipment that is to go on a run, with what is known of its order's cash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Shipment.
    pub shipment: Uuid,
    /// Order.
    pub order: Uuid,
    /// State code.
    pub state: String,
    /// It is a stop of a run that has not ended.
    pub on_run: bool,
    /// What the order's buyer owes on delivery; none when it is not paid on delivery.
    pub order_due: Option<Decimal>,
    /// Of it collected, or to be collected at other stops.
    pub taken: Decimal,
    /// Nothing of the order is still to come.
    pub is_last: bool,
}

impl Parcel {
    /// What is to be collected: as given, or everything the order still owes when this is the last of it.
    ///
    /// # Errors
    /// What stands against the shipment going.
    pub fn cash_due(&self, given: Option<Decimal>) -> Result<Decimal, Refusal> {
        if self.on_run {
            return Err(Refusal::OnAnotherRun(self.shipment));
        }
        if self.state != "packed" && self.state != "shipped" {
            return Err(Refusal::Shipment(self.shipment, self.state.clone()));
        }
        let owed = (self.order_due.unwrap_or_default() - self.taken).max(Decimal::ZERO);
        match given {
            Some(amount) => Ok(amount),
            None if owed.is_zero() || self.is_last => Ok(owed),
            None => Err(Refusal::CashAmountNeeded(self.shipment)),
        }
    }
}

/// What was collected at a stop: as said, or what was due when everything was taken.
///
/// # Errors
/// [`Refusal::CashDiffers`] when it is not what was due and no note says why.
pub fn collected(outcome: Outcome, due: Decimal, said: Option<Decimal>, note: &str) -> Result<Decimal, Refusal> {
    let usual = if outcome == Outcome::Delivered { due } else { Decimal::ZERO };
    let collected = said.unwrap_or(usual);
    if outcome.pays() && collected != due && note.is_empty() {
        return Err(Refusal::CashDiffers { due, collected });
    }
    Ok(collected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    fn parcel(order_due: Option<Decimal>, taken: Decimal, is_last: bool) -> Parcel {
        let (shipment, order) = (Uuid::nil(), Uuid::nil());
        Parcel { shipment, order, state: "packed".into(), on_run: false, order_due, taken, is_last }
    }

    #[test]
    fn the_last_of_an_order_collects_what_is_still_owed_and_never_less_than_nothing() {
        assert_eq!(parcel(None, dec!(0), false).cash_due(None), Ok(dec!(0)));
        assert_eq!(parcel(Some(dec!(100)), dec!(30), true).cash_due(None), Ok(dec!(70)));
        assert_eq!(parcel(Some(dec!(-5)), dec!(0), false).cash_due(None), Ok(dec!(0)));
        assert_eq!(
            parcel(Some(dec!(100)), dec!(30), false).cash_due(None),
            Err(Refusal::CashAmountNeeded(Uuid::nil()))
        );
        assert_eq!(parcel(Some(dec!(100)), dec!(30), false).cash_due(Some(dec!(12))), Ok(dec!(12)));
    }

    #[test]
    fn another_amount_than_due_needs_a_note() {
        assert_eq!(collected(Outcome::Delivered, dec!(10), None, ""), Ok(dec!(10)));
        assert_eq!(collected(Outcome::Refused, dec!(10), None, ""), Ok(dec!(0)));
        for outcome in [Outcome::Delivered, Outcome::PartlyRefused] {
            assert!(collected(outcome, dec!(10), Some(dec!(9)), "").is_err());
            assert_eq!(collected(outcome, dec!(10), Some(dec!(9)), "no change"), Ok(dec!(9)));
        }
    }
}
