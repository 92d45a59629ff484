//! SQL of causes and of the tasks opened and closed for them. Every statement takes a whole batch.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, Postgres, postgres::PgArguments, query::Query, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::domain::{Cause, Draft, Phase, Stamp};

#[derive(sqlx::FromRow)]
struct CauseRow {
    key: String,
    phase: String,
    opens_at: Option<OffsetDateTime>,
    draft: Option<Json<Draft>>,
    rule: String,
    opened_origin: String,
    opened_version: i64,
    closed_origin: String,
    closed_version: i64,
}

impl CauseRow {
    fn whole(self) -> (String, String, Cause) {
        let cause = Cause {
            phase: Phase::parse(&self.phase).unwrap_or(Phase::Idle),
            waiting: self.opens_at.zip(self.draft.map(|Json(draft)| draft)),
            opened: Stamp { origin: self.opened_origin, version: self.opened_version },
            closed: Stamp { origin: self.closed_origin, version: self.closed_version },
        };
        (self.key, self.rule, cause)
    }
}

/// Locks causes until the end of the transaction, also those nobody has heard of, and reads those there are; each with
/// its key and the code of its rule. One of 64 locks stands for a cause, in ascending order.
pub(crate) async fn lock_causes(conn: &mut PgConnection, keys: &[&str]) -> sqlx::Result<Vec<(String, String, Cause)>> {
    sqlx::query(
        "-- lock_causes
        select pg_advisory_xact_lock(20263, lock)
        from (select distinct hashtext(key) & 63 as lock from unnest($1::text[]) as key order by lock) as locks",
    )
    .bind(keys)
    .execute(&mut *conn)
    .await?;
    let rows: Vec<CauseRow> = sqlx::query_as(
        "-- causes_by_key
        select key, rule, phase, opens_at, draft, opened_origin, opened_version, closed_origin, closed_version
        from cause where key = any($1)",
    )
    .bind(keys)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(CauseRow::whole).collect())
}

/// Locks and reads causes whose wait is over; each with its key and the code of its rule.
pub(crate) async fn lock_waiting(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<(String, String, Cause)>> {
    let keys: Vec<String> = sqlx::query_scalar(
        "-- waiting_causes
        select key from cause where phase = 'waiting' and opens_at <= $1 order by opens_at limit $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut causes = lock_causes(conn, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    // Somebody may have settled one before it was locked.
    causes.retain(|(_, _, cause)| cause.waiting.as_ref().is_some_and(|(at, _)| *at <= now));
    Ok(causes)
}

/// Causes to be written, each with its key and the code of its rule.
pub(crate) type Causes<'a> = [(&'a str, &'a str, &'a Cause)];

fn bind_causes<'q>(
    query: Query<'q, Postgres, PgArguments>,
    causes: &Causes<'q>,
) -> sqlx::Result<Query<'q, Postgres, PgArguments>> {
    let draft = |cause: &Cause| cause.waiting.as_ref().map(|(_, draft)| Json(draft).encode_to_string()).transpose();
    let drafts: Result<Vec<Option<String>>, _> = causes.iter().map(|(_, _, cause)| draft(cause)).collect();
    Ok(query
        .bind(causes.iter().map(|(key, _, _)| *key).collect::<Vec<_>>())
        .bind(causes.iter().map(|(_, rule, _)| *rule).collect::<Vec<_>>())
        .bind(causes.iter().map(|(_, _, cause)| cause.phase.code()).collect::<Vec<_>>())
        .bind(causes.iter().map(|(_, _, cause)| cause.waiting.as_ref().map(|(at, _)| *at)).collect::<Vec<_>>())
        .bind(drafts.map_err(|error| sqlx::Error::Encode(error.into()))?)
        .bind(causes.iter().map(|(_, _, cause)| cause.opened.origin.as_str()).collect::<Vec<_>>())
        .bind(causes.iter().map(|(_, _, cause)| cause.opened.version).collect::<Vec<_>>())
        .bind(causes.iter().map(|(_, _, cause)| cause.closed.origin.as_str()).collect::<Vec<_>>())
        .bind(causes.iter().map(|(_, _, cause)| cause.closed.version).collect::<Vec<_>>()))
}

/// Writes causes nobody had heard of when they were locked.
pub(crate) async fn insert_causes(conn: &mut PgConnection, causes: &Causes<'_>) -> sqlx::Result<()> {
    if causes.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(
        "-- insert_causes
        insert into cause (key, rule, phase, opens_at, draft, opened_origin, opened_version, closed_origin, closed_version)
        select key, rule, phase, opens_at, draft::json, opened_origin, opened_version, closed_origin, closed_version
        from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::int8[], $8::text[],
                $9::int8[])
            as n (key, rule, phase, opens_at, draft, opened_origin, opened_version, closed_origin, closed_version)",
    );
    bind_causes(query, causes)?.execute(conn).await?;
    Ok(())
}

/// Writes causes that were known when they were locked; the rule of a cause never changes.
pub(crate) async fn update_causes(conn: &mut PgConnection, causes: &Causes<'_>) -> sqlx::Result<()> {
    if causes.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(
        "-- update_causes
        update cause c set phase = n.phase, opens_at = n.opens_at, draft = n.draft::json, opened_origin = n.opened_origin,
            opened_version = n.opened_version, closed_origin = n.closed_origin, closed_version = n.closed_version
        from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::int8[], $8::text[],
                $9::int8[])
            as n (key, rule, phase, opens_at, draft, opened_origin, opened_version, closed_origin, closed_version)
        where c.key = n.key",
    );
    bind_causes(query, causes)?.execute(conn).await?;
    Ok(())
}

/// Of these causes, those without an open task. A person may have reopened one; its cause is locked, so it stays so.
pub(crate) async fn without_task(conn: &mut PgConnection, keys: &[&str]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- causes_without_task
        select c.key from unnest($1::text[]) as c (key)
        where (select t.id from task t where t.cause_key = c.key and t.closed_at is null) is null",
    )
    .bind(keys)
    .fetch_all(conn)
    .await
}

/// A task that automation closed.
#[derive(sqlx::FromRow)]
pub(crate) struct Closed {
    pub(crate) id: Uuid,
    pub(crate) key: String,
    pub(crate) state: String,
    pub(crate) subject_kind: String,
    pub(crate) subject_id: String,
    pub(crate) event_version: i64,
    pub(crate) followed: bool,
}

/// Brings the open tasks of causes to the states given, with their history.
pub(crate) async fn close_tasks(
    conn: &mut PgConnection,
    keys: &[&str],
    states: &[&str],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Closed>> {
    sqlx::query_as(
        "-- close_tasks
        with wanted as (select * from unnest($1::text[], $2::text[]) as w (cause_key, state)),
        held as (
            select t.id, t.state as before, w.state as after from task t join wanted w on w.cause_key = t.cause_key
            where t.closed_at is null order by t.id for update of t
        ), closed as (
            update task t set state = h.after, closed_at = greatest($3, t.opened_at), closed_by = 'cause_gone',
                updated_at = $3, version = t.version + 1, event_version = t.event_version + 1
            from held h where t.id = h.id
            returning t.id, t.key, h.before, t.state, t.subject_kind, t.subject_id, t.version, t.event_version, t.assignee_id
        ), written as (
            insert into task_history (task_id, field, old_value, new_value, actor_id, version, changed_at)
            select id, 'state', before, state, 'automation', version, $3 from closed
        )
        select id, key, state, subject_kind, subject_id, event_version,
            assignee_id is not null or exists (select 1 from task_watcher w where w.task_id = closed.id) as followed
        from closed",
    )
    .bind(keys)
    .bind(states)
    .bind(now)
    .fetch_all(conn)
    .await
}

/// Remembers names for titles, by kind and id.
pub(crate) async fn learn_names(conn: &mut PgConnection, names: &BTreeMap<(&str, String), String>) -> sqlx::Result<()> {
    sqlx::query(
        "-- learn_subject_names
        insert into subject_name as s (kind, id, name)
        select kind, id, name from unnest($1::text[], $2::text[], $3::text[]) as n (kind, id, name)
        on conflict (kind, id) do update set name = excluded.name where s.name <> excluded.name",
    )
    .bind(names.keys().map(|(kind, _)| *kind).collect::<Vec<_>>())
    .bind(names.keys().map(|(_, id)| id.as_str()).collect::<Vec<_>>())
    .bind(names.values().map(String::as_str).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// The names known of these subjects (kind, id): kind, id, name.
pub(crate) async fn names(
    conn: &mut PgConnection,
    subjects: &BTreeSet<(&str, String)>,
) -> sqlx::Result<Vec<(String, String, String)>> {
    sqlx::query_as(
        "-- subject_names
        select n.kind, n.id, s.name from unnest($1::text[], $2::text[]) as n (kind, id)
        cross join lateral (select name from subject_name where kind = n.kind and id = n.id limit 1) s",
    )
    .bind(subjects.iter().map(|(kind, _)| *kind).collect::<Vec<_>>())
    .bind(subjects.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await
}
