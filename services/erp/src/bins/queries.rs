//! SQL of the reads of bins.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

/// A bin.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct BinView {
    pub(crate) id: i64,
    pub(crate) place: String,
    pub(crate) warehouse_id: Uuid,
    pub(crate) warehouse: String,
    pub(crate) kind: String,
    pub(crate) zone: String,
    pub(crate) code: String,
    pub(crate) barcode: String,
    pub(crate) pick_sequence: i32,
    pub(crate) purpose: String,
    pub(crate) max_quantity: Option<Decimal>,
    pub(crate) max_weight_grams: Option<Decimal>,
    pub(crate) is_default: bool,
    pub(crate) put_away_block: String,
    pub(crate) picking_block: String,
}

/// The bin a text names: by barcode, else by place code.
pub(crate) async fn by_scan(conn: &mut PgConnection, text: &str) -> sqlx::Result<Option<BinView>> {
    sqlx::query_as(
        "-- bin_by_scan
        select p.id, p.code as place, p.warehouse_id, w.code as warehouse, p.kind, p.zone, p.bin as code, p.barcode,
            p.pick_sequence, p.purpose, p.max_quantity, p.max_weight_grams, p.is_default, p.put_away_block, p.picking_block
        from place p join warehouse w on w.id = p.warehouse_id
        where (p.barcode = $1 and p.barcode <> '') or p.code = $1
        order by p.barcode <> $1 limit 1",
    )
    .bind(text)
    .fetch_optional(conn)
    .await
}

/// Bins of a warehouse after a zone, turn and code.
pub(super) async fn list(
    conn: &mut PgConnection,
    (warehouse, zone): (&str, &str),
    after: Option<&(String, i32, String)>,
    limit: i64,
) -> sqlx::Result<Vec<BinView>> {
    sqlx::query_as(
        "-- list_bins
        select p.id, p.code as place, p.warehouse_id, w.code as warehouse, p.kind, p.zone, p.bin as code, p.barcode,
            p.pick_sequence, p.purpose, p.max_quantity, p.max_weight_grams, p.is_default, p.put_away_block, p.picking_block
        from warehouse w join place p on p.warehouse_id = w.id
        where w.code = $1 and ($2 = '' or p.zone = $2)
            and ($3::text is null or (p.zone, p.pick_sequence, p.code) > ($3, $4, $5 collate \"C\"))
        order by p.zone, p.pick_sequence, p.code limit $6",
    )
    .bind(warehouse)
    .bind(zone)
    .bind(after.map(|(zone, ..)| zone))
    .bind(after.map(|(_, turn, _)| *turn))
    .bind(after.map(|(_, _, code)| code))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// A lot in a bin.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ContentView {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) lot: String,
    pub(crate) expires_on: Option<Date>,
    pub(crate) lot_status: String,
    pub(crate) on_hand: Decimal,
    pub(crate) reserved: Decimal,
}

/// What lies in a bin after a sku and lot.
pub(super) async fn contents(
    conn: &mut PgConnection,
    place: i64,
    after: Option<&(String, String)>,
    limit: i64,
) -> sqlx::Result<Vec<ContentView>> {
    sqlx::query_as(
        "-- contents_of_bin
        select b.sku, i.name, coalesce(i.unit, '') as unit, b.lot_number as lot, b.expires_on, l.status as lot_status,
            b.on_hand, b.reserved
        from stock_balance b join stock_item i on i.sku = b.sku join lot l on l.id = b.lot_id
        where b.place_id = $1 and b.on_hand > 0
            and ($2::text is null or (b.sku, b.lot_number) > ($2 collate \"C\", $3 collate \"C\"))
        order by b.sku, b.lot_number limit $4",
    )
    .bind(place)
    .bind(after.map(|(sku, _)| sku))
    .bind(after.map(|(_, lot)| lot))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Items a text names: the one with that sku, and up to two with that barcode.
pub(super) async fn items_by_scan(conn: &mut PgConnection, text: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- items_by_scan
        select sku from stock_item where sku = $1
        union all (select sku from stock_item where barcode = $1 and barcode <> '' and sku <> $1 order by sku limit 2)",
    )
    .bind(text)
    .fetch_all(conn)
    .await
}

/// Numbers of up to two lots of an item: of those that lie in a place, and if none do, of all.
pub(super) async fn lots_by_scan(conn: &mut PgConnection, sku: &str, place: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- lots_by_scan
        with there as (
            select lot_number as number from stock_balance where sku = $1 and place_id = $2 and on_hand > 0 limit 2
        )
        select number from there
        union all (select number from lot where sku = $1 and not exists (select from there) limit 2)",
    )
    .bind(sku)
    .bind(place)
    .fetch_all(conn)
    .await
}
