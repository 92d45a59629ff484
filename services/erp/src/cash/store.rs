//! SQL of cash on delivery.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::HandIn;

/// Notes what new orders owe on delivery. Orders that are known stay as they are.
pub(super) async fn insert_due(conn: &mut PgConnection, owes: &BTreeMap<Uuid, Decimal>) -> sqlx::Result<()> {
    if owes.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- insert_order_cash
        insert into order_cash (order_id, due) select * from unnest($1::uuid[], $2::numeric[])
        on conflict (order_id) do nothing",
    )
    .bind(owes.keys().copied().collect::<Vec<_>>())
    .bind(owes.values().copied().collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes off what is owed less. Orders that are not paid on delivery have no row and are left out.
pub(super) async fn lower_due(conn: &mut PgConnection, less: &BTreeMap<Uuid, Decimal>) -> sqlx::Result<()> {
    if less.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- lower_order_cash
        update order_cash c set due = c.due - l.amount
        from unnest($1::uuid[], $2::numeric[]) as l (order_id, amount) where c.order_id = l.order_id",
    )
    .bind(less.keys().copied().collect::<Vec<_>>())
    .bind(less.values().copied().collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// What the stops of a run say was collected.
pub(super) async fn collected(conn: &mut PgConnection, run: Uuid) -> sqlx::Result<Decimal> {
    sqlx::query_scalar(
        "-- cash_collected_of_run
        select coalesce(sum(cash_collected), 0) from run_stop where run_id = $1",
    )
    .bind(run)
    .fetch_one(conn)
    .await
}

#[derive(sqlx::FromRow)]
struct Row {
    collected: Decimal,
    counted: Decimal,
    counted_by: String,
    decision: String,
}

/// The hand-in of a run, if there is one. The run is locked.
pub(super) async fn hand_in(conn: &mut PgConnection, run: Uuid) -> sqlx::Result<Option<HandIn>> {
    let row = sqlx::query_as::<_, Row>(
        "-- cash_hand_in_of_run
        select collected, counted, counted_by, decision from cash_hand_in where run_id = $1",
    )
    .bind(run)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| HandIn {
        collected: row.collected,
        counted: row.counted,
        counted_by: row.counted_by,
        decision: row.decision,
    }))
}

/// Keeps what was counted.
pub(super) async fn insert(
    conn: &mut PgConnection,
    run: Uuid,
    hand_in: &HandIn,
    reason: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_cash_hand_in
        insert into cash_hand_in (run_id, collected, counted, reason, counted_by, counted_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(run)
    .bind(hand_in.collected)
    .bind(hand_in.counted)
    .bind(reason)
    .bind(&hand_in.counted_by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what was decided.
pub(super) async fn decide(
    conn: &mut PgConnection,
    run: Uuid,
    decision: &'static str,
    by: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- decide_cash_difference
        update cash_hand_in set decision = $2, decided_by = $3, decided_at = $4 where run_id = $1",
    )
    .bind(run)
    .bind(decision)
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}
