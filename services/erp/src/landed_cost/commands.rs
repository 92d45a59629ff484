//! Posting landed cost, and taking it back.

use std::collections::{BTreeSet, HashMap};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    domain::{Charge, Line, shares},
    store::{self, Document, ReceiptLine},
};
use crate::{
    config::Stamp,
    error::Error,
    ledger::commands::{Work, finish},
    valuation::{
        commands::recost::{Again, lock_with_made, recost},
        store_past::{Correction, Reason, insert_corrections, share_period},
    },
};

/// A receipt line named to take part, with what is said of it.
#[derive(Clone, Debug)]
pub(crate) struct NamedLine {
    pub(crate) key: (Uuid, i32),
    pub(crate) weight: Option<Decimal>,
    pub(crate) volume: Option<Decimal>,
    pub(crate) customs_code: String,
}

/// Landed cost to post.
#[derive(Clone, Debug)]
pub(crate) struct NewLandedCost {
    pub(crate) charges: Vec<Charge>,
    pub(crate) lines: Vec<NamedLine>,
    pub(crate) declaration_number: String,
    pub(crate) country: String,
}

/// Spreads charges over lines of receipts and values again what came of them. Answers the document's id.
///
/// # Errors
/// [`Error::NotFound`]; what [`shares`] refuses; [`Error::Busy`].
pub(crate) async fn post(conn: &mut PgConnection, new: &NewLandedCost, stamp: &Stamp<'_>) -> Result<Uuid, Error> {
    let keys: Vec<_> = new.lines.iter().map(|line| line.key).collect();
    let skus: BTreeSet<_> = store::skus(conn, &keys).await?.into_iter().collect();
    let mut work = lock_with_made(conn, skus.clone()).await?;
    let found = store::lines(conn, &keys).await?;
    let lines = in_order(&keys, &found)?;
    let digits = stamp.rules.digits();
    let to_charge: Vec<_> = new.lines.iter().zip(&lines).map(|(named, line)| to_charge(named, line)).collect();
    let mut all = Vec::with_capacity(new.charges.len());
    let mut charges = Vec::with_capacity(new.charges.len());
    for charge in &new.charges {
        all.push(shares(charge, &to_charge, digits)?);
        charges.push((charge.clone(), charge.cost(digits).unwrap_or_default()));
    }
    let id = service::new_id();
    let (declaration_number, country) = (new.declaration_number.as_str(), new.country.as_str());
    let document = Document { id, declaration_number, country, charges: &charges, lines: &lines, shares: &all };
    store::insert(conn, &document, (stamp.now, stamp.by)).await?;
    let of_line = |(index, line): (usize, &ReceiptLine)| (line.move_id, all.iter().map(|parts| parts[index]).sum());
    let added = lines.iter().enumerate().map(of_line).collect();
    add(conn, &mut work, skus, id, added, stamp).await?;
    finish(conn, work, stamp).await?;
    Ok(id)
}

fn in_order(keys: &[(Uuid, i32)], found: &HashMap<(Uuid, i32), ReceiptLine>) -> Result<Vec<ReceiptLine>, Error> {
    let line = |key: &(Uuid, i32)| {
        found.get(key).cloned().ok_or_else(|| Error::NotFound("receipt line", format!("{}/{}", key.0, key.1)))
    };
    keys.iter().map(line).collect()
}

fn to_charge(named: &NamedLine, line: &ReceiptLine) -> Line {
    Line {
        sku: line.sku.clone(),
        value: line.value,
        quantity: line.quantity,
        weight: named.weight.or_else(|| line.weight_grams.and_then(|grams| grams.checked_mul(line.quantity))),
        volume: named.volume,
        customs_code: named.customs_code.clone(),
    }
}

/// Adds to what movements are worth, and values again.
async fn add(
    conn: &mut PgConnection,
    work: &mut Work,
    skus: BTreeSet<String>,
    id: Uuid,
    added: Vec<(i64, Decimal)>,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let open_from = share_period(conn).await?;
    let added = added.into_iter().filter(|(_, value)| !value.is_zero());
    let corrections: Vec<_> = added.map(|(id, value)| Correction { id, value, of_variance: false }).collect();
    let reason = Reason { kind: "landed_cost", id };
    let entries = insert_corrections(conn, &corrections, reason, open_from, (stamp.now, stamp.by)).await?;
    let again = Again { reason: Reason { kind: "recost", id }, open_from };
    recost(conn, work, skus, entries, &again, stamp).await
}

/// Takes landed cost back.
///
/// # Errors
/// [`Error::NotFound`], [`Error::LandedCostCancelled`], [`Error::Busy`].
pub(crate) async fn cancel(conn: &mut PgConnection, id: Uuid, reason: &str, stamp: &Stamp<'_>) -> Result<(), Error> {
    let added = store::added(conn, id).await?;
    if added.is_empty() {
        return Err(Error::NotFound("landed cost", id.to_string()));
    }
    let skus: BTreeSet<_> = added.iter().map(|(sku, ..)| sku.clone()).collect();
    let mut work = lock_with_made(conn, skus.clone()).await?;
    if !store::cancel(conn, id, reason, (stamp.now, stamp.by)).await? {
        return Err(Error::LandedCostCancelled);
    }
    let back = added.into_iter().map(|(_, move_id, value)| (move_id, -value)).collect();
    add(conn, &mut work, skus, id, back, stamp).await?;
    finish(conn, work, stamp).await
}
