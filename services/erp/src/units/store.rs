//! SQL of units and of what was entered.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use types::Ratio;
use uuid::Uuid;

use super::domain::{Entered, Ratios};

/// Most units of an item, and lines of a document, that are listed.
const LISTED: i64 = 1000;

/// A unit as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct UnitRow {
    pub(crate) sku: String,
    pub(crate) unit: String,
    pub(crate) lot: String,
    pub(crate) numerator: i64,
    pub(crate) denominator: i64,
}

/// Units of items that are known.
pub(crate) async fn base_units(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<HashMap<String, String>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "-- base_units
        select sku, unit from stock_item where sku = any ($1) and unit is not null",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Ratios of the units named, of their lots and of all lots.
pub(crate) async fn ratios(conn: &mut PgConnection, entered: &[&Entered]) -> sqlx::Result<Ratios> {
    let rows = sqlx::query_as::<_, UnitRow>(
        "-- ratios_of_units
        select u.sku, u.unit, u.lot, u.numerator, u.denominator
        from (select distinct * from unnest($1::text[], $2::text[])) as e (sku, unit)
        join item_unit u on u.sku = e.sku collate \"C\" and u.unit = e.unit collate \"C\"
        where u.lot = '' or u.lot = any ($3)",
    )
    .bind(entered.iter().map(|one| one.sku.as_str()).collect::<Vec<_>>())
    .bind(entered.iter().map(|one| one.unit.as_str()).collect::<Vec<_>>())
    .bind(entered.iter().map(|one| one.lot.as_str()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let read = |row: UnitRow| Some(((row.sku, row.unit, row.lot), Ratio::new(row.numerator, row.denominator).ok()?));
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Sets units, each named once; their items are locked.
pub(crate) async fn put(conn: &mut PgConnection, units: &[UnitRow], by: &str, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- put_item_units
        insert into item_unit (sku, unit, lot, numerator, denominator, updated_by, updated_at)
        select u.*, $6, $7 from unnest($1::text[], $2::text[], $3::text[], $4::int8[], $5::int8[]) as u
        on conflict (sku, unit, lot) do update set numerator = excluded.numerator, denominator = excluded.denominator,
            updated_by = excluded.updated_by, updated_at = excluded.updated_at",
    )
    .bind(units.iter().map(|unit| unit.sku.as_str()).collect::<Vec<_>>())
    .bind(units.iter().map(|unit| unit.unit.as_str()).collect::<Vec<_>>())
    .bind(units.iter().map(|unit| unit.lot.as_str()).collect::<Vec<_>>())
    .bind(units.iter().map(|unit| unit.numerator).collect::<Vec<_>>())
    .bind(units.iter().map(|unit| unit.denominator).collect::<Vec<_>>())
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets a unit.
pub(crate) async fn delete(conn: &mut PgConnection, sku: &str, unit: &str, lot: &str) -> sqlx::Result<()> {
    sqlx::query(
        "-- delete_item_unit
        delete from item_unit where sku = $1 and unit = $2 and lot = $3",
    )
    .bind(sku)
    .bind(unit)
    .bind(lot)
    .execute(conn)
    .await?;
    Ok(())
}

/// An item's own unit (none while unknown) and its others; none when there is no such item.
pub(crate) async fn of_item(
    conn: &mut PgConnection,
    sku: &str,
) -> sqlx::Result<Option<(Option<String>, Vec<UnitRow>)>> {
    let base: Option<Option<String>> = sqlx::query_scalar(
        "-- unit_of_item
        select unit from stock_item where sku = $1",
    )
    .bind(sku)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(base) = base else { return Ok(None) };
    let units = sqlx::query_as(
        "-- units_of_item
        select sku, unit, lot, numerator, denominator from item_unit where sku = $1 order by unit, lot limit $2",
    )
    .bind(sku)
    .bind(LISTED)
    .fetch_all(conn)
    .await?;
    Ok(Some((base, units)))
}

/// A line of a document that was entered in another unit.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct EnteredRow {
    pub(crate) line_no: i32,
    pub(crate) sku: String,
    pub(crate) quantity: Decimal,
    pub(crate) unit: String,
    pub(crate) base_quantity: Decimal,
}

/// Forgets what was kept of documents.
pub(crate) async fn forget(conn: &mut PgConnection, documents: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query(
        "-- forget_entered_quantities
        delete from entered_quantity where document_id = any ($1)",
    )
    .bind(documents)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps lines of documents.
pub(crate) async fn keep(conn: &mut PgConnection, lines: &[(Uuid, EnteredRow)]) -> sqlx::Result<()> {
    sqlx::query(
        "-- keep_entered_quantities
        insert into entered_quantity (document_id, line_no, sku, quantity, unit, base_quantity)
        select * from unnest($1::uuid[], $2::int4[], $3::text[], $4::numeric[], $5::text[], $6::numeric[])",
    )
    .bind(lines.iter().map(|(document, _)| *document).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.line_no).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.sku.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.quantity).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.unit.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.base_quantity).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// What was entered in a document in other units.
pub(crate) async fn entered(conn: &mut PgConnection, document: Uuid) -> sqlx::Result<Vec<EnteredRow>> {
    sqlx::query_as(
        "-- entered_quantities
        select line_no, sku, quantity, unit, base_quantity from entered_quantity
        where document_id = $1 order by line_no limit $2",
    )
    .bind(document)
    .bind(LISTED)
    .fetch_all(conn)
    .await
}
