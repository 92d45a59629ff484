//! From events to tasks. However many events come at once, the number of statements stays the same:
//!
//! 1. names learned, rules read, causes locked and read;
//! 2. each cause is walked through its events in memory;
//! 3. tasks of settled causes closed, numbers taken (one update), tasks of new causes stored, causes written back;
//! 4. all events appended.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use messaging::{NewEvent, outbox};
use proto::tasks::v1::{TaskClosed, tasks_event};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::super::{
    convert::event::Fact,
    domain::{Cause, Draft, Fields as _, Outcome, Phase, Rule, Signal, Stamp},
    store,
};
use crate::{
    error::Error,
    projects::store as projects,
    reminders::store as reminders,
    tasks::{
        commands::{event, opened},
        domain::{AUTOMATION, BY_CAUSE, Task},
        store::{self as tasks, Numbered},
    },
};

/// A rule that speaks because of an event.
struct Heard<'a> {
    cause: String,
    rule: &'a Rule,
    fact: &'a Fact<'a>,
    closing: Option<(&'a str, bool)>,
}

fn listen<'a>(rules: &'a [Rule], facts: &'a [Fact<'a>]) -> Vec<Heard<'a>> {
    let mut heard = Vec::new();
    for fact in facts {
        let (source, name) = (fact.event.source.as_str(), fact.event.name.as_str());
        for rule in rules.iter().filter(|rule| rule.hears(source, name)) {
            let Some(cause) = rule.cause(fact) else { continue };
            if rule.opens(source, name, fact) {
                heard.push(Heard { cause, rule, fact, closing: None });
            } else if let Some(closing) = rule.closes(source, name, fact) {
                heard.push(Heard { cause, rule, fact, closing: Some((&closing.state, closing.forever)) });
            }
        }
    }
    heard
}

/// Applies events in the order given.
pub(crate) async fn apply(conn: &mut PgConnection, facts: &[Fact<'_>], now: OffsetDateTime) -> Result<(), Error> {
    learn(conn, facts).await?;
    let rules = store::rules(conn).await?;
    let heard = listen(&rules, facts);
    if heard.is_empty() {
        return Ok(());
    }
    let names = names(conn, &heard).await?;
    let by_cause: BTreeMap<&str, &Rule> = heard.iter().map(|heard| (heard.cause.as_str(), heard.rule)).collect();
    let initial = initial_states(conn, by_cause.values().copied()).await?;
    let keys: Vec<&str> = by_cause.keys().copied().collect();
    let known: HashMap<String, Cause> =
        store::lock_causes(conn, &keys).await?.into_iter().map(|(key, _, cause)| (key, cause)).collect();
    let mut causes: HashMap<&str, (Cause, Outcome)> = HashMap::with_capacity(keys.len());
    for heard in &heard {
        let (cause, outcome) = causes
            .entry(&heard.cause)
            .or_insert_with(|| (known.get(&heard.cause).cloned().unwrap_or_default(), Outcome::default()));
        cause.step(signal(heard, &names, now), stamp(heard.fact), outcome);
    }

    let mut closes: Vec<(&str, &str)> = Vec::new();
    let mut opens: Vec<Open<'_>> = Vec::new();
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for (key, rule) in by_cause {
        let Some((cause, outcome)) = causes.get(key) else { continue };
        if let Some(state) = &outcome.close {
            closes.push((key, state));
        }
        if let Some(draft) = &outcome.open {
            opens.push(Open { cause: key, rule, draft, known: known.contains_key(key) });
        }
        match known.get(key) {
            None => new.push((key, rule.code.as_str(), cause)),
            Some(before) if before != cause => changed.push((key, rule.code.as_str(), cause)),
            Some(_) => {}
        }
    }
    let mut events = close(conn, closes, now).await?;
    events.extend(open(conn, opens, &initial, now).await?);
    store::insert_causes(conn, &new).await?;
    store::update_causes(conn, &changed).await?;
    outbox::append(conn, &events).await?;
    Ok(())
}

/// Opens tasks whose wait is over; how many causes there were. Of a rule that is off or gone none is opened.
pub(crate) async fn open_waiting(conn: &mut PgConnection, now: OffsetDateTime, limit: i64) -> Result<i64, Error> {
    let rules = store::rules(conn).await?;
    let initial = initial_states(conn, rules.iter()).await?;
    let mut waiting = store::lock_waiting(conn, now, limit).await?;
    let mut drafts: Vec<(String, &Rule, Draft)> = Vec::new();
    for (key, code, cause) in &mut waiting {
        let draft = cause.waiting.take().map(|(_, draft)| draft);
        let rule = rules.iter().find(|rule| rule.code == *code && rule.enabled);
        match (rule, draft) {
            (Some(rule), Some(draft)) => {
                cause.phase = Phase::Open;
                drafts.push((key.clone(), rule, draft));
            }
            _ => cause.phase = Phase::Closed,
        }
    }
    let opens = drafts.iter().map(|(cause, rule, draft)| Open { cause, rule, draft, known: true }).collect();
    let events = open(conn, opens, &initial, now).await?;
    let saved: Vec<(&str, &str, &Cause)> =
        waiting.iter().map(|(key, code, cause)| (key.as_str(), code.as_str(), cause)).collect();
    store::update_causes(conn, &saved).await?;
    outbox::append(conn, &events).await?;
    Ok(i64::try_from(saved.len()).unwrap_or(limit))
}

fn stamp(fact: &Fact<'_>) -> Stamp {
    let origin = format!("{}:{}", fact.event.source, fact.event.aggregate_id);
    Stamp { origin, version: fact.event.version }
}

type Names = HashMap<(String, String), String>;

fn signal(heard: &Heard<'_>, names: &Names, now: OffsetDateTime) -> Signal {
    if let Some((state, forever)) = heard.closing {
        return Signal::Close { state: state.to_owned(), forever };
    }
    let subject = (heard.rule.subject_kind.clone(), heard.rule.subject_of(heard.fact));
    let draft = heard.rule.draft(heard.fact, names.get(&subject).map(String::as_str));
    let delay = heard.rule.delay_seconds;
    let at = (delay > 0).then(|| heard.fact.event.time.checked_add(Duration::seconds(delay)).unwrap_or(now));
    Signal::Open(draft, at)
}

/// Remembers order numbers and product names, for titles of tasks that other services' events open.
async fn learn(conn: &mut PgConnection, facts: &[Fact<'_>]) -> Result<(), Error> {
    let mut names = BTreeMap::new();
    for fact in facts {
        let (kind, id, name) = match (fact.event.source.as_str(), fact.event.name.as_str()) {
            ("orders", "order_placed") => ("order", fact.get("order_id"), fact.get("number")),
            ("orders", "product_changed") => {
                let (sku, name) = (fact.get("sku"), fact.get("name").filter(|name| !name.is_empty()));
                ("product", sku.clone(), sku.zip(name).map(|(sku, name)| format!("{sku} · {name}")))
            }
            _ => continue,
        };
        if let (Some(id), Some(name)) = (id, name.filter(|name| !name.is_empty())) {
            names.insert((kind, id), name);
        }
    }
    if !names.is_empty() {
        store::learn_names(conn, &names).await?;
    }
    Ok(())
}

async fn names(conn: &mut PgConnection, heard: &[Heard<'_>]) -> Result<Names, Error> {
    let wanting = heard.iter().filter(|heard| heard.closing.is_none() && heard.rule.wants_subject_name());
    let subjects: BTreeSet<(&str, String)> =
        wanting.map(|heard| (heard.rule.subject_kind.as_str(), heard.rule.subject_of(heard.fact))).collect();
    if subjects.is_empty() {
        return Ok(Names::new());
    }
    let rows = store::names(conn, &subjects).await?;
    Ok(rows.into_iter().map(|(kind, id, name)| ((kind, id), name)).collect())
}

async fn initial_states(
    conn: &mut PgConnection,
    rules: impl Iterator<Item = &Rule>,
) -> Result<HashMap<String, String>, Error> {
    let mut types: Vec<&str> = rules.map(|rule| rule.task_type.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    Ok(store::initial_states(conn, &types).await?.into_iter().collect())
}

/// A task to be opened.
struct Open<'a> {
    cause: &'a str,
    rule: &'a Rule,
    draft: &'a Draft,
    /// There may be a task of the cause: it is not new.
    known: bool,
}

async fn close(
    conn: &mut PgConnection,
    closes: Vec<(&str, &str)>,
    now: OffsetDateTime,
) -> Result<Vec<NewEvent>, Error> {
    if closes.is_empty() {
        return Ok(Vec::new());
    }
    let (keys, states): (Vec<&str>, Vec<&str>) = closes.into_iter().unzip();
    let closed = store::close_tasks(conn, &keys, &states, now).await?;
    let followed: Vec<_> = closed.iter().filter(|task| task.followed).map(|task| task.id).collect();
    if !followed.is_empty() {
        reminders::notify_closed(conn, &followed, AUTOMATION, now).await?;
    }
    let fact = |task: store::Closed| {
        let subject = task.subject_id.clone();
        let fact = TaskClosed {
            task_id: task.id.to_string(),
            key: task.key,
            state: task.state,
            closed_by: BY_CAUSE.to_owned(),
            subject_kind: task.subject_kind,
            subject_id: task.subject_id,
            closed_at: Some(proto::to_timestamp(now)),
        };
        event(task.id, task.event_version, now, tasks_event::Event::TaskClosed(fact)).caused_by(subject)
    };
    Ok(closed.into_iter().map(fact).collect())
}

async fn open(
    conn: &mut PgConnection,
    mut opens: Vec<Open<'_>>,
    initial: &HashMap<String, String>,
    now: OffsetDateTime,
) -> Result<Vec<NewEvent>, Error> {
    if opens.is_empty() {
        return Ok(Vec::new());
    }
    let known: Vec<&str> = opens.iter().filter(|open| open.known).map(|open| open.cause).collect();
    if !known.is_empty() {
        let free: HashSet<String> = store::without_task(conn, &known).await?.into_iter().collect();
        opens.retain(|open| !open.known || free.contains(open.cause));
    }
    opens.sort_by_key(|open| (open.rule.project.as_str(), open.cause));

    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for open in &opens {
        *counts.entry(&open.rule.project).or_default() += 1;
    }
    let (projects, amounts): (Vec<&str>, Vec<i64>) = counts.iter().map(|(key, count)| (*key, *count)).unzip();
    let taken = projects::take_numbers(conn, &projects, &amounts).await?;
    let mut next: HashMap<&str, (uuid::Uuid, i64)> = HashMap::new();
    for numbers in &taken {
        let first = numbers.last - counts.get(numbers.key.as_str()).copied().unwrap_or_default() + 1;
        next.insert(&numbers.key, (numbers.project_id, first));
    }
    let mut rows = Vec::with_capacity(opens.len());
    for open in &opens {
        let (Some((project_id, number)), Some(state)) =
            (next.get_mut(open.rule.project.as_str()), initial.get(&open.rule.task_type))
        else {
            continue; // impossible by foreign keys of the rule
        };
        rows.push(Numbered { task: task(open, *number, state, now), project_id: *project_id, number: *number });
        *number += 1;
    }
    tasks::insert(conn, &rows).await?;
    Ok(rows.iter().map(|row| opened(&row.task)).collect())
}

fn task(open: &Open<'_>, number: i64, state: &str, now: OffsetDateTime) -> Task {
    let Open { cause, rule, draft, .. } = open;
    let due = rule.due_after_seconds;
    Task {
        id: service::new_id(),
        project: rule.project.clone(),
        key: format!("{}-{number}", rule.project),
        task_type: rule.task_type.clone(),
        state: state.to_owned(),
        title: draft.title_ru.clone(),
        title_en: draft.title_en.clone(),
        description: draft.description_ru.clone(),
        description_en: draft.description_en.clone(),
        priority: rule.priority,
        assignee_id: None,
        role: rule.role.clone(),
        creator_id: AUTOMATION.to_owned(),
        due_at: (due > 0).then(|| now.checked_add(Duration::seconds(due))).flatten(),
        labels: Vec::new(),
        subject_kind: draft.subject_kind.clone(),
        subject_id: draft.subject_id.clone(),
        rule: rule.code.clone(),
        cause_key: Some((*cause).to_owned()),
        version: 1,
        event_version: 1,
        opened_at: now,
        updated_at: now,
        closed_at: None,
        closed_by: String::new(),
    }
}
