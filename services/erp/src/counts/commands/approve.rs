//! Approval: the differences of a count go into the books, all of them or none.

use std::collections::HashMap;

use messaging::NewEvent;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::run::locked;
use crate::{
    config::Stamp,
    counts::{
        convert,
        domain::{Head, Line, MAX_LINES, Refusal, State},
        queries, store,
    },
    error::Error,
    ledger::{
        commands::{Work, finish, lock, post},
        domain::{COUNTING, Cause, Layer, Move, Place, PlaceKind, Worth, share},
        store::{Balance, balances},
    },
    reservation::commands::{displace, serve},
    stock::{commands::not_enough, store as stock},
};

/// A difference that is posted.
pub(in crate::counts) struct Difference {
    /// Its line.
    pub(in crate::counts) line: Line,
    /// Change of the quantity.
    pub(in crate::counts) quantity: Decimal,
    /// Change of the value.
    pub(in crate::counts) value: Decimal,
}

/// What came of an approval.
pub(in crate::counts) struct Approved {
    /// Lines with a difference.
    pub(in crate::counts) differences: usize,
    /// Value of what was too much.
    pub(in crate::counts) surplus: Decimal,
    /// Value of what was missing, zero or more.
    pub(in crate::counts) shortage: Decimal,
}

/// Posts the differences of a closed count (of a version, unless 0). Who approves must not have counted.
///
/// # Errors
/// [`Error::NotFound`], [`Error::VersionConflict`], [`Refusal`]s; [`Error::NotEnoughStock`] when more left a bin since than was counted in
/// it, [`Error::PickedStock`] when missing goods are in shipments.
pub(in crate::counts) async fn approve(
    conn: &mut PgConnection,
    id: Uuid,
    version: i64,
    stamp: &Stamp<'_>,
) -> Result<Approved, Error> {
    let skus = store::skus(conn, id).await?;
    let mut work = lock(conn, skus.into_iter().collect(), false).await?;
    let head = locked(conn, id).await?;
    head.state.among(&[State::Closed], "approved")?;
    // Between the look at its items and the lock it may have been opened, counted on and closed again.
    if (version != 0 && version != head.version) || store::skus(conn, id).await? != work.skus() {
        return Err(Error::VersionConflict(head.version));
    }
    if store::has_counted(conn, id, stamp.by).await? {
        return Err(Refusal::SamePerson.into());
    }
    let lines = queries::lines(conn, id, None, MAX_LINES + 1).await?;
    if let Some(line) = lines.iter().find(|line| line.disputed) {
        let (sku, lot, place) = (line.sku.clone(), line.lot_number.clone(), line.place_code.clone());
        return Err(Refusal::Disputed { sku, lot, place }.into());
    }
    stock::insert_document(conn, id, "count", &head.title, stamp.by, stamp.now).await?;
    let differences = settle(conn, &mut work, id, lines, stamp).await?;
    let sum = |of: &dyn Fn(Decimal) -> bool| -> Decimal {
        differences.iter().filter(|one| of(one.quantity)).map(|one| one.value).sum()
    };
    let (surplus, shortage) = (sum(&|quantity| quantity > Decimal::ZERO), -sum(&|quantity| quantity < Decimal::ZERO));
    let posted: Vec<_> =
        differences.iter().map(|one| (one.line.place, one.line.lot, one.quantity, one.value)).collect();
    store::set_posted(conn, id, &posted, (surplus, shortage)).await?;
    store::set_state(conn, id, State::Posted, (stamp.by, stamp.now)).await?;
    let approved = Approved { differences: differences.len(), surplus, shortage };
    tell(&mut work, id, &head, &differences, &approved, stamp);
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    Ok(approved)
}

/// Takes what is missing from orders where it must be, and posts every difference.
async fn settle(
    conn: &mut PgConnection,
    work: &mut Work,
    id: Uuid,
    lines: Vec<Line>,
    stamp: &Stamp<'_>,
) -> Result<Vec<Difference>, Error> {
    let wrong: Vec<_> = lines.into_iter().filter(|line| !line.verdict().difference.is_zero()).collect();
    let keys: Vec<_> = wrong.iter().map(|line| (line.lot, line.place)).collect();
    let there = balances(conn, &keys).await?;
    let mut differences = Vec::with_capacity(wrong.len());
    for line in wrong {
        let quantity = line.verdict().difference;
        let (left, reserved) = left_of(&there, &line, quantity);
        if left < Decimal::ZERO {
            return Err(not_enough(&line.sku, &line.lot_number, left - quantity));
        }
        if reserved > left {
            displace(conn, work, (line.lot, Some(line.place)), left, "released", stamp).await?;
        }
        differences.push(Difference { line, quantity, value: Decimal::ZERO });
    }
    let moves: Vec<_> = differences.iter().map(|one| movement(id, one)).collect();
    let posted = post(conn, work, &moves, stamp.now, stamp).await?;
    for (difference, posted) in differences.iter_mut().zip(&posted) {
        difference.value = if difference.quantity > Decimal::ZERO { posted.value } else { -posted.value };
    }
    Ok(differences)
}

/// What the difference of a line would be worth if it were posted now, above zero for a surplus: as the pool costs that the
/// goods lie in, else as the lot last came in. By the method fifo what is posted may differ: the oldest goes first.
pub(in crate::counts) fn worth(line: &Line, pool: Option<Layer>, digits: u32) -> Decimal {
    let quantity = line.verdict().difference;
    match pool {
        Some(mut pool) if quantity < Decimal::ZERO => -pool.issue(-quantity, digits),
        Some(pool) => share(pool.value, quantity, pool.on_hand, digits),
        None => share(line.lot_cost, quantity, Decimal::ONE, digits),
    }
}

/// What would be left of a line's lot in its bin, and what of it is held now.
fn left_of(there: &HashMap<(Uuid, i64), Balance>, line: &Line, difference: Decimal) -> (Decimal, Decimal) {
    let balance = there.get(&(line.lot, line.place));
    let (on_hand, reserved) = balance.map_or_else(Default::default, |one| (one.on_hand, one.reserved));
    (on_hand + difference, reserved)
}

fn movement(count: Uuid, difference: &Difference) -> Move {
    let Difference { line, quantity, .. } = difference;
    let bin = Place { id: line.place, kind: PlaceKind::parse(&line.place_kind) };
    let (from, to) = if *quantity > Decimal::ZERO { (COUNTING, bin) } else { (bin, COUNTING) };
    let cause = Cause { kind: "count", id: count, order: None };
    let one = Move::new(from, to, (&line.sku, line.lot), quantity.abs(), cause);
    if *quantity > Decimal::ZERO { one.worth(Worth::Found(line.lot_cost)) } else { one }
}

/// Publishes what was posted, in parts.
fn tell(work: &mut Work, id: Uuid, head: &Head, differences: &[Difference], approved: &Approved, stamp: &Stamp<'_>) {
    for (fact, version) in convert::count_posted(id, head, differences, approved, stamp).into_iter().zip(1..) {
        work.others.push(NewEvent::of("stock_count", id, version, stamp.now, &fact));
    }
}
