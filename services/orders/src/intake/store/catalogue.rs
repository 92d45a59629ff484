//! What intake reads of the catalogue.

use std::{collections::HashMap, sync::Arc};

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use types::{Currency, Unit};
use uuid::Uuid;

use crate::{
    catalogue::{
        domain::{Item, PriceList, PricePeriod, ProductStatus},
        store::unreadable,
    },
    channels::ChannelRow,
};

/// What a group begins with.
#[derive(FromRow)]
pub struct Ticket {
    /// Version of the catalogue.
    pub version: i64,
    /// A number for each order.
    pub numbers: Vec<i64>,
    /// True when some order was pushed again under another request id than its own.
    pub aliases: bool,
}

/// The ticket of a group of so many orders.
///
/// # Errors
/// Database errors.
pub async fn ticket(conn: &mut PgConnection, orders: usize) -> sqlx::Result<Ticket> {
    sqlx::query_as(
        "-- intake_ticket
        select version, array(select nextval('order_number_seq') from generate_series(1, $1)) as numbers,
            exists (select from order_request_alias) as aliases
        from catalogue_stamp",
    )
    .bind(i32::try_from(orders).unwrap_or(i32::MAX))
    .fetch_one(conn)
    .await
}

#[derive(FromRow)]
struct ItemRow {
    id: Uuid,
    sku: String,
    unit: String,
    vat_rate: Decimal,
    category: String,
    brand: String,
    status: String,
}

#[derive(FromRow)]
struct PriceRow {
    product_id: Uuid,
    price_list: String,
    amount: Decimal,
    valid_from: OffsetDateTime,
    valid_to: Option<OffsetDateTime>,
}

/// Products with their prices in these lists. The lists are named, because a join with the table of lists, of whose size
/// the planner has no idea, has it read all prices.
///
/// # Errors
/// Database errors.
pub async fn items(conn: &mut PgConnection, skus: &[&str], lists: &[&str]) -> sqlx::Result<Vec<Arc<Item>>> {
    let rows: Vec<ItemRow> = sqlx::query_as(
        "-- intake_items
        select id, sku, unit, vat_rate, category, brand, status from product where sku = any($1)",
    )
    .bind(skus)
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let prices: Vec<PriceRow> = sqlx::query_as(
        "-- intake_prices
        select product_id, price_list, amount, valid_from, valid_to
        from price where price_list = any($2) and product_id = any($1)",
    )
    .bind(&ids)
    .bind(lists)
    .fetch_all(conn)
    .await?;
    let mut by_product: HashMap<Uuid, Vec<PricePeriod>> = HashMap::new();
    for row in prices {
        by_product.entry(row.product_id).or_default().push(PricePeriod {
            price_list: row.price_list,
            amount: row.amount,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
        });
    }
    let item = |row: ItemRow| {
        Ok(Arc::new(Item {
            product_id: row.id,
            sku: row.sku,
            unit: Unit::parse(&row.unit).map_err(|_| unreadable("unit"))?,
            vat_rate: row.vat_rate.normalize(),
            category: row.category,
            brand: row.brand,
            status: ProductStatus::parse(&row.status).ok_or_else(|| unreadable("product status"))?,
            prices: by_product.remove(&row.id).unwrap_or_default(),
        }))
    };
    rows.into_iter().map(item).collect()
}

/// All channels and price lists; there are few.
///
/// # Errors
/// Database errors.
pub async fn policies_data(conn: &mut PgConnection) -> sqlx::Result<(Vec<ChannelRow>, Vec<PriceList>)> {
    let channels = sqlx::query_as(
        "-- intake_channels
        select code, name, price_list, price_authoritative, prices_include_tax, tax_rounding, tolerance from channel",
    )
    .fetch_all(&mut *conn)
    .await?;
    let lists: Vec<(String, String, String, bool)> =
        sqlx::query_as("-- intake_price_lists\nselect code, name, currency, vat_included from price_list")
            .fetch_all(conn)
            .await?;
    let list = |(code, name, currency, vat_included): (String, String, String, bool)| {
        let currency = Currency::parse(&currency).map_err(|_| unreadable("currency"))?;
        Ok(PriceList { code, name, currency, vat_included })
    };
    Ok((channels, lists.into_iter().map(list).collect::<sqlx::Result<_>>()?))
}
