//! SQL of the writes of bills of material.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::domain::{Content, structure::Version};

/// Makes every other writer of bills of material wait until this transaction ends.
pub(crate) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- lock_boms
        select pg_advisory_xact_lock(hashtext('erp.bom'))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Units of the items that are known; their rows are shared until the transaction ends, so that the units stay.
pub(crate) async fn units(conn: &mut PgConnection, skus: &[&str]) -> sqlx::Result<BTreeMap<String, String>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "-- units_of_items
        select sku, unit from stock_item where sku = any ($1) and unit is not null order by sku for share",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Where a version stands.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Head {
    pub(crate) id: Uuid,
    pub(crate) state: String,
    pub(crate) version: i64,
}

/// A version's head.
pub(crate) async fn head(conn: &mut PgConnection, sku: &str, number: i32) -> sqlx::Result<Option<Head>> {
    sqlx::query_as(
        "-- bom_head
        select id, state, version from bom where sku = $1 and number = $2 for update",
    )
    .bind(sku)
    .bind(number)
    .fetch_optional(conn)
    .await
}

/// The number the product's next version gets.
pub(crate) async fn next_number(conn: &mut PgConnection, sku: &str) -> sqlx::Result<i32> {
    sqlx::query_scalar(
        "-- next_bom_number
        select coalesce(max(number), 0) + 1 from bom where sku = $1",
    )
    .bind(sku)
    .fetch_one(conn)
    .await
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    sku: String,
    number: i32,
    valid_from: Date,
    components: Vec<String>,
}

/// All active versions, of every day, of these items and of everything below them; at most `limit`.
pub(crate) async fn active_below(conn: &mut PgConnection, skus: &[&str], limit: i64) -> sqlx::Result<Vec<Version>> {
    let rows = sqlx::query_as::<_, VersionRow>(
        "-- active_boms_below
        with recursive reach (sku) as (
            select unnest($1::text[]) collate \"C\"
            union
            select l.component_sku from reach r
            join bom b on b.sku = r.sku and b.state = 'active'
            join bom_line l on l.bom_id = b.id
        )
        select b.sku, b.number, b.valid_from, l.components
        from reach r
        join bom b on b.sku = r.sku and b.state = 'active'
        cross join lateral (
            select array_agg(distinct l.component_sku::text) as components from bom_line l where l.bom_id = b.id
        ) l
        limit $2",
    )
    .bind(skus)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    let version = |row: VersionRow| Version {
        sku: row.sku,
        number: row.number,
        valid_from: row.valid_from,
        components: row.components,
    };
    Ok(rows.into_iter().map(version).collect())
}

/// Inserts a draft's head, or changes it.
pub(crate) async fn upsert_head(
    conn: &mut PgConnection,
    id: Uuid,
    (sku, number): (&str, i32),
    content: &Content,
    valid_from: Date,
    (by, now): (&str, OffsetDateTime),
) -> sqlx::Result<()> {
    sqlx::query(
        "-- upsert_bom
        insert into bom (id, sku, number, valid_from, quantity, unit, loss_percent, note, saved_by, saved_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (sku, number) do update set valid_from = excluded.valid_from, quantity = excluded.quantity,
            unit = excluded.unit, loss_percent = excluded.loss_percent, note = excluded.note,
            saved_by = excluded.saved_by, saved_at = excluded.saved_at, version = bom.version + 1",
    )
    .bind(id)
    .bind(sku)
    .bind(number)
    .bind(valid_from)
    .bind(content.quantity.value)
    .bind(content.quantity.unit.code())
    .bind(content.loss_percent)
    .bind(&content.note)
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes away what a draft said.
pub(crate) async fn delete_parts(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query(
        "-- delete_bom_parts
        with lines as (delete from bom_line where bom_id = $1),
        by_products as (delete from bom_by_product where bom_id = $1)
        delete from bom_cost where bom_id = $1",
    )
    .bind(id)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what a draft says.
pub(crate) async fn insert_parts(conn: &mut PgConnection, id: Uuid, content: &Content) -> sqlx::Result<()> {
    let lines = &content.lines;
    sqlx::query(
        "-- insert_bom_lines
        insert into bom_line (bom_id, line_no, component_sku, quantity, unit, loss_percent, note)
        select $1, l.no, l.sku, l.quantity, l.unit, l.loss, l.note
        from unnest($2::text[], $3::numeric[], $4::text[], $5::numeric[], $6::text[])
            with ordinality as l (sku, quantity, unit, loss, note, no)",
    )
    .bind(id)
    .bind(lines.iter().map(|line| line.component.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.quantity.value).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.quantity.unit.code()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.loss_percent).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.note.as_str()).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    let parts = &content.by_products;
    sqlx::query(
        "-- insert_bom_by_products
        insert into bom_by_product (bom_id, line_no, sku, quantity, unit, waste)
        select $1, p.no, p.sku, p.quantity, p.unit, p.waste
        from unnest($2::text[], $3::numeric[], $4::text[], $5::boolean[])
            with ordinality as p (sku, quantity, unit, waste, no)",
    )
    .bind(id)
    .bind(parts.iter().map(|part| part.sku.as_str()).collect::<Vec<_>>())
    .bind(parts.iter().map(|part| part.quantity.value).collect::<Vec<_>>())
    .bind(parts.iter().map(|part| part.quantity.unit.code()).collect::<Vec<_>>())
    .bind(parts.iter().map(|part| part.waste).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    let costs = &content.costs;
    sqlx::query(
        "-- insert_bom_costs
        insert into bom_cost (bom_id, line_no, name, basis, amount)
        select $1, c.no, c.name, c.basis, c.amount
        from unnest($2::text[], $3::text[], $4::numeric[]) with ordinality as c (name, basis, amount, no)",
    )
    .bind(id)
    .bind(costs.iter().map(|cost| cost.name.as_str()).collect::<Vec<_>>())
    .bind(costs.iter().map(|cost| cost.basis.code()).collect::<Vec<_>>())
    .bind(costs.iter().map(|cost| cost.amount).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes a draft active.
pub(crate) async fn activate(conn: &mut PgConnection, id: Uuid, by: &str, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- activate_bom
        update bom set state = 'active', activated_by = $2, activated_at = $3, version = version + 1 where id = $1",
    )
    .bind(id)
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}
