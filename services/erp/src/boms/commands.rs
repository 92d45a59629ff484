//! State changes of bills of material.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert, domain,
    domain::{Content, MAX_ITEMS, Refusal, structure::Version},
    queries, store,
};
use crate::{config::Stamp, error::Error};

/// Saves a new version (`number` 0) or a draft anew. Returns its number.
///
/// # Errors
/// As `BomService.PutBom` says.
pub(crate) async fn put(
    conn: &mut PgConnection,
    sku: &str,
    (number, version): (i32, i64),
    content: &Content,
    stamp: &Stamp<'_>,
) -> Result<i32, Error> {
    store::lock(conn).await?;
    known(conn, sku, content).await?;
    let (id, number) = if number == 0 {
        (service::new_id(), store::next_number(conn, sku).await?)
    } else {
        let id = draft(conn, (sku, number), version).await?;
        store::delete_parts(conn, id).await?;
        (id, number)
    };
    let valid_from = content.valid_from.unwrap_or_else(|| stamp.today());
    let components = content.lines.iter().map(|line| line.component.clone()).collect();
    acyclic(conn, &Version { sku: sku.to_owned(), number, valid_from, components }).await?;
    store::upsert_head(conn, id, (sku, number), content, valid_from, (stamp.by, stamp.now)).await?;
    store::insert_parts(conn, id, content).await?;
    Ok(number)
}

/// Activates a draft.
///
/// # Errors
/// As `BomService.ActivateBom` says.
pub(crate) async fn activate(
    conn: &mut PgConnection,
    sku: &str,
    (number, version): (i32, i64),
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    store::lock(conn).await?;
    let id = draft(conn, (sku, number), version).await?;
    let whole = queries::by_number(conn, sku, number).await?.ok_or(Error::Inconsistent("a draft without content"))?;
    let (valid_from, content) = (whole.head.valid_from, convert::stored(&whole)?);
    known(conn, sku, &content).await?;
    let components = whole.line_skus;
    acyclic(conn, &Version { sku: sku.to_owned(), number, valid_from, components }).await?;
    store::activate(conn, id, stamp.by, stamp.now).await?;
    Ok(())
}

/// The id of a draft that is to be changed.
async fn draft(conn: &mut PgConnection, (sku, number): (&str, i32), version: i64) -> Result<Uuid, Error> {
    let head = store::head(conn, sku, number).await?;
    let head = head.ok_or_else(|| Error::NotFound("bill of material", format!("{sku} version {number}")))?;
    if head.state != "draft" {
        return Err(Refusal::NotDraft { sku: sku.to_owned(), number }.into());
    }
    if version != 0 && version != head.version {
        return Err(Error::VersionConflict(head.version));
    }
    Ok(head.id)
}

/// Checks that product and parts are known items and counted in units that convert to theirs.
async fn known(conn: &mut PgConnection, sku: &str, content: &Content) -> Result<(), Error> {
    let all: BTreeMap<&str, ()> = content.parts().map(|(sku, _)| (sku, ())).chain([(sku, ())]).collect();
    let skus: Vec<&str> = all.into_keys().collect();
    let units = store::units(conn, &skus).await?;
    let unknown: Vec<_> = skus.into_iter().filter(|sku| !units.contains_key(*sku)).collect();
    if !unknown.is_empty() {
        return Err(Error::UnknownSku(unknown.join(", ")));
    }
    for (sku, quantity) in content.parts().chain([(sku, content.quantity)]) {
        if let Some(unit) = units.get(sku) {
            convert::in_unit(sku, quantity, unit)?;
        }
    }
    Ok(())
}

/// Checks that the version would not contain its product. The lock is held, so nobody else closes a circle meanwhile.
async fn acyclic(conn: &mut PgConnection, candidate: &Version) -> Result<(), Error> {
    let mut skus: Vec<&str> = candidate.components.iter().map(String::as_str).collect();
    skus.push(&candidate.sku);
    let limit = MAX_ITEMS * 4;
    let active = store::active_below(conn, &skus, limit as i64 + 1).await?;
    if active.len() > limit {
        return Err(Refusal::TooLarge(candidate.sku.clone()).into());
    }
    Ok(domain::structure::check(candidate, &active)?)
}
