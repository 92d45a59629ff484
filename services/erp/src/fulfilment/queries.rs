//! SQL of the reads of shipments.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A shipment's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ShipmentView {
    pub(crate) id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) state: String,
    pub(crate) warehouse: String,
    pub(crate) places: i32,
    pub(crate) weight_grams: Option<Decimal>,
    pub(crate) carrier: String,
    pub(crate) tracking_number: String,
    pub(crate) cost: Decimal,
    pub(crate) failure: String,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) shipped_at: Option<OffsetDateTime>,
    pub(crate) ended_at: Option<OffsetDateTime>,
    pub(crate) expected_grams: Option<Decimal>,
    pub(crate) weight_reason: String,
}

/// A shipment's line.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ItemView {
    pub(crate) shipment_id: Uuid,
    pub(crate) line_no: i32,
    pub(crate) sku: String,
    pub(crate) unit: String,
    pub(crate) lot: String,
    pub(crate) place: String,
    pub(crate) planned: Decimal,
    pub(crate) quantity: Decimal,
    pub(crate) cost: Decimal,
    pub(crate) returned: Decimal,
}

/// One shipment, or an order's, oldest first.
pub(crate) async fn shipments(
    conn: &mut PgConnection,
    id: Option<Uuid>,
    order: Option<Uuid>,
) -> sqlx::Result<(Vec<ShipmentView>, Vec<ItemView>)> {
    let heads = sqlx::query_as::<_, ShipmentView>(
        "-- shipments_by_id_or_order
        select s.id, s.order_id, s.state, w.code as warehouse, s.places, s.weight_grams, s.carrier, s.tracking_number, s.cost,
            s.failure, s.created_at, s.shipped_at, s.ended_at, s.expected_grams, s.weight_reason
        from shipment s join demand d on d.order_id = s.order_id join warehouse w on w.id = d.warehouse_id
        where s.id = $1 or s.order_id = $2
        order by s.created_at, s.id limit 500",
    )
    .bind(id)
    .bind(order)
    .fetch_all(&mut *conn)
    .await?;
    let lines = sqlx::query_as::<_, ItemView>(
        "-- items_of_shipments
        select s.shipment_id, s.line_no, s.sku, s.unit, l.number as lot, p.code as place, s.planned, s.quantity, s.cost,
            s.returned
        from shipment_line s join lot l on l.id = s.lot_id join place p on p.id = s.place_id
        where s.shipment_id = any ($1)
        order by s.shipment_id, s.line_no, l.expires_on nulls last, l.received_at, l.number, s.place_id",
    )
    .bind(heads.iter().map(|head| head.id).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok((heads, lines))
}

/// What of a line lies in a parcel; a parcel without contents has none.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ParcelView {
    pub(crate) shipment_id: Uuid,
    pub(crate) parcel_no: i32,
    pub(crate) weight_grams: Option<Decimal>,
    pub(crate) line_no: Option<i32>,
    pub(crate) lot: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) quantity: Option<Decimal>,
}

/// Parcels of shipments, by shipment, number and line.
pub(crate) async fn parcels(conn: &mut PgConnection, shipments: &[Uuid]) -> sqlx::Result<Vec<ParcelView>> {
    sqlx::query_as(
        "-- parcels_of_shipments
        select p.shipment_id, p.parcel_no, p.weight_grams, c.line_no, l.number as lot, i.unit, c.quantity
        from parcel p
        left join parcel_content c on c.shipment_id = p.shipment_id and c.parcel_no = p.parcel_no
        left join lot l on l.id = c.lot_id left join stock_item i on i.sku = l.sku
        where p.shipment_id = any ($1) order by p.shipment_id, p.parcel_no, c.line_no, l.number",
    )
    .bind(shipments)
    .fetch_all(conn)
    .await
}

/// A piece that came back undelivered.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ComebackView {
    pub(crate) shipment_id: Uuid,
    pub(crate) line_no: i32,
    pub(crate) lot: String,
    pub(crate) unit: String,
    pub(crate) condition: String,
    pub(crate) outcome: String,
    pub(crate) quantity: Decimal,
    pub(crate) cost: Decimal,
}

/// What came back of shipments, in the order in which it was said.
pub(crate) async fn comebacks(conn: &mut PgConnection, shipments: &[Uuid]) -> sqlx::Result<Vec<ComebackView>> {
    sqlx::query_as(
        "-- comebacks_of_shipments
        select c.shipment_id, c.line_no, l.number as lot, coalesce(i.unit, '') as unit, c.condition, c.outcome, c.quantity, c.cost
        from shipment_comeback c join lot l on l.id = c.lot_id join stock_item i on i.sku = l.sku
        where c.shipment_id = any ($1) order by c.id",
    )
    .bind(shipments)
    .fetch_all(conn)
    .await
}
