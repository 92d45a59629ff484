//! Keeps figures and scores up to date: by the differences that events make, by the passing of time, and from scratch.
//!
//! One way for all of them, [`rescore`], so that they cannot disagree. Locks customers in order of customer id; whoever
//! also locks order facts does that before.

use std::collections::{BTreeMap, HashMap};

use messaging::{NewEvent, outbox};
use proto::crm::v1::{CrmEvent, CustomerScored, crm_event::Event};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use types::Currency;
use uuid::Uuid;

use super::domain::{self, Categories, History, Load, Model, PastOrder};
use super::store::{self, Kept, ScoreChange};
use super::{domain::measures::YEAR, queries};
use crate::config::Settings;
use crate::error::Error;
use crate::orders::domain::Figures;
use crate::orders::store as orders;

/// Newest orders of a customer that frequency, rhythm, preference and load look at.
const HISTORY_LIMIT: u8 = 200;
/// Customers re-scored in one transaction.
pub const PAGE: i64 = 500;

/// What made a score change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// Type of the event, or a word for what is none.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// When a change is worth the history and an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Whenever total or grade changed.
    EveryChange,
    /// When the grade changed or a whole point has come together: for what time alone does.
    WhenItShows,
}

/// What is new of a customer.
#[derive(Clone, Debug)]
pub struct Touch {
    /// What to add to the figures.
    pub difference: Figures,
    /// The customer is made in this transaction and has no figures yet.
    pub newcomer: bool,
    /// Events to publish; the last of them takes the change of the score along if it can.
    pub events: Vec<CrmEvent>,
    /// What the region becomes while no order names one.
    pub region: Option<String>,
    /// The cause of the change.
    pub cause: Cause,
    /// What to record.
    pub record: Record,
}

impl Touch {
    /// Nothing new yet, because of `cause`.
    #[must_use]
    pub fn because(cause: Cause) -> Self {
        Self {
            difference: Figures::default(),
            newcomer: false,
            events: Vec::new(),
            region: None,
            cause,
            record: Record::EveryChange,
        }
    }
}

/// What [`rescore`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Customers whose total or grade is another one now.
    pub changed: i64,
}

/// Brings figures and scores of some customers up to date, writes the history and appends the events: a handful of
/// statements, however many customers there are.
///
/// # Errors
/// Database errors.
pub async fn rescore(
    conn: &mut PgConnection,
    mut touched: BTreeMap<Uuid, Touch>,
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<Done, Error> {
    if touched.is_empty() {
        return Ok(Done::default());
    }
    let (newcomers, known): (Vec<_>, Vec<_>) = touched.iter().partition(|(_, touch)| touch.newcomer);
    let known: Vec<Uuid> = known.into_iter().map(|(id, _)| *id).collect();
    let mut rows = store::lock_figures(conn, &known).await?;
    rows.extend(newcomers.into_iter().map(|(id, _)| Kept { customer_id: *id, ..Kept::default() }));
    for row in &mut rows {
        if let Some(touch) = touched.get_mut(&row.customer_id) {
            row.figures.add(&touch.difference);
            if let Some(region) = touch.region.take() {
                row.region = region;
            }
        }
    }
    let with_orders: Vec<Uuid> =
        rows.iter().filter(|row| row.figures.placed_orders > 0).map(|row| row.customer_id).collect();
    let (_, model_version, model) = queries::current_model(conn).await?;
    let mut pasts = load_pasts(conn, &with_orders, settings.currency, now).await?;

    let (mut done, mut changes, mut events) = (Done::default(), Vec::new(), Vec::new());
    for row in &mut rows {
        let Some(touch) = touched.remove(&row.customer_id) else {
            continue;
        };
        let (mut told, cause, record) = (touch.events, touch.cause, touch.record);
        if let Some(past) = pasts.remove(&row.customer_id) {
            let before = (row.score, row.grade.clone());
            apply_score(row, past, (&model, model_version), now);
            done.changed += i64::from(before != (row.score, row.grade.clone()));
        }
        if let Some(change) = change_to_record(row, &cause, record, now) {
            row.recorded_score = Some(change.total);
            row.recorded_grade.clone_from(&change.grade);
            tell_score(&mut told, &change);
            changes.push(change);
        }
        for event in &told {
            row.version += 1;
            let new = NewEvent::of("customer", row.customer_id, row.version, now, event);
            events.push(new.caused_by(&cause.id));
        }
    }
    store::write_figures(conn, &rows).await?;
    store::insert_changes(conn, &changes).await?;
    outbox::append(conn, &events).await?;
    Ok(done)
}

/// What is known of a customer's orders beside the figures.
#[derive(Default)]
struct Past {
    region: Option<String>,
    first_order_at: Option<OffsetDateTime>,
    orders: Vec<PastOrder>,
    load: Load,
}

async fn load_pasts(
    conn: &mut PgConnection,
    ids: &[Uuid],
    currency: Currency,
    now: OffsetDateTime,
) -> Result<HashMap<Uuid, Past>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut pasts: HashMap<Uuid, Past> = ids.iter().map(|id| (*id, Past::default())).collect();
    for row in orders::newest_orders(conn, ids, HISTORY_LIMIT.into()).await? {
        let past = pasts.entry(row.customer_id).or_default();
        past.first_order_at = Some(row.placed_at);
        if past.region.is_none() && !row.region.is_empty() {
            past.region = Some(row.region);
        }
        let summed = row.collected && row.currency == currency.code();
        let lines = if summed { row.lines.0 } else { Vec::new() };
        past.orders.push(PastOrder {
            placed_at: row.placed_at,
            defect_returns: row.defect_returns,
            failed_shipments: row.failed_shipments,
            bought: lines.into_iter().map(|line| (line.1, line.2)).collect(),
        });
    }
    let longer: Vec<Uuid> =
        pasts.iter().filter(|(_, past)| past.orders.len() >= HISTORY_LIMIT.into()).map(|(id, _)| *id).collect();
    if !longer.is_empty() {
        for (customer, first) in orders::first_orders(conn, &longer).await? {
            pasts.entry(customer).or_default().first_order_at = Some(first);
        }
    }
    for (customer, complaints, inbound) in store::contact_loads(conn, ids, now - YEAR, now).await? {
        pasts.entry(customer).or_default().load = Load { complaints, inbound };
    }
    Ok(pasts)
}

fn apply_score(row: &mut Kept, past: Past, (model, version): (&Model, i64), now: OffsetDateTime) {
    row.last_order_at = past.orders.first().map(|order| order.placed_at);
    row.first_order_at = past.first_order_at;
    if let Some(region) = past.region {
        row.region = region;
    }
    let history = History {
        figures: row.figures.clone(),
        first_order_at: past.first_order_at,
        orders: past.orders,
        load: past.load,
    };
    let categories = Categories::of(&history.orders);
    let score = domain::score(&domain::measure(&history, &categories, now), model);
    row.score = Some(score.total);
    score.grade.clone_into(&mut row.grade);
    row.parameters = score.parameters;
    row.categories = categories.top();
    row.model_version = version;
    row.scored_as_of = Some(now);
}

fn change_to_record(row: &Kept, cause: &Cause, record: Record, now: OffsetDateTime) -> Option<ScoreChange> {
    let total = row.score?;
    let moved = row.recorded_score.map(|recorded| (total - recorded).abs());
    let shows = match (moved, record) {
        (None, _) => true,
        (Some(moved), Record::EveryChange) => !moved.is_zero(),
        (Some(moved), Record::WhenItShows) => moved >= Decimal::ONE,
    };
    if !shows && row.grade == row.recorded_grade {
        return None;
    }
    Some(ScoreChange {
        customer_id: row.customer_id,
        scored_at: now,
        total,
        previous_total: row.recorded_score,
        grade: row.grade.clone(),
        previous_grade: row.recorded_grade.clone(),
        cause: cause.clone(),
        model_version: row.model_version,
        parameter_scores: row.parameters.iter().map(|parameter| parameter.score).collect(),
    })
}

/// Adds a change of score to what is told of a customer: to the order it came with, if there is one.
fn tell_score(told: &mut Vec<CrmEvent>, change: &ScoreChange) {
    let scored = CustomerScored {
        customer_id: change.customer_id.to_string(),
        total: change.total.to_string(),
        grade: change.grade.clone(),
        previous_grade: change.previous_grade.clone(),
        cause: change.cause.kind.clone(),
        scored_at: Some(proto::to_timestamp(change.scored_at)),
    };
    match told.last_mut().and_then(|event| event.event.as_mut()) {
        Some(Event::CustomerIdentified(identified)) => identified.scored = Some(scored),
        _ => told.push(CrmEvent { event: Some(Event::CustomerScored(scored)) }),
    }
}

/// What a page of the full re-score did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageDone {
    /// Customers gone through.
    pub customers: i64,
    /// Customers whose total or grade is another one now.
    pub changed_scores: i64,
    /// Customers whose figures were not the sums over their orders.
    pub corrected_figures: i64,
    /// The last customer of the page; `None` at the end of the base.
    pub last: Option<Uuid>,
}

/// Computes a page of the base again from the order facts.
///
/// # Errors
/// Database errors.
pub async fn rescore_page(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<PageDone, Error> {
    let ids = queries::customers_after(conn, after, limit).await?;
    let kept = store::lock_figures(conn, &ids).await?;
    let mut fresh: HashMap<Uuid, Figures> = HashMap::new();
    for fact in orders::facts_of_customers(conn, &ids).await? {
        if let Some(customer) = fact.customer_id {
            fresh.entry(customer).or_default().add(&fact.figures(settings.currency));
        }
    }
    let mut touched = BTreeMap::new();
    let mut done = PageDone { last: ids.last().copied(), ..PageDone::default() };
    for row in kept {
        let mut touch = Touch::because(Cause { kind: "rescore".to_owned(), id: String::new() });
        touch.difference = fresh.remove(&row.customer_id).unwrap_or_default();
        touch.difference.subtract(&row.figures);
        done.corrected_figures += i64::from(touch.difference != Figures::default());
        done.customers += 1;
        touched.insert(row.customer_id, touch);
    }
    done.changed_scores = rescore(conn, touched, settings, now).await?.changed;
    Ok(done)
}

/// How old a score may be before the sweep makes it anew.
const STALE: Duration = Duration::hours(20);
/// How long the sweep rests when it has gone through the base.
const REST: Duration = Duration::hours(4);

/// Re-scores the next page of customers whose score time or a new model has overtaken. False when there is nothing to
/// do for now.
///
/// # Errors
/// Database errors.
pub async fn sweep_page(conn: &mut PgConnection, settings: &Settings, now: OffsetDateTime) -> Result<bool, Error> {
    let (after, resumes_at) = store::lock_sweep(conn).await?;
    if resumes_at > now {
        return Ok(false);
    }
    let (_, version, _) = queries::current_model(conn).await?;
    let page = queries::scored_after(conn, after, PAGE).await?;
    let Some(last) = page.last() else {
        store::move_sweep(conn, Uuid::nil(), now + REST).await?;
        return Ok(false);
    };
    store::move_sweep(conn, last.0, resumes_at).await?;
    let stale = |as_of: Option<OffsetDateTime>| as_of.is_some_and(|as_of| as_of < now - STALE);
    let touched = page
        .iter()
        .filter(|(_, as_of, model)| stale(*as_of) || (as_of.is_some() && *model < version))
        .map(|(id, _, model)| {
            let cause = if *model < version { "rescore" } else { "time" };
            let mut touch = Touch::because(Cause { kind: cause.to_owned(), id: String::new() });
            touch.record = if *model < version { Record::EveryChange } else { Record::WhenItShows };
            (*id, touch)
        })
        .collect();
    rescore(conn, touched, settings, now).await?;
    Ok(true)
}

/// Makes a model the present one.
///
/// # Errors
/// [`Error::ModelChanged`] when it was made from another one than the present; database errors.
pub async fn put_model(conn: &mut PgConnection, new: &NewModel, now: OffsetDateTime) -> Result<i64, Error> {
    // The lock lets one at a time in here; the sweep then starts over with the new model.
    store::lock_sweep(conn).await?;
    let (_, current, _) = queries::current_model(conn).await?;
    if new.based_on_version != 0 && new.based_on_version != current {
        return Err(Error::ModelChanged { based_on: new.based_on_version, current });
    }
    let version = current + 1;
    store::insert_model(conn, version, new, now).await?;
    store::move_sweep(conn, Uuid::nil(), OffsetDateTime::UNIX_EPOCH).await?;
    Ok(version)
}

/// A model to be put.
#[derive(Clone, Debug)]
pub struct NewModel {
    /// Version it was made from; 0 when that does not matter.
    pub based_on_version: i64,
    /// The model.
    pub model: Model,
    /// Why.
    pub comment: String,
    /// Who.
    pub author: String,
}
