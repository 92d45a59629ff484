//! Traces in wire form, and back.

use std::collections::{BTreeMap, HashMap};

use proto::erp::v1::{
    LotFacts, LotLink, LotPlace, LotReceipt, LotRelation, LotStatus, MassBalance as WireBalance, TraceLotRequest,
    TracedLot, TracedOrder,
};
use service::Check;
use time::Date;
use uuid::Uuid;

use super::{
    domain::{Facts, MassBalance, Relation, Selection, is_country},
    queries::{LinkView, OrderView, PlaceView, ReceiptView, TracedView},
};
use crate::ledger::convert::number;

/// Reads which lots are meant.
pub(super) fn selection(check: &mut Check, request: &TraceLotRequest) -> Selection {
    let lot = check.optional_text("lot", &request.lot, 64);
    let supplier_lot = check.optional_text("supplier_lot", &request.supplier_lot, 64);
    check.require(lot.is_empty() != supplier_lot.is_empty(), "lot", "either lot or supplier_lot is needed");
    if lot.is_empty() {
        let supplier = check.optional_text("supplier", &request.supplier, 64);
        return Selection::SupplierLot { number: supplier_lot, supplier };
    }
    Selection::Lots(vec![(check.text("sku", &request.sku, 1..=64), lot)])
}

/// Reads what papers say.
pub(super) fn facts(check: &mut Check, facts: Option<&LotFacts>) -> Facts {
    let Some(facts) = facts else {
        check.wrong("facts", "is missing");
        return Facts::default();
    };
    check.require(is_country(&facts.country), "facts.country", "must be two capital letters");
    Facts {
        certificate: check.optional_text("facts.certificate", &facts.certificate, 100),
        certified_on: check.optional_date("facts.certified_on", &facts.certified_on),
        country: facts.country.clone(),
        manufacturer: check.optional_text("facts.manufacturer", &facts.manufacturer, 200),
        made_on: check.optional_date("facts.made_on", &facts.made_on),
    }
}

fn day(date: Option<Date>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}

fn balance(view: &TracedView) -> MassBalance {
    MassBalance {
        received: view.received,
        made: view.made,
        returned: view.returned,
        counted_up: view.counted_up,
        on_hand: view.on_hand,
        shipped: view.shipped,
        written_off: view.written_off,
        consumed: view.consumed,
        counted_down: view.counted_down,
        sent_back: view.sent_back,
    }
}

/// Whether the quantities of every lot add up.
pub(super) fn balanced(views: &[TracedView]) -> bool {
    views.iter().all(|view| balance(view).difference().is_zero())
}

/// What papers say, as stored.
pub(super) fn facts_of(view: &TracedView) -> LotFacts {
    LotFacts {
        certificate: view.certificate.clone(),
        certified_on: day(view.certified_on),
        country: view.country.clone(),
        manufacturer: view.manufacturer.clone(),
        made_on: day(view.made_on),
    }
}

fn mass_balance(view: &TracedView) -> WireBalance {
    let sums = balance(view);
    WireBalance {
        received: number(sums.received),
        made: number(sums.made),
        returned: number(sums.returned),
        counted_up: number(sums.counted_up),
        on_hand: number(sums.on_hand),
        shipped: number(sums.shipped),
        written_off: number(sums.written_off),
        consumed: number(sums.consumed),
        counted_down: number(sums.counted_down),
        sent_back: number(sums.sent_back),
        difference: number(sums.difference()),
    }
}

fn status(code: &str) -> i32 {
    let status = match code {
        "available" => LotStatus::Available,
        "quarantined" => LotStatus::Quarantined,
        "blocked" => LotStatus::Blocked,
        _ => LotStatus::Unspecified,
    };
    status.into()
}

fn relation(relation: Relation) -> LotRelation {
    match relation {
        Relation::Root => LotRelation::Root,
        Relation::Input => LotRelation::Input,
        Relation::Output => LotRelation::Output,
    }
}

/// The lots of a trace in wire form, in the order given.
pub(super) fn lots(
    order: &[(Uuid, Relation, i32)],
    views: Vec<TracedView>,
    places: Vec<PlaceView>,
    receipts: Vec<ReceiptView>,
) -> Vec<TracedLot> {
    let mut views: HashMap<Uuid, TracedView> = views.into_iter().map(|view| (view.id, view)).collect();
    let mut places_of: BTreeMap<Uuid, Vec<LotPlace>> = BTreeMap::new();
    for view in places {
        let (on_hand, reserved) = (number(view.on_hand), number(view.reserved));
        let place = LotPlace { place: view.place, warehouse: view.warehouse, on_hand, reserved };
        places_of.entry(view.lot_id).or_default().push(place);
    }
    let mut receipts_of: BTreeMap<Uuid, Vec<LotReceipt>> = BTreeMap::new();
    for view in receipts {
        receipts_of.entry(view.lot_id).or_default().push(LotReceipt {
            receipt_id: view.id.to_string(),
            number: view.number,
            supplier: view.supplier,
            warehouse: view.warehouse,
            quantity: number(view.quantity),
            received_at: Some(proto::to_timestamp(view.received_at)),
        });
    }
    let mut lot = |(id, is, level): &(Uuid, Relation, i32)| {
        let view = views.remove(id)?;
        Some(TracedLot {
            relation: relation(*is).into(),
            level: *level,
            status: status(&view.status),
            expires_on: day(view.expires_on),
            facts: Some(facts_of(&view)),
            balance: Some(mass_balance(&view)),
            places: places_of.remove(id).unwrap_or_default(),
            receipts: receipts_of.remove(id).unwrap_or_default(),
            sku: view.sku,
            lot: view.number,
            unit: view.unit,
            supplier: view.supplier,
            supplier_lot: view.supplier_lot,
        })
    };
    order.iter().filter_map(&mut lot).collect()
}

/// How lots became others, in wire form; links to lots that were left out are left out.
pub(super) fn links(links: Vec<LinkView>, views: &[TracedView]) -> Vec<LotLink> {
    let names: HashMap<Uuid, (&str, &str)> =
        views.iter().map(|view| (view.id, (view.sku.as_str(), view.number.as_str()))).collect();
    let link = |link: LinkView| {
        let (input, output) = (names.get(&link.input_lot)?, names.get(&link.output_lot)?);
        Some(LotLink {
            kind: link.kind,
            document_id: link.document_id.to_string(),
            at: Some(proto::to_timestamp(link.at)),
            input_sku: input.0.to_owned(),
            input_lot: input.1.to_owned(),
            input_quantity: number(link.input_quantity),
            output_sku: output.0.to_owned(),
            output_lot: output.1.to_owned(),
            output_quantity: number(link.output_quantity),
        })
    };
    links.into_iter().filter_map(link).collect()
}

/// An order in wire form.
pub(super) fn order(view: OrderView) -> TracedOrder {
    TracedOrder {
        order_id: view.order_id.to_string(),
        sku: view.sku,
        lot: view.lot,
        shipped: number(view.shipped),
        returned: number(view.returned),
        out: number(view.shipped - view.returned),
        shipped_at: view.shipped_at.map(proto::to_timestamp),
    }
}
