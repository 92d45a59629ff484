//! Cash in wire form.

use proto::erp::v1::{CashDecision, CashHandIn, CashHandedIn, CourierDebt, ErpEvent, erp_event::Event};
use types::Currency;
use uuid::Uuid;

use super::{
    domain::HandIn,
    queries::{DebtView, HandInView},
};
use crate::{config::Stamp, ledger::convert::money};

/// A hand-in in wire form.
pub(super) fn hand_in(view: HandInView, currency: Currency) -> CashHandIn {
    CashHandIn {
        run_id: view.run_id.to_string(),
        courier: view.courier,
        collected: Some(money(view.collected, currency)),
        counted: Some(money(view.counted, currency)),
        difference: Some(money(view.difference, currency)),
        reason: view.reason,
        counted_by: view.counted_by,
        counted_at: Some(proto::to_timestamp(view.counted_at)),
        decision: match view.decision.as_str() {
            "waived" => CashDecision::Waived,
            "charged" => CashDecision::Charged,
            _ => CashDecision::Unspecified,
        }
        .into(),
        decided_by: view.decided_by.unwrap_or_default(),
    }
}

/// A debt in wire form.
pub(super) fn debt(view: DebtView, currency: Currency) -> CourierDebt {
    CourierDebt {
        courier: view.courier,
        collected: Some(money(view.collected, currency)),
        handed_in: Some(money(view.handed_in, currency)),
        waived: Some(money(view.waived, currency)),
        owed: Some(money(view.owed, currency)),
    }
}

/// The fact that the cash of a run was counted.
pub(super) fn cash_handed_in(run: Uuid, courier: &str, hand_in: &HandIn, stamp: &Stamp<'_>) -> ErpEvent {
    let fact = CashHandedIn {
        run_id: run.to_string(),
        courier: courier.to_owned(),
        collected: Some(money(hand_in.collected, stamp.rules.currency)),
        counted: Some(money(hand_in.counted, stamp.rules.currency)),
        counted_at: Some(proto::to_timestamp(stamp.now)),
    };
    ErpEvent { event: Some(Event::CashHandedIn(fact)) }
}
