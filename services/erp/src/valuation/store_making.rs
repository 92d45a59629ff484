//! SQL of what was made of what: inputs go to PRODUCTION, outputs come from it, under the id of one document.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

/// Items, and all that were made of them, directly or through others.
pub(crate) async fn closure(conn: &mut PgConnection, skus: &BTreeSet<String>) -> sqlx::Result<BTreeSet<String>> {
    let all: Vec<String> = sqlx::query_scalar(
        "-- made_of_items
        with recursive made (sku) as (
            select s.sku collate \"C\" from unnest($1::text[]) as s (sku)
            union
            select o.sku from made
            join stock_move i on i.sku = made.sku and i.to_place = 3
            join stock_move o on o.cause_id = i.cause_id and o.from_place = 3
        )
        select sku from made",
    )
    .bind(skus.iter().map(String::as_str).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(all.into_iter().collect())
}

/// By how much entries change what went into makings.
pub(crate) async fn changed_inputs(conn: &mut PgConnection, entries: &[i64]) -> sqlx::Result<BTreeMap<Uuid, Decimal>> {
    if entries.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query_as::<_, (Uuid, Decimal)>(
        "-- changed_inputs
        select m.cause_id, sum(e.value) from stock_move e join stock_move m on m.id = e.corrects
        where e.id = any ($1) and e.to_place = 3 and e.from_place <> 7 group by m.cause_id having sum(e.value) <> 0",
    )
    .bind(entries)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// What a making brought.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Output {
    pub(crate) id: i64,
    pub(crate) cause_id: Uuid,
    pub(crate) sku: String,
    pub(crate) value: Decimal,
}

/// What makings brought, at its present worth, by making and number.
pub(crate) async fn outputs(conn: &mut PgConnection, makings: &[Uuid]) -> sqlx::Result<Vec<Output>> {
    sqlx::query_as(
        "-- outputs_of_makings
        select m.id, m.cause_id, m.sku,
            m.value + coalesce((
                select sum(c.value) from stock_move c
                where c.sku = m.sku and c.corrects = m.id and c.from_place = m.from_place
            ), 0) as value
        from stock_move m
        where m.cause_id = any ($1) and m.from_place = 3 and m.quantity > 0 order by m.cause_id, m.id",
    )
    .bind(makings)
    .fetch_all(conn)
    .await
}
