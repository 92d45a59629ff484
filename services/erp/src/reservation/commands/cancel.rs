//! Orders that are cancelled, whole or in part.

use std::collections::BTreeMap;

use proto::erp::v1::{ReservationReleased, erp_event::Event};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::release;
use crate::{
    config::Stamp,
    demand::{self, domain::LineDelta},
    error::Error,
    fulfilment::{store as shipments, store_picking},
    ledger::commands::Work,
    reservation::{
        domain::{take_held, whole},
        store,
    },
};

/// Quantity of one line that is no longer wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CancelledLine {
    /// Order.
    pub(crate) order: Uuid,
    /// Line.
    pub(crate) line_no: i32,
    /// How much.
    pub(crate) quantity: Decimal,
}

/// Cancels everything orders have not got yet: what they hold is released, open shipments are given up. Orders we never
/// heard of (never confirmed) and cancelled ones are left out. Call [`super::serve`] afterwards.
pub(crate) async fn cancel_orders(
    conn: &mut PgConnection,
    work: &mut Work,
    orders: &[Uuid],
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let heads = demand::store::heads(conn, orders).await?;
    let open: Vec<_> = heads.values().filter(|head| head.state != "cancelled").map(|head| head.order_id).collect();
    if open.is_empty() {
        return Ok(());
    }
    let held = store::held_by_orders(conn, &open).await?;
    let parts: Vec<_> = held.into_iter().map(whole).collect();
    release(conn, work, &parts, "released", "order_cancelled", stamp).await?;
    let mut changes = BTreeMap::new();
    for line in demand::store::lines(conn, &open).await? {
        if line.open() > Decimal::ZERO {
            changes.insert((line.order_id, line.line_no), LineDelta { cancelled: line.open(), ..LineDelta::default() });
        }
    }
    demand::commands::change_lines(conn, work, &changes).await?;
    shipments::cancel_open(conn, &open, stamp.now).await?;
    demand::store::set_state(conn, &open, "cancelled").await?;
    for order in open {
        let fact = ReservationReleased {
            order_id: order.to_string(),
            reason: "order_cancelled".into(),
            released_at: Some(proto::to_timestamp(stamp.now)),
        };
        work.tell(order, Event::ReservationReleased(fact));
    }
    Ok(())
}

/// Cancels parts of lines: first what is waited for, then what is held in no shipment (last to expire first), then what
/// is being picked. Never more than is left of the line. Call [`super::serve`] afterwards.
pub(crate) async fn cancel_lines(
    conn: &mut PgConnection,
    work: &mut Work,
    cancelled: &[CancelledLine],
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let orders: Vec<_> = cancelled.iter().map(|line| line.order).collect();
    let lines: BTreeMap<_, _> = demand::store::lines(conn, &orders)
        .await?
        .into_iter()
        .map(|line| ((line.order_id, line.line_no), line))
        .collect();
    let mut wanted: BTreeMap<(Uuid, i32), Decimal> = BTreeMap::new();
    for line in cancelled.iter().filter(|line| line.quantity > Decimal::ZERO) {
        *wanted.entry((line.order, line.line_no)).or_default() += line.quantity;
    }
    let mut held = store::held_by_orders(conn, &orders).await?;
    held.reverse();
    held.sort_by_key(|piece| piece.shipment.is_some());

    let mut parts = Vec::new();
    let mut changes = BTreeMap::new();
    for (key, quantity) in wanted {
        let Some(line) = lines.get(&key) else { continue };
        let quantity = quantity.min(line.open());
        if quantity.is_zero() {
            continue;
        }
        let of_line: Vec<_> = held.iter().filter(|piece| (piece.order, piece.line_no) == key).cloned().collect();
        let (taken, missing) = take_held(&of_line, (quantity - line.backordered).max(Decimal::ZERO));
        if !missing.is_zero() {
            return Err(Error::Inconsistent("a line holds less than its reservations say"));
        }
        parts.extend(taken);
        changes.insert(key, LineDelta { cancelled: quantity, ..LineDelta::default() });
        work.reallocated(key.0, "lines_cancelled");
    }
    release(conn, work, &parts, "released", "lines_cancelled", stamp).await?;
    demand::commands::change_lines(conn, work, &changes).await?;
    let picked: Vec<_> = parts.into_iter().filter_map(|(piece, part)| Some((piece.shipment?, piece, part))).collect();
    shipments::shrink_lines(conn, &picked).await?;
    let touched: Vec<_> = picked.iter().map(|(shipment, ..)| *shipment).collect();
    shipments::cancel_empty(conn, &touched, stamp.now).await?;
    store_picking::set_scanned_picked(conn, &touched).await?;
    Ok(())
}
