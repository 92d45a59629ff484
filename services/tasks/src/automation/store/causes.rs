//! SQL of causes and of the tasks opened and closed for them. Every statement takes a whole batch.

use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::domain::{Cause, Draft, Phase, Stamp};

#[derive(sqlx::FromRow)]
struct CauseRow {
    key: String,
    phase: String,
    opens_at: Option<OffsetDateTime>,
    draft: Option<Json<Draft>>,
    opened_origin: String,
    opened_version: i64,
    closed_origin: String,
    closed_version: i64,
}

impl CauseRow {
    fn whole(self) -> (String, Cause) {
        let cause = Cause {
            phase: Phase::parse(&self.phase).unwrap_or(Phase::Idle),
            waiting: self.opens_at.zip(self.draft.map(|Json(draft)| draft)),
            opened: Stamp { origin: self.opened_origin, version: self.opened_version },
            closed: Stamp { origin: self.closed_origin, version: self.closed_version },
        };
        (self.key, cause)
    }
}

/// Makes rows for causes nobody has heard of; `rules` are the codes of their rules.
pub(crate) async fn open_causes(conn: &mut PgConnection, keys: &[&str], rules: &[&str]) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_causes
        insert into cause (key, rule)
        select key, rule from unnest($1::text[], $2::text[]) as c (key, rule) order by key collate \"C\"
        on conflict do nothing",
    )
    .bind(keys)
    .bind(rules)
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks and reads causes, in the order of their keys.
pub(crate) async fn lock_causes(conn: &mut PgConnection, keys: &[&str]) -> sqlx::Result<Vec<(String, Cause)>> {
    let rows: Vec<CauseRow> = sqlx::query_as(
        "-- lock_causes
        select key, phase, opens_at, draft, opened_origin, opened_version, closed_origin, closed_version
        from cause where key = any($1) order by key collate \"C\" for update",
    )
    .bind(keys)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(CauseRow::whole).collect())
}

/// Locks and reads causes whose wait is over and which nobody else has in hand; each with the code of its rule.
pub(crate) async fn lock_waiting(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<(String, String, Cause)>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "-- lock_waiting_causes
        select key, rule from cause where phase = 'waiting' and opens_at <= $1
        order by opens_at limit $2 for update skip locked",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    let keys: Vec<&str> = rows.iter().map(|(key, _)| key.as_str()).collect();
    let causes = lock_causes(conn, &keys).await?;
    let rule_of = |key: &str| rows.iter().find(|row| row.0 == key).map(|row| row.1.clone()).unwrap_or_default();
    Ok(causes.into_iter().map(|(key, cause)| (rule_of(&key), key, cause)).collect())
}

/// Writes causes back.
pub(crate) async fn save_causes(conn: &mut PgConnection, causes: &[(&str, &Cause)]) -> sqlx::Result<()> {
    sqlx::query(
        "-- save_causes
        update cause c set phase = n.phase, opens_at = n.opens_at, draft = n.draft, opened_origin = n.opened_origin,
            opened_version = n.opened_version, closed_origin = n.closed_origin, closed_version = n.closed_version
        from unnest($1::text[], $2::text[], $3::timestamptz[], $4::jsonb[], $5::text[], $6::int8[], $7::text[], $8::int8[])
            as n (key, phase, opens_at, draft, opened_origin, opened_version, closed_origin, closed_version)
        where c.key = n.key",
    )
    .bind(causes.iter().map(|(key, _)| *key).collect::<Vec<_>>())
    .bind(causes.iter().map(|(_, cause)| cause.phase.code()).collect::<Vec<_>>())
    .bind(causes.iter().map(|(_, cause)| cause.waiting.as_ref().map(|(at, _)| *at)).collect::<Vec<_>>())
    .bind(causes.iter().map(|(_, cause)| cause.waiting.as_ref().map(|(_, draft)| Json(draft))).collect::<Vec<_>>())
    .bind(causes.iter().map(|(_, cause)| cause.opened.origin.as_str()).collect::<Vec<_>>())
    .bind(causes.iter().map(|(_, cause)| cause.opened.version).collect::<Vec<_>>())
    .bind(causes.iter().map(|(_, cause)| cause.closed.origin.as_str()).collect::<Vec<_>>())
    .bind(causes.iter().map(|(_, cause)| cause.closed.version).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Of these causes, those without an open task. A person may have reopened one; its cause is locked, so it stays so.
pub(crate) async fn without_task(conn: &mut PgConnection, keys: &[&str]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- causes_without_task
        select key from unnest($1::text[]) as c (key)
        where not exists (select 1 from task t where t.cause_key = c.key and t.closed_at is null)",
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

/// Remembers names for titles.
pub(crate) async fn learn_names(
    conn: &mut PgConnection,
    kinds: &[&str],
    ids: &[String],
    names: &[String],
) -> sqlx::Result<()> {
    sqlx::query(
        "-- learn_subject_names
        insert into subject_name as s (kind, id, name)
        select distinct on (kind, id) kind, id, name
        from unnest($1::text[], $2::text[], $3::text[]) with ordinality as n (kind, id, name, position)
        order by kind, id, position desc
        on conflict (kind, id) do update set name = excluded.name where s.name <> excluded.name",
    )
    .bind(kinds)
    .bind(ids)
    .bind(names)
    .execute(conn)
    .await?;
    Ok(())
}

/// The names known of these subjects: kind, id, name.
pub(crate) async fn names(
    conn: &mut PgConnection,
    kinds: &[&str],
    ids: &[String],
) -> sqlx::Result<Vec<(String, String, String)>> {
    sqlx::query_as(
        "-- subject_names
        select s.kind, s.id, s.name from subject_name s
        join (select distinct kind, id from unnest($1::text[], $2::text[]) as n (kind, id)) n
            on n.kind = s.kind and n.id = s.id",
    )
    .bind(kinds)
    .bind(ids)
    .fetch_all(conn)
    .await
}
