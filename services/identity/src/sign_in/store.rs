//! SQL of sign-in attempts, sessions and refresh tokens.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Count, Scope};
use super::sessions::Session;

type Keys = BTreeMap<&'static str, [u8; 32]>;

fn columns(keys: &Keys) -> (Vec<&'static str>, Vec<Vec<u8>>) {
    keys.iter().map(|(scope, key)| (*scope, key.to_vec())).unzip()
}

/// Makes the rows that are missing and locks all, in the order of their keys.
pub(super) async fn lock_attempts(
    conn: &mut PgConnection,
    keys: &Keys,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Count>> {
    let (scopes, hashes) = columns(keys);
    sqlx::query(
        "-- sign_in_attempt_make
        insert into sign_in_attempt (scope, key_hash, failures, last_at, blocked_until)
        select scope, key_hash, 0, $3, $3 from unnest($1::text[], $2::bytea[]) as wanted (scope, key_hash)
        order by scope, key_hash
        on conflict do nothing",
    )
    .bind(&scopes)
    .bind(&hashes)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query_as::<_, (String, i32, OffsetDateTime, OffsetDateTime)>(
        "-- sign_in_attempt_lock
        select scope, failures, last_at, blocked_until from sign_in_attempt
        where (scope, key_hash) in (select * from unnest($1::text[], $2::bytea[]))
        order by scope, key_hash
        for update",
    )
    .bind(&scopes)
    .bind(&hashes)
    .fetch_all(conn)
    .await?;
    let count = |(scope, failures, last_at, blocked_until): (String, i32, OffsetDateTime, OffsetDateTime)| {
        Some(Count { scope: Scope::parse(&scope)?, failures, last_at, blocked_until })
    };
    Ok(rows.into_iter().filter_map(count).collect())
}

/// Writes counts.
pub(super) async fn write_attempts(conn: &mut PgConnection, keys: &Keys, counts: &[Count]) -> sqlx::Result<()> {
    let (scopes, hashes): (Vec<&str>, Vec<Vec<u8>>) =
        counts.iter().filter_map(|count| Some((count.scope.name(), keys.get(count.scope.name())?.to_vec()))).unzip();
    sqlx::query(
        "-- sign_in_attempt_write
        update sign_in_attempt as present
        set failures = new.failures, last_at = new.last_at, blocked_until = new.blocked_until
        from unnest($1::text[], $2::bytea[], $3::integer[], $4::timestamptz[], $5::timestamptz[])
            as new (scope, key_hash, failures, last_at, blocked_until)
        where present.scope = new.scope and present.key_hash = new.key_hash",
    )
    .bind(&scopes)
    .bind(&hashes)
    .bind(counts.iter().map(|count| count.failures).collect::<Vec<_>>())
    .bind(counts.iter().map(|count| count.last_at).collect::<Vec<_>>())
    .bind(counts.iter().map(|count| count.blocked_until).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the failures of a login from a source, and takes one back from the others.
pub(super) async fn forgive_attempts(conn: &mut PgConnection, keys: &Keys, now: OffsetDateTime) -> sqlx::Result<()> {
    let (scopes, hashes) = columns(keys);
    sqlx::query(
        "-- sign_in_attempt_forgive
        update sign_in_attempt as present
        set failures = case when present.scope = 'login_and_source' then 0 else greatest(failures - 1, 0) end,
            blocked_until = least(blocked_until, $3)
        from (
            select scope, key_hash from sign_in_attempt
            where (scope, key_hash) in (select * from unnest($1::text[], $2::bytea[]))
            order by scope, key_hash
            for update
        ) as locked
        where present.scope = locked.scope and present.key_hash = locked.key_hash",
    )
    .bind(&scopes)
    .bind(&hashes)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a session.
pub(super) async fn insert_session(conn: &mut PgConnection, employee: Uuid, session: &Session) -> sqlx::Result<()> {
    sqlx::query(
        "-- session_insert
        insert into session (id, employee_id, source, created_at, last_used_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(session.id)
    .bind(employee)
    .bind(&session.source)
    .bind(session.created_at)
    .bind(session.last_used_at)
    .bind(session.expires_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a refresh token.
pub(super) async fn insert_token(
    conn: &mut PgConnection,
    session: Uuid,
    hash: &[u8; 32],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- refresh_token_insert
        insert into refresh_token (hash, session_id, issued_at) values ($1, $2, $3)",
    )
    .bind(hash.as_slice())
    .bind(session)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// A refresh token with its session, both locked.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Presented {
    /// Session.
    pub(super) session_id: Uuid,
    /// Whose.
    pub(super) employee_id: Uuid,
    /// When signed in.
    pub(super) created_at: OffsetDateTime,
    /// When the session ends.
    pub(super) expires_at: OffsetDateTime,
    /// Ended.
    pub(super) revoked: bool,
    /// When used before.
    pub(super) used_at: Option<OffsetDateTime>,
    /// Given for a lost answer and replaced since: nobody honest holds it.
    pub(super) superseded: bool,
    /// A token that followed this one was presented, so its answer did arrive.
    pub(super) followed: bool,
}

/// Finds and locks a refresh token.
pub(super) async fn lock_token(conn: &mut PgConnection, hash: &[u8; 32]) -> sqlx::Result<Option<Presented>> {
    sqlx::query_as::<_, Presented>(
        "-- refresh_token_lock
        select session_id, employee_id, created_at, expires_at, revoked_at is not null as revoked,
            used_at, superseded,
            exists (
                select from refresh_token as later
                where later.session_id = present.session_id and later.issued_at >= present.used_at
                    and later.hash <> present.hash and later.used_at is not null and not later.superseded
            ) as followed
        from refresh_token as present join session on id = session_id
        where hash = $1
        for update of present, session",
    )
    .bind(hash.as_slice())
    .fetch_optional(conn)
    .await
}

/// Replaces the token of a session that was given but never arrived.
pub(super) async fn supersede_token(conn: &mut PgConnection, session: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- refresh_token_supersede
        update refresh_token set used_at = $2, superseded = true where session_id = $1 and used_at is null",
    )
    .bind(session)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a refresh token up and prolongs its session.
pub(super) async fn use_token(
    conn: &mut PgConnection,
    hash: &[u8; 32],
    session: Uuid,
    expires_at: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- refresh_token_use
        update refresh_token set used_at = coalesce(used_at, $2) where hash = $1",
    )
    .bind(hash.as_slice())
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- session_prolong
        update session set last_used_at = $2, expires_at = $3 where id = $1",
    )
    .bind(session)
    .bind(now)
    .bind(expires_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends one session; false when it had ended already.
pub(super) async fn revoke_session(
    conn: &mut PgConnection,
    session: Uuid,
    reason: &str,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "-- session_revoke
        update session set revoked_at = $2, revoked_reason = $3 where id = $1 and revoked_at is null",
    )
    .bind(session)
    .bind(now)
    .bind(reason)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all sessions of an employee; says how many were live.
pub(super) async fn revoke_all(
    conn: &mut PgConnection,
    employee: Uuid,
    reason: &str,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "-- session_revoke_all
        update session set revoked_at = $2, revoked_reason = $3
        where id in (
            select id from session
            where employee_id = $1 and revoked_at is null and expires_at > $2
            order by id
            for update)",
    )
    .bind(employee)
    .bind(now)
    .bind(reason)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Live sessions, newest first.
pub(super) async fn live_sessions(
    conn: &mut PgConnection,
    employee: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Session>> {
    sqlx::query_as::<_, Session>(
        "-- session_live
        select id, source, created_at, last_used_at, expires_at from session
        where employee_id = $1 and revoked_at is null and expires_at > $2
        order by created_at desc, id
        limit 500",
    )
    .bind(employee)
    .bind(now)
    .fetch_all(conn)
    .await
}

/// Login and name of an employee, or nothing and the name of an API key.
pub(super) async fn names(conn: &mut PgConnection, subject: Uuid) -> sqlx::Result<Option<(String, String)>> {
    sqlx::query_as::<_, (String, String)>(
        "-- subject_names
        select login, display_name from employee where id = $1
        union all
        select '', name from api_key where id = $1",
    )
    .bind(subject)
    .fetch_optional(conn)
    .await
}

/// Deletes sessions that ended long ago, and forgotten attempts; at most some of each.
pub(super) async fn sweep(
    conn: &mut PgConnection,
    sessions_before: OffsetDateTime,
    attempts_before: OffsetDateTime,
) -> sqlx::Result<u64> {
    let sessions = sqlx::query(
        "-- session_sweep
        delete from session where id in (
            select id from session where expires_at < $1 order by expires_at limit 1000 for update skip locked)",
    )
    .bind(sessions_before)
    .execute(&mut *conn)
    .await?;
    let attempts = sqlx::query(
        "-- sign_in_attempt_sweep
        delete from sign_in_attempt where (scope, key_hash) in (
            select scope, key_hash from sign_in_attempt
            where last_at < $1 order by last_at limit 10000 for update skip locked)",
    )
    .bind(attempts_before)
    .execute(conn)
    .await?;
    Ok(sessions.rows_affected() + attempts.rows_affected())
}
