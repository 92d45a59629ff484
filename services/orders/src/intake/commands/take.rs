//! The group itself: number, price, insert what is new, look up what was there.

use std::collections::{HashMap, HashSet};

use messaging::{NewEvent, outbox, trace};
use rust_decimal::Decimal;
use service::Violation;
use sqlx::PgConnection;
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

use super::Cache;
use crate::{
    catalogue::store::unreadable,
    error::Error,
    intake::{
        convert,
        domain::{Draft, price},
        store::{self, Known, NewOrder},
    },
};

/// An order that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Id.
    pub order_id: Uuid,
    /// Number.
    pub number: i64,
    /// It had been stored before.
    pub duplicate: bool,
    /// Why it waits.
    pub hold_reasons: Vec<String>,
    /// Currency.
    pub currency: Currency,
    /// As taken.
    pub gross: Decimal,
    /// As taken.
    pub discount: Decimal,
    /// As taken.
    pub tax: Decimal,
    /// As taken.
    pub total: Decimal,
}

/// Why an order is not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Fields are wrong.
    Invalid(Vec<Violation>),
    /// The external id belongs to an order with other content.
    ExternalIdConflict,
    /// The request id belongs to other content.
    IdempotencyConflict,
    /// Lost a race that should have been waited for; the same push will be answered.
    TryAgain,
}

/// Takes a group of orders; one result for each, in order. `traces` says which trace each draft belongs to (may be
/// empty texts). `looking` says whether to look for the orders' keys first: a group whose keys are all free, which is
/// nearly every group, is stored without.
///
/// # Errors
/// [`Error::KeyTaken`] when an order that was not looked for is there, or was stored by somebody else at the same moment;
/// the same group again, looking, will do. Database errors. Nothing of the group is stored then.
pub async fn take(
    conn: &mut PgConnection,
    cache: &mut Cache,
    drafts: &[(&Draft, &str)],
    looking: bool,
    new_id: fn() -> Uuid,
    now: OffsetDateTime,
) -> Result<Vec<Result<Taken, Refusal>>, Error> {
    let ticket = store::ticket(conn, drafts.len()).await?;
    let all: Vec<&Draft> = drafts.iter().map(|(draft, _)| *draft).collect();
    cache.load(conn, ticket.version, &all).await?;
    let there = if looking || ticket.aliases { there(conn, &all).await? } else { HashSet::new() };

    let mut results: Vec<Option<Result<Taken, Refusal>>> = vec![None; drafts.len()];
    let mut invalid: HashMap<usize, Vec<Violation>> = HashMap::new();
    let mut new = Vec::with_capacity(drafts.len());
    let (mut externals, mut requests) = (HashSet::new(), HashSet::new());
    for (index, (&draft, number)) in all.iter().zip(ticket.numbers).enumerate().filter(|(at, _)| !there.contains(at)) {
        match price(draft, &cache.policy(&draft.channel), |sku| cache.item(sku)) {
            Ok(priced) => {
                // The first of the group that has a key keeps it.
                let channel = draft.channel.as_str();
                let request = draft.request_id.as_deref();
                let held = externals.contains(&(channel, draft.external_id.as_str()))
                    || request.is_some_and(|id| requests.contains(&(channel, id)));
                if !held {
                    externals.insert((channel, draft.external_id.as_str()));
                    requests.extend(request.map(|id| (channel, id)));
                    new.push(NewOrder { id: new_id(), number, draft, priced, index });
                }
            }
            Err(violations) => {
                invalid.insert(index, violations);
            }
        }
    }
    new.sort_unstable_by(|a, b| {
        (&a.draft.channel, &a.draft.external_id).cmp(&(&b.draft.channel, &b.draft.external_id))
    });
    if !new.is_empty() {
        store::insert_orders(conn, &new, now).await.map_err(key_taken)?;
        write_rest(conn, &new, drafts, now).await?;
    }
    for order in &new {
        results[order.index] = Some(Ok(taken(order)));
    }
    let losers: Vec<usize> = (0..drafts.len()).filter(|index| results[*index].is_none()).collect();
    if !losers.is_empty() {
        for (index, result) in resolve(conn, &all, &losers, &mut invalid).await? {
            results[index] = Some(result);
        }
    }
    Ok(results.into_iter().map(|result| result.unwrap_or(Err(Refusal::TryAgain))).collect())
}

/// Which of the drafts have a key that an order holds.
async fn there(conn: &mut PgConnection, all: &[&Draft]) -> sqlx::Result<HashSet<usize>> {
    let known = store::known(conn, all).await?;
    Ok(known.into_iter().filter_map(|known| usize::try_from(known.asked - 1).ok()).collect())
}

fn key_taken(error: sqlx::Error) -> Error {
    let taken = error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation);
    if taken { Error::KeyTaken } else { Error::Database(error) }
}

fn taken(order: &NewOrder<'_>) -> Taken {
    Taken {
        order_id: order.id,
        number: order.number,
        duplicate: false,
        hold_reasons: order.priced.holds.iter().map(|hold| hold.code().to_owned()).collect(),
        currency: order.draft.currency,
        gross: order.priced.gross,
        discount: order.priced.discount,
        tax: order.priced.tax,
        total: order.priced.total,
    }
}

/// Lines, contacts and events of the orders that were stored.
async fn write_rest(
    conn: &mut PgConnection,
    new: &[NewOrder<'_>],
    drafts: &[(&Draft, &str)],
    now: OffsetDateTime,
) -> Result<(), Error> {
    store::insert_lines(conn, new).await?;
    store::insert_contacts(conn, new, now).await?;
    let event = |order: &NewOrder<'_>| {
        let fact = convert::placed(order.id, order.number, order.draft, &order.priced);
        NewEvent::of("order", order.id, 1, now, &fact)
    };
    let events: Vec<_> = new.iter().map(event).collect();
    let traces: HashMap<_, _> = new
        .iter()
        .filter(|order| !drafts[order.index].1.is_empty())
        .map(|order| (order.id.to_string(), drafts[order.index].1.to_owned()))
        .collect();
    trace::with_traces(traces, outbox::append(conn, &events)).await?;
    Ok(())
}

/// What to answer for orders that were not stored: a duplicate, a conflict, or what was wrong with them.
async fn resolve(
    conn: &mut PgConnection,
    all: &[&Draft],
    losers: &[usize],
    invalid: &mut HashMap<usize, Vec<Violation>>,
) -> Result<Vec<(usize, Result<Taken, Refusal>)>, Error> {
    let asked: Vec<&Draft> = losers.iter().map(|index| all[*index]).collect();
    let mut by_external: HashMap<usize, Known> = HashMap::new();
    let mut by_request: HashMap<usize, Known> = HashMap::new();
    for known in store::known(conn, &asked).await? {
        let Some(&index) = usize::try_from(known.asked - 1).ok().and_then(|place| losers.get(place)) else { continue };
        let map = if known.by_external_id { &mut by_external } else { &mut by_request };
        map.insert(index, known);
    }
    let (mut results, mut aliases) = (Vec::with_capacity(losers.len()), Vec::new());
    for &index in losers {
        let draft = all[index];
        let result = match (by_external.remove(&index), by_request.remove(&index)) {
            (Some(order), None) if order.body_hash == draft.body_hash => {
                aliases.extend(draft.request_id.as_deref().map(|id| (draft.channel.as_str(), id, order.id)));
                Ok(duplicate(order)?)
            }
            (Some(order), Some(other)) if order.body_hash == draft.body_hash && order.id == other.id => {
                Ok(duplicate(order)?)
            }
            (Some(_), None) => Err(Refusal::ExternalIdConflict),
            (_, Some(_)) => Err(Refusal::IdempotencyConflict),
            (None, None) => Err(invalid.remove(&index).map_or(Refusal::TryAgain, Refusal::Invalid)),
        };
        results.push((index, result));
    }
    if !aliases.is_empty() {
        aliases.sort_unstable();
        store::add_aliases(conn, &aliases).await?;
    }
    Ok(results)
}

fn duplicate(order: Known) -> Result<Taken, Error> {
    Ok(Taken {
        order_id: order.id,
        number: order.number,
        duplicate: true,
        hold_reasons: order.hold_reasons,
        currency: Currency::parse(&order.currency).map_err(|_| unreadable("currency"))?,
        gross: order.gross,
        discount: order.discount,
        tax: order.tax,
        total: order.total,
    })
}
