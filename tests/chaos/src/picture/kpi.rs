//! The figures, as reports show them.

use std::collections::BTreeMap;

use proto::kpi::v1::{
    Figures, GetFactsStatusRequest, GetFactsStatusResponse, GetSalesReportRequest, GetSalesReportResponse,
    GetStockReportRequest, GetStockReportResponse, GetSummaryRequest, GetSummaryResponse, GroupBy, Period, StockRow,
};
use suite::client::api::Api;
use time::{Duration, OffsetDateTime};

use super::KpiPicture;
use super::read::all;

/// Every day an order of a run may lie on: times jump up to 400 days back and a day ahead.
fn period() -> Option<Period> {
    let today = OffsetDateTime::now_utc().date();
    let (from, to) = (today - Duration::days(450), today + Duration::days(5));
    Some(Period { from: from.to_string(), to: to.to_string() })
}

/// All reports of the picture.
pub(crate) async fn read(api: &Api) -> anyhow::Result<KpiPicture> {
    let summary = GetSummaryRequest { period: period(), ..GetSummaryRequest::default() };
    let summary: GetSummaryResponse = api.call("shopfloor.kpi.v1.ReportService/GetSummary", &summary).await?;
    let facts: GetFactsStatusResponse =
        api.call("shopfloor.kpi.v1.MaintenanceService/GetFactsStatus", &GetFactsStatusRequest {}).await?;
    Ok(KpiPicture {
        by_region: sales(api, GroupBy::Region).await?,
        by_product: sales(api, GroupBy::Product).await?,
        by_customer: sales(api, GroupBy::Customer).await?,
        by_day: sales(api, GroupBy::Day).await?,
        summary,
        stock: stock(api).await?,
        facts,
    })
}

async fn sales(api: &Api, group_by: GroupBy) -> anyhow::Result<BTreeMap<String, Figures>> {
    let rows = all(
        api,
        "shopfloor.kpi.v1.ReportService/GetSalesReport",
        |page| GetSalesReportRequest {
            page: Some(page),
            period: period(),
            group_by: group_by.into(),
            ..GetSalesReportRequest::default()
        },
        |answer: GetSalesReportResponse| (answer.rows, answer.page),
    )
    .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.figures.unwrap_or_default())).collect())
}

async fn stock(api: &Api) -> anyhow::Result<BTreeMap<String, StockRow>> {
    let rows = all(
        api,
        "shopfloor.kpi.v1.ReportService/GetStockReport",
        |page| GetStockReportRequest { page: Some(page), period: period(), ..GetStockReportRequest::default() },
        |answer: GetStockReportResponse| (answer.rows, answer.page),
    )
    .await?;
    // It counts up to the moment of asking, so that it is never the same twice.
    let still = |row: StockRow| StockRow { out_of_stock_seconds: 0, ..row };
    Ok(rows.into_iter().map(|row| (row.sku.clone(), still(row))).collect())
}
