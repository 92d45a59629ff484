//! Changing rules and applying them.

use std::collections::{BTreeMap, BTreeSet};

use messaging::NewEvent;
use sqlx::PgConnection;

use super::{
    convert,
    domain::{Outcome, Rule, compare},
    queries,
    store::{self, RuleRow},
};
use crate::{config::Stamp, error::Error, replenishment};

/// Rules there may be.
const MOST_RULES: usize = 100;

/// Creates or changes a rule and returns it as stored.
///
/// # Errors
/// [`Error::VersionConflict`] when somebody changed it first, [`Error::TooManyRules`].
pub(super) async fn put_rule(conn: &mut PgConnection, mut rule: Rule, stamp: &Stamp<'_>) -> Result<RuleRow, Error> {
    replenishment::store::lock(conn).await?;
    let known: Vec<_> = store::rules(conn).await?.iter().map(RuleRow::rule).collect();
    let version = known.iter().find(|one| one.code == rule.code).map_or(0, |one| one.version);
    if version != rule.version {
        return Err(Error::VersionConflict(version));
    }
    if version == 0 && known.len() >= MOST_RULES {
        return Err(Error::TooManyRules(MOST_RULES));
    }
    rule.version += 1;
    store::put_rule(conn, &rule, stamp.now, stamp.by).await?;
    let stored = store::rules(conn).await?.into_iter().find(|row| row.rule().code == rule.code);
    stored.ok_or(Error::Inconsistent("a rule was written and is not there"))
}

/// Deletes a rule.
///
/// # Errors
/// Database errors.
pub(super) async fn delete_rule(conn: &mut PgConnection, code: &str) -> Result<(), Error> {
    replenishment::store::lock(conn).await?;
    Ok(store::delete_rule(conn, code).await?)
}

/// Applies all rules to all items, and tells what changed.
///
/// # Errors
/// Database errors.
pub(super) async fn evaluate(conn: &mut PgConnection, stamp: &Stamp<'_>) -> Result<Outcome, Error> {
    replenishment::store::lock(conn).await?;
    let rules: Vec<_> = store::rules(conn).await?.iter().map(RuleRow::rule).collect();
    let found = store::find(conn, stamp.today(), &stamp.rules.zone, stamp.rules.digits()).await?;
    let before = store::all(conn).await?;
    let outcome = compare(&rules, &found, &before, stamp.rules.digits(), stamp.now);
    store::write(conn, &outcome.changed).await?;
    store::write_lots(conn, &found).await?;
    store::set_evaluated_at(conn, stamp.now).await?;
    let told: BTreeSet<&str> = outcome.told.iter().map(String::as_str).collect();
    let units = queries::units(conn, &told).await?;
    let names: BTreeMap<_, _> = rules.iter().map(|rule| (rule.code.as_str(), rule.name.as_str())).collect();
    let events: Vec<_> = outcome
        .changed
        .iter()
        .filter(|(sku, _)| told.contains(sku.as_str()))
        .map(|(sku, slow)| {
            let unit = units.get(sku).map(String::as_str).unwrap_or_default();
            let fact = convert::fact(sku, slow, (unit, &names), stamp.now);
            NewEvent::of("slow_item", format!("slow:{sku}"), slow.version, stamp.now, &fact)
        })
        .collect();
    messaging::outbox::append(conn, &events).await?;
    Ok(outcome)
}
