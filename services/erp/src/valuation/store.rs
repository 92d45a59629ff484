//! SQL of valuation: layers of cost, the history they follow from, the entries that correct it.

use std::collections::{BTreeMap, HashMap};

use futures::Stream;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Basis, CostLayer, Entry, Method, Pool, Revaluation};
use crate::ledger::domain::Worth;

#[derive(sqlx::FromRow)]
struct LayerRow {
    place_id: i64,
    warehouse_id: Uuid,
    sku: Option<String>,
    lot_id: Option<Uuid>,
    opened_by: Option<i64>,
    opened_at: Option<OffsetDateTime>,
    quantity: Option<Decimal>,
    value: Option<Decimal>,
}

/// Layers of items, in their order.
pub(crate) type Layers = HashMap<String, Vec<(Pool, CostLayer)>>;

/// The layers that lots in own places belong to, and the warehouse of each of the places.
pub(crate) async fn layers_at(
    conn: &mut PgConnection,
    keys: &[(&str, Uuid, i64)],
) -> sqlx::Result<(HashMap<i64, Uuid>, Layers)> {
    let rows = sqlx::query_as::<_, LayerRow>(
        "-- cost_layers_at
        select k.place_id, coalesce(p.warehouse_id, '00000000-0000-0000-0000-000000000000') as warehouse_id, c.sku, c.lot_id,
            c.opened_by, c.opened_at, c.quantity, c.value
        from (select distinct * from unnest($1::text[], $2::uuid[], $3::int8[])) as k (sku, lot_id, place_id)
        join place p on p.id = k.place_id
        left join cost_layer c on c.sku = k.sku collate \"C\"
            and c.warehouse_id = coalesce(p.warehouse_id, '00000000-0000-0000-0000-000000000000')
            and c.lot_id in (k.lot_id, '00000000-0000-0000-0000-000000000000')
        order by c.opened_at, c.opened_by",
    )
    .bind(keys.iter().map(|(sku, ..)| *sku).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, lot, _)| *lot).collect::<Vec<_>>())
    .bind(keys.iter().map(|(.., place)| *place).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let mut warehouses = HashMap::new();
    let mut layers = Layers::new();
    let mut seen = std::collections::HashSet::new();
    for row in rows {
        warehouses.insert(row.place_id, row.warehouse_id);
        let (Some(sku), Some(lot), Some(opened_by)) = (row.sku, row.lot_id, row.opened_by) else { continue };
        let (Some(opened_at), Some(quantity), Some(value)) = (row.opened_at, row.quantity, row.value) else { continue };
        let pool = Pool { warehouse: row.warehouse_id, lot };
        if seen.insert((sku.clone(), pool, opened_by)) {
            layers.entry(sku).or_default().push((pool, CostLayer { opened_by, opened_at, quantity, value }));
        }
    }
    Ok((warehouses, layers))
}

/// All layers of items.
pub(crate) async fn layers(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<Layers> {
    let rows = sqlx::query_as::<_, (String, Uuid, Uuid, i64, OffsetDateTime, Decimal, Decimal)>(
        "-- cost_layers
        select sku, warehouse_id, lot_id, opened_by, opened_at, quantity, value
        from cost_layer where sku = any ($1) order by opened_at, opened_by",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    let mut layers = Layers::new();
    for (sku, warehouse, lot, opened_by, opened_at, quantity, value) in rows {
        let layer = CostLayer { opened_by, opened_at, quantity, value };
        layers.entry(sku).or_default().push((Pool { warehouse, lot }, layer));
    }
    Ok(layers)
}

/// A layer with its key.
pub(crate) type Keyed<'a> = (&'a str, Pool, &'a CostLayer);

/// Removes layers that are empty and writes those that changed; the items are locked.
pub(crate) async fn write_layers(
    conn: &mut PgConnection,
    gone: &[Keyed<'_>],
    changed: &[Keyed<'_>],
) -> sqlx::Result<()> {
    if gone.is_empty() && changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- write_cost_layers
        with gone as (
            delete from cost_layer c
            using unnest($1::text[], $2::uuid[], $3::uuid[], $4::int8[]) as g (sku, warehouse_id, lot_id, opened_by)
            where c.sku = g.sku collate \"C\" and c.warehouse_id = g.warehouse_id and c.lot_id = g.lot_id
                and c.opened_by = g.opened_by
        )
        insert into cost_layer (sku, warehouse_id, lot_id, opened_by, opened_at, quantity, value)
        select * from unnest($5::text[], $6::uuid[], $7::uuid[], $8::int8[], $9::timestamptz[], $10::numeric[], $11::numeric[])
        on conflict (sku, warehouse_id, lot_id, opened_by)
            do update set opened_at = excluded.opened_at, quantity = excluded.quantity, value = excluded.value",
    )
    .bind(gone.iter().map(|(sku, ..)| *sku).collect::<Vec<_>>())
    .bind(gone.iter().map(|(_, pool, _)| pool.warehouse).collect::<Vec<_>>())
    .bind(gone.iter().map(|(_, pool, _)| pool.lot).collect::<Vec<_>>())
    .bind(gone.iter().map(|(.., layer)| layer.opened_by).collect::<Vec<_>>())
    .bind(changed.iter().map(|(sku, ..)| *sku).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, pool, _)| pool.warehouse).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, pool, _)| pool.lot).collect::<Vec<_>>())
    .bind(changed.iter().map(|(.., layer)| layer.opened_by).collect::<Vec<_>>())
    .bind(changed.iter().map(|(.., layer)| layer.opened_at).collect::<Vec<_>>())
    .bind(changed.iter().map(|(.., layer)| layer.quantity).collect::<Vec<_>>())
    .bind(changed.iter().map(|(.., layer)| layer.value).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// A movement of the past as the fold sees it, and what the book says it is worth, corrections included.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) sku: String,
    pub(crate) entry: Entry,
    pub(crate) value: Decimal,
    pub(crate) variance: Decimal,
}

/// A row of a history.
#[derive(sqlx::FromRow)]
pub(crate) struct PastRow {
    sku: String,
    id: i64,
    moved_at: OffsetDateTime,
    from_warehouse: Option<Uuid>,
    to_warehouse: Option<Uuid>,
    lot_id: Uuid,
    quantity: Decimal,
    priced: bool,
    origin: Option<i64>,
    bought: bool,
    value: Decimal,
    variance: Decimal,
}

impl From<PastRow> for Past {
    fn from(row: PastRow) -> Self {
        let worth = match row.origin {
            Some(origin) => Worth::Back { origin, value: row.value },
            None if row.priced => Worth::Given(row.value),
            None if row.from_warehouse.is_none() => Worth::Found(Decimal::ZERO),
            None => Worth::Valued,
        };
        let entry = Entry {
            id: row.id,
            at: row.moved_at,
            from: row.from_warehouse,
            to: row.to_warehouse,
            lot: row.lot_id,
            quantity: row.quantity,
            worth,
            sets_cost: row.bought,
        };
        Self { sku: row.sku, entry, value: row.value, variance: row.variance }
    }
}

/// All movements of items with what the book says of them, by item, moment and number.
const HISTORY: &str = "-- history_of_items
    select m.sku, m.id, m.moved_at, m.lot_id, m.quantity, m.priced, m.origin, m.from_place in (1, 3) as bought,
        case when f.kind in ('stock', 'quarantine', 'transit')
            then coalesce(f.warehouse_id, '00000000-0000-0000-0000-000000000000') end as from_warehouse,
        case when t.kind in ('stock', 'quarantine', 'transit')
            then coalesce(t.warehouse_id, '00000000-0000-0000-0000-000000000000') end as to_warehouse,
        m.value + coalesce(c.value, 0) as value, coalesce(c.variance, 0) as variance
    from stock_move m
    join place f on f.id = m.from_place
    join place t on t.id = m.to_place
    left join (
        select corrects, sum(value) filter (where from_place <> 7) as value, sum(value) filter (where from_place = 7) as variance
        from stock_move where sku = any ($1) and corrects is not null group by corrects
    ) c on c.corrects = m.id
    where m.sku = any ($1) and m.quantity > 0
    order by m.sku, m.moved_at, m.id";

/// The past of items, in the order of its moments.
pub(crate) fn history<'c>(
    conn: &'c mut PgConnection,
    skus: &'c [String],
) -> impl Stream<Item = sqlx::Result<PastRow>> + Unpin + 'c {
    sqlx::query_as(HISTORY).bind(skus).fetch(conn)
}

#[derive(sqlx::FromRow)]
struct BasisRow {
    sku: String,
    method: String,
    standard_cost: Option<Decimal>,
}

/// How items were valued when they first moved.
pub(crate) async fn opened(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<BTreeMap<String, Basis>> {
    let rows = sqlx::query_as::<_, BasisRow>(
        "-- opened_methods
        select sku, opened_method as method, opened_standard_cost as standard_cost
        from stock_item where sku = any ($1) and opened_method is not null",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    let basis = |row: BasisRow| Some((row.sku, Basis::new(Method::parse(&row.method), row.standard_cost)?));
    Ok(rows.into_iter().filter_map(basis).collect())
}

/// Revaluations of items, each in the order of their moments.
pub(crate) async fn revaluations(
    conn: &mut PgConnection,
    skus: &[String],
) -> sqlx::Result<BTreeMap<String, Vec<Revaluation>>> {
    let rows = sqlx::query_as::<_, (String, Uuid, OffsetDateTime, String, Option<Decimal>)>(
        "-- revaluations_of_items
        select sku, id, at, method, standard_cost from item_revaluation where sku = any ($1) order by sku, at",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    let mut found: BTreeMap<String, Vec<Revaluation>> = BTreeMap::new();
    for (sku, id, at, method, standard) in rows {
        if let Some(basis) = Basis::new(Method::parse(&method), standard) {
            found.entry(sku).or_default().push(Revaluation { id, at, basis });
        }
    }
    Ok(found)
}

/// What the book says revaluations of items added to the worth of each warehouse.
pub(crate) async fn revalued(
    conn: &mut PgConnection,
    skus: &[String],
) -> sqlx::Result<HashMap<(String, Uuid, Uuid), Decimal>> {
    let rows = sqlx::query_as::<_, (String, Uuid, Uuid, Decimal)>(
        "-- revalued_by_warehouse
        select m.sku, m.cause_id, coalesce(p.warehouse_id, '00000000-0000-0000-0000-000000000000'), sum(m.value)
        from stock_move m join place p on p.id = m.to_place
        where m.sku = any ($1) and m.cause_kind = 'revaluation' group by 1, 2, 3",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(sku, id, warehouse, value)| ((sku, id, warehouse), value)).collect())
}
