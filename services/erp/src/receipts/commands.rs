//! Posting receipts.

use std::collections::BTreeMap;

use messaging::NewEvent;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    convert,
    domain::{NewLine, NewReceipt, generated_lot},
    store::{self, LotInput, PostedLine},
};
use crate::{
    config::Stamp,
    error::Error,
    items::commands::known_units,
    ledger::{
        commands::{Posted, Work, finish, lock, post, post_at},
        domain::{Cause, Move, SUPPLIER, Worth},
    },
    reservation::commands::serve,
    valuation::commands::recost::lock_with_made,
    warehouses::store as warehouses,
};

/// Posts a receipt, then serves those who wait from it. The statements are the same few for one line or a thousand.
///
/// # Errors
/// Unknown items or warehouse, a unit the item is not stocked in, a lot with another expiry date.
pub(crate) async fn post_receipt(
    conn: &mut PgConnection,
    receipt: NewReceipt,
    stamp: &Stamp<'_>,
) -> Result<Uuid, Error> {
    let code = if receipt.warehouse.is_empty() { &stamp.rules.default_warehouse } else { &receipt.warehouse };
    let warehouse = warehouses::by_code(conn, code).await?.ok_or_else(|| Error::UnknownWarehouse(code.clone()))?;
    let skus = receipt.lines.iter().map(|line| line.sku.clone()).collect();
    let late = receipt.received_at < stamp.now;
    let mut work = if late { lock_with_made(conn, skus).await? } else { lock(conn, skus, false).await? };
    known_units(&work, receipt.lines.iter().map(|line| (line.sku.as_str(), line.unit.as_str())))?;

    let id = service::new_id();
    let cost = receipt.lines.iter().map(|line| line.cost).sum();
    let times = (receipt.received_at, stamp.now);
    let number = store::insert(conn, id, warehouse.id, &receipt.supplier, cost, times, stamp.by).await?;
    let lines = with_lots(conn, &receipt, number, receipt.received_at).await?;
    let cause = Cause { kind: "receipt", id, order: None };
    let arrive = |(line, _): &(PostedLine, String)| {
        let one = Move::new(SUPPLIER, warehouse.bin, (&line.sku, line.lot), line.quantity, cause);
        one.worth(Worth::Given(line.cost)).line(line.line_no)
    };
    let moves: Vec<_> = lines.iter().map(arrive).collect();
    let posted = post_received(conn, &mut work, &moves, &receipt, late, stamp).await?;
    store::insert_lines(conn, id, &lines, &posted).await?;
    serve(conn, &mut work, Vec::new(), stamp, "goods_received").await?;
    let fact = convert::goods_received(id, &warehouse.code, &receipt, &lines, stamp.rules.currency);
    work.others.push(NewEvent::of("receipt", id, 1, stamp.now, &fact));
    finish(conn, work, stamp).await?;
    Ok(id)
}

/// Goods that come in now count from when their item last moved, if clocks differ; those that came in earlier, from then.
async fn post_received(
    conn: &mut PgConnection,
    work: &mut Work,
    moves: &[Move],
    receipt: &NewReceipt,
    late: bool,
    stamp: &Stamp<'_>,
) -> Result<Vec<Posted>, Error> {
    if late {
        post_at(conn, work, moves, receipt.received_at, stamp).await
    } else {
        post(conn, work, moves, receipt.received_at, stamp).await
    }
}

/// Finds or makes the lot of each line, and numbers the lines.
async fn with_lots(
    conn: &mut PgConnection,
    receipt: &NewReceipt,
    number: i64,
    received_at: OffsetDateTime,
) -> Result<Vec<(PostedLine, String)>, Error> {
    let named = |(index, line): (usize, &NewLine)| match line.lot.as_str() {
        "" => generated_lot(number, index + 1),
        lot => lot.to_owned(),
    };
    let numbers: Vec<_> = receipt.lines.iter().enumerate().map(named).collect();
    let mut wanted: BTreeMap<(&str, &str), LotInput> = BTreeMap::new();
    for (line, lot) in receipt.lines.iter().zip(&numbers) {
        let input = LotInput {
            sku: line.sku.clone(),
            number: lot.clone(),
            expires_on: line.expires_on,
            supplier_lot: line.supplier_lot.clone(),
            unit_cost: line.cost.checked_div(line.quantity).unwrap_or(Decimal::ZERO).round_dp(8),
        };
        let unit_cost = input.unit_cost;
        let first = wanted.entry((&line.sku, lot)).or_insert(input);
        first.unit_cost = unit_cost;
        if line.expires_on.is_some() && first.expires_on != line.expires_on {
            return Err(Error::LotMismatch { sku: line.sku.clone(), lot: lot.clone() });
        }
    }
    let inputs: Vec<_> = wanted.values().cloned().collect();
    let lots = store::upsert_lots(conn, &inputs, &receipt.supplier, received_at).await?;
    let mut posted = Vec::with_capacity(numbers.len());
    for ((index, line), lot) in receipt.lines.iter().enumerate().zip(numbers) {
        let key = (line.sku.clone(), lot);
        let (id, expires_on) = *lots.get(&key).ok_or(Error::Inconsistent("a lot was not written"))?;
        if line.expires_on.is_some() && line.expires_on != expires_on {
            return Err(Error::LotMismatch { sku: key.0, lot: key.1 });
        }
        let line = PostedLine {
            line_no: i32::try_from(index + 1).unwrap_or(i32::MAX),
            sku: key.0,
            lot: id,
            quantity: line.quantity,
            unit: line.unit.clone(),
            cost: line.cost,
        };
        posted.push((line, key.1));
    }
    Ok(posted)
}
