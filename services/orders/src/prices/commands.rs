//! Changes of price lists and prices.

use std::collections::HashMap;

use rust_decimal::Decimal;
use service::Violation;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::store::{self, NewPrice};
use crate::{
    catalogue::{self, domain::PriceList},
    error::Error,
};

/// Creates or renames a price list.
///
/// # Errors
/// `PRICE_LIST_FIXED` when currency or VAT flag would change; database errors.
pub async fn put_price_list(conn: &mut PgConnection, list: &PriceList, now: OffsetDateTime) -> Result<(), Error> {
    catalogue::store::stamp(conn).await?;
    if let Some(known) = store::price_list(conn, &list.code).await?
        && (known.currency, known.vat_included) != (list.currency, list.vat_included)
    {
        let message = format!("{} is in {} and its VAT flag is fixed", list.code, known.currency);
        return Err(Error::Precondition { reason: "PRICE_LIST_FIXED", message });
    }
    store::put_price_list(conn, list, now).await?;
    Ok(())
}

/// A price as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPrice {
    /// Sku.
    pub sku: String,
    /// Price of one, in the list's currency.
    pub price: types::Money,
    /// First moment it holds.
    pub valid_from: OffsetDateTime,
    /// First moment it no longer holds.
    pub valid_to: Option<OffsetDateTime>,
}

/// Sets prices, all or none. Returns how many differed.
///
/// # Errors
/// Unknown list or products, other currency; database errors.
pub async fn set_prices(
    conn: &mut PgConnection,
    price_list: &str,
    asked: &[AskedPrice],
    who: &str,
    now: OffsetDateTime,
) -> Result<u64, Error> {
    catalogue::store::stamp(conn).await?;
    let list = known_list(conn, price_list).await?;
    let skus: Vec<_> = asked.iter().map(|price| price.sku.clone()).collect();
    let ids: HashMap<_, _> = store::product_ids(conn, &skus).await?.into_iter().collect();
    let (mut wrong, mut prices) = (Vec::new(), Vec::with_capacity(asked.len()));
    for (at, price) in asked.iter().enumerate() {
        if price.price.currency != list.currency {
            wrong.push(Violation::new(format!("prices[{at}].price.currency"), format!("must be {}", list.currency)));
        }
        let Some(&product_id) = ids.get(&price.sku) else {
            wrong.push(Violation::new(format!("prices[{at}].sku"), format!("there is no product {}", price.sku)));
            continue;
        };
        let amount: Decimal = price.price.amount;
        prices.push(NewPrice { product_id, amount, valid_from: price.valid_from, valid_to: price.valid_to });
    }
    if !wrong.is_empty() {
        wrong.truncate(100);
        return Err(Error::Invalid(wrong));
    }
    Ok(store::set(conn, price_list, &prices, who, now).await?)
}

/// A price list that must exist.
///
/// # Errors
/// Unknown list; database errors.
pub async fn known_list(conn: &mut PgConnection, code: &str) -> Result<PriceList, Error> {
    store::price_list(conn, code).await?.ok_or_else(|| Error::not_found("price list", code))
}
