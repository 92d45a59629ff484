//! What intake writes: orders, lines and contacts, a group at once.

use rust_decimal::Decimal;
use service::copy::Rows;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    intake::domain::{Draft, Priced},
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

/// Stores orders, in the order given (by key, so that concurrent writers do not deadlock). A key that another transaction
/// is just taking is waited for. Plain, because `on conflict` and looking first double what a row costs.
///
/// # Errors
/// Database errors; a unique violation when one of the keys is taken.
pub async fn insert_orders(conn: &mut PgConnection, orders: &[NewOrder<'_>], now: OffsetDateTime) -> sqlx::Result<()> {
    let mut rows = Rows::new();
    for order in orders {
        let (draft, priced) = (order.draft, &order.priced);
        rows.row().add(order.id).add(order.number).add(draft.channel.as_str()).add(draft.external_id.as_str());
        rows.add(draft.request_id.as_deref()).add(draft.body_hash.as_slice()).add(draft.placed_at).add(now);
        rows.add(draft.currency.code()).add(priced.prices_include_tax).add(draft.region.as_str());
        rows.add(draft.delivery_method.as_str()).add(draft.payment_method.as_str()).add(draft.comment.as_str());
        rows.add(draft.priority).add(draft.warehouse.as_str()).add(draft.hold_id).add(order.hold_codes());
        rows.add(priced.gross).add(priced.discount).add(priced.tax).add(priced.total).add(order.has_goods());
        rows.add(order.state()).add(if priced.total > Decimal::ZERO { "unpaid" } else { "paid" }).add(1_i64);
    }
    rows.store(
        conn,
        "-- insert_orders
        copy orders (id, number, channel, external_id, request_id, body_hash, placed_at, received_at, currency,
            prices_include_tax, region, delivery_method, payment_method, comment, priority, warehouse, hold_id, hold_reasons,
            gross, discount, tax, total, has_goods, state, payment_state, version)
        from stdin (format binary)",
    )
    .await
}

/// Stores the lines of stored orders.
///
/// # Errors
/// Database errors.
pub async fn insert_lines(conn: &mut PgConnection, orders: &[NewOrder<'_>]) -> sqlx::Result<()> {
    let mut rows = Rows::new();
    for order in orders {
        for (line, line_no) in order.priced.lines.iter().zip(1_i32..) {
            let (category, brand) =
                line.item.as_ref().map_or(("", ""), |item| (item.category.as_str(), item.brand.as_str()));
            rows.row().add(order.id).add(line_no).add(line.kind.code()).add(line.sku.as_str()).add(line.unit.code());
            rows.add(line.quantity.normalize()).add(line.unit_price).add(line.list_price).add(line.discount);
            rows.add(line.order_discount).add(line.tax_rate).add(line.tax).add(line.total).add(category).add(brand);
        }
    }
    rows.store(
        conn,
        "-- insert_order_lines
        copy order_line (order_id, line_no, kind, sku, unit, quantity, unit_price, list_price, discount,
            order_discount, tax_rate, tax, total, category, brand)
        from stdin (format binary)",
    )
    .await
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
    let mut rows = Rows::new();
    for order in orders.iter().filter(|order| !order.draft.contact.is_empty()) {
        let (draft, contact) = (order.draft, &order.draft.contact);
        rows.row().add(order.id).add(draft.channel.as_str()).add(contact.external_customer_id.as_str());
        rows.add(contact.name.as_str()).add(contact.phone.as_str()).add(contact.email.as_str());
        rows.add(contact.address.as_str()).add(draft.region.as_str()).add(draft.placed_at).add(now);
    }
    rows.store(
        conn,
        "-- insert_contacts
        copy contact_handover (order_id, channel, external_customer_id, name, phone, email, address, region, placed_at,
            next_attempt_at)
        from stdin (format binary)",
    )
    .await
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
