//! Cards on the wire.

use phonenumber::country::Id;
use proto::crm::v1 as wire;
use service::Check;
use types::{Currency, Money};

use super::domain::masked;
use super::queries::{CandidateRow, Card, ContactView};
use crate::identification::domain::{self as identification, Contact, Kind};
use crate::scoring::store::Kept;

fn kind_to_wire(code: &str) -> wire::ContactKind {
    match Kind::parse(code) {
        Some(Kind::Phone) => wire::ContactKind::Phone,
        Some(Kind::Email) => wire::ContactKind::Email,
        Some(Kind::Messenger) => wire::ContactKind::Messenger,
        Some(Kind::Address) => wire::ContactKind::Address,
        Some(Kind::Note) => wire::ContactKind::Note,
        Some(Kind::Account) => wire::ContactKind::Account,
        None => wire::ContactKind::Unspecified,
    }
}

fn contact_to_wire(contact: &ContactView) -> wire::Contact {
    wire::Contact {
        contact_id: contact.contact_id.to_string(),
        kind: kind_to_wire(&contact.kind).into(),
        value: contact.value.clone(),
        added_at: Some(proto::to_timestamp(contact.added_at)),
    }
}

fn figures_to_wire(kept: &Kept, company: Currency) -> wire::OrderFigures {
    let figures = &kept.figures;
    let money = |amount| Some(Money::new(amount, company).rounded().into());
    wire::OrderFigures {
        placed_orders: figures.placed_orders,
        orders: figures.orders,
        successful_orders: figures.successful_orders,
        not_collected_orders: figures.not_collected_orders,
        returns: figures.returns,
        failed_shipments: figures.failed_shipments,
        other_currency_orders: figures.other_currency_orders,
        order_sum: money(figures.order_sum()),
        average_check: money(figures.average_check().unwrap_or_default()),
        returned_sum: money(figures.returned_sum),
        discount_sum: money(figures.discount_sum),
        margin_sum: money(figures.margin_sum),
        first_order_at: kept.first_order_at.map(proto::to_timestamp),
        last_order_at: kept.last_order_at.map(proto::to_timestamp),
    }
}

/// A card; without contacts the name is masked.
pub(crate) fn card_to_wire(card: &Card, company: Currency) -> wire::Customer {
    let Card { identity, kept, contacts } = card;
    wire::Customer {
        customer_id: identity.customer_id.to_string(),
        name: if contacts.is_some() { identity.name.clone() } else { masked(&identity.name) },
        region: kept.region.clone(),
        created_at: Some(proto::to_timestamp(identity.created_at)),
        tags: identity.tags.clone(),
        contacts: contacts.iter().flatten().map(contact_to_wire).collect(),
        contacts_hidden: contacts.is_none(),
        figures: Some(figures_to_wire(kept, company)),
        score: kept.score.map(|score| score.to_string()).unwrap_or_default(),
        grade: kept.grade.clone(),
        scored_as_of: kept.scored_as_of.map(proto::to_timestamp),
        revision: identity.revision,
        erased_at: identity.erased_at.map(proto::to_timestamp),
        source: identity.source.clone(),
    }
}

/// A merge candidate.
pub(crate) fn candidate_to_wire(row: &CandidateRow) -> wire::MergeCandidate {
    wire::MergeCandidate {
        older_customer_id: row.older_customer_id.to_string(),
        newer_customer_id: row.newer_customer_id.to_string(),
        reason: row.reason.clone(),
        order_id: row.order_id.to_string(),
        found_at: Some(proto::to_timestamp(row.found_at)),
    }
}

/// Reads contacts that people want to add, in their one spelling.
pub(crate) fn contacts_from_wire(
    check: &mut Check,
    field: &str,
    contacts: &[wire::NewContact],
    region: Id,
) -> Vec<Contact> {
    check.len(field, contacts.len(), 0..=20);
    let mut read = Vec::new();
    for (index, contact) in contacts.iter().take(20).enumerate() {
        let field = format!("{field}[{index}]");
        let value = check.text(&format!("{field}.value"), &contact.value, 1..=1000);
        let (found, what) = match contact.kind() {
            wire::ContactKind::Phone => (identification::phone(&value, region), "is not a valid phone number"),
            wire::ContactKind::Email => (identification::email(&value), "is not a valid e-mail address"),
            wire::ContactKind::Messenger => (identification::messenger(&value), "must be like telegram:name"),
            wire::ContactKind::Account => {
                let parts = value.split_once(':').filter(|(channel, id)| channel.len() <= 64 && id.len() <= 128);
                (parts.and_then(|(channel, id)| identification::account(channel, id)), "must be like web:4711")
            }
            wire::ContactKind::Address => (Some(Contact { kind: Kind::Address, value: value.clone() }), ""),
            wire::ContactKind::Note | wire::ContactKind::Unspecified => {
                check.wrong(format!("{field}.kind"), "must be phone, e-mail, messenger, address or account");
                continue;
            }
        };
        match found {
            Some(contact) => read.push(contact),
            None if value.is_empty() => {}
            None => check.wrong(format!("{field}.value"), what),
        }
    }
    read
}
