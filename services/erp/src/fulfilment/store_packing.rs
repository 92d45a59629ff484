//! SQL of parcels, and of what comes back.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{comeback::Piece, parcels::Parcel};

/// What the goods of a shipment weigh by their items; none when an item has no weight.
pub(crate) async fn expected_grams(conn: &mut PgConnection, shipment: Uuid) -> sqlx::Result<Option<Decimal>> {
    sqlx::query_scalar(
        "-- expected_grams
        select case when bool_and(i.weight_grams is not null) then sum(l.quantity * i.weight_grams) end
        from shipment_line l join stock_item i on i.sku = l.sku
        where l.shipment_id = $1 and l.quantity > 0",
    )
    .bind(shipment)
    .fetch_one(conn)
    .await
}

/// Notes what a shipment was expected to weigh, and why another weight was accepted.
pub(crate) async fn set_expected(
    conn: &mut PgConnection,
    shipment: Uuid,
    expected: Option<Decimal>,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_expected_grams
        update shipment set expected_grams = $2, weight_reason = $3 where id = $1",
    )
    .bind(shipment)
    .bind(expected)
    .bind(reason)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the parcels of a shipment with their contents (parcel number, line, lot, quantity).
pub(crate) async fn insert_parcels(
    conn: &mut PgConnection,
    shipment: Uuid,
    parcels: &[Parcel],
    contents: &[(i32, i32, Uuid, Decimal)],
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_parcels
        insert into parcel (shipment_id, parcel_no, weight_grams)
        select $1, p.n, p.weight from unnest($2::numeric[]) with ordinality as p (weight, n)",
    )
    .bind(shipment)
    .bind(parcels.iter().map(|parcel| parcel.weight_grams).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- insert_parcel_contents
        insert into parcel_content (shipment_id, parcel_no, line_no, lot_id, quantity)
        select $1, c.* from unnest($2::int4[], $3::int4[], $4::uuid[], $5::numeric[]) as c",
    )
    .bind(shipment)
    .bind(contents.iter().map(|one| one.0).collect::<Vec<_>>())
    .bind(contents.iter().map(|one| one.1).collect::<Vec<_>>())
    .bind(contents.iter().map(|one| one.2).collect::<Vec<_>>())
    .bind(contents.iter().map(|one| one.3).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what came back in which condition.
pub(crate) async fn insert_comebacks(
    conn: &mut PgConnection,
    pieces: &[Piece],
    now: OffsetDateTime,
    by: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_shipment_comebacks
        insert into shipment_comeback (shipment_id, line_no, lot_id, condition, outcome, quantity, cost, recorded_at, recorded_by)
        select c.*, $8, $9
        from unnest($1::uuid[], $2::int4[], $3::uuid[], $4::text[], $5::text[], $6::numeric[], $7::numeric[]) as c",
    )
    .bind(pieces.iter().map(|piece| piece.line.shipment).collect::<Vec<_>>())
    .bind(pieces.iter().map(|piece| piece.line.line_no).collect::<Vec<_>>())
    .bind(pieces.iter().map(|piece| piece.line.lot).collect::<Vec<_>>())
    .bind(pieces.iter().map(|piece| piece.condition.code()).collect::<Vec<_>>())
    .bind(pieces.iter().map(|piece| piece.outcome.code()).collect::<Vec<_>>())
    .bind(pieces.iter().map(|piece| piece.line.returned).collect::<Vec<_>>())
    .bind(pieces.iter().map(|piece| piece.line.returned_cost).collect::<Vec<_>>())
    .bind(now)
    .bind(by)
    .execute(conn)
    .await?;
    Ok(())
}
