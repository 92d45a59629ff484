//! SQL of policies.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Method, Policy, Target};

/// A policy as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct PolicyRow {
    target_kind: String,
    target: String,
    warehouse_id: Uuid,
    method: String,
    safety_stock: Decimal,
    reorder_point: Decimal,
    maximum: Option<Decimal>,
    service_level: Decimal,
    review_days: i32,
    history_days: i32,
    lead_time_days: Decimal,
    lead_time_sigma_days: Decimal,
    cover_days: Option<i32>,
    pub(super) updated_at: OffsetDateTime,
    pub(super) updated_by: String,
}

impl PolicyRow {
    /// The policy itself.
    pub(super) fn policy(&self) -> Policy {
        Policy {
            target: Target::parse(&self.target_kind, self.target.clone()),
            warehouse: self.warehouse_id,
            method: Method::parse(&self.method),
            safety_stock: self.safety_stock,
            reorder_point: self.reorder_point,
            maximum: self.maximum,
            service_level: self.service_level,
            review_days: self.review_days,
            history_days: self.history_days,
            lead_time_days: self.lead_time_days,
            lead_time_sigma_days: self.lead_time_sigma_days,
            cover_days: self.cover_days,
        }
    }
}

/// The policies of items, and all of categories.
pub(super) async fn of_items(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<Vec<Policy>> {
    let rows = sqlx::query_as::<_, PolicyRow>(
        "-- policies_of_items
        select * from replenishment_policy where target_kind = 'category'
        union all
        select * from replenishment_policy where target_kind = 'item' and target = any ($1)",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    Ok(rows.iter().map(PolicyRow::policy).collect())
}

/// The warehouses that have policies or had some when levels were last calculated.
pub(super) async fn warehouses(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- warehouses_with_policies
        select distinct warehouse_id from replenishment_policy
        union
        select distinct warehouse_id from stock_level where reorder_point is not null",
    )
    .fetch_all(conn)
    .await
}

/// Policies after a target and warehouse; of one item when it is given.
pub(super) async fn list(
    conn: &mut PgConnection,
    after: Option<(String, String, Uuid)>,
    sku: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<PolicyRow>> {
    let (kind, target, warehouse) = after.unwrap_or_default();
    sqlx::query_as(
        "-- list_policies
        select * from replenishment_policy
        where (target_kind, target, warehouse_id) > ($1, $2, $3) and ($4::text is null or (target_kind = 'item' and target = $4))
        order by target_kind, target, warehouse_id limit $5",
    )
    .bind(kind)
    .bind(target)
    .bind(warehouse)
    .bind(sku)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Inserts or changes policies; each target once, in order. Returns how many were inserted.
pub(super) async fn upsert(
    conn: &mut PgConnection,
    policies: &[Policy],
    now: OffsetDateTime,
    by: &str,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- upsert_policies
        with written as (
            insert into replenishment_policy (target_kind, target, warehouse_id, method, safety_stock, reorder_point,
                maximum, service_level, review_days, history_days, lead_time_days, lead_time_sigma_days, cover_days,
                updated_at, updated_by)
            select u.*, $14, $15 from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::numeric[], $6::numeric[],
                $7::numeric[], $8::numeric[], $9::int4[], $10::int4[], $11::numeric[], $12::numeric[], $13::int4[]) as u
            on conflict (target_kind, target, warehouse_id) do update set method = excluded.method,
                safety_stock = excluded.safety_stock, reorder_point = excluded.reorder_point,
                maximum = excluded.maximum, service_level = excluded.service_level,
                review_days = excluded.review_days, history_days = excluded.history_days,
                lead_time_days = excluded.lead_time_days, lead_time_sigma_days = excluded.lead_time_sigma_days,
                cover_days = excluded.cover_days, updated_at = excluded.updated_at, updated_by = excluded.updated_by
            returning xmax = 0 as inserted
        )
        select count(*) filter (where inserted) from written",
    )
    .bind(policies.iter().map(|one| one.target.kind()).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.target.name()).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.warehouse).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.method.code()).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.safety_stock).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.reorder_point).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.maximum).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.service_level).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.review_days).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.history_days).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.lead_time_days).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.lead_time_sigma_days).collect::<Vec<_>>())
    .bind(policies.iter().map(|one| one.cover_days).collect::<Vec<_>>())
    .bind(now)
    .bind(by)
    .fetch_one(conn)
    .await
}

/// Deletes policies. Returns how many there were.
pub(super) async fn delete(conn: &mut PgConnection, targets: &[(Target, Uuid)]) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "-- delete_policies
        delete from replenishment_policy p using unnest($1::text[], $2::text[], $3::uuid[]) as d (target_kind, target, warehouse_id)
        where p.target_kind = d.target_kind and p.target = d.target collate \"C\" and p.warehouse_id = d.warehouse_id",
    )
    .bind(targets.iter().map(|(target, _)| target.kind()).collect::<Vec<_>>())
    .bind(targets.iter().map(|(target, _)| target.name()).collect::<Vec<_>>())
    .bind(targets.iter().map(|(_, warehouse)| *warehouse).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
