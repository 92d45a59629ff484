//! Orders before carts: where the company wants it, an order takes what carts hold.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::release;
use crate::{
    config::Stamp,
    error::Error,
    ledger::commands::Work,
    reservation::{
        domain::{Allocation, FreeLot, Grant, Held, Need, Pool, allocate, take_held},
        store_holds::{Piece, pieces_of_carts},
    },
};

/// Takes from carts what orders still lack of the locked items, in the order of service; of the carts, the last made give
/// first. What is taken is released here and given in the grants returned.
pub(super) async fn take_from_carts(
    conn: &mut PgConnection,
    work: &mut Work,
    needs: &[Need],
    allocation: &Allocation,
    stamp: &Stamp<'_>,
) -> Result<Vec<Grant>, Error> {
    let lacking = lacking(needs, allocation);
    if lacking.is_empty() {
        return Ok(Vec::new());
    }
    let carts = pieces_of_carts(conn, &work.skus()).await?;
    let mut pool = Pool::new(free_lots(&carts));
    let grants = allocate(&mut pool, lacking, &[]).grants;
    let mut wanted: BTreeMap<(Uuid, i64), Decimal> = BTreeMap::new();
    for grant in &grants {
        *wanted.entry((grant.lot, grant.place)).or_default() += grant.quantity;
    }
    let mut parts = Vec::new();
    for ((lot, place), quantity) in wanted {
        let there: Vec<Held> = carts
            .iter()
            .filter(|piece| (piece.held.lot, piece.held.place) == (lot, place))
            .map(|piece| piece.held.clone())
            .collect();
        parts.extend(take_held(&there, quantity).0);
    }
    release(conn, work, &parts, "released", "order_first", stamp).await?;
    Ok(grants)
}

/// What is still wanted after an allocation, in the warehouses it chose.
fn lacking(needs: &[Need], allocation: &Allocation) -> Vec<Need> {
    let mut got: BTreeMap<(Uuid, i32), Decimal> = BTreeMap::new();
    for grant in &allocation.grants {
        *got.entry((grant.order, grant.line_no)).or_default() += grant.quantity;
    }
    let lacks = |need: &Need| {
        let quantity = need.quantity - got.get(&(need.order, need.line_no)).copied().unwrap_or_default();
        let warehouse = need.warehouse.or_else(|| allocation.chosen.get(&need.order).copied());
        (quantity > Decimal::ZERO).then(|| Need { quantity, warehouse, ..need.clone() })
    };
    needs.iter().filter_map(lacks).collect()
}

fn free_lots(carts: &[Piece]) -> Vec<FreeLot> {
    let mut lots: BTreeMap<(Uuid, i64), FreeLot> = BTreeMap::new();
    for piece in carts {
        let free = || FreeLot {
            sku: piece.held.sku.clone(),
            warehouse: piece.warehouse,
            place: piece.held.place,
            lot: piece.held.lot,
            expires_on: piece.expires_on,
            received_at: piece.received_at,
            number: piece.number.clone(),
            free: Decimal::ZERO,
        };
        lots.entry((piece.held.lot, piece.held.place)).or_insert_with(free).free += piece.held.quantity;
    }
    lots.into_values().collect()
}
