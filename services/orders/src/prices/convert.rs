//! Prices between wire and domain.

use std::collections::HashSet;

use proto::orders::v1 as wire;
use rust_decimal::{Decimal, dec};
use service::Check;
use time::OffsetDateTime;
use types::{Currency, Money};

use super::{commands::AskedPrice, queries};
use crate::{catalogue::domain::PriceList, error::Error};

/// No unit price is higher.
pub(crate) const HIGHEST_PRICE: Decimal = dec!(10_000_000_000);

/// A price of one unit: at most four decimals, not absurd; the sign is for the caller to judge.
pub(crate) fn unit_price(check: &mut Check, field: &str, amount: Decimal) {
    check.require(amount.normalize().scale() <= 4, field, "must have at most four decimals");
    check.require(amount.abs() <= HIGHEST_PRICE, field, "is absurd");
}

/// A price list from the wire.
pub(super) fn read_list(request: &wire::PutPriceListRequest) -> Result<PriceList, Error> {
    let mut check = Check::new();
    let code = check.text("code", &request.code, 1..=64);
    let name = check.optional_text("name", &request.name, 200);
    let currency = Currency::parse(&request.currency).unwrap_or_else(|error| {
        check.wrong("currency", error.to_string());
        Currency::RUB
    });
    check.done()?;
    Ok(PriceList { code, name, currency, vat_included: request.vat_included })
}

/// A price list for the wire.
pub(super) fn list(list: &PriceList) -> wire::PriceList {
    wire::PriceList {
        code: list.code.clone(),
        name: list.name.clone(),
        currency: list.currency.code().to_owned(),
        vat_included: list.vat_included,
    }
}

/// Prices to set.
pub(super) fn read_prices(request: &wire::SetPricesRequest, now: OffsetDateTime) -> Result<Vec<AskedPrice>, Error> {
    let mut check = Check::new();
    check.request_id(&request.request_id);
    check.text("price_list", &request.price_list, 1..=64);
    check.len("prices", request.prices.len(), 1..=1000);
    let (mut asked, mut seen) = (Vec::with_capacity(request.prices.len().min(1000)), HashSet::new());
    for (at, input) in request.prices.iter().take(1000).enumerate() {
        let sku = check.text(&format!("prices[{at}].sku"), &input.sku, 1..=64);
        let field = format!("prices[{at}].price");
        let price = check.money(&field, &input.price);
        check.require(!price.is_negative(), &field, "must not be negative");
        unit_price(&mut check, &field, price.amount);
        let valid_from =
            check.optional_timestamp(&format!("prices[{at}].valid_from"), &input.valid_from).unwrap_or(now);
        let valid_to = check.optional_timestamp(&format!("prices[{at}].valid_to"), &input.valid_to);
        let to = format!("prices[{at}].valid_to");
        check.require(valid_to.is_none_or(|to| to > valid_from), &to, "must be after valid_from");
        let once = seen.insert((sku.clone(), valid_from));
        check.require(once, format!("prices[{at}].sku"), "has two prices from the same moment");
        asked.push(AskedPrice { sku, price, valid_from, valid_to });
    }
    check.done()?;
    Ok(asked)
}

/// A price for the wire.
pub(super) fn price(row: queries::PriceRow, currency: Currency) -> wire::Price {
    wire::Price {
        sku: row.sku,
        price: Some(Money::new(row.amount, currency).into()),
        valid_from: Some(proto::to_timestamp(row.valid_from)),
        valid_to: row.valid_to.map(proto::to_timestamp),
    }
}

/// A history entry for the wire.
pub(super) fn history(row: queries::HistoryRow, sku: &str, currency: Currency) -> wire::PriceHistoryEntry {
    let (set_by, set_at) = (row.set_by, Some(proto::to_timestamp(row.set_at)));
    let (sku, amount, valid_from, valid_to) = (sku.to_owned(), row.amount, row.valid_from, row.valid_to);
    let price = price(queries::PriceRow { sku, amount, valid_from, valid_to }, currency);
    wire::PriceHistoryEntry { price: Some(price), set_by, set_at }
}
