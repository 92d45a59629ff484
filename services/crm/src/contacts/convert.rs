//! Records on the wire.

use proto::crm::v1 as wire;

use super::commands::Record;
use super::queries::RecordRow;

const KINDS: [(wire::RecordKind, &str); 5] = [
    (wire::RecordKind::Call, "call"),
    (wire::RecordKind::Letter, "letter"),
    (wire::RecordKind::Chat, "chat"),
    (wire::RecordKind::Visit, "visit"),
    (wire::RecordKind::Complaint, "complaint"),
];

const DIRECTIONS: [(wire::RecordDirection, &str); 2] =
    [(wire::RecordDirection::Inbound, "inbound"), (wire::RecordDirection::Outbound, "outbound")];

/// The word of a kind.
pub(crate) fn kind_from_wire(kind: wire::RecordKind) -> Option<&'static str> {
    KINDS.into_iter().find(|pair| pair.0 == kind).map(|pair| pair.1)
}

/// The word of a direction.
pub(crate) fn direction_from_wire(direction: wire::RecordDirection) -> Option<&'static str> {
    DIRECTIONS.into_iter().find(|pair| pair.0 == direction).map(|pair| pair.1)
}

/// A record.
pub(crate) fn record_to_wire(row: &RecordRow) -> wire::ContactRecord {
    let kind = KINDS.into_iter().find(|pair| pair.1 == row.kind).map(|pair| pair.0);
    let direction = DIRECTIONS.into_iter().find(|pair| pair.1 == row.direction).map(|pair| pair.0);
    wire::ContactRecord {
        record_id: row.record_id.to_string(),
        customer_id: row.customer_id.to_string(),
        kind: kind.unwrap_or_default().into(),
        direction: direction.unwrap_or_default().into(),
        outcome: row.outcome.clone(),
        note: row.note.clone(),
        order_id: row.order_id.map(|id| id.to_string()).unwrap_or_default(),
        author: row.author.clone(),
        happened_at: Some(proto::to_timestamp(row.happened_at)),
    }
}

impl From<Record> for RecordRow {
    fn from(record: Record) -> Self {
        Self {
            record_id: record.record_id,
            customer_id: record.customer_id,
            kind: record.kind.to_owned(),
            direction: record.direction.to_owned(),
            outcome: record.outcome,
            note: record.note,
            order_id: record.order_id,
            author: record.author,
            happened_at: record.happened_at,
        }
    }
}
