//! SQL of prices, methods and standard costs.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::Method;

/// Item and ledger entry of a receipt's line.
pub(crate) async fn line(conn: &mut PgConnection, receipt: Uuid, line_no: i32) -> sqlx::Result<Option<(String, i64)>> {
    sqlx::query_as(
        "-- receipt_line_move
        select sku, move_id from receipt_line where receipt_id = $1 and line_no = $2",
    )
    .bind(receipt)
    .bind(line_no)
    .fetch_optional(conn)
    .await
}

/// What a movement cost by its price as corrected so far, landed cost aside; its item is locked.
pub(crate) async fn price(conn: &mut PgConnection, move_id: i64) -> sqlx::Result<Decimal> {
    sqlx::query_scalar(
        "-- price_of_move
        select m.value + coalesce((
            select sum(c.value) from stock_move c
            where c.sku = m.sku and c.corrects = m.id and c.cause_kind = 'cost_correction'
        ), 0)
        from stock_move m where m.id = $1",
    )
    .bind(move_id)
    .fetch_one(conn)
    .await
}

/// Sets the method of a category.
pub(crate) async fn set_policy(conn: &mut PgConnection, category: &str, method: Method) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_valuation_policy
        insert into valuation_policy (category, method) values ($1, $2)
        on conflict (category) do update set method = excluded.method",
    )
    .bind(category)
    .bind(method.code())
    .execute(conn)
    .await?;
    Ok(())
}

/// Goods of a category that have moved and are valued by another method, by sku.
pub(crate) async fn valued_otherwise(
    conn: &mut PgConnection,
    category: &str,
    method: Method,
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- items_valued_otherwise
        select i.sku from stock_item i
        where i.method <> $2 and i.last_moved_at is not null
            and (i.category = $1 or ($1 = '' and not exists (select from valuation_policy p where p.category = i.category)))
        order by i.sku limit $3",
    )
    .bind(category)
    .bind(method.code())
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// From a moment on an item is valued so.
#[derive(Clone, Debug)]
pub(crate) struct NewBasis {
    pub(crate) sku: String,
    pub(crate) method: Method,
    pub(crate) standard: Option<Decimal>,
}

/// Keeps how items are valued from a moment on; they are locked.
pub(crate) async fn insert_revaluations(
    conn: &mut PgConnection,
    items: &[NewBasis],
    (id, at, reason): (Uuid, OffsetDateTime, &str),
    (now, by): (OffsetDateTime, &str),
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_revaluations
        insert into item_revaluation (sku, at, id, method, standard_cost, reason, created_by, created_at)
        select r.sku, $4, $5, r.method, r.standard_cost, $6, $7, $8
        from unnest($1::text[], $2::text[], $3::numeric[]) as r (sku, method, standard_cost)
        on conflict (sku, at) do update set method = excluded.method, standard_cost = excluded.standard_cost,
            reason = excluded.reason, created_by = excluded.created_by, created_at = excluded.created_at",
    )
    .bind(items.iter().map(|one| one.sku.as_str()).collect::<Vec<_>>())
    .bind(items.iter().map(|one| one.method.code()).collect::<Vec<_>>())
    .bind(items.iter().map(|one| one.standard).collect::<Vec<_>>())
    .bind(at)
    .bind(id)
    .bind(reason)
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes standard costs of items; they are locked.
pub(crate) async fn set_standards(conn: &mut PgConnection, costs: &[(String, Decimal)]) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_standard_costs
        update stock_item i set standard_cost = c.cost from unnest($1::text[], $2::numeric[]) as c (sku, cost)
        where i.sku = c.sku collate \"C\"",
    )
    .bind(costs.iter().map(|(sku, _)| sku.as_str()).collect::<Vec<_>>())
    .bind(costs.iter().map(|(_, cost)| *cost).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
