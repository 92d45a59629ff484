//! Runs in wire form, and back.

use proto::erp::v1::{DeliveryRun, DeliveryRunState, RunStop, StopOutcome};
use rust_decimal::Decimal;
use service::Check;
use types::Currency;

use super::{
    domain::Outcome,
    queries::{RunView, StopView},
};
use crate::ledger::convert::money;

/// Reads how a stop ended.
pub(super) fn outcome(check: &mut Check, outcome: StopOutcome) -> Outcome {
    match outcome {
        StopOutcome::Delivered => Outcome::Delivered,
        StopOutcome::Refused => Outcome::Refused,
        StopOutcome::PartlyRefused => Outcome::PartlyRefused,
        StopOutcome::NotFound => Outcome::NotFound,
        StopOutcome::Postponed => Outcome::Postponed,
        StopOutcome::Unspecified | StopOutcome::LeftOut => {
            check.wrong("outcome", "must say how the stop ended");
            Outcome::Postponed
        }
    }
}

fn outcome_of(code: &str) -> i32 {
    match code {
        "delivered" => StopOutcome::Delivered,
        "refused" => StopOutcome::Refused,
        "partly_refused" => StopOutcome::PartlyRefused,
        "not_found" => StopOutcome::NotFound,
        "postponed" => StopOutcome::Postponed,
        "left_out" => StopOutcome::LeftOut,
        _ => StopOutcome::Unspecified,
    }
    .into()
}

/// An amount of cash, zero or more, in the company currency, with no more digits than its minor unit.
pub(crate) fn cash(
    check: &mut Check,
    field: &str,
    value: &Option<proto::common::v1::Money>,
    currency: Currency,
) -> Option<Decimal> {
    let money = check.optional_money(field, value)?;
    check.require(money.currency == currency, field, format!("must be in {}", currency.code()));
    check.require(money.amount >= Decimal::ZERO, field, "must not be negative");
    check.require(money.rounded().amount == money.amount, field, "has more digits than the minor unit");
    Some(money.amount)
}

/// A run in wire form.
pub(super) fn run(view: RunView, stops: Vec<StopView>, currency: Currency) -> DeliveryRun {
    let stop = |stop: StopView| RunStop {
        stop_no: stop.stop_no,
        shipment_id: stop.shipment_id.to_string(),
        order_id: stop.order_id.to_string(),
        number: stop.number,
        region: stop.region,
        places: stop.places,
        outcome: outcome_of(&stop.outcome),
        note: stop.note,
        cash_due: Some(money(stop.cash_due, currency)),
        cash_collected: Some(money(stop.cash_collected, currency)),
        resolved_at: stop.resolved_at.map(proto::to_timestamp),
    };
    DeliveryRun {
        run_id: view.id.to_string(),
        number: view.number,
        state: match view.state.as_str() {
            "open" => DeliveryRunState::Open,
            "started" => DeliveryRunState::Started,
            _ => DeliveryRunState::Closed,
        }
        .into(),
        courier: view.courier,
        warehouse: view.warehouse,
        region: view.region,
        stops: stops.into_iter().map(stop).collect(),
        cash_due: Some(money(view.cash_due, currency)),
        cash_collected: Some(money(view.cash_collected, currency)),
        created_at: Some(proto::to_timestamp(view.created_at)),
        started_at: view.started_at.map(proto::to_timestamp),
        closed_at: view.closed_at.map(proto::to_timestamp),
    }
}
