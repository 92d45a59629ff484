//! SQL of the ledger: item locks, movements, balances.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Delta, Item, Move, Place, PlaceKind, StockState, Worth};
use crate::valuation::domain::{Method, Valued};

#[derive(sqlx::FromRow)]
struct ItemRow {
    sku: String,
    unit: Option<String>,
    on_hand: Decimal,
    reserved: Decimal,
    backordered: Decimal,
    state: String,
    version: i64,
    method: String,
    standard_cost: Option<Decimal>,
    last_moved_at: Option<OffsetDateTime>,
}

/// How many of these skus have a row.
pub(crate) async fn count_items(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- count_items
        select count(*) from stock_item where sku = any ($1)",
    )
    .bind(skus)
    .fetch_one(conn)
    .await
}

/// Makes rows for skus nobody told us of yet, so that there is something to lock and to wait for.
pub(crate) async fn insert_unknown_items(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_unknown_items
        insert into stock_item (sku)
        select s.sku from unnest($1::text[]) as s (sku)
        where not exists (select from stock_item i where i.sku = s.sku collate \"C\")
        order by s.sku collate \"C\"
        on conflict (sku) do nothing",
    )
    .bind(skus)
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks items in sku order. Skus without a row are left out.
pub(crate) async fn lock_items(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<BTreeMap<String, Item>> {
    let rows = sqlx::query_as::<_, ItemRow>(
        "-- lock_items
        select i.sku, i.unit, i.on_hand, i.reserved, i.backordered, i.state, i.version, i.standard_cost, i.last_moved_at,
            coalesce(i.method, (
                select p.method from valuation_policy p where p.category in (i.category, '') order by p.category desc limit 1
            ), 'lot') as method
        from stock_item i where i.sku = any ($1) order by i.sku for no key update of i",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    let item = |row: ItemRow| {
        let item = Item {
            unit: row.unit,
            on_hand: row.on_hand,
            reserved: row.reserved,
            backordered: row.backordered,
            state: StockState::parse(&row.state),
            version: row.version,
            method: Method::parse(&row.method),
            standard: row.standard_cost,
            last_moved_at: row.last_moved_at,
            changed: false,
            available: None,
        };
        (row.sku, item)
    };
    Ok(rows.into_iter().map(item).collect())
}

/// Writes the totals of items that changed; their rows are locked.
pub(crate) async fn write_items(
    conn: &mut PgConnection,
    items: &BTreeMap<String, Item>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let changed: Vec<_> = items.iter().filter(|(_, item)| item.changed).collect();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- write_items
        update stock_item i
        set on_hand = n.on_hand, reserved = n.reserved, backordered = n.backordered, state = n.state,
            version = n.version, updated_at = $7, last_moved_at = n.moved_at,
            -- An item that moves for the first time stays with the method it had then.
            method = case when n.moved_at is null then i.method else n.method end,
            opened_method = case when n.moved_at is null then i.opened_method else coalesce(i.opened_method, n.method) end,
            opened_standard_cost = case when i.opened_method is null then i.standard_cost else i.opened_standard_cost end
        from unnest($1::text[], $2::numeric[], $3::numeric[], $4::numeric[], $5::text[], $6::int8[], $8::text[],
            $9::timestamptz[])
            as n (sku, on_hand, reserved, backordered, state, version, method, moved_at)
        where i.sku = n.sku collate \"C\"",
    )
    .bind(changed.iter().map(|(sku, _)| sku.as_str()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, item)| item.on_hand).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, item)| item.reserved).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, item)| item.backordered).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, item)| item.state.code()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, item)| item.version).collect::<Vec<_>>())
    .bind(now)
    .bind(changed.iter().map(|(_, item)| item.method.code()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, item)| item.last_moved_at).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Appends movements in the order given, each with its moment and value. Answers their numbers, in that order.
pub(crate) async fn insert_moves(
    conn: &mut PgConnection,
    moves: &[Move],
    at: &[OffsetDateTime],
    values: &[Valued],
    (now, by): (OffsetDateTime, &str),
) -> sqlx::Result<Vec<i64>> {
    let origin = |one: &Move| match one.worth {
        Worth::Back { origin, .. } => Some(origin),
        _ => None,
    };
    let mut ids: Vec<i64> = sqlx::query_scalar(
        "-- insert_moves
        insert into stock_move (moved_at, recorded_at, from_place, to_place, sku, lot_id, quantity, value, priced, cause_kind,
            cause_id, line_no, order_id, origin, created_by)
        select m.moved_at, $2, m.from_place, m.to_place, m.sku, m.lot_id, m.quantity, m.value, m.priced, m.cause_kind,
            m.cause_id, m.line_no, m.order_id, m.origin, $3
        from unnest($1::timestamptz[], $4::int8[], $5::int8[], $6::text[], $7::uuid[], $8::numeric[], $9::numeric[],
            $10::bool[], $11::text[], $12::uuid[], $13::int4[], $14::uuid[], $15::int8[])
            with ordinality as m (moved_at, from_place, to_place, sku, lot_id, quantity, value, priced, cause_kind, cause_id,
                line_no, order_id, origin, n)
        order by m.n
        returning id",
    )
    .bind(at)
    .bind(now)
    .bind(by)
    .bind(moves.iter().map(|one| one.from.id).collect::<Vec<_>>())
    .bind(moves.iter().map(|one| one.to.id).collect::<Vec<_>>())
    .bind(moves.iter().map(|one| one.sku.as_str()).collect::<Vec<_>>())
    .bind(moves.iter().map(|one| one.lot).collect::<Vec<_>>())
    .bind(moves.iter().map(|one| one.quantity).collect::<Vec<_>>())
    .bind(values.iter().map(|valued| valued.value).collect::<Vec<_>>())
    .bind(moves.iter().map(|one| matches!(one.worth, Worth::Given(_))).collect::<Vec<_>>())
    .bind(moves.iter().map(|one| one.cause.kind).collect::<Vec<_>>())
    .bind(moves.iter().map(|one| one.cause.id).collect::<Vec<_>>())
    .bind(moves.iter().map(|one| one.line_no).collect::<Vec<_>>())
    .bind(moves.iter().map(|one| one.cause.order).collect::<Vec<_>>())
    .bind(moves.iter().map(origin).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    // Numbers are given in the order of the rows, whatever the order in which they are answered.
    ids.sort_unstable();
    Ok(ids)
}

/// Adds to balances.
pub(crate) async fn raise_balances(conn: &mut PgConnection, raises: &[(&(Uuid, i64), &Delta)]) -> sqlx::Result<()> {
    if raises.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- raise_balances
        insert into stock_balance as b (lot_id, place_id, sku, on_hand, warehouse_id, sellable, lot_number, expires_on,
            received_at)
        select r.*, p.warehouse_id, p.kind = 'stock' and l.status = 'available', l.number, l.expires_on, l.received_at
        from unnest($1::uuid[], $2::int8[], $3::text[], $4::numeric[]) as r (lot_id, place_id, sku, on_hand)
        join lot l on l.id = r.lot_id join place p on p.id = r.place_id
        on conflict (lot_id, place_id) do update set on_hand = b.on_hand + excluded.on_hand",
    )
    .bind(raises.iter().map(|((lot, _), _)| *lot).collect::<Vec<_>>())
    .bind(raises.iter().map(|((_, place), _)| *place).collect::<Vec<_>>())
    .bind(raises.iter().map(|(_, delta)| delta.sku.as_str()).collect::<Vec<_>>())
    .bind(raises.iter().map(|(_, delta)| delta.quantity).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes from balances that exist. Returns how many rows there were.
pub(crate) async fn lower_balances(conn: &mut PgConnection, lowers: &[(&(Uuid, i64), &Delta)]) -> sqlx::Result<u64> {
    if lowers.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(
        "-- lower_balances
        update stock_balance b set on_hand = b.on_hand + d.quantity
        from unnest($1::uuid[], $2::int8[], $3::numeric[]) as d (lot_id, place_id, quantity)
        where b.lot_id = d.lot_id and b.place_id = d.place_id",
    )
    .bind(lowers.iter().map(|((lot, _), _)| *lot).collect::<Vec<_>>())
    .bind(lowers.iter().map(|((_, place), _)| *place).collect::<Vec<_>>())
    .bind(lowers.iter().map(|(_, delta)| delta.quantity).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Changes what is held of balances.
pub(crate) async fn change_held(conn: &mut PgConnection, held: &BTreeMap<(Uuid, i64), Decimal>) -> sqlx::Result<u64> {
    if held.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(
        "-- change_held
        update stock_balance b set reserved = b.reserved + d.quantity
        from unnest($1::uuid[], $2::int8[], $3::numeric[]) as d (lot_id, place_id, quantity)
        where b.lot_id = d.lot_id and b.place_id = d.place_id",
    )
    .bind(held.keys().map(|(lot, _)| *lot).collect::<Vec<_>>())
    .bind(held.keys().map(|(_, place)| *place).collect::<Vec<_>>())
    .bind(held.values().copied().collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A balance as commands see it.
#[derive(Clone, Debug)]
pub(crate) struct Balance {
    /// Where.
    pub(crate) place: Place,
    /// Quantity.
    pub(crate) on_hand: Decimal,
    /// Of the quantity held.
    pub(crate) reserved: Decimal,
}

#[derive(sqlx::FromRow)]
struct BalanceRow {
    lot_id: Uuid,
    place_id: i64,
    kind: String,
    on_hand: Decimal,
    reserved: Decimal,
}

/// Balances of lots in places; those that never had anything are left out.
pub(crate) async fn balances(
    conn: &mut PgConnection,
    keys: &[(Uuid, i64)],
) -> sqlx::Result<HashMap<(Uuid, i64), Balance>> {
    let rows = sqlx::query_as::<_, BalanceRow>(
        "-- balances
        select b.lot_id, b.place_id, p.kind, b.on_hand, b.reserved
        from (select distinct * from unnest($1::uuid[], $2::int8[])) as k (lot_id, place_id)
        join stock_balance b on b.lot_id = k.lot_id and b.place_id = k.place_id
        join place p on p.id = b.place_id",
    )
    .bind(keys.iter().map(|(lot, _)| *lot).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, place)| *place).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let balance = |row: BalanceRow| {
        let place = Place { id: row.place_id, kind: PlaceKind::parse(&row.kind) };
        ((row.lot_id, row.place_id), Balance { place, on_hand: row.on_hand, reserved: row.reserved })
    };
    Ok(rows.into_iter().map(balance).collect())
}
