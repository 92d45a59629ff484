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
    expected::{self, commands::Brought},
    ledger::{
        commands::{Work, finish, lock, post},
        domain::{Cause, Move, SUPPLIER},
    },
    reservation::commands::serve,
    units::{self, domain::Entered},
    warehouses::store as warehouses,
};

/// Posts a receipt, then serves those who wait from it. The statements are the same few for one line or a thousand.
///
/// # Errors
/// Unknown items or warehouse, a unit the item does not have, a lot with another expiry date, an expected receipt that does
/// not fit.
pub(crate) async fn post_receipt(
    conn: &mut PgConnection,
    mut receipt: NewReceipt,
    stamp: &Stamp<'_>,
) -> Result<Uuid, Error> {
    let code = if receipt.warehouse.is_empty() { &stamp.rules.default_warehouse } else { &receipt.warehouse };
    let warehouse = warehouses::by_code(conn, code).await?.ok_or_else(|| Error::UnknownWarehouse(code.clone()))?;
    let mut work = lock(conn, receipt.lines.iter().map(|line| line.sku.clone()).collect(), false).await?;
    let id = service::new_id();
    in_base(conn, &work, id, &mut receipt.lines).await?;

    let cost = receipt.lines.iter().map(|line| line.cost).sum();
    let times = (receipt.received_at, stamp.now);
    let number = store::insert(conn, id, warehouse.id, &receipt.supplier, cost, times, stamp.by).await?;
    let lines = with_lots(conn, &receipt, number, receipt.received_at).await?;
    store::insert_lines(conn, id, &lines.iter().map(|(line, _)| line.clone()).collect::<Vec<_>>()).await?;
    let moves: Vec<_> = lines
        .iter()
        .map(|(line, _)| Move {
            from: SUPPLIER,
            to: warehouse.bin,
            sku: line.sku.clone(),
            lot: line.lot,
            quantity: line.quantity,
            value: line.cost,
            cause: Cause { kind: "receipt", id, order: None },
        })
        .collect();
    post(conn, &mut work, &moves, receipt.received_at, stamp).await?;
    serve(conn, &mut work, Vec::new(), stamp, "goods_received").await?;
    let brought: Vec<_> = receipt.lines.iter().zip(1..).filter_map(|(line, line_no)| brought(line, line_no)).collect();
    expected::commands::fulfil(conn, &mut work, (id, warehouse.id), &brought, stamp).await?;
    let fact = convert::goods_received(id, &warehouse.code, &receipt, &lines, stamp.rules.currency);
    work.others.push(NewEvent::of("receipt", id, 1, stamp.now, &fact));
    finish(conn, work, stamp).await?;
    Ok(id)
}

/// Brings what was entered into the items' own units, and keeps it where it was in another.
async fn in_base(conn: &mut PgConnection, work: &Work, id: Uuid, lines: &mut [NewLine]) -> Result<(), Error> {
    let entered: Vec<_> = lines
        .iter()
        .map(|line| Entered {
            sku: line.sku.clone(),
            lot: line.lot.clone(),
            unit: line.unit.clone(),
            quantity: line.quantity,
        })
        .collect();
    let amounts = units::commands::to_base(conn, work, &entered).await?;
    units::commands::keep(conn, id, &entered, &amounts).await?;
    for (line, (unit, quantity)) in lines.iter_mut().zip(amounts) {
        (line.unit, line.quantity) = (unit, quantity);
    }
    Ok(())
}

/// What a line brought of an expected receipt, if it names one.
fn brought(line: &NewLine, line_no: i32) -> Option<Brought<'_>> {
    let (expected, ends) = line.expected?;
    Some(Brought { line_no, sku: &line.sku, quantity: line.quantity, expected, ends })
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
        let first = wanted.entry((&line.sku, lot)).or_insert(input);
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
