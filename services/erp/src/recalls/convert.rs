//! Recalls in wire form, and back.

use proto::erp::v1::{
    ErpEvent, OpenRecallRequest, Recall, RecallClosed, RecallLotProgress, RecallOpened, RecallOrder, RecallSeverity,
    RecallState, RecalledLot, erp_event::Event,
};
use service::Check;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    domain::{NewRecall, Severity},
    queries::{OrderView, ProgressView, RecallView},
    store::Head,
};
use crate::{
    ledger::convert::number,
    traceability::{domain::Selection, queries::LotRef},
};

/// Reads a recall to open.
pub(super) fn new_recall(check: &mut Check, request: &OpenRecallRequest) -> NewRecall {
    let severity = match request.severity() {
        RecallSeverity::Minor => Severity::Minor,
        RecallSeverity::Major => Severity::Major,
        RecallSeverity::Critical => Severity::Critical,
        RecallSeverity::Unspecified => {
            check.wrong("severity", "is missing");
            Severity::Critical
        }
    };
    let supplier_lot = check.optional_text("supplier_lot", &request.supplier_lot, 64);
    let supplier = check.optional_text("supplier", &request.supplier, 64);
    check.len("lots", request.lots.len(), 0..=100);
    let one_of = request.lots.is_empty() != supplier_lot.is_empty();
    check.require(one_of, "lots", "either lots or a supplier_lot is needed");
    let mut lots = Vec::new();
    for (index, lot) in request.lots.iter().take(100).enumerate() {
        let sku = check.text(&format!("lots[{index}].sku"), &lot.sku, 1..=64);
        lots.push((sku, check.text(&format!("lots[{index}].lot"), &lot.lot, 1..=64)));
    }
    let selection =
        if lots.is_empty() { Selection::SupplierLot { number: supplier_lot, supplier } } else { Selection::Lots(lots) };
    NewRecall { reason: check.text("reason", &request.reason, 1..=500), severity, selection }
}

/// The stored code of a state to filter by.
pub(super) fn state_code(state: RecallState) -> Option<&'static str> {
    match state {
        RecallState::Unspecified => None,
        RecallState::Open => Some("open"),
        RecallState::Closed => Some("closed"),
    }
}

/// A recall in wire form.
pub(super) fn recall(view: RecallView, lots: Vec<ProgressView>) -> Recall {
    let state = if view.state == "open" { RecallState::Open } else { RecallState::Closed };
    let severity = match Severity::parse(&view.severity) {
        Some(Severity::Minor) => RecallSeverity::Minor,
        Some(Severity::Major) => RecallSeverity::Major,
        Some(Severity::Critical) => RecallSeverity::Critical,
        None => RecallSeverity::Unspecified,
    };
    Recall {
        recall_id: view.id.to_string(),
        number: view.number,
        state: state.into(),
        severity: severity.into(),
        reason: view.reason,
        supplier_lot: view.supplier_lot,
        lots: lots.into_iter().map(progress).collect(),
        order_count: view.order_count,
        opened_by: view.opened_by,
        opened_at: Some(proto::to_timestamp(view.opened_at)),
        closed_by: view.closed_by,
        closed_at: view.closed_at.map(proto::to_timestamp),
        summary: view.summary,
    }
}

fn progress(view: ProgressView) -> RecallLotProgress {
    RecallLotProgress {
        sku: view.sku,
        lot: view.lot,
        unit: view.unit,
        named: view.named,
        on_hand_before: number(view.on_hand_before),
        out_before: number(view.out_before),
        stopped: number(view.stopped),
        on_hand: number(view.on_hand),
        out: number(view.out),
        returned: number(view.returned),
        destroyed: number(view.destroyed),
    }
}

/// An order of a recall in wire form.
pub(super) fn order(view: OrderView) -> RecallOrder {
    RecallOrder {
        order_id: view.order_id.to_string(),
        sku: view.sku,
        lot: view.lot,
        stopped: number(view.stopped),
        shipped: number(view.shipped),
        returned: number(view.returned),
        out: number(view.shipped - view.returned),
    }
}

/// The fact that a recall was opened; one part of it.
pub(super) fn opened(head: &Head, part: i32, lots: &[LotRef], orders: &[Uuid], at: OffsetDateTime) -> ErpEvent {
    let lot = |lot: &LotRef| RecalledLot { sku: lot.sku.clone(), lot: lot.number.clone() };
    ErpEvent {
        event: Some(Event::RecallOpened(RecallOpened {
            recall_id: head.id.to_string(),
            number: head.number,
            part,
            parts: head.parts,
            severity: head.severity.clone(),
            reason: head.reason.clone(),
            lots: lots.iter().map(lot).collect(),
            order_ids: orders.iter().map(Uuid::to_string).collect(),
            order_count: i32::try_from(orders.len()).unwrap_or(i32::MAX),
            opened_at: Some(proto::to_timestamp(at)),
        })),
    }
}

/// The fact that a recall has ended; one for each part.
pub(super) fn closed(head: &Head, part: i32, released: bool, at: OffsetDateTime) -> ErpEvent {
    ErpEvent {
        event: Some(Event::RecallClosed(RecallClosed {
            recall_id: head.id.to_string(),
            number: head.number,
            part,
            parts: head.parts,
            released,
            closed_at: Some(proto::to_timestamp(at)),
        })),
    }
}
