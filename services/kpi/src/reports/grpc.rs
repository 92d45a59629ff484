//! The report RPCs.

use futures::stream::{self, BoxStream, StreamExt as _};
use proto::kpi::v1::{
    self as wire,
    report_service_server::{ReportService, ReportServiceServer},
};
use service::{Check, Deps, Tx};
use tonic::{Request, Response, Status};
use types::Currency;

use super::{
    convert::{self, Company},
    export, queries,
};
use crate::{
    cohorts,
    config::Config,
    delivery::{self, queries::DeliveryRow},
    error::Error,
    overview::{self, convert::Summary},
    sales::{
        self,
        domain::{Filter, Period},
        queries::{Report, Request as SalesRequest},
    },
    stock::{
        self,
        queries::{StockRow, Wanted},
    },
};

/// Bytes of a piece of an exported file, about; a line more still fits into 64 KiB.
const PIECE: usize = 48 * 1024;

/// The server to be mounted.
pub(crate) fn server(deps: &Deps, config: &Config) -> ReportServiceServer<Reports> {
    let company = Company { currency: config.kpi_currency, calendar: config.calendar() };
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
        let currency = wanted.currency.code();
        let (figures, comparisons) = sales::queries::totals(&mut tx, wanted).await?;
        let counts = overview::queries::counts(&mut tx, Some(currency), wanted.period, &wanted.filter).await?;
        let states = overview::queries::states(&mut tx, Some(currency), wanted.period, &wanted.filter).await?;
        let around = overview::queries::around(&mut tx, currency, wanted.period).await?;
        Ok(Summary { figures, comparisons, counts, states, around })
    }

    pub(super) async fn funnel(&self, period: Period, filter: &Filter) -> Result<wire::GetFunnelResponse, Error> {
        let mut tx = self.frozen().await?;
        let counts = overview::queries::counts(&mut tx, None, period, filter).await?;
        Ok(overview::convert::funnel_response(counts))
    }

    /// Rows, and everything in one.
    pub(super) async fn deliveries(
        &self,
        period: Period,
        group: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<(Vec<DeliveryRow>, DeliveryRow), Error> {
        let mut tx = self.frozen().await?;
        let rows = delivery::queries::deliveries(&mut tx, period, group, after, limit).await?;
        let totals = delivery::queries::deliveries(&mut tx, period, "all", None, 1).await?;
        Ok((rows, totals.into_iter().next().unwrap_or_default()))
    }

    pub(super) async fn stock(
        &self,
        period: Period,
        skus: &[String],
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<StockRow>, Error> {
        let (begins, ends) = self.company.moments(period)?;
        let skus = (!skus.is_empty()).then_some(skus);
        let wanted = Wanted { period, begins, ends, skus, after, limit };
        let mut tx = self.frozen().await?;
        Ok(stock::queries::stock(&mut tx, wanted, self.deps.clock.now()).await?)
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
        let (period, filter) = convert::funnel_request(request.get_ref())?;
        Ok(Response::new(self.funnel(period, &filter).await?))
    }

    async fn get_delivery_report(
        &self,
        request: Request<wire::GetDeliveryReportRequest>,
    ) -> Result<Response<wire::GetDeliveryReportResponse>, Status> {
        let (period, group, page) = convert::delivery_request(request.get_ref())?;
        let (rows, totals) = self.deliveries(period, group, page.after.as_deref(), page.limit() + 1).await?;
        let (rows, info) = page.finish(rows, |row| row.key.clone());
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
        let (period, page) = convert::stock_request(request.get_ref())?;
        let rows = self.stock(period, &request.get_ref().skus, page.after.as_deref(), page.limit() + 1).await?;
        let (rows, info) = page.finish(rows, |row| row.sku.clone());
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
        let table = export::table(self, request.report, &self.company).await?;
        let pieces = style.pieces(table, PIECE);
        let responses = pieces.map(|piece| Ok(wire::ExportReportResponse { data: piece.into_bytes().into() }));
        Ok(Response::new(stream::iter(responses).boxed()))
    }
}
