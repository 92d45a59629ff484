//! Storing changed orders: heads, lines, shipments, history and events, each by one statement for all of them.

use messaging::{NewEvent, outbox};
use rust_decimal::Decimal;
use sqlx::{PgConnection, types::Json};
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
    save_shipments(conn, orders).await?;
    let entries: Vec<_> = orders.iter_mut().map(|order| (order.id, std::mem::take(&mut order.log).entries)).collect();
    save_timeline(conn, &entries).await?;
    outbox::append(conn, &events).await
}

/// Stores what moved, told of, flagged or held; a note or another customer leaves the head as it is.
async fn save_heads(conn: &mut PgConnection, orders: &[Order]) -> sqlx::Result<()> {
    let changed: Vec<(&Order, Option<Vec<Allocation>>)> = orders
        .iter()
        .map(|order| (order, order.new_allocation()))
        .filter(|(order, held)| order.log.head_changed || held.is_some())
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    fn column<'a, T>(orders: &[(&'a Order, Option<Vec<Allocation>>)], of: impl Fn(&'a Order) -> T) -> Vec<T> {
        orders.iter().map(|(order, _)| of(order)).collect()
    }
    // Arrays of arrays of different lengths are none in SQL; they go as the texts of arrays.
    let held = |of: fn(&Allocation) -> String| -> Vec<Option<String>> {
        let text = |lines: &Vec<Allocation>| format!("{{{}}}", lines.iter().map(of).collect::<Vec<_>>().join(","));
        changed.iter().map(|(_, lines)| lines.as_ref().map(text)).collect()
    };
    sqlx::query(
        "-- save_orders
        update orders o set cancelled_amount = n.cancelled_amount, returned_amount = n.returned_amount, paid = n.paid,
            refunded = n.refunded, state = n.state, payment_state = n.payment_state,
            fulfilment_state = n.fulfilment_state, flags = string_to_array(n.flags, ' '), version = n.version,
            held_lines = coalesce(n.held_lines::int[], o.held_lines),
            reserved = coalesce(n.reserved::numeric[], o.reserved),
            backordered = coalesce(n.backordered::numeric[], o.backordered)
        from unnest($1::uuid[], $2::numeric[], $3::numeric[], $4::numeric[], $5::numeric[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::int8[], $11::text[], $12::text[], $13::text[])
            as n (id, cancelled_amount, returned_amount, paid, refunded, state, payment_state, fulfilment_state, flags,
                version, held_lines, reserved, backordered)
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
    .bind(held(|line| line.line_no.to_string()))
    .bind(held(|line| line.reserved.to_string()))
    .bind(held(|line| line.backordered.to_string()))
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

/// Stores what became of lines.
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
        insert into order_line_progress (order_id, line_no, quantity, discount, tax, total, cancelled, cancelled_amount,
            cancelled_discount, cancelled_tax, shipped, failed, returned, returned_amount, returned_discount,
            returned_tax)
        select * from unnest($1::uuid[], $2::int4[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[],
            $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[],
            $14::numeric[], $15::numeric[], $16::numeric[])
        on conflict (order_id, line_no) do update set cancelled = excluded.cancelled,
            cancelled_amount = excluded.cancelled_amount, cancelled_discount = excluded.cancelled_discount,
            cancelled_tax = excluded.cancelled_tax, shipped = excluded.shipped, failed = excluded.failed,
            returned = excluded.returned, returned_amount = excluded.returned_amount,
            returned_discount = excluded.returned_discount, returned_tax = excluded.returned_tax",
    )
    .bind(lines.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.line_no).collect::<Vec<_>>())
    .bind(numbers(|line| line.quantity))
    .bind(numbers(|line| line.worth.discount))
    .bind(numbers(|line| line.worth.tax))
    .bind(numbers(|line| line.worth.amount))
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

/// Not by copy: an RPC that is broken off in the middle of one leaves its connection an answer behind (sqlx does not count
/// what the server owes after a copy).
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
    .bind(entries.iter().map(|(_, entry)| Json(&entry.cause.params)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
