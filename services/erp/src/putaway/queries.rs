//! SQL of the reads of put-away.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{Bin, Goods, Rule};
use crate::bins::domain::{Capacity, Fill};

/// A rule with the code of its place.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct RuleView {
    pub(super) code: String,
    pub(super) sku: String,
    pub(super) category: String,
    pub(super) zone: String,
    pub(super) place: String,
    pub(super) priority: i32,
}

/// Rules of a warehouse after a code.
pub(super) async fn rules(
    conn: &mut PgConnection,
    warehouse: &str,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<RuleView>> {
    sqlx::query_as(
        "-- list_put_away_rules
        select r.code, r.sku, r.category, r.zone, coalesce(p.code, '') as place, r.priority
        from warehouse w join put_away_rule r on r.warehouse_id = w.id left join place p on p.id = r.place_id
        where w.code = $1 and r.code > coalesce($2, '') order by r.code limit $3",
    )
    .bind(warehouse)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// A lot that lies in a place and may be put away.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct GoodsView {
    pub(super) sku: String,
    pub(super) category: String,
    pub(super) unit: String,
    pub(super) weight_grams: Option<Decimal>,
    pub(super) lot_id: Uuid,
    pub(super) lot: String,
    pub(super) place: String,
    pub(super) quantity: Decimal,
}

impl GoodsView {
    /// As the rules see it.
    pub(super) fn goods(&self) -> Goods {
        Goods {
            sku: self.sku.clone(),
            category: self.category.clone(),
            lot: self.lot_id,
            quantity: self.quantity,
            unit_weight: self.weight_grams,
            digits: types::Unit::parse(&self.unit).map_or(6, types::Unit::digits),
        }
    }
}

/// What lies in a place, less what is in shipments, by sku and lot; of one receipt only, if one is named.
pub(super) async fn goods(
    conn: &mut PgConnection,
    place: i64,
    receipt: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<GoodsView>> {
    sqlx::query_as(
        "-- goods_to_put_away
        select b.sku, i.category, coalesce(i.unit, '') as unit, i.weight_grams, b.lot_id, b.lot_number as lot, p.code as place,
            b.on_hand - coalesce(h.quantity, 0) as quantity
        from stock_balance b
        join stock_item i on i.sku = b.sku
        join place p on p.id = b.place_id
        left join lateral (
            select sum(r.quantity) as quantity from reservation r
            where r.lot_id = b.lot_id and r.place_id = b.place_id and r.state = 'active' and r.shipment_id is not null
        ) h on true
        where b.place_id = $1 and b.on_hand > coalesce(h.quantity, 0)
            and ($2::uuid is null or exists (select from receipt_line l where l.receipt_id = $2 and l.lot_id = b.lot_id))
        order by b.sku, b.lot_number limit $3",
    )
    .bind(place)
    .bind(receipt)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Where the goods of a receipt arrived, as a place code.
pub(super) async fn arrival(conn: &mut PgConnection, receipt: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "-- arrival_of_receipt
        select p.code from receipt r
        join place p on p.id = r.place_id
            or (r.place_id is null and p.warehouse_id = r.warehouse_id and p.is_default and p.kind = 'stock')
        where r.id = $1",
    )
    .bind(receipt)
    .fetch_optional(conn)
    .await
}

#[derive(sqlx::FromRow)]
struct RuleRow {
    code: String,
    sku: String,
    category: String,
    zone: String,
    place_id: Option<i64>,
    priority: i32,
}

/// Rules of a warehouse that may be for these items and categories.
pub(super) async fn rules_for(
    conn: &mut PgConnection,
    warehouse: Uuid,
    skus: &[&str],
    categories: &[&str],
) -> sqlx::Result<Vec<Rule>> {
    let rows = sqlx::query_as::<_, RuleRow>(
        "-- put_away_rules_for
        select code, sku, category, zone, place_id, priority from put_away_rule
        where warehouse_id = $1 and (sku = any ($2) or (sku = '' and (category = '' or category = any ($3))))",
    )
    .bind(warehouse)
    .bind(skus)
    .bind(categories)
    .fetch_all(conn)
    .await?;
    let rule = |row: RuleRow| Rule {
        code: row.code,
        sku: row.sku,
        category: row.category,
        zone: row.zone,
        place: row.place_id,
        priority: row.priority,
    };
    Ok(rows.into_iter().map(rule).collect())
}

/// A bin that rules lead to, with its codes.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct TargetView {
    pub(super) id: i64,
    pub(super) place: String,
    pub(super) barcode: String,
    zone: String,
    stores: bool,
    max_quantity: Option<Decimal>,
    max_weight_grams: Option<Decimal>,
    quantity: Decimal,
    weight_grams: Decimal,
}

impl TargetView {
    /// As the rules see it.
    pub(super) fn bin(&self) -> Bin {
        Bin {
            place: self.id,
            zone: self.zone.clone(),
            stores: self.stores,
            capacity: Capacity { quantity: self.max_quantity, weight_grams: self.max_weight_grams },
            fill: Fill { quantity: self.quantity, weight_grams: self.weight_grams },
        }
    }
}

/// Bins of a warehouse that take goods, in these zones or of these numbers, other than the one the goods lie in; along the route.
pub(super) async fn targets(
    conn: &mut PgConnection,
    (warehouse, from): (Uuid, i64),
    zones: &[&str],
    places: &[i64],
) -> sqlx::Result<Vec<TargetView>> {
    sqlx::query_as(
        "-- put_away_targets
        select p.id, p.code as place, p.barcode, p.zone, p.purpose in ('pick', 'bulk') as stores, p.max_quantity,
            p.max_weight_grams, coalesce(f.quantity, 0) as quantity, coalesce(f.weight_grams, 0) as weight_grams
        from place p
        left join lateral (
            select sum(b.on_hand) as quantity, sum(b.on_hand * i.weight_grams) as weight_grams
            from stock_balance b join stock_item i on i.sku = b.sku where b.place_id = p.id and b.on_hand > 0
        ) f on true
        where p.warehouse_id = $1 and p.id <> $2 and p.put_away_block = ''
            and (p.id = any ($4) or (p.zone = any ($3) and p.purpose in ('pick', 'bulk')))
        order by p.pick_sequence, p.code",
    )
    .bind(warehouse)
    .bind(from)
    .bind(zones)
    .bind(places)
    .fetch_all(conn)
    .await
}

/// Which lots of these items lie in a warehouse, and where.
pub(super) async fn there(
    conn: &mut PgConnection,
    warehouse: Uuid,
    skus: &[&str],
) -> sqlx::Result<Vec<(i64, String, Uuid)>> {
    sqlx::query_as(
        "-- where_items_lie
        select place_id, sku, lot_id from stock_balance where sku = any ($2) and warehouse_id = $1 and on_hand > 0",
    )
    .bind(warehouse)
    .bind(skus)
    .fetch_all(conn)
    .await
}
