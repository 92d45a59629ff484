//! What every report begins with.

use sqlx::PgConnection;

/// Makes all reads of the transaction see one moment, keeps them from running for ever, and lets the planner see the
/// parameters (which source is asked for). A rebuild waits for the reports that run and they for it.
///
/// # Errors
/// Database errors.
pub(super) async fn freeze(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- one_snapshot
        set transaction isolation level repeatable read, read only",
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- report_settings
        select pg_advisory_xact_lock_shared(hashtext('kpi.rebuild')), set_config('statement_timeout', '25s', true),
               set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true),
               set_config('work_mem', '32MB', true)",
    )
    .execute(conn)
    .await?;
    Ok(())
}
