//! Requests read whole, before anything is asked of the database.

use proto::kpi::v1 as wire;
use rust_decimal::Decimal;
use service::{Check, page::Page};
use time::OffsetDateTime;
use types::{Currency, business_day_start};

use crate::{
    error::Error,
    facts::domain::Calendar,
    sales::{
        convert::{self as sales, Writing},
        domain::{Comparing, Filter, Group, Order, Period},
        queries::Request,
    },
};

/// What the company's settings mean for reading and writing.
#[derive(Clone, Debug)]
pub(super) struct Company {
    pub(super) currency: Currency,
    pub(super) calendar: Calendar,
    /// Rows of an exported report at most.
    pub(super) export_rows: i64,
}

impl Company {
    /// How to write amounts of a currency; costs are known in the company's only.
    pub(super) fn writing(&self, currency: Currency) -> Writing {
        Writing { currency, costed: currency == self.currency }
    }

    /// First moment of a period, and first moment after it.
    pub(super) fn moments(&self, period: Period) -> Result<(OffsetDateTime, OffsetDateTime), Error> {
        let start = |day| business_day_start(day, &self.calendar.zone, self.calendar.cutoff_hour);
        let after = period.to.saturating_add(time::Duration::days(1));
        Ok((start(period.from).map_err(Error::Calendar)?, start(after).map_err(Error::Calendar)?))
    }
}

/// A page of rows that come by rank and key.
pub(super) type RankPage = Page<(Decimal, String)>;
/// A page of rows that come by key.
pub(super) type KeyPage = Page<String>;

/// A token is ours only when the database can compare with it.
fn comparable(key: Option<&str>) -> Result<(), Error> {
    if key.is_some_and(|key| key.contains('\0')) {
        let violation = service::Violation::new("page.page_token", "is not a token of this list");
        return Err(Error::Invalid(vec![violation]));
    }
    Ok(())
}

fn done(check: Check) -> Result<(), Error> {
    check.done().map_err(Error::Invalid)
}

pub(super) fn sales_request(
    request: &wire::GetSalesReportRequest,
    company: &Company,
) -> Result<(Request, RankPage), Error> {
    let mut check = Check::new();
    let mut wanted = sales::request(&mut check, request, company.currency);
    done(check)?;
    let page = RankPage::parse(&request.page).map_err(Error::Invalid)?;
    comparable(page.after.as_ref().map(|(_, key)| key.as_str()))?;
    wanted.order.after = page.after.clone();
    wanted.order.limit = page.limit() + 1;
    Ok((wanted, page))
}

pub(super) fn summary_request(request: &wire::GetSummaryRequest, company: &Company) -> Result<Request, Error> {
    let mut check = Check::new();
    let wanted = Request {
        currency: sales::currency(&mut check, &request.currency, company.currency),
        period: sales::period(&mut check, &request.period),
        group: Group::All,
        filter: sales::filter(&mut check, &request.filter),
        order: Order::default(),
        compare: sales::comparing(&mut check, &request.compare, request.align_weekdays),
    };
    done(check)?;
    Ok(wanted)
}

/// Which orders a funnel is of.
#[derive(Clone, Debug)]
pub(super) struct FunnelWanted {
    pub(super) period: Period,
    pub(super) filter: Filter,
    pub(super) compare: Comparing,
}

pub(super) fn funnel_request(request: &wire::GetFunnelRequest) -> Result<FunnelWanted, Error> {
    let mut check = Check::new();
    let wanted = FunnelWanted {
        period: sales::period(&mut check, &request.period),
        filter: sales::filter(&mut check, &request.filter),
        compare: sales::comparing(&mut check, &request.compare, request.align_weekdays),
    };
    done(check)?;
    Ok(wanted)
}

/// Which rows of a report by key.
#[derive(Clone, Debug)]
pub(super) struct KeyedWanted {
    pub(super) period: Period,
    pub(super) group: &'static str,
    pub(super) compare: Comparing,
    pub(super) skus: Vec<String>,
    pub(super) after: Option<String>,
    pub(super) limit: i64,
}

pub(super) fn delivery_request(request: &wire::GetDeliveryReportRequest) -> Result<(KeyedWanted, KeyPage), Error> {
    let mut check = Check::new();
    let period = sales::period(&mut check, &request.period);
    let group = crate::delivery::convert::group(&mut check, request.group_by);
    let compare = sales::comparing(&mut check, &request.compare, request.align_weekdays);
    done(check)?;
    let page = KeyPage::parse(&request.page).map_err(Error::Invalid)?;
    comparable(page.after.as_deref())?;
    let (after, limit) = (page.after.clone(), page.limit() + 1);
    Ok((KeyedWanted { period, group, compare, skus: Vec::new(), after, limit }, page))
}

pub(super) fn stock_request(request: &wire::GetStockReportRequest) -> Result<(KeyedWanted, KeyPage), Error> {
    let mut check = Check::new();
    let period = sales::period(&mut check, &request.period);
    check.len("skus", request.skus.len(), 0..=200);
    for (index, sku) in request.skus.iter().take(200).enumerate() {
        check.text(&format!("skus[{index}]"), sku, 1..=256);
    }
    let compare = sales::comparing(&mut check, &request.compare, request.align_weekdays);
    done(check)?;
    let page = KeyPage::parse(&request.page).map_err(Error::Invalid)?;
    comparable(page.after.as_deref())?;
    let (skus, after, limit) = (request.skus.clone(), page.after.clone(), page.limit() + 1);
    Ok((KeyedWanted { period, group: "sku", compare, skus, after, limit }, page))
}

pub(super) fn cohort_request(
    request: &wire::GetCohortReportRequest,
    company: &Company,
) -> Result<(Currency, Period, i32), Error> {
    let mut check = Check::new();
    let currency = sales::currency(&mut check, &request.currency, company.currency);
    let period = sales::period(&mut check, &request.period);
    check.require((0..=36).contains(&request.months), "months", "must be 0 (twelve) to 36");
    done(check)?;
    Ok((currency, period, if request.months == 0 { 12 } else { request.months }))
}
