//! Onto the wire.

use proto::kpi::v1 as wire;

use super::queries::CohortRow;
use crate::sales::{
    convert::{Writing, percent_text},
    domain::percent,
    queries::day_text,
};

/// Rows in the order of the query, gathered by cohort.
#[must_use]
pub fn response(rows: Vec<CohortRow>, writing: Writing) -> wire::GetCohortReportResponse {
    let mut cohorts: Vec<wire::Cohort> = Vec::new();
    for row in rows {
        let month = day_text(row.cohort);
        if cohorts.last().is_none_or(|last| last.month != month) {
            cohorts.push(wire::Cohort { month, customers: row.customers, months: Vec::new() });
        }
        if let Some(cohort) = cohorts.last_mut() {
            cohort.months.push(wire::CohortMonth {
                month: row.month,
                customers: row.customers,
                retention_percent: percent_text(percent(row.customers.into(), cohort.customers.into())),
                orders: row.orders,
                revenue: Some(writing.money(row.revenue)),
            });
        }
    }
    wire::GetCohortReportResponse { cohorts }
}
