//! The table of channels.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};

/// A listed channel.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct ChannelRow {
    /// Code.
    pub code: String,
    /// Display name.
    pub name: String,
    /// Price list compared with.
    pub price_list: Option<String>,
    /// The channel's own prices count.
    pub price_authoritative: bool,
    /// Prices contain VAT when there is no price list.
    pub prices_include_tax: bool,
    /// `per_line`, `per_unit`, or as configured.
    pub tax_rounding: Option<String>,
    /// How far totals and prices may differ.
    pub tolerance: Decimal,
}

/// Stores a channel.
pub(super) async fn put(conn: &mut PgConnection, channel: &ChannelRow) -> sqlx::Result<()> {
    sqlx::query(
        "-- put_channel
        insert into channel (code, name, price_list, price_authoritative, prices_include_tax, tax_rounding, tolerance)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (code) do update set name = excluded.name, price_list = excluded.price_list,
            price_authoritative = excluded.price_authoritative, prices_include_tax = excluded.prices_include_tax,
            tax_rounding = excluded.tax_rounding, tolerance = excluded.tolerance",
    )
    .bind(&channel.code)
    .bind(&channel.name)
    .bind(&channel.price_list)
    .bind(channel.price_authoritative)
    .bind(channel.prices_include_tax)
    .bind(&channel.tax_rounding)
    .bind(channel.tolerance)
    .execute(conn)
    .await?;
    Ok(())
}

/// Channels after a code.
pub(super) async fn list(conn: &mut PgConnection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<ChannelRow>> {
    sqlx::query_as(
        "-- list_channels
        select code, name, price_list, price_authoritative, prices_include_tax, tax_rounding, tolerance from channel
        where ($1::text is null or code > $1) order by code limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}
