//! SQL of corrections, transfers and lot status.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A lot as corrections see it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Lot {
    pub(crate) id: Uuid,
    pub(crate) sku: String,
    pub(crate) number: String,
    pub(crate) unit_cost: Decimal,
}

/// Lots by item and number.
pub(crate) async fn lots(
    conn: &mut PgConnection,
    keys: &[(&str, &str)],
) -> sqlx::Result<HashMap<(String, String), Lot>> {
    let rows = sqlx::query_as::<_, Lot>(
        "-- lots_by_number
        select l.id, l.sku, l.number, l.unit_cost
        from (select distinct * from unnest($1::text[], $2::text[])) as k (sku, number)
        join lot l on l.sku = k.sku collate \"C\" and l.number = k.number collate \"C\"",
    )
    .bind(keys.iter().map(|(sku, _)| *sku).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, number)| *number).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|lot| ((lot.sku.clone(), lot.number.clone()), lot)).collect())
}

/// Sets a lot's status, and with it what of the lot may be sold.
pub(crate) async fn set_status(conn: &mut PgConnection, lot: Uuid, status: &str) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_lot_status
        with set as (update lot set status = $2 where id = $1)
        update stock_balance b set sellable = p.kind = 'stock' and p.picking_block = '' and $2 = 'available'
        from place p where b.lot_id = $1 and p.id = b.place_id",
    )
    .bind(lot)
    .bind(status)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps why something was done.
pub(crate) async fn insert_document(
    conn: &mut PgConnection,
    id: Uuid,
    kind: &str,
    reason: &str,
    by: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_stock_document
        insert into stock_document (id, kind, reason, created_by, created_at) values ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(kind)
    .bind(reason)
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}
