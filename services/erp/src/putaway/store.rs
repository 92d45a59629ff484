//! SQL of changes of put-away rules.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Rule;

/// Places of a warehouse by code.
pub(super) async fn places(
    conn: &mut PgConnection,
    warehouse: Uuid,
    codes: &[&str],
) -> sqlx::Result<HashMap<String, i64>> {
    let rows = sqlx::query_as::<_, (String, i64)>(
        "-- places_by_code
        select code, id from place where code = any ($2) and warehouse_id = $1",
    )
    .bind(warehouse)
    .bind(codes)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Inserts or changes rules, each once. Returns how many are new.
pub(super) async fn upsert(conn: &mut PgConnection, warehouse: Uuid, rules: &[Rule]) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- upsert_put_away_rules
        with old as (
            select code from put_away_rule where warehouse_id = $1 and code = any ($2)
        ), written as (
            insert into put_away_rule (warehouse_id, code, sku, category, zone, place_id, priority)
            select $1, n.* from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int4[])
                as n (code, sku, category, zone, place_id, priority)
            order by n.code collate \"C\"
            on conflict (warehouse_id, code) do update set sku = excluded.sku, category = excluded.category,
                zone = excluded.zone, place_id = excluded.place_id, priority = excluded.priority
            returning code
        )
        select count(*) from written where code not in (select code from old)",
    )
    .bind(warehouse)
    .bind(rules.iter().map(|rule| rule.code.as_str()).collect::<Vec<_>>())
    .bind(rules.iter().map(|rule| rule.sku.as_str()).collect::<Vec<_>>())
    .bind(rules.iter().map(|rule| rule.category.as_str()).collect::<Vec<_>>())
    .bind(rules.iter().map(|rule| rule.zone.as_str()).collect::<Vec<_>>())
    .bind(rules.iter().map(|rule| rule.place).collect::<Vec<_>>())
    .bind(rules.iter().map(|rule| rule.priority).collect::<Vec<_>>())
    .fetch_one(conn)
    .await
}

/// Deletes rules. Returns how many there were.
pub(super) async fn delete(conn: &mut PgConnection, warehouse: Uuid, codes: &[String]) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "-- delete_put_away_rules
        delete from put_away_rule where warehouse_id = $1 and code = any ($2)",
    )
    .bind(warehouse)
    .bind(codes)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
