//! Storing changed orders: heads, lines, shipments, history and events, each by one statement for all of them.

use messaging::{NewEvent, outbox};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::life::{
    convert,
    domain::{Allocation, Entry, Line, Machine, Order, Shipment},
};

/// Stores locked orders after a change and publishes what they tell. The orders' logs are empty afterwards.
///
/// # Errors
/// Database errors.
pub async fn save(conn: &mut PgConnection, orders: &mut [Order]) -> sqlx::Result<()> {
    let mut events = Vec::new();
    for order in orders.iter_mut() {
        for (at, fact) in std::mem::take(&mut order.log.facts) {
            order.version += 1;
            let event = convert::event(order, at, &fact);
            events.push(NewEvent::of("order", order.id, order.version, at, &event));
        }
    }
    save_heads(conn, orders).await?;
    save_lines(conn, orders).await?;
    save_allocations(conn, orders).await?;
    save_shipments(conn, orders).await?;
    let entries: Vec<_> = orders.iter_mut().map(|order| (order.id, std::mem::take(&mut order.log).entries)).collect();
    save_timeline(conn, &entries).await?;
    outbox::append(conn, &events).await
}

/// Stores what moved, told of or flagged; a note or another customer leaves the head as it is.
async fn save_heads(conn: &mut PgConnection, orders: &[Order]) -> sqlx::Result<()> {
    let changed: Vec<&Order> = orders.iter().filter(|order| order.log.head_changed).collect();
    if changed.is_empty() {
        return Ok(());
    }
    fn column<'a, T>(orders: &[&'a Order], of: impl Fn(&'a Order) -> T) -> Vec<T> {
        orders.iter().map(|order| of(order)).collect()
    }
    sqlx::query(
        "-- save_orders
        update orders o set cancelled_amount = n.cancelled_amount, returned_amount = n.returned_amount, paid = n.paid,
            refunded = n.refunded, state = n.state, payment_state = n.payment_state,
            fulfilment_state = n.fulfilment_state, flags = string_to_array(n.flags, ' '), version = n.version
        from unnest($1::uuid[], $2::numeric[], $3::numeric[], $4::numeric[], $5::numeric[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::int8[])
            as n (id, cancelled_amount, returned_amount, paid, refunded, state, payment_state, fulfilment_state, flags,
                version)
        where o.id = n.id",
    )
    .bind(column(&changed, |order| order.id))
    .bind(column(&changed, |order| order.cancelled_amount))
    .bind(column(&changed, |order| order.returned_amount))
    .bind(column(&changed, |order| order.paid))
    .bind(column(&changed, |order| order.refunded))
    .bind(column(&changed, |order| order.state.code()))
    .bind(column(&changed, |order| order.payment_state.code()))
    .bind(column(&changed, |order| order.fulfilment_state.code()))
    .bind(column(&changed, |order| order.flags.join(" ")))
    .bind(column(&changed, |order| order.version))
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives locked orders their customers.
///
/// # Errors
/// Database errors.
pub async fn set_customers(conn: &mut PgConnection, orders: &[&Order]) -> sqlx::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- set_customers
        with listed as (
            insert into customer_order (customer_id, placed_at, order_id)
            select * from unnest($2::uuid[], $3::timestamptz[], $1::uuid[])
            on conflict do nothing
        )
        update orders o set customer_id = n.customer_id
        from unnest($1::uuid[], $2::uuid[]) as n (id, customer_id) where o.id = n.id",
    )
    .bind(orders.iter().map(|order| order.id).collect::<Vec<_>>())
    .bind(orders.iter().map(|order| order.customer_id).collect::<Vec<_>>())
    .bind(orders.iter().map(|order| order.placed_at).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

async fn save_lines(conn: &mut PgConnection, orders: &[Order]) -> sqlx::Result<()> {
    let lines: Vec<(Uuid, &Line)> = orders
        .iter()
        .flat_map(|order| order.lines.iter().map(|line| (order.id, line)))
        .filter(|(_, line)| line.dirty)
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let numbers = |of: fn(&Line) -> Decimal| lines.iter().map(|(_, line)| of(line)).collect::<Vec<_>>();
    sqlx::query(
        "-- save_order_lines
        update order_line l set cancelled = n.cancelled, cancelled_amount = n.cancelled_amount,
            cancelled_discount = n.cancelled_discount, cancelled_tax = n.cancelled_tax, shipped = n.shipped,
            failed = n.failed, returned = n.returned, returned_amount = n.returned_amount,
            returned_discount = n.returned_discount, returned_tax = n.returned_tax
        from unnest($1::uuid[], $2::int4[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[],
            $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[])
            as n (order_id, line_no, cancelled, cancelled_amount, cancelled_discount, cancelled_tax, shipped, failed,
                returned, returned_amount, returned_discount, returned_tax)
        where l.order_id = n.order_id and l.line_no = n.line_no",
    )
    .bind(lines.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.line_no).collect::<Vec<_>>())
    .bind(numbers(|line| line.cancelled))
    .bind(numbers(|line| line.cancelled_worth.amount))
    .bind(numbers(|line| line.cancelled_worth.discount))
    .bind(numbers(|line| line.cancelled_worth.tax))
    .bind(numbers(|line| line.shipped))
    .bind(numbers(|line| line.failed))
    .bind(numbers(|line| line.returned))
    .bind(numbers(|line| line.returned_worth.amount))
    .bind(numbers(|line| line.returned_worth.discount))
    .bind(numbers(|line| line.returned_worth.tax))
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores what the warehouse holds for orders of which that changed.
async fn save_allocations(conn: &mut PgConnection, orders: &[Order]) -> sqlx::Result<()> {
    let changed: Vec<(Uuid, Vec<Allocation>)> =
        orders.iter().filter_map(|order| order.new_allocation().map(|lines| (order.id, lines))).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let lines: Vec<(Uuid, &Allocation)> =
        changed.iter().flat_map(|(id, lines)| lines.iter().map(|line| (*id, line))).collect();
    sqlx::query(
        "-- save_order_allocations
        insert into order_allocation (order_id, line_nos, reserved, backordered)
        select o.id, coalesce(h.line_nos, '{}'), coalesce(h.reserved, '{}'), coalesce(h.backordered, '{}')
        from unnest($1::uuid[]) as o (id) left join (
            select order_id, array_agg(line_no) as line_nos, array_agg(reserved) as reserved,
                array_agg(backordered) as backordered
            from unnest($2::uuid[], $3::int4[], $4::numeric[], $5::numeric[])
                as n (order_id, line_no, reserved, backordered)
            group by order_id
        ) as h on h.order_id = o.id
        on conflict (order_id) do update set line_nos = excluded.line_nos, reserved = excluded.reserved,
            backordered = excluded.backordered",
    )
    .bind(changed.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(lines.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.line_no).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.reserved).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.backordered).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

async fn save_shipments(conn: &mut PgConnection, orders: &[Order]) -> sqlx::Result<()> {
    let changed: Vec<(Uuid, &Shipment)> = orders
        .iter()
        .flat_map(|order| order.shipments.iter().map(|shipment| (order.id, shipment)))
        .filter(|(_, shipment)| shipment.dirty)
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- save_shipments
        insert into order_shipment (order_id, shipment_id, state, carrier, tracking_number, shipped_at, ended_at)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
            $7::timestamptz[])
        on conflict (order_id, shipment_id) do update set state = excluded.state, carrier = excluded.carrier,
            tracking_number = excluded.tracking_number, shipped_at = excluded.shipped_at, ended_at = excluded.ended_at",
    )
    .bind(changed.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, shipment)| shipment.id).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, shipment)| shipment.state.code()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, shipment)| shipment.carrier.as_str()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, shipment)| shipment.tracking_number.as_str()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, shipment)| shipment.shipped_at).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, shipment)| shipment.ended_at).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

async fn save_timeline(conn: &mut PgConnection, orders: &[(Uuid, Vec<Entry>)]) -> sqlx::Result<()> {
    let entries: Vec<(Uuid, &Entry)> =
        orders.iter().flat_map(|(id, entries)| entries.iter().map(|entry| (*id, entry))).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&Entry) -> &str| entries.iter().map(|(_, entry)| of(entry)).collect::<Vec<_>>();
    sqlx::query(
        "-- append_timeline
        insert into order_timeline (order_id, at, source, actor, code, machine, from_state, to_state, reason, params)
        select n.order_id, n.at, n.source, n.actor, n.code, nullif(n.machine, ''), n.from_state, n.to_state, n.reason,
            n.params
        from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::jsonb[])
            with ordinality as n (order_id, at, source, actor, code, machine, from_state, to_state, reason, params, place)
        order by n.place",
    )
    .bind(entries.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(entries.iter().map(|(_, entry)| entry.cause.at).collect::<Vec<_>>())
    .bind(text(|entry| entry.cause.source))
    .bind(text(|entry| &entry.cause.actor))
    .bind(text(|entry| entry.cause.code))
    .bind(text(|entry| entry.transition.as_ref().map_or("", |move_| move_.machine)))
    .bind(text(|entry| entry.transition.as_ref().map_or("", |move_| move_.from)))
    .bind(text(|entry| entry.transition.as_ref().map_or("", |move_| move_.to)))
    .bind(text(|entry| &entry.cause.reason))
    .bind(entries.iter().map(|(_, entry)| convert::params(&entry.cause)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
