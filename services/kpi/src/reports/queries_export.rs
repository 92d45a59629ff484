//! Whole reports as tables, for the CSV RPC.

use proto::kpi::v1::{self as wire, export_report_request::Report};

use super::{
    convert::{self, Company},
    grpc::Reports,
};
use crate::{
    error::Error,
    export::{convert as tables, domain::Table},
};

fn whole(rows: usize, most: i64) -> Result<(), Error> {
    if i64::try_from(rows).unwrap_or(i64::MAX) > most { Err(Error::TooLarge(most)) } else { Ok(()) }
}

/// Reads a report whole.
pub(super) async fn table(reports: &Reports, report: Option<Report>, company: &Company) -> Result<Table, Error> {
    let most = company.export_rows;
    match report {
        None => Err(Error::invalid("report", "is missing")),
        Some(Report::Sales(mut request)) => {
            request.page = None;
            let (mut wanted, _) = convert::sales_request(&request, company)?;
            wanted.order.limit = most + 1;
            let report = reports.sales(&wanted).await?;
            whole(report.rows.len(), most)?;
            let response = crate::sales::convert::response(&report, company.writing(wanted.currency));
            Ok(tables::sales(&response, &wanted.compare.kinds))
        }
        Some(Report::Delivery(mut request)) => {
            request.page = None;
            let (mut wanted, _) = convert::delivery_request(&request)?;
            wanted.limit = most + 1;
            let rows = reports.deliveries(&wanted).await?.0;
            whole(rows.len(), most)?;
            let rows: Vec<_> = rows.into_iter().map(crate::delivery::convert::row).collect();
            Ok(tables::delivery(&rows, wanted.compare.kinds.len()))
        }
        Some(Report::Stock(mut request)) => {
            request.page = None;
            let (mut wanted, _) = convert::stock_request(&request)?;
            wanted.limit = most + 1;
            let rows = reports.stock(&wanted).await?;
            whole(rows.len(), most)?;
            let writing = company.writing(company.currency);
            let rows: Vec<_> = rows.into_iter().map(|row| crate::stock::convert::row(row, writing)).collect();
            Ok(tables::stock(&rows, wanted.compare.kinds.len()))
        }
        Some(Report::Funnel(request)) => {
            let wanted = convert::funnel_request(&request)?;
            Ok(tables::funnel(&reports.funnel(&wanted).await?))
        }
        Some(Report::Cohorts(request)) => {
            let (currency, period, months) = convert::cohort_request(&request, company)?;
            let response: wire::GetCohortReportResponse = reports.cohorts(currency, period, months).await?;
            Ok(tables::cohorts(&response))
        }
    }
}
