//! Changes of orders that have a row. What changes together is written together: an array costs its time for each row, also
//! when it says nothing. The caller holds the lock of [`super::store::lock`].

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    domain::OrderChange,
    store::{OrderRow, bind_placed, bind_sums, each},
};

/// Brings orders that have a row up to date.
pub(super) async fn update_orders(conn: &mut PgConnection, orders: &[OrderRow<'_>]) -> sqlx::Result<()> {
    placements(conn, &with(orders, is_placement)).await?;
    dealings(conn, &with(orders, has_dealings)).await?;
    progress(conn, &with(orders, |row| has_progress(row.change))).await?;
    customers(conn, &with(orders, |row| row.change.customer.is_some())).await
}

fn with<'a>(orders: &[OrderRow<'a>], has: impl Fn(&OrderRow<'a>) -> bool) -> Vec<OrderRow<'a>> {
    orders.iter().filter(|row| has(row)).cloned().collect()
}

fn is_placement(row: &OrderRow<'_>) -> bool {
    row.change.placed.is_some() || row.sums.is_some()
}

/// Whether more happened to an order than [`placements`] tells.
fn has_dealings(row: &OrderRow<'_>) -> bool {
    let (order, at) = (row.change, &row.change.moments);
    let told = is_placement(row);
    let confirmed = order.order_state.version > 0 || at.confirmed.is_some() || at.awaiting.is_some();
    let paid = order.payment_state.version > 0 || at.paid.is_some() || !order.paid.is_zero();
    (confirmed && !told) || paid || at.cancelled.is_some() || at.returned.is_some()
}

fn has_progress(order: &OrderChange) -> bool {
    let at = &order.moments;
    let moments = [at.allocated, at.reserved, at.picking, at.packed, at.shipped, at.delivered, at.failed];
    order.fulfilment_state.version > 0 || moments.iter().any(Option::is_some)
}

fn ids(orders: &[OrderRow<'_>]) -> Vec<Uuid> {
    orders.iter().map(|row| row.order_id).collect()
}

/// What `OrderPlaced` says, whether it is confirmed with that, and the sums over the lines it brought.
async fn placements(conn: &mut PgConnection, orders: &[OrderRow<'_>]) -> sqlx::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let statement = sqlx::query(
        "-- update_order_placements
        update order_fact known set
            number = coalesce(change.number, known.number), channel = coalesce(change.channel, known.channel),
            region = coalesce(change.region, known.region),
            delivery_method = coalesce(change.delivery_method, known.delivery_method),
            payment_method = coalesce(change.payment_method, known.payment_method),
            currency = coalesce(change.currency, known.currency),
            placed_at = coalesce(change.placed_at, known.placed_at),
            business_day = coalesce(change.business_day, known.business_day),
            stated_total = coalesce(change.stated_total, known.stated_total),
            lines = coalesce(change.lines, known.lines), units = coalesce(change.units, known.units),
            gross = coalesce(change.gross, known.gross), discount = coalesce(change.discount, known.discount),
            tax = coalesce(change.tax, known.tax), placed = coalesce(change.placed, known.placed),
            revenue = coalesce(change.placed, known.revenue),
            any_discount = coalesce(change.any_discount, known.any_discount),
            order_state = case when change.order_state_version > known.order_state_version
                then change.order_state else known.order_state end,
            order_state_version = greatest(known.order_state_version, change.order_state_version),
            confirmed_at = least(known.confirmed_at, change.confirmed_at),
            awaiting_since = least(known.awaiting_since, change.awaiting_since)
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
                    $9::date[], $10::numeric[], $11::integer[], $12::numeric[], $13::numeric[], $14::numeric[],
                    $15::numeric[], $16::numeric[], $17::boolean[], $18::text[], $19::bigint[], $20::timestamptz[],
                    $21::timestamptz[])
            as change (order_id, number, channel, region, delivery_method, payment_method, currency, placed_at,
                       business_day, stated_total, lines, units, gross, discount, tax, placed, any_discount, order_state,
                       order_state_version, confirmed_at, awaiting_since)
        where known.order_id = change.order_id",
    );
    bind_sums(bind_placed(statement, orders), orders)
        .bind(each(orders, |order| order.order_state.value.as_str()))
        .bind(each(orders, |order| order.order_state.version))
        .bind(each(orders, |order| order.moments.confirmed))
        .bind(each(orders, |order| order.moments.awaiting))
        .execute(conn)
        .await?;
    Ok(())
}

/// What became of the order, and its money.
async fn dealings(conn: &mut PgConnection, orders: &[OrderRow<'_>]) -> sqlx::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- update_order_dealings
        update order_fact known set
            order_state = case when change.order_state_version > known.order_state_version
                then change.order_state else known.order_state end,
            order_state_version = greatest(known.order_state_version, change.order_state_version),
            payment_state = case when change.payment_state_version > known.payment_state_version
                then change.payment_state else known.payment_state end,
            payment_state_version = greatest(known.payment_state_version, change.payment_state_version),
            confirmed_at = least(known.confirmed_at, change.confirmed_at),
            cancelled_at = least(known.cancelled_at, change.cancelled_at),
            returned_at = least(known.returned_at, change.returned_at),
            paid_at = least(known.paid_at, change.paid_at),
            awaiting_since = least(known.awaiting_since, change.awaiting_since),
            paid = known.paid + change.paid
        from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
                    $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::numeric[])
            as change (order_id, order_state, order_state_version, payment_state, payment_state_version, confirmed_at,
                       cancelled_at, returned_at, paid_at, awaiting_since, paid)
        where known.order_id = change.order_id",
    )
    .bind(ids(orders))
    .bind(each(orders, |order| order.order_state.value.as_str()))
    .bind(each(orders, |order| order.order_state.version))
    .bind(each(orders, |order| order.payment_state.value.as_str()))
    .bind(each(orders, |order| order.payment_state.version))
    .bind(each(orders, |order| order.moments.confirmed))
    .bind(each(orders, |order| order.moments.cancelled))
    .bind(each(orders, |order| order.moments.returned))
    .bind(each(orders, |order| order.moments.paid))
    .bind(each(orders, |order| order.moments.awaiting))
    .bind(each(orders, |order| order.paid))
    .execute(conn)
    .await?;
    Ok(())
}

/// How far its goods came.
async fn progress(conn: &mut PgConnection, orders: &[OrderRow<'_>]) -> sqlx::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- update_order_progress
        update order_fact known set
            fulfilment_state = case when change.fulfilment_state_version > known.fulfilment_state_version
                then change.fulfilment_state else known.fulfilment_state end,
            fulfilment_state_version = greatest(known.fulfilment_state_version, change.fulfilment_state_version),
            allocated_at = least(known.allocated_at, change.allocated_at),
            reserved_at = least(known.reserved_at, change.reserved_at),
            picking_at = least(known.picking_at, change.picking_at),
            packed_at = least(known.packed_at, change.packed_at),
            shipped_at = least(known.shipped_at, change.shipped_at),
            delivered_at = least(known.delivered_at, change.delivered_at),
            failed_at = least(known.failed_at, change.failed_at)
        from unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
                    $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])
            as change (order_id, fulfilment_state, fulfilment_state_version, allocated_at, reserved_at, picking_at,
                       packed_at, shipped_at, delivered_at, failed_at)
        where known.order_id = change.order_id",
    )
    .bind(ids(orders))
    .bind(each(orders, |order| order.fulfilment_state.value.as_str()))
    .bind(each(orders, |order| order.fulfilment_state.version))
    .bind(each(orders, |order| order.moments.allocated))
    .bind(each(orders, |order| order.moments.reserved))
    .bind(each(orders, |order| order.moments.picking))
    .bind(each(orders, |order| order.moments.packed))
    .bind(each(orders, |order| order.moments.shipped))
    .bind(each(orders, |order| order.moments.delivered))
    .bind(each(orders, |order| order.moments.failed))
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose it is; the latest identification wins.
async fn customers(conn: &mut PgConnection, orders: &[OrderRow<'_>]) -> sqlx::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- update_order_customers
        update order_fact known set
            customer_id = change.customer_id, customer_first_order = change.first_order,
            customer_identified_at = change.identified_at
        from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::timestamptz[])
            as change (order_id, customer_id, first_order, identified_at)
        where known.order_id = change.order_id
          and (known.customer_identified_at is null
               or (change.identified_at, change.customer_id, change.first_order)
                  > (known.customer_identified_at, known.customer_id, known.customer_first_order))",
    )
    .bind(ids(orders))
    .bind(each(orders, |order| order.customer.as_ref().map(|link| link.customer_id)))
    .bind(each(orders, |order| order.customer.as_ref().map(|link| link.first_order)))
    .bind(each(orders, |order| order.customer.as_ref().map(|link| link.at)))
    .execute(conn)
    .await?;
    Ok(())
}
