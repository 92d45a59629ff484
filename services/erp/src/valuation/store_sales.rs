//! SQL of the cost of what was sold.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A change of what a line of a shipment cost.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Revised {
    pub(crate) shipment_id: Uuid,
    pub(crate) line_no: i32,
    pub(crate) lot_id: Uuid,
    pub(crate) place_id: i64,
    pub(crate) order_id: Uuid,
    pub(crate) sku: String,
    /// Added to what left.
    pub(crate) cost: Decimal,
    /// Added to what of it came back.
    pub(crate) returned_cost: Decimal,
    /// Of that, what came back to where it is ours; the rest was lost.
    pub(crate) ours_again: Decimal,
    /// When it counts.
    pub(crate) effective_at: OffsetDateTime,
}

/// What entries change of shipments and what came back of them.
pub(crate) async fn revised(conn: &mut PgConnection, entries: &[i64]) -> sqlx::Result<Vec<Revised>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(
        "-- revised_sales
        select s.cause_id as shipment_id, s.line_no, s.lot_id, s.from_place as place_id, s.order_id, s.sku,
            coalesce(sum(e.value) filter (where m.origin is null), 0) as cost,
            coalesce(sum(e.value) filter (where m.origin is not null), 0) as returned_cost,
            coalesce(sum(e.value) filter (where m.origin is not null and e.to_place <> 4), 0) as ours_again,
            e.moved_at as effective_at
        from stock_move e
        join stock_move m on m.id = e.corrects
        join stock_move s on s.id = coalesce(m.origin, m.id)
        where e.id = any ($1) and e.from_place <> 7 and s.cause_kind = 'shipment'
        group by s.cause_id, s.line_no, s.lot_id, s.from_place, s.order_id, s.sku, e.moved_at
        order by s.order_id, e.moved_at, s.line_no, s.cause_id, s.lot_id, s.from_place",
    )
    .bind(entries)
    .fetch_all(conn)
    .await
}

/// Writes what lines and shipments cost now; the shipments are locked.
pub(crate) async fn revise(conn: &mut PgConnection, revised: &[Revised]) -> sqlx::Result<()> {
    sqlx::query(
        "-- revise_shipment_lines
        with d as (
            select shipment_id, line_no, lot_id, place_id, sum(cost) as cost, sum(returned_cost) as returned_cost
            from unnest($1::uuid[], $2::int4[], $3::uuid[], $4::int8[], $5::numeric[], $6::numeric[])
                as u (shipment_id, line_no, lot_id, place_id, cost, returned_cost)
            group by 1, 2, 3, 4
        ), lines as (
            update shipment_line l set cost = l.cost + d.cost, returned_cost = l.returned_cost + d.returned_cost
            from d where l.shipment_id = d.shipment_id and l.line_no = d.line_no and l.lot_id = d.lot_id and l.place_id = d.place_id
        )
        update shipment s set cost = s.cost + c.cost
        from (select shipment_id, sum(cost) as cost from d group by 1) c where s.id = c.shipment_id",
    )
    .bind(revised.iter().map(|one| one.shipment_id).collect::<Vec<_>>())
    .bind(revised.iter().map(|one| one.line_no).collect::<Vec<_>>())
    .bind(revised.iter().map(|one| one.lot_id).collect::<Vec<_>>())
    .bind(revised.iter().map(|one| one.place_id).collect::<Vec<_>>())
    .bind(revised.iter().map(|one| one.cost).collect::<Vec<_>>())
    .bind(revised.iter().map(|one| one.returned_cost).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
