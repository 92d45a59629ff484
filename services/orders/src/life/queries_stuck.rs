//! Finds the orders that wait for the warehouse's first answer, without an index of their own.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// Orders looked at in one statement.
const AT_ONCE: i64 = 10_000;
/// Orders remembered as waiting; with so many, counting further tells nothing new.
const MOST: usize = 100_000;

/// Where the last look ended, and who was found waiting.
#[derive(Debug, Default)]
pub struct Watch {
    /// Orders up to this number have been looked at.
    number: i64,
    /// Those among them without an answer; held ones too, because they may be confirmed any time.
    waiting: Vec<Uuid>,
}

#[derive(FromRow)]
struct Look {
    number: Option<i64>,
    waiting: Vec<Uuid>,
}

/// Orders of goods confirmed before `until` that the warehouse has not answered, the oldest first.
///
/// # Errors
/// Database errors.
pub async fn count(conn: &mut PgConnection, watch: &mut Watch, until: OffsetDateTime) -> sqlx::Result<Vec<Uuid>> {
    watch.waiting = still_waiting(conn, &watch.waiting).await?;
    while watch.waiting.len() < MOST {
        let look = look(conn, watch.number, until).await?;
        let Some(number) = look.number else { break };
        watch.number = number;
        watch.waiting.extend(look.waiting);
    }
    confirmed_before(conn, &watch.waiting, until).await
}

/// The next orders by number, as far as all of them were received before `until`.
async fn look(conn: &mut PgConnection, after: i64, until: OffsetDateTime) -> sqlx::Result<Look> {
    sqlx::query_as(
        "-- stuck_look
        with page as (
            select number, id, received_at, state in ('new', 'confirmed') and fulfilment_state = 'none' and has_goods as waits
            from orders where number > $1 order by number limit $3
        ), ripe as (
            select number, id, waits from page
            where number < coalesce((select min(number) from page where received_at > $2), 9223372036854775807)
        )
        select max(number) as number, coalesce(array_agg(id order by number) filter (where waits), '{}') as waiting
        from ripe",
    )
    .bind(after)
    .bind(until)
    .bind(AT_ONCE)
    .fetch_one(conn)
    .await
}

async fn still_waiting(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "-- stuck_still_waiting
        select id from orders
        where id = any($1) and state in ('new', 'confirmed') and fulfilment_state = 'none'
        order by number",
    )
    .bind(orders)
    .fetch_all(conn)
    .await
}

async fn confirmed_before(conn: &mut PgConnection, orders: &[Uuid], until: OffsetDateTime) -> sqlx::Result<Vec<Uuid>> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "-- stuck_confirmed_before
        select id from orders
        where id = any($1) and state = 'confirmed'
          and not exists (
            select from order_timeline
            where order_id = orders.id and machine = 'order' and to_state = 'confirmed' and at > $2)
        order by number",
    )
    .bind(orders)
    .bind(until)
    .fetch_all(conn)
    .await
}
