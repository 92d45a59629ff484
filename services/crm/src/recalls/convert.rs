//! Recalls from erp's events, and on the wire.

use anyhow::Context as _;
use proto::crm::v1 as wire;
use proto::erp::v1::{ErpEvent, erp_event};
use time::OffsetDateTime;
use uuid::Uuid;

use super::queries::{OrderRow, RecallRow};
use super::store::Recall;

/// What erp told.
pub(super) enum Change {
    /// A part of a recall, with its orders.
    Opened(Recall, Vec<Uuid>),
    /// A recall has ended.
    Closed {
        /// Which.
        recall: Uuid,
        /// Its number.
        number: i64,
        /// When.
        at: OffsetDateTime,
    },
}

fn id(text: &str) -> anyhow::Result<Uuid> {
    Uuid::parse_str(text).with_context(|| format!("id {text:?}"))
}

/// What an event of erp means here; `None` when it does not matter.
pub(super) fn change(event: ErpEvent, at: OffsetDateTime) -> anyhow::Result<Option<Change>> {
    use erp_event::Event as E;
    Ok(match event.event {
        Some(E::RecallOpened(event)) => {
            let orders = event.order_ids.iter().map(|order| id(order)).collect::<anyhow::Result<_>>()?;
            let recall = Recall {
                id: id(&event.recall_id)?,
                number: event.number,
                severity: event.severity,
                reason: event.reason,
                opened_at: event.opened_at.as_ref().and_then(proto::from_timestamp).unwrap_or(at),
            };
            Some(Change::Opened(recall, orders))
        }
        Some(E::RecallClosed(event)) => {
            let at = event.closed_at.as_ref().and_then(proto::from_timestamp).unwrap_or(at);
            Some(Change::Closed { recall: id(&event.recall_id)?, number: event.number, at })
        }
        _ => None,
    })
}

/// An order of a recall on the wire.
pub(super) fn order(row: OrderRow) -> wire::RecalledOrder {
    wire::RecalledOrder {
        order_id: row.order_id.to_string(),
        customer_id: row.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        placed_at: row.placed_at.map(proto::to_timestamp),
    }
}

/// A recall of a customer's order on the wire.
pub(super) fn recall(row: RecallRow) -> wire::CustomerRecall {
    wire::CustomerRecall {
        recall_id: row.recall_id.to_string(),
        number: row.number,
        severity: row.severity,
        reason: row.reason,
        order_id: row.order_id.to_string(),
        opened_at: row.opened_at.map(proto::to_timestamp),
        closed_at: row.closed_at.map(proto::to_timestamp),
    }
}
