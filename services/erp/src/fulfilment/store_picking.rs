//! SQL of picking: what was scanned, what is added to shipments, what is taken apart.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::reservation::domain::Held;

/// Where something was scanned: shipment, line, lot and place.
pub(crate) type LineKey = (Uuid, i32, Uuid, i64);

/// Adds pieces to shipments that are being picked; pieces of the same line, lot and place add up.
pub(crate) async fn extend(conn: &mut PgConnection, parts: &[(Held, Decimal, Uuid)]) -> sqlx::Result<()> {
    if parts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- extend_shipment_lines
        insert into shipment_line as s (shipment_id, line_no, lot_id, place_id, sku, unit, planned, quantity)
        select p.shipment_id, p.line_no, p.lot_id, p.place_id, p.sku, i.unit, sum(p.quantity), sum(p.quantity)
        from unnest($1::uuid[], $2::int4[], $3::uuid[], $4::int8[], $5::text[], $6::numeric[])
            as p (shipment_id, line_no, lot_id, place_id, sku, quantity)
        join stock_item i on i.sku = p.sku collate \"C\"
        group by p.shipment_id, p.line_no, p.lot_id, p.place_id, p.sku, i.unit
        on conflict (shipment_id, line_no, lot_id, place_id) do update
        set planned = s.planned + excluded.planned, quantity = s.quantity + excluded.quantity",
    )
    .bind(parts.iter().map(|(_, _, shipment)| *shipment).collect::<Vec<_>>())
    .bind(parts.iter().map(|(piece, ..)| piece.line_no).collect::<Vec<_>>())
    .bind(parts.iter().map(|(piece, ..)| piece.lot).collect::<Vec<_>>())
    .bind(parts.iter().map(|(piece, ..)| piece.place).collect::<Vec<_>>())
    .bind(parts.iter().map(|(piece, ..)| piece.sku.as_str()).collect::<Vec<_>>())
    .bind(parts.iter().map(|(_, part, _)| *part).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes what was taken off the shelves; the lines' items and the shipments are locked.
pub(crate) async fn add_scanned(
    conn: &mut PgConnection,
    scans: &[(LineKey, Decimal)],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- add_scanned
        with scan as (
            select * from unnest($1::uuid[], $2::int4[], $3::uuid[], $4::int8[], $5::numeric[])
                as u (shipment_id, line_no, lot_id, place_id, quantity)
        ), handled as (
            update shipment s set handled_at = $6
            where s.id in (select shipment_id from scan) and s.handled_at is null
        )
        update shipment_line s set scanned = s.scanned + u.quantity
        from scan u
        where s.shipment_id = u.shipment_id and s.line_no = u.line_no and s.lot_id = u.lot_id and s.place_id = u.place_id",
    )
    .bind(scans.iter().map(|(key, _)| key.0).collect::<Vec<_>>())
    .bind(scans.iter().map(|(key, _)| key.1).collect::<Vec<_>>())
    .bind(scans.iter().map(|(key, _)| key.2).collect::<Vec<_>>())
    .bind(scans.iter().map(|(key, _)| key.3).collect::<Vec<_>>())
    .bind(scans.iter().map(|(_, quantity)| *quantity).collect::<Vec<_>>())
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Of these shipments, those of which something was scanned and nothing is left to scan are picked. Answers which.
pub(crate) async fn set_scanned_picked(conn: &mut PgConnection, shipments: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    if shipments.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "-- set_scanned_picked
        update shipment s set state = 'picked'
        where s.id = any ($1) and s.state = 'picking'
            and not exists (select from shipment_line l where l.shipment_id = s.id and l.scanned < l.quantity)
            and exists (select from shipment_line l where l.shipment_id = s.id and l.scanned > 0)
        returning s.id",
    )
    .bind(shipments)
    .fetch_all(conn)
    .await
}

/// Notes that a shipment given up after picking was taken apart. False when there was nothing to take apart.
pub(crate) async fn dismantle(conn: &mut PgConnection, shipment: Uuid, now: OffsetDateTime) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "-- dismantle_shipment
        update shipment set dismantled_at = $2
        where id = $1 and state = 'cancelled' and handled_at is not null and dismantled_at is null",
    )
    .bind(shipment)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
