//! Sessions: a sign-in and the chain of refresh tokens that follows from it.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::store;

/// A session.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Session {
    /// Id.
    pub(crate) id: Uuid,
    /// Where the sign-in came from.
    pub(crate) source: String,
    /// When signed in.
    pub(crate) created_at: OffsetDateTime,
    /// When last refreshed.
    pub(crate) last_used_at: OffsetDateTime,
    /// When it ends if not refreshed.
    pub(crate) expires_at: OffsetDateTime,
}

/// Ends all sessions of an employee; says how many were live.
pub(crate) async fn revoke_all(
    conn: &mut PgConnection,
    employee: Uuid,
    reason: &'static str,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    store::revoke_all(conn, employee, reason, now).await
}

/// Live sessions of an employee, newest first.
pub(crate) async fn live(conn: &mut PgConnection, employee: Uuid, now: OffsetDateTime) -> sqlx::Result<Vec<Session>> {
    store::live_sessions(conn, employee, now).await
}
