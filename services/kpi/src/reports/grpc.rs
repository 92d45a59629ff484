//! The report RPCs.

use std::collections::HashMap;

use futures::stream::{self, BoxStream, StreamExt as _};
use proto::kpi::v1::{
    self as wire,
    report_service_server::{ReportService, ReportServiceServer},
};
use service::{Check, Deps, Tx};
use tonic::{Request, Response, Status};
use types::Currency;

use super::{
    convert::{self, Company, FunnelWanted, KeyedWanted},
    queries, queries_export,
};
use crate::{
    cohorts,
    config::Config,
    delivery::{self, queries::Rows},
    error::Error,
    overview::{self, convert::Summary},
    sales::{
        self,
        domain::Period,
        queries::{Report, Request as SalesRequest},
    },
    stock::{self, queries::Wanted},
};

/// Bytes of a piece of an exported file, about; a line more still fits into 64 KiB.
const PIECE: usize = 48 * 1024;

/// The server to be mounted.
pub(crate) fn server(deps: &Deps, config: &Config) -> ReportServiceServer<Reports> {
    let company = Company {
        currency: config.kpi_currency,
        calendar: config.calendar(),
        export_rows: config.kpi_export_rows.into(),
    };
    ReportServiceServer::new(Reports { deps: deps.clone(), company })
}

/// The report RPCs.
pub(crate) struct Reports {
    deps: Deps,
    company: Company,
}

impl Reports {
    /// What a report is read in; dropped at its end, since nothing was written.
    async fn frozen(&self) -> Result<Tx, Error> {
        let mut tx = self.deps.db.begin().await?;
        queries::freeze(&mut tx).await?;
        Ok(tx)
    }

    pub(super) async fn sales(&self, wanted: &SalesRequest) -> Result<Report, Error> {
        let mut tx = self.frozen().await?;
        Ok(sales::queries::report(&mut tx, wanted).await?)
    }

    async fn summary(&self, wanted: &SalesRequest) -> Result<Summary, Error> {
        let mut tx = self.frozen().await?;
        let (currency, filter) = (wanted.currency.code(), &wanted.filter);
        let (figures, comparisons) = sales::queries::totals(&mut tx, wanted).await?;
        let counts = overview::queries::counts(&mut tx, Some(currency), wanted.period, filter).await?;
        let states = overview::queries::states(&mut tx, Some(currency), wanted.period, filter).await?;
        let around = overview::queries::around(&mut tx, currency, wanted.period).await?;
        let mut others = Vec::new();
        for period in wanted.compare.periods(wanted.period) {
            let counts = overview::queries::counts(&mut tx, Some(currency), period, filter).await?;
            others.push((period, counts, overview::queries::around(&mut tx, currency, period).await?));
        }
        Ok(Summary { figures, comparisons, counts, states, around, others })
    }

    pub(super) async fn funnel(&self, wanted: &FunnelWanted) -> Result<wire::GetFunnelResponse, Error> {
        let mut tx = self.frozen().await?;
        let counts = overview::queries::counts(&mut tx, None, wanted.period, &wanted.filter).await?;
        let mut others = Vec::new();
        for period in wanted.compare.periods(wanted.period) {
            others.push((period, overview::queries::counts(&mut tx, None, period, &wanted.filter).await?));
        }
        Ok(overview::convert::funnel_response(counts, &others))
    }

    /// Rows, and everything in one.
    pub(super) async fn deliveries(
        &self,
        wanted: &KeyedWanted,
    ) -> Result<(Vec<delivery::convert::Compared>, delivery::convert::Compared), Error> {
        let KeyedWanted { period, group, .. } = *wanted;
        let mut tx = self.frozen().await?;
        let page = Rows { after: wanted.after.as_deref(), keys: None, limit: wanted.limit };
        let found = delivery::queries::deliveries(&mut tx, period, group, page).await?;
        let keys: Vec<String> = found.iter().map(|row| row.key.clone()).collect();
        let same = Rows { after: None, keys: Some(&keys), limit: wanted.limit };
        let one = Rows { after: None, keys: None, limit: 1 };
        let all = delivery::queries::deliveries(&mut tx, period, "all", one).await?;
        let mut rows: Vec<_> = found.into_iter().map(|row| (row, Vec::new())).collect();
        let mut totals = (all.into_iter().next().unwrap_or_default(), Vec::new());
        for other in wanted.compare.periods(period) {
            let then = delivery::queries::deliveries(&mut tx, other, group, same).await?;
            let mut then: HashMap<_, _> = then.into_iter().map(|row| (row.key.clone(), row)).collect();
            for (row, others) in &mut rows {
                others.push((other, then.remove(&row.key).unwrap_or_default()));
            }
            let all = delivery::queries::deliveries(&mut tx, other, "all", one).await?;
            totals.1.push((other, all.into_iter().next().unwrap_or_default()));
        }
        Ok((rows, totals))
    }

    pub(super) async fn stock(&self, wanted: &KeyedWanted) -> Result<Vec<stock::convert::Compared>, Error> {
        let now = self.deps.clock.now();
        let skus = (!wanted.skus.is_empty()).then_some(wanted.skus.as_slice());
        let (begins, ends) = self.company.moments(wanted.period)?;
        let page =
            Wanted { period: wanted.period, begins, ends, skus, after: wanted.after.as_deref(), limit: wanted.limit };
        let mut tx = self.frozen().await?;
        let found = stock::queries::stock(&mut tx, page, now).await?;
        let keys: Vec<String> = found.iter().map(|row| row.sku.clone()).collect();
        let mut rows: Vec<_> = found.into_iter().map(|row| (row, Vec::new())).collect();
        for period in wanted.compare.periods(wanted.period) {
            let (begins, ends) = self.company.moments(period)?;
            let same = Wanted { period, begins, ends, skus: Some(&keys), after: None, limit: wanted.limit };
            let then = stock::queries::stock(&mut tx, same, now).await?;
            let mut then: HashMap<_, _> = then.into_iter().map(|row| (row.sku.clone(), row)).collect();
            for (row, others) in &mut rows {
                others.push((period, then.remove(&row.sku).unwrap_or_default()));
            }
        }
        Ok(rows)
    }

    pub(super) async fn cohorts(
        &self,
        currency: Currency,
        period: Period,
        months: i32,
    ) -> Result<wire::GetCohortReportResponse, Error> {
        let mut tx = self.frozen().await?;
        let rows = cohorts::queries::cohorts(&mut tx, currency.code(), period, months).await?;
        Ok(cohorts::convert::response(rows, self.company.writing(currency)))
    }
}

#[tonic::async_trait]
impl ReportService for Reports {
    async fn get_sales_report(
        &self,
        request: Request<wire::GetSalesReportRequest>,
    ) -> Result<Response<wire::GetSalesReportResponse>, Status> {
        let (wanted, page) = convert::sales_request(request.get_ref(), &self.company)?;
        let mut report = self.sales(&wanted).await?;
        let key = |row: &sales::queries::ReportRow| (row.row.rank, row.row.key.clone());
        let (rows, info) = page.finish(std::mem::take(&mut report.rows), key);
        report.rows = rows;
        let mut response = sales::convert::response(&report, self.company.writing(wanted.currency));
        response.page = Some(info);
        Ok(Response::new(response))
    }

    async fn get_summary(
        &self,
        request: Request<wire::GetSummaryRequest>,
    ) -> Result<Response<wire::GetSummaryResponse>, Status> {
        let wanted = convert::summary_request(request.get_ref(), &self.company)?;
        let summary = self.summary(&wanted).await?;
        let writing = self.company.writing(wanted.currency);
        Ok(Response::new(overview::convert::summary_response(summary, writing)))
    }

    async fn get_funnel(
        &self,
        request: Request<wire::GetFunnelRequest>,
    ) -> Result<Response<wire::GetFunnelResponse>, Status> {
        let wanted = convert::funnel_request(request.get_ref())?;
        Ok(Response::new(self.funnel(&wanted).await?))
    }

    async fn get_delivery_report(
        &self,
        request: Request<wire::GetDeliveryReportRequest>,
    ) -> Result<Response<wire::GetDeliveryReportResponse>, Status> {
        let (wanted, page) = convert::delivery_request(request.get_ref())?;
        let (rows, totals) = self.deliveries(&wanted).await?;
        let (rows, info) = page.finish(rows, |(row, _)| row.key.clone());
        Ok(Response::new(wire::GetDeliveryReportResponse {
            rows: rows.into_iter().map(delivery::convert::row).collect(),
            page: Some(info),
            totals: Some(delivery::convert::row(totals)),
        }))
    }

    async fn get_stock_report(
        &self,
        request: Request<wire::GetStockReportRequest>,
    ) -> Result<Response<wire::GetStockReportResponse>, Status> {
        let (wanted, page) = convert::stock_request(request.get_ref())?;
        let rows = self.stock(&wanted).await?;
        let (rows, info) = page.finish(rows, |(row, _)| row.sku.clone());
        let writing = self.company.writing(self.company.currency);
        Ok(Response::new(wire::GetStockReportResponse {
            rows: rows.into_iter().map(|row| stock::convert::row(row, writing)).collect(),
            page: Some(info),
        }))
    }

    async fn get_cohort_report(
        &self,
        request: Request<wire::GetCohortReportRequest>,
    ) -> Result<Response<wire::GetCohortReportResponse>, Status> {
        let (currency, period, months) = convert::cohort_request(request.get_ref(), &self.company)?;
        Ok(Response::new(self.cohorts(currency, period, months).await?))
    }

    type ExportReportStream = BoxStream<'static, Result<wire::ExportReportResponse, Status>>;

    async fn export_report(
        &self,
        request: Request<wire::ExportReportRequest>,
    ) -> Result<Response<Self::ExportReportStream>, Status> {
        let request = request.into_inner();
        let mut check = Check::new();
        let style = crate::export::convert::style(&mut check, &request);
        check.done().map_err(Error::Invalid)?;
        let mut file_name = crate::export::convert::file_name(request.report.as_ref());
        let table = queries_export::table(self, request.report, &self.company).await?;
        let pieces = style.pieces(table, PIECE);
        let responses = pieces.map(move |piece| {
            // The name goes with the first piece.
            Ok(wire::ExportReportResponse {
                data: piece.into_bytes().into(),
                file_name: std::mem::take(&mut file_name),
            })
        });
        Ok(Response::new(stream::iter(responses).boxed()))
    }
}
