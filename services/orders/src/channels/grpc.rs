//! The channel RPCs of the intake service.

use proto::orders::v1 as wire;
use rust_decimal::{Decimal, dec};
use service::{Check, Deps, page::Page, status};
use tonic::Status;

use super::{
    commands,
    store::{self, ChannelRow},
};
use crate::error::{Error, check_token};

fn read(request: &wire::PutChannelRequest) -> Result<ChannelRow, Error> {
    let mut check = Check::new();
    let code = check.text("code", &request.code, 1..=32);
    let name = check.optional_text("name", &request.name, 200);
    let price_list = check.optional_text("price_list", &request.price_list, 64);
    let tolerance = match request.tolerance.as_str() {
        "" => Decimal::ZERO,
        text => check.decimal("tolerance", text),
    };
    let good = (Decimal::ZERO..=dec!(1_000_000)).contains(&tolerance);
    check.require(good, "tolerance", "must be 0 to 1000000");
    let tax_rounding = match wire::TaxRounding::try_from(request.tax_rounding) {
        Ok(wire::TaxRounding::Unspecified) => None,
        Ok(wire::TaxRounding::PerLine) => Some("per_line".to_owned()),
        Ok(wire::TaxRounding::PerUnit) => Some("per_unit".to_owned()),
        Err(_) => {
            check.wrong("tax_rounding", "is not a known rounding");
            None
        }
    };
    check.done()?;
    Ok(ChannelRow {
        code,
        name,
        price_list: (!price_list.is_empty()).then_some(price_list),
        price_authoritative: request.price_authoritative,
        prices_include_tax: request.prices_include_tax,
        tax_rounding,
        tolerance,
    })
}

fn write(row: ChannelRow) -> wire::Channel {
    let tax_rounding = match row.tax_rounding.as_deref() {
        Some("per_line") => wire::TaxRounding::PerLine,
        Some("per_unit") => wire::TaxRounding::PerUnit,
        _ => wire::TaxRounding::Unspecified,
    };
    wire::Channel {
        code: row.code,
        name: row.name,
        price_list: row.price_list.unwrap_or_default(),
        price_authoritative: row.price_authoritative,
        prices_include_tax: row.prices_include_tax,
        tax_rounding: tax_rounding.into(),
        tolerance: row.tolerance.normalize().to_string(),
    }
}

/// `PutChannel`.
pub(crate) async fn put(deps: &Deps, request: &wire::PutChannelRequest) -> Result<wire::PutChannelResponse, Status> {
    let channel = read(request)?;
    let mut tx = deps.db.begin().await.map_err(status::from_sqlx)?;
    commands::put(&mut tx, &channel).await?;
    tx.commit().await.map_err(status::from_sqlx)?;
    Ok(wire::PutChannelResponse { channel: Some(write(channel)) })
}

/// `ListChannels`.
pub(crate) async fn list(
    deps: &Deps,
    request: &wire::ListChannelsRequest,
) -> Result<wire::ListChannelsResponse, Status> {
    let page = Page::<String>::parse(&request.page).map_err(status::invalid)?;
    check_token(page.after.as_deref())?;
    let mut conn = deps.db.acquire().await.map_err(status::from_sqlx)?;
    let rows = store::list(&mut conn, page.after.as_deref(), page.limit() + 1).await.map_err(status::from_sqlx)?;
    let (rows, info) = page.finish(rows, |channel| channel.code.clone());
    Ok(wire::ListChannelsResponse { channels: rows.into_iter().map(write).collect(), page: Some(info) })
}
