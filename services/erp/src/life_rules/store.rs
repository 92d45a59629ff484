//! SQL of the rules.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::domain::Rule;

/// Most rules there are.
pub(crate) const MOST: i64 = 1000;

/// All rules, by channel, delivery method and category.
pub(crate) async fn all(conn: &mut PgConnection) -> sqlx::Result<Vec<Rule>> {
    let rows = sqlx::query_as::<_, (String, String, String, i32)>(
        "-- life_rules
        select channel, delivery_method, category, days from life_rule
        order by channel, delivery_method, category limit $1",
    )
    .bind(MOST)
    .fetch_all(conn)
    .await?;
    let rule = |(channel, delivery_method, category, days)| Rule { channel, delivery_method, category, days };
    Ok(rows.into_iter().map(rule).collect())
}

/// Categories of items that are known.
pub(crate) async fn categories(conn: &mut PgConnection, skus: &[&str]) -> sqlx::Result<BTreeMap<String, String>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "-- categories_of_items
        select sku, category from stock_item where sku = any ($1) and category <> ''",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// One writer of rules at a time: what two calls set and forget must not deadlock, and their number is bounded.
pub(crate) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- lock_life_rules
        select pg_advisory_xact_lock(hashtext('erp.life_rule'))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets rules; those of 0 days go. Answers how many there are.
pub(crate) async fn put(conn: &mut PgConnection, rules: &[Rule], by: &str, now: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query(
        "-- put_life_rules
        with asked as (
            select * from unnest($1::text[], $2::text[], $3::text[], $4::int4[])
                as r (channel, delivery_method, category, days)
        ), gone as (
            delete from life_rule l using asked a
            where a.days = 0 and l.channel = a.channel collate \"C\" and l.delivery_method = a.delivery_method collate \"C\"
                and l.category = a.category collate \"C\"
        )
        insert into life_rule (channel, delivery_method, category, days, updated_by, updated_at)
        select channel, delivery_method, category, days, $5, $6 from asked where days > 0
        on conflict (channel, delivery_method, category) do update
            set days = excluded.days, updated_by = excluded.updated_by, updated_at = excluded.updated_at",
    )
    .bind(rules.iter().map(|rule| rule.channel.as_str()).collect::<Vec<_>>())
    .bind(rules.iter().map(|rule| rule.delivery_method.as_str()).collect::<Vec<_>>())
    .bind(rules.iter().map(|rule| rule.category.as_str()).collect::<Vec<_>>())
    .bind(rules.iter().map(|rule| rule.days).collect::<Vec<_>>())
    .bind(by)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar(
        "-- count_life_rules
        select count(*) from life_rule",
    )
    .fetch_one(conn)
    .await
}
