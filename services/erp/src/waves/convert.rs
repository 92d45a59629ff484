//! Waves in wire form, and back.

use proto::{
    common::v1::Quantity,
    erp::v1::{
        ErpEvent, ScanPickResponse, TotePut, Wave, WaveLine, WaveOrder, WaveStarted, WaveState, WaveSummary,
        erp_event::Event,
    },
};
use service::Check;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    commands::Scanned,
    domain::Scan,
    queries::{LineView, OrderView, WaveView},
    store::Head,
};
use crate::{fulfilment::convert::state_of, ledger::convert::quantity};

fn state(view: &WaveView) -> i32 {
    match (view.state.as_str(), view.picking) {
        ("planned", _) => WaveState::Planned,
        ("cancelled", _) => WaveState::Cancelled,
        (_, true) => WaveState::Picking,
        (_, false) => WaveState::Done,
    }
    .into()
}

/// A wave in wire form.
pub(super) fn wave(view: WaveView, orders: Vec<OrderView>, lines: Vec<LineView>) -> Wave {
    let order = |order: OrderView| WaveOrder {
        tote: order.tote,
        order_id: order.order_id.to_string(),
        number: order.number,
        shipment_id: order.shipment_id.map(|id| id.to_string()).unwrap_or_default(),
        state: order.state.as_deref().map(state_of).unwrap_or_default(),
    };
    let line = |line: LineView| WaveLine {
        quantity: Some(quantity(line.quantity, &line.unit)),
        taken: Some(quantity(line.taken, &line.unit)),
        place: line.place,
        zone: line.zone,
        bin: line.bin,
        sku: line.sku,
        name: line.name,
        lot: line.lot,
        tote: line.tote,
    };
    Wave {
        wave_id: view.id.to_string(),
        number: view.number,
        state: state(&view),
        warehouse: view.warehouse,
        region: view.region,
        delivery_method: view.delivery_method,
        orders: orders.into_iter().map(order).collect(),
        lines: lines.into_iter().map(line).collect(),
        created_by: view.created_by,
        created_at: Some(proto::to_timestamp(view.created_at)),
        started_at: view.started_at.map(proto::to_timestamp),
    }
}

/// A wave in short.
pub(super) fn summary(view: WaveView) -> WaveSummary {
    WaveSummary {
        wave_id: view.id.to_string(),
        number: view.number,
        state: state(&view),
        orders: i32::try_from(view.orders).unwrap_or(i32::MAX),
        lines_left: i32::try_from(view.lines_left).unwrap_or(i32::MAX),
        created_at: Some(proto::to_timestamp(view.created_at)),
        warehouse: view.warehouse,
    }
}

/// Reads what was scanned; `field` names the quantity.
pub(super) fn scan(
    check: &mut Check,
    (place, item, lot): (&str, &str, &str),
    field: &str,
    value: &Option<Quantity>,
) -> Scan {
    let quantity = check.positive_quantity(field, value);
    Scan {
        place: check.text("place", place, 1..=64),
        item: check.text("item", item, 1..=64),
        lot: check.optional_text("lot", lot, 64),
        unit: quantity.unit.code().to_owned(),
        quantity: quantity.value,
    }
}

/// Where scanned goods go.
pub(super) fn scanned(scanned: Scanned) -> ScanPickResponse {
    let put = |(line, part): &(super::domain::PickLine, rust_decimal::Decimal)| TotePut {
        tote: line.tote,
        order_id: line.order.to_string(),
        shipment_id: line.shipment.to_string(),
        quantity: Some(quantity(*part, &line.unit)),
        picked: scanned.picked.contains(&line.shipment),
    };
    ScanPickResponse {
        puts: scanned.puts.iter().map(put).collect(),
        lines_left: i32::try_from(scanned.lines_left).unwrap_or(i32::MAX),
    }
}

/// The fact that picking of a wave began.
pub(super) fn wave_started(id: Uuid, head: &Head, orders: &[Uuid], at: OffsetDateTime) -> ErpEvent {
    let fact = WaveStarted {
        wave_id: id.to_string(),
        number: head.number,
        warehouse: head.warehouse.clone(),
        order_ids: orders.iter().map(Uuid::to_string).collect(),
        started_at: Some(proto::to_timestamp(at)),
    };
    ErpEvent { event: Some(Event::WaveStarted(fact)) }
}
