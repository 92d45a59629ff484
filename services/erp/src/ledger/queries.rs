//! The recount: every balance, reservation and total again from the ledger, in SQL that shares nothing with the commands.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// One kind of check and what it found.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CheckView {
    /// Name.
    pub name: String,
    /// Rows that differ.
    pub differences: i64,
    /// Some of them.
    pub samples: Vec<String>,
}

/// A whole recount.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Every check, also those that found nothing.
    pub checks: Vec<CheckView>,
    /// Movements looked at.
    pub moves: i64,
    /// Value in own places.
    pub stock_value: Decimal,
}

/// All checks in one statement, so that all look at the same moment.
const VERIFY: &str = "-- verify_ledger
    with sums as (
        select lot_id, place_id, sum(quantity) as quantity, sum(value) as value
        from (
            select lot_id, to_place as place_id, quantity, value from stock_move
            union all
            select lot_id, from_place, -quantity, -value from stock_move
        ) both_sides
        join place p on p.id = place_id and p.kind in ('stock', 'quarantine', 'transit')
        group by lot_id, place_id
    ), held as (
        select lot_id, place_id, sum(quantity) as quantity from reservation where state = 'active' group by 1, 2
    ), held_by_line as (
        select order_id, line_no, sum(quantity) as quantity from reservation where state = 'active' group by 1, 2
    ), sent as (
        select s.order_id, l.line_no, sum(l.quantity) as quantity
        from shipment_line l join shipment s on s.id = l.shipment_id
        where s.state in ('shipped', 'delivered', 'failed') group by 1, 2
    ), moved_out as (
        select order_id, sum(quantity) as quantity, sum(value) as value
        from stock_move where cause_kind = 'shipment' group by 1
    ), sent_by_order as (
        select s.order_id, sum(l.quantity) as quantity, sum(l.cost) as value
        from shipment_line l join shipment s on s.id = l.shipment_id
        where s.state in ('shipped', 'delivered', 'failed') group by 1
    ), item_sums as (
        select b.sku, sum(b.on_hand) as on_hand, sum(b.reserved) as reserved
        from stock_balance b join place p on p.id = b.place_id and p.kind = 'stock' group by 1
    ), waits as (
        select sku, sum(backordered) as backordered from demand_line where backordered > 0 and not closed group by 1
    ), found (name, sample) as (
        select 'balance_moves', 'lot ' || lot_id || ' place ' || place_id
        from sums s full join stock_balance b using (lot_id, place_id)
        where coalesce(s.quantity, 0) <> coalesce(b.on_hand, 0) or coalesce(s.value, 0) <> coalesce(b.value, 0)
        union all
        select 'balance_reserved', 'lot ' || lot_id || ' place ' || place_id
        from held h full join stock_balance b using (lot_id, place_id)
        where coalesce(h.quantity, 0) <> coalesce(b.reserved, 0)
        union all
        select 'line_reserved', 'order ' || order_id || ' line ' || line_no
        from held_by_line h full join demand_line l using (order_id, line_no)
        left join sent s using (order_id, line_no)
        where coalesce(h.quantity, 0) <> coalesce(l.reserved, 0) or coalesce(s.quantity, 0) <> coalesce(l.shipped, 0)
        union all
        select 'item_totals', sku
        from stock_item i left join item_sums s using (sku) left join waits w using (sku)
        where i.on_hand <> coalesce(s.on_hand, 0) or i.reserved <> coalesce(s.reserved, 0)
            or i.backordered <> coalesce(w.backordered, 0)
        union all
        select 'oversell', 'lot ' || lot_id || ' place ' || place_id
        from stock_balance b left join held h using (lot_id, place_id)
        where b.on_hand < 0 or b.on_hand < b.reserved or b.on_hand < coalesce(h.quantity, 0)
        union all
        select 'empty_value', 'lot ' || lot_id || ' place ' || place_id
        from stock_balance where on_hand = 0 and value <> 0
        union all
        select 'closed_reservations', 'order ' || d.order_id
        from demand d where d.state in ('cancelled', 'expired', 'converted')
            and exists (select from reservation r where r.order_id = d.order_id and r.state = 'active')
        union all
        select 'shipped_moves', 'order ' || order_id
        from moved_out m full join sent_by_order s using (order_id)
        where coalesce(m.quantity, 0) <> coalesce(s.quantity, 0) or coalesce(m.value, 0) <> coalesce(s.value, 0)
        union all
        select 'balance_facts', 'lot ' || b.lot_id || ' place ' || b.place_id
        from stock_balance b join lot l on l.id = b.lot_id join place p on p.id = b.place_id
        where (b.sku, b.warehouse_id, b.sellable, b.lot_number, b.expires_on, b.received_at) is distinct from
            (l.sku, p.warehouse_id, p.kind = 'stock' and l.status = 'available', l.number, l.expires_on, l.received_at)
    )
    select n.name, count(f.sample) as differences,
        coalesce((array_agg(f.sample order by f.sample) filter (where f.sample is not null))[1:10], '{}') as samples
    from (values (1, 'balance_moves'), (2, 'balance_reserved'), (3, 'line_reserved'), (4, 'item_totals'),
        (5, 'oversell'), (6, 'empty_value'), (7, 'closed_reservations'), (8, 'shipped_moves'),
        (9, 'balance_facts')) as n (rank, name)
    left join found f on f.name = n.name
    group by n.rank, n.name order by n.rank";

/// Recounts everything in one consistent picture.
///
/// # Errors
/// Database errors.
pub async fn verify(conn: &mut PgConnection) -> sqlx::Result<Verification> {
    let checks = sqlx::query_as::<_, CheckView>(VERIFY).fetch_all(&mut *conn).await?;
    let (moves, stock_value) = sqlx::query_as::<_, (i64, Decimal)>(
        "-- ledger_totals
        select (select count(*) from stock_move), (select coalesce(sum(value), 0) from stock_balance)",
    )
    .fetch_one(conn)
    .await?;
    Ok(Verification { checks, moves, stock_value })
}

/// What every change of stock changes: the last movement, and when an item was last written. A recount is only worth
/// its while when this differs from the last one's.
///
/// # Errors
/// Database errors.
pub(crate) async fn mark(conn: &mut PgConnection) -> sqlx::Result<(Option<i64>, Option<OffsetDateTime>)> {
    sqlx::query_as(
        "-- ledger_mark
        select (select max(id) from stock_move), (select max(updated_at) from stock_item)",
    )
    .fetch_one(conn)
    .await
}
