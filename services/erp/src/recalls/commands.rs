//! Opening and closing recalls.

use std::collections::{BTreeMap, BTreeSet};

use messaging::NewEvent;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert,
    domain::{NewRecall, parts},
    store::{self, Head},
};
use crate::{
    config::Stamp,
    error::Error,
    fulfilment::store as shipments,
    ledger::commands::{Work, finish, lock},
    reservation::{
        commands::{release, serve},
        domain::whole,
    },
    traceability::{
        commands::selected,
        domain::MOST_LOTS,
        queries::{LotRef, made_of},
    },
};

/// Opens a recall: blocks the lots and everything made of them, takes them from orders and shipments that have not left,
/// serves these from other lots, and tells who has got any. Returns its id.
///
/// # Errors
/// [`Error::NotFound`] for a lot; [`Error::RecallTooLarge`]; [`Error::RecallRaced`] when something was made of the lots
/// between looking and locking: try again.
pub(crate) async fn open(conn: &mut PgConnection, recall: &NewRecall, stamp: &Stamp<'_>) -> Result<Uuid, Error> {
    let named = selected(conn, &recall.selection).await?;
    let (mut work, lots) = lock_with_all_made_of(conn, &named).await?;
    let ids: Vec<_> = lots.iter().map(|lot| lot.id).collect();
    let orders = store::orders_out(conn, &ids).await?;
    let told = parts(&orders);

    let head = Head {
        id: service::new_id(),
        number: 0,
        state: "open".to_owned(),
        severity: recall.severity.code().to_owned(),
        reason: recall.reason.clone(),
        parts: i32::try_from(told.len()).unwrap_or(i32::MAX),
    };
    let count = i32::try_from(orders.len()).unwrap_or(i32::MAX);
    let number = store::insert(conn, &head, recall.supplier_lot(), count, stamp).await?;
    let head = Head { number, ..head };
    let roots: Vec<_> = named.iter().map(|lot| lot.id).collect();
    store::insert_lots(conn, head.id, &ids, &roots).await?;
    let stopped = stop(conn, &mut work, &ids, stamp).await?;
    store::insert_stops(conn, head.id, &stopped).await?;
    store::block(conn, &ids).await?;
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;

    for (part, orders) in (1..).zip(&told) {
        let lots = if part == 1 { lots.as_slice() } else { &[] };
        let fact = convert::opened(&head, part, lots, orders, stamp.now);
        work.others.push(NewEvent::of("recall", head.id, part.into(), stamp.now, &fact));
    }
    finish(conn, work, stamp).await?;
    Ok(head.id)
}

/// Locks the items of lots and of everything made of them, and reads again what that is: under the locks nothing more can
/// be made of them.
async fn lock_with_all_made_of(conn: &mut PgConnection, named: &[LotRef]) -> Result<(Work, Vec<LotRef>), Error> {
    let roots: Vec<_> = named.iter().map(|lot| lot.id).collect();
    let most = MOST_LOTS as i64 + 1;
    let seen = made_of(conn, &roots, most).await?;
    let skus: BTreeSet<_> = seen.into_iter().map(|lot| lot.sku).collect();
    let work = lock(conn, skus.clone(), false).await?;
    let lots = made_of(conn, &roots, most).await?;
    if lots.len() > MOST_LOTS {
        return Err(Error::RecallTooLarge(MOST_LOTS));
    }
    if lots.iter().any(|lot| !skus.contains(&lot.sku)) {
        return Err(Error::RecallRaced);
    }
    Ok((work, lots))
}

/// Takes lots from everybody who holds them. Shipments that contain any of them are given up whole; what else is in them
/// stays with its order. Says what each order gave back of which lot.
async fn stop(
    conn: &mut PgConnection,
    work: &mut Work,
    lots: &[Uuid],
    stamp: &Stamp<'_>,
) -> Result<BTreeMap<(Uuid, Uuid), Decimal>, Error> {
    let held = store::held(conn, lots).await?;
    let open: BTreeSet<_> = held.iter().filter_map(|piece| piece.shipment).collect();
    let open: Vec<_> = open.into_iter().collect();
    if !open.is_empty() {
        shipments::lock(conn, &open).await?;
        store::give_up_shipments(conn, &open, stamp.now).await?;
    }
    let mut stopped: BTreeMap<(Uuid, Uuid), Decimal> = BTreeMap::new();
    for piece in &held {
        *stopped.entry((piece.order, piece.lot)).or_default() += piece.quantity;
        work.reallocated(piece.order, "recall");
    }
    let parts: Vec<_> = held.into_iter().map(whole).collect();
    release(conn, work, &parts, "released", "recall", stamp).await?;
    Ok(stopped)
}

/// Ends a recall. With `release` its lots get back the status they had, unless another open recall names them, and those
/// who wait are served from them; without it they stay blocked whatever becomes of other recalls.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::RecallClosed`].
pub(crate) async fn close(
    conn: &mut PgConnection,
    id: Uuid,
    summary: &str,
    release: bool,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let skus = store::skus(conn, id).await?;
    let mut work = lock(conn, skus.into_iter().collect(), false).await?;
    let head = store::lock(conn, id).await?.ok_or_else(|| Error::NotFound("recall", id.to_string()))?;
    if head.state != "open" {
        return Err(Error::RecallClosed(head.number));
    }
    store::close(conn, id, summary, stamp).await?;
    if release {
        store::release_lots(conn, id).await?;
        serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    } else {
        store::keep_blocked(conn, id).await?;
    }
    for part in 1..=head.parts {
        let fact = convert::closed(&head, part, release, stamp.now);
        work.others.push(NewEvent::of("recall", id, (head.parts + part).into(), stamp.now, &fact));
    }
    finish(conn, work, stamp).await
}
