//! What sign-in does around the checking of a password, which itself happens outside any transaction.

use serde_json::json;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::attempts::{self, Attempt};
use super::sessions::Session;
use super::store;
use crate::audit::{self, Fact};
use crate::employees::domain::check_password;
use crate::employees::store as employees;
use crate::employees::store::Account;
use crate::error::Error;
use crate::roles::Catalogue;
use crate::secret;
use crate::signing_keys::commands::{AccessToken, Subject, issue};

/// A session lives no longer than this, however often it is refreshed.
const LONGEST_SESSION: Duration = Duration::days(90);

/// How long things live.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetimes {
    /// Access tokens.
    pub(super) access: Duration,
    /// Sessions that are not refreshed.
    pub(super) session: Duration,
    /// Refresh tokens after their first use, for answers lost on their way.
    pub(super) leeway: Duration,
}

/// Tokens of a session.
#[derive(Debug)]
pub(super) struct Tokens {
    /// Access token.
    pub(super) access: AccessToken,
    /// Refresh token.
    pub(super) refresh: String,
    /// When the refresh token ends.
    pub(super) refresh_expires_at: OffsetDateTime,
}

/// Counts an attempt and finds the account, if there is one.
pub(super) async fn begin(
    conn: &mut PgConnection,
    login: &str,
    source: &str,
    now: OffsetDateTime,
) -> Result<(Attempt, Option<Account>), Error> {
    let attempt = attempts::begin(conn, login, source, now).await?;
    Ok((attempt, employees::account(conn, login).await?))
}

/// A right password opens a session.
pub(super) async fn open(
    conn: &mut PgConnection,
    attempt: &Attempt,
    verified: &Account,
    source: &str,
    lifetimes: Lifetimes,
    now: OffsetDateTime,
) -> Result<Tokens, Error> {
    attempts::succeeded(conn, attempt, now).await?;
    let account = still_good(conn, verified).await?;
    if account.must_change_password {
        return Err(Error::PasswordChangeRequired);
    }
    let session = Session {
        id: service::new_id(),
        source: source.to_owned(),
        created_at: now,
        last_used_at: now,
        expires_at: now + lifetimes.session,
    };
    store::insert_session(conn, account.id, &session).await?;
    employees::signed_in(conn, account.id, now).await?;
    let tokens = tokens(conn, account.id, &session, lifetimes.access, now).await?;
    let details = json!({"session": session.id, "source": source});
    record(conn, account.id, "sign_in.opened", details, now).await?;
    Ok(tokens)
}

/// What came of a refresh token. Ending a stolen session is a change that must be kept although the answer is no.
pub(super) enum Refreshed {
    /// New tokens.
    Tokens(Tokens),
    /// No.
    Refused,
}

/// Uses a refresh token. One used a moment ago, whose successor nobody has presented, is taken once more: its answer may
/// have been lost on the way. The successor is then replaced, and counts as stolen when it appears after all.
pub(super) async fn refresh(
    conn: &mut PgConnection,
    token: &str,
    lifetimes: Lifetimes,
    now: OffsetDateTime,
) -> Result<Refreshed, Error> {
    let hash = secret::digest(token.as_bytes());
    let Some(presented) = store::lock_token(conn, &hash).await? else { return Ok(Refreshed::Refused) };
    if presented.revoked || presented.expires_at <= now {
        return Ok(Refreshed::Refused);
    }
    let repeated = presented.used_at.is_some_and(|used_at| now - used_at <= lifetimes.leeway);
    if presented.used_at.is_some() && (!repeated || presented.superseded || presented.followed) {
        store::revoke_session(conn, presented.session_id, "reuse", now).await?;
        let details = json!({"session": presented.session_id});
        record(conn, presented.employee_id, "session.reuse_detected", details, now).await?;
        return Ok(Refreshed::Refused);
    }
    if repeated {
        store::supersede_token(conn, presented.session_id, now).await?;
    }
    let expires_at = (now + lifetimes.session).min(presented.created_at + LONGEST_SESSION);
    store::use_token(conn, &hash, presented.session_id, expires_at, now).await?;
    let session = Session {
        id: presented.session_id,
        source: String::new(),
        created_at: presented.created_at,
        last_used_at: now,
        expires_at,
    };
    Ok(Refreshed::Tokens(tokens(conn, presented.employee_id, &session, lifetimes.access, now).await?))
}

/// Ends the session of a refresh token, if there is one.
pub(super) async fn sign_out(conn: &mut PgConnection, token: &str, now: OffsetDateTime) -> Result<(), Error> {
    let Some(presented) = store::lock_token(conn, &secret::digest(token.as_bytes())).await? else { return Ok(()) };
    if store::revoke_session(conn, presented.session_id, "signed_out", now).await? {
        let details = json!({"session": presented.session_id});
        record(conn, presented.employee_id, "session.signed_out", details, now).await?;
    }
    Ok(())
}

/// A right old password is replaced, and all sessions end.
pub(super) async fn change_password(
    conn: &mut PgConnection,
    attempt: &Attempt,
    verified: &Account,
    new_hash: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    attempts::succeeded(conn, attempt, now).await?;
    let account = still_good(conn, verified).await?;
    employees::set_password(conn, account.id, new_hash, false).await?;
    store::revoke_all(conn, account.id, "password", now).await?;
    record(conn, account.id, "employee.password_changed", json!({}), now).await
}

/// Refuses new passwords that are too weak.
pub(super) fn acceptable(login: &str, old: &str, new: &str) -> Result<(), Error> {
    check_password(login, old, new).map_err(Error::Invalid)
}

/// Deletes what nobody asks for any more.
pub(crate) async fn sweep(conn: &mut PgConnection, now: OffsetDateTime) -> Result<u64, Error> {
    Ok(store::sweep(conn, now - Duration::days(30), now - Duration::days(1)).await?)
}

/// The account as it is now, if the password that was verified is still its password.
async fn still_good(conn: &mut PgConnection, verified: &Account) -> Result<Account, Error> {
    match employees::lock_account(conn, verified.id).await? {
        Some(account) if account.active && account.password_hash == verified.password_hash => Ok(account),
        _ => Err(super::grpc::wrong_password()),
    }
}

async fn tokens(
    conn: &mut PgConnection,
    employee: Uuid,
    session: &Session,
    lifetime: Duration,
    now: OffsetDateTime,
) -> Result<Tokens, Error> {
    let (roles, permissions): (Vec<_>, Vec<_>) = employees::granted(conn, employee).await?.into_iter().unzip();
    let subject = Subject {
        id: employee.to_string(),
        kind: "employee",
        roles,
        permissions: Catalogue::compact(&permissions.concat()),
        channel: None,
    };
    let access = issue(conn, subject, lifetime, now).await?;
    let refresh = secret::random_token(secret::REFRESH_PREFIX);
    store::insert_token(conn, session.id, &secret::digest(refresh.as_bytes()), now).await?;
    Ok(Tokens { access, refresh, refresh_expires_at: session.expires_at })
}

async fn record(
    conn: &mut PgConnection,
    employee: Uuid,
    action: &'static str,
    details: serde_json::Value,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let id = employee.to_string();
    let fact = Fact { actor: &id.clone(), action, object_type: "employee", object_id: id, details };
    audit::append(conn, fact, now).await
}
