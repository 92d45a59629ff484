//! What intake writes: orders, lines, history, contacts, all by unnest.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    intake::domain::{Draft, Priced, PricedLine},
    life::domain::LineKind,
};

/// An order to store.
pub struct NewOrder<'a> {
    /// Id.
    pub id: Uuid,
    /// Number.
    pub number: i64,
    /// As pushed.
    pub draft: &'a Draft,
    /// As priced.
    pub priced: Priced,
    /// Which of the group it is.
    pub index: usize,
}

impl NewOrder<'_> {
    /// State it is taken in.
    fn state(&self) -> &'static str {
        if self.priced.holds.is_empty() { "confirmed" } else { "new" }
    }

    fn hold_codes(&self) -> Vec<&'static str> {
        self.priced.holds.iter().map(|hold| hold.code()).collect()
    }

    fn has_goods(&self) -> bool {
        self.priced.lines.iter().any(|line| line.kind == LineKind::Goods)
    }
}

fn column<'a, T>(orders: &'a [NewOrder<'_>], of: impl Fn(&'a NewOrder<'_>) -> T) -> Vec<T> {
    orders.iter().map(of).collect()
}

/// Stores orders, in the order given (by key, so that concurrent writers do not deadlock). A key that another transaction
/// is just taking is waited for. Plain, because `on conflict` and looking first double what a row costs.
///
/// # Errors
/// Database errors; a unique violation when one of the keys is taken.
pub async fn insert_orders(conn: &mut PgConnection, orders: &[NewOrder<'_>], now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_orders
        insert into orders (id, number, channel, external_id, request_id, body_hash, placed_at, received_at, currency,
            prices_include_tax, region, delivery_method, payment_method, comment, priority, warehouse, hold_reasons,
            gross, discount, tax, total, has_goods, state, payment_state, version)
        select n.id, n.number, n.channel, n.external_id, n.request_id, n.body_hash, n.placed_at, $24, n.currency,
            n.prices_include_tax, n.region, n.delivery_method, n.payment_method, n.comment, n.priority, n.warehouse,
            string_to_array(n.holds, ' '), n.gross, n.discount, n.tax, n.total, n.has_goods, n.state, n.payment_state, 1
        from unnest($1::uuid[], $2::int8[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[],
            $8::text[], $9::bool[], $10::text[], $11::text[], $12::text[], $13::text[], $14::int4[], $15::text[],
            $16::text[], $17::numeric[], $18::numeric[], $19::numeric[], $20::numeric[], $21::bool[], $22::text[],
            $23::text[])
            as n (id, number, channel, external_id, request_id, body_hash, placed_at, currency, prices_include_tax,
                region, delivery_method, payment_method, comment, priority, warehouse, holds, gross, discount, tax,
                total, has_goods, state, payment_state)",
    )
    .bind(column(orders, |order| order.id))
    .bind(column(orders, |order| order.number))
    .bind(column(orders, |order| order.draft.channel.as_str()))
    .bind(column(orders, |order| order.draft.external_id.as_str()))
    .bind(column(orders, |order| order.draft.request_id.as_deref()))
    .bind(column(orders, |order| order.draft.body_hash.as_slice()))
    .bind(column(orders, |order| order.draft.placed_at))
    .bind(column(orders, |order| order.draft.currency.code()))
    .bind(column(orders, |order| order.priced.prices_include_tax))
    .bind(column(orders, |order| order.draft.region.as_str()))
    .bind(column(orders, |order| order.draft.delivery_method.as_str()))
    .bind(column(orders, |order| order.draft.payment_method.as_str()))
    .bind(column(orders, |order| order.draft.comment.as_str()))
    .bind(column(orders, |order| order.draft.priority))
    .bind(column(orders, |order| order.draft.warehouse.as_str()))
    .bind(column(orders, |order| order.hold_codes().join(" ")))
    .bind(column(orders, |order| order.priced.gross))
    .bind(column(orders, |order| order.priced.discount))
    .bind(column(orders, |order| order.priced.tax))
    .bind(column(orders, |order| order.priced.total))
    .bind(column(orders, |order| order.has_goods()))
    .bind(column(orders, |order| order.state()))
    .bind(column(orders, |order| if order.priced.total > Decimal::ZERO { "unpaid" } else { "paid" }))
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores the lines of stored orders.
///
/// # Errors
/// Database errors.
pub async fn insert_lines(conn: &mut PgConnection, orders: &[NewOrder<'_>]) -> sqlx::Result<()> {
    let lines: Vec<(Uuid, i32, &PricedLine)> = orders
        .iter()
        .flat_map(|order| order.priced.lines.iter().zip(1..).map(|(line, line_no)| (order.id, line_no, line)))
        .collect();
    fn of<'a, T>(lines: &[(Uuid, i32, &'a PricedLine)], get: impl Fn(&'a PricedLine) -> T) -> Vec<T> {
        lines.iter().map(|(_, _, line)| get(line)).collect()
    }
    sqlx::query(
        "-- insert_order_lines
        insert into order_line (order_id, line_no, kind, sku, unit, quantity, unit_price, list_price, discount,
            order_discount, tax_rate, tax, total, category, brand)
        select * from unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::numeric[],
            $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[], $14::text[],
            $15::text[])",
    )
    .bind(lines.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line_no, _)| *line_no).collect::<Vec<_>>())
    .bind(of(&lines, |line| line.kind.code()))
    .bind(of(&lines, |line| line.sku.as_str()))
    .bind(of(&lines, |line| line.unit.code()))
    .bind(of(&lines, |line| line.quantity.normalize()))
    .bind(of(&lines, |line| line.unit_price))
    .bind(of(&lines, |line| line.list_price))
    .bind(of(&lines, |line| line.discount))
    .bind(of(&lines, |line| line.order_discount))
    .bind(of(&lines, |line| line.tax_rate))
    .bind(of(&lines, |line| line.tax))
    .bind(of(&lines, |line| line.total))
    .bind(of(&lines, |line| line.item.as_ref().map_or("", |item| item.category.as_str())))
    .bind(of(&lines, |line| line.item.as_ref().map_or("", |item| item.brand.as_str())))
    .execute(conn)
    .await?;
    Ok(())
}

/// Begins the history of stored orders.
///
/// # Errors
/// Database errors.
pub async fn insert_timeline(
    conn: &mut PgConnection,
    orders: &[NewOrder<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- begin_timelines
        insert into order_timeline (order_id, at, source, actor, code, machine, from_state, to_state, reason, params)
        select n.id, $1, 'orders', n.channel, 'order_placed', 'order', '', n.state, n.holds, '{}'
        from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) as n (id, channel, state, holds)",
    )
    .bind(now)
    .bind(column(orders, |order| order.id))
    .bind(column(orders, |order| order.draft.channel.as_str()))
    .bind(column(orders, |order| order.state()))
    .bind(column(orders, |order| order.hold_codes().join(" ")))
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts the contacts of stored orders on their way to crm.
///
/// # Errors
/// Database errors.
pub async fn insert_contacts(
    conn: &mut PgConnection,
    orders: &[NewOrder<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let with: Vec<_> = orders.iter().filter(|order| !order.draft.contact.is_empty()).collect();
    if with.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&Draft) -> &str| with.iter().map(|order| of(order.draft)).collect::<Vec<_>>();
    sqlx::query(
        "-- insert_contacts
        insert into contact_handover (order_id, channel, external_customer_id, name, phone, email, address, region,
            placed_at, next_attempt_at)
        select n.*, $10 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::timestamptz[]) as n",
    )
    .bind(with.iter().map(|order| order.id).collect::<Vec<_>>())
    .bind(text(|draft| &draft.channel))
    .bind(text(|draft| &draft.contact.external_customer_id))
    .bind(text(|draft| &draft.contact.name))
    .bind(text(|draft| &draft.contact.phone))
    .bind(text(|draft| &draft.contact.email))
    .bind(text(|draft| &draft.contact.address))
    .bind(text(|draft| &draft.region))
    .bind(with.iter().map(|order| order.draft.placed_at).collect::<Vec<_>>())
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// An order that is there already, and by which key it was found.
#[derive(Clone, Debug, FromRow)]
pub struct Known {
    /// Position of the asked key, from 1.
    pub asked: i64,
    /// Found by its external id; otherwise by a request id.
    pub by_external_id: bool,
    /// Id.
    pub id: Uuid,
    /// Number.
    pub number: i64,
    /// Digest of its content.
    pub body_hash: Vec<u8>,
    /// Why it was held.
    pub hold_reasons: Vec<String>,
    /// Currency.
    pub currency: String,
    /// As taken.
    pub gross: Decimal,
    /// As taken.
    pub discount: Decimal,
    /// As taken.
    pub tax: Decimal,
    /// As taken.
    pub total: Decimal,
}

/// Orders that hold one of the keys of the drafts.
///
/// # Errors
/// Database errors.
pub async fn known(conn: &mut PgConnection, drafts: &[&Draft]) -> sqlx::Result<Vec<Known>> {
    sqlx::query_as(
        "-- known_orders
        with asked as (
            select * from unnest($1::text[], $2::text[], $3::text[])
                with ordinality as n (channel, external_id, request_id, asked)
        ), found as (
            select asked, true as by_external_id, o.id from asked n
                join orders o on o.channel = n.channel and o.external_id = n.external_id
            union all
            select asked, false, o.id from asked n
                join orders o on o.channel = n.channel and o.request_id = n.request_id
            union all
            select asked, false, a.order_id from asked n
                join order_request_alias a on a.channel = n.channel and a.request_id = n.request_id
        )
        select f.asked, f.by_external_id, o.id, o.number, o.body_hash, o.hold_reasons, o.currency, o.gross, o.discount,
            o.tax, o.total
        from found f join orders o on o.id = f.id",
    )
    .bind(drafts.iter().map(|draft| draft.channel.as_str()).collect::<Vec<_>>())
    .bind(drafts.iter().map(|draft| draft.external_id.as_str()).collect::<Vec<_>>())
    .bind(drafts.iter().map(|draft| draft.request_id.as_deref()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await
}

/// Remembers further request ids of orders that were there already.
///
/// # Errors
/// Database errors.
pub async fn add_aliases(conn: &mut PgConnection, aliases: &[(&str, &str, Uuid)]) -> sqlx::Result<()> {
    sqlx::query(
        "-- add_request_aliases
        insert into order_request_alias (channel, request_id, order_id)
        select * from unnest($1::text[], $2::text[], $3::uuid[]) on conflict do nothing",
    )
    .bind(aliases.iter().map(|(channel, ..)| *channel).collect::<Vec<_>>())
    .bind(aliases.iter().map(|(_, request_id, _)| *request_id).collect::<Vec<_>>())
    .bind(aliases.iter().map(|(.., order_id)| *order_id).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
