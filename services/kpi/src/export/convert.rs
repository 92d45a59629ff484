//! Reports, as they are on the wire, as tables.

use proto::common::v1::Money;
use proto::kpi::v1::{self as wire, export_report_request::Report};
use service::Check;

use super::domain::{Cell, Style, Table};
use crate::sales::domain::{Kind, Measure};

fn text(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}

fn number(value: impl ToString) -> Cell {
    Cell::Number(value.to_string())
}

fn money(value: Option<&Money>) -> Cell {
    Cell::Number(value.map(|money| money.amount.clone()).unwrap_or_default())
}

fn heading(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Reads how to write.
pub fn style(check: &mut Check, request: &wire::ExportReportRequest) -> Style {
    let separator = match wire::CsvSeparator::try_from(request.separator) {
        Ok(wire::CsvSeparator::Unspecified | wire::CsvSeparator::Semicolon) => ';',
        Ok(wire::CsvSeparator::Comma) => ',',
        Err(_) => {
            check.wrong("separator", "is not a known value");
            ';'
        }
    };
    Style { separator, decimal_comma: request.decimal_comma, byte_order_mark: request.byte_order_mark }
}

/// A name for the file: the report and its days.
pub fn file_name(report: Option<&Report>) -> String {
    let (name, period) = match report {
        Some(Report::Sales(report)) => ("sales", &report.period),
        Some(Report::Delivery(report)) => ("delivery", &report.period),
        Some(Report::Stock(report)) => ("stock", &report.period),
        Some(Report::Funnel(report)) => ("funnel", &report.period),
        Some(Report::Cohorts(report)) => ("cohorts", &report.period),
        None => ("report", &None),
    };
    match period {
        Some(period) => format!("{name}-{}-{}.csv", period.from, period.to),
        None => format!("{name}.csv"),
    }
}

fn figures(value: Option<&wire::Figures>) -> Vec<Cell> {
    let nothing = wire::Figures::default();
    let f = value.unwrap_or(&nothing);
    vec![
        number(f.orders),
        number(f.effective_orders),
        number(f.discounted_orders),
        number(f.cancelled_orders),
        number(f.returned_orders),
        number(f.uncollected_orders),
        number(f.lines),
        number(&f.units),
        money(f.gross.as_ref()),
        money(f.discount.as_ref()),
        money(f.placed.as_ref()),
        money(f.cancelled.as_ref()),
        money(f.returned.as_ref()),
        money(f.uncollected.as_ref()),
        money(f.revenue.as_ref()),
        money(f.shipped.as_ref()),
        money(f.net_sales.as_ref()),
        money(f.cost.as_ref()),
        money(f.margin.as_ref()),
        money(f.average_check.as_ref()),
        number(&f.discount_percent),
        number(&f.margin_percent),
    ]
}

/// Key, label, the figures, and for each comparison the figures there and how they moved in percent.
#[must_use]
pub fn sales(report: &wire::GetSalesReportResponse, compared: &[Kind]) -> Table {
    let mut names = heading(&["key", "label"]);
    names.extend(Measure::ALL.iter().map(|measure| measure.code().to_owned()));
    for kind in compared {
        let prefix = match kind {
            Kind::Previous => "previous",
            Kind::LastYear => "last_year",
        };
        names.push(format!("{prefix}_key"));
        names.extend(Measure::ALL.iter().map(|measure| format!("{prefix}_{}", measure.code())));
        names.extend(Measure::ALL.iter().map(|measure| format!("{prefix}_{}_change_percent", measure.code())));
    }
    let lines = report.rows.iter().map(|row| {
        let mut line = vec![text(&row.key), text(&row.label)];
        line.extend(figures(row.figures.as_ref()));
        for then in &row.comparisons {
            line.push(text(&then.key));
            line.extend(figures(then.figures.as_ref()));
            line.extend((1..).zip(Measure::ALL).map(|(measure, _)| {
                let change = then.changes.iter().find(|change| change.measure == measure);
                number(change.map(|change| change.percent.as_str()).unwrap_or_default())
            }));
        }
        line
    });
    Table { heading: names, lines: lines.collect() }
}

/// Columns for how numbers moved: what they were in each compared period, and the change in percent.
fn compared<'a>(rows: impl Iterator<Item = &'a [wire::PeriodChanges]>, names: &[&str], kinds: usize) -> Moves {
    let heading = (1..=kinds).flat_map(|kind| {
        names
            .iter()
            .flat_map(move |name| [format!("{name}_compared_{kind}"), format!("{name}_compared_{kind}_change_percent")])
    });
    let cells = rows.map(|comparisons| {
        let pair = |then: &wire::PeriodChanges, name: &str| {
            let change = then.changes.iter().find(|change| change.name == name);
            [
                number(change.map(|change| change.before.as_str()).unwrap_or_default()),
                number(change.map(|change| change.percent.as_str()).unwrap_or_default()),
            ]
        };
        comparisons.iter().flat_map(|then| names.iter().flat_map(move |name| pair(then, name))).collect()
    });
    Moves { heading: heading.collect(), cells: cells.collect() }
}

/// What [`compared`] adds to the heading and to each line.
struct Moves {
    heading: Vec<String>,
    cells: Vec<Vec<Cell>>,
}

impl Moves {
    fn join(self, names: &[&str], lines: impl Iterator<Item = Vec<Cell>>) -> Table {
        let mut all = heading(names);
        all.extend(self.heading);
        let lines = lines.zip(self.cells).map(|(mut line, cells)| {
            line.extend(cells);
            line
        });
        Table { heading: all, lines: lines.collect() }
    }
}

/// The delivery report.
#[must_use]
pub fn delivery(rows: &[wire::DeliveryRow], kinds: usize) -> Table {
    let names = [
        "key",
        "shipments",
        "delivered",
        "refused",
        "not_collected",
        "on_the_way",
        "delivered_percent",
        "failed_percent",
        "median_seconds",
        "p90_seconds",
    ];
    let seconds = |value: Option<i64>| number(value.map(|value| value.to_string()).unwrap_or_default());
    let line = |row: &wire::DeliveryRow| {
        vec![
            text(&row.key),
            number(row.shipments),
            number(row.delivered),
            number(row.refused),
            number(row.not_collected),
            number(row.on_the_way),
            number(&row.delivered_percent),
            number(&row.failed_percent),
            seconds(row.median_seconds),
            seconds(row.p90_seconds),
        ]
    };
    let moves = compared(rows.iter().map(|row| row.comparisons.as_slice()), &names[1..], kinds);
    moves.join(&names, rows.iter().map(line))
}

/// The stock report.
#[must_use]
pub fn stock(rows: &[wire::StockRow], kinds: usize) -> Table {
    let names = [
        "sku",
        "name",
        "received_quantity",
        "received_cost",
        "shipped_quantity",
        "shipped_cost",
        "back_quantity",
        "back_cost",
        "written_off_quantity",
        "written_off_cost",
        "days_with_shipments",
        "stock_outs",
        "out_of_stock_seconds",
        "out_of_stock",
    ];
    let line = |row: &wire::StockRow| {
        vec![
            text(&row.sku),
            text(&row.name),
            number(&row.received_quantity),
            money(row.received_cost.as_ref()),
            number(&row.shipped_quantity),
            money(row.shipped_cost.as_ref()),
            number(&row.back_quantity),
            money(row.back_cost.as_ref()),
            number(&row.written_off_quantity),
            money(row.written_off_cost.as_ref()),
            number(row.days_with_shipments),
            number(row.stock_outs),
            number(row.out_of_stock_seconds),
            text(if row.out_of_stock { "yes" } else { "no" }),
        ]
    };
    let moves = compared(rows.iter().map(|row| row.comparisons.as_slice()), &names[2..13], kinds);
    moves.join(&names, rows.iter().map(line))
}

/// The stages of the funnel.
#[must_use]
pub fn funnel(funnel: &wire::GetFunnelResponse) -> Table {
    let names = ["stage", "orders", "percent_of_placed", "percent_of_previous", "median_seconds", "p90_seconds"];
    let line = |stage: &wire::FunnelStage| {
        let seconds = |pick: fn(&wire::TimeSpent) -> Option<i64>| {
            let value = stage.since_previous.as_ref().and_then(pick);
            number(value.map(|value| value.to_string()).unwrap_or_default())
        };
        vec![
            text(&stage.stage),
            number(stage.orders),
            number(&stage.percent_of_placed),
            number(&stage.percent_of_previous),
            seconds(|time| time.median_seconds),
            seconds(|time| time.p90_seconds),
        ]
    };
    let mut names = heading(&names);
    for kind in 1..=funnel.comparisons.len() {
        names.extend([format!("orders_compared_{kind}"), format!("orders_compared_{kind}_change_percent")]);
    }
    let lines = funnel.stages.iter().map(|stage| {
        let mut cells = line(stage);
        for then in &funnel.comparisons {
            let change = then.changes.iter().find(|change| change.name == stage.stage);
            cells.push(number(change.map(|change| change.before.as_str()).unwrap_or_default()));
            cells.push(number(change.map(|change| change.percent.as_str()).unwrap_or_default()));
        }
        cells
    });
    Table { heading: names, lines: lines.collect() }
}

/// One line a cohort and month.
#[must_use]
pub fn cohorts(report: &wire::GetCohortReportResponse) -> Table {
    let names = ["cohort", "cohort_customers", "month", "customers", "retention_percent", "orders", "revenue"];
    let lines = report.cohorts.iter().flat_map(|cohort| {
        cohort.months.iter().map(|month| {
            vec![
                text(&cohort.month),
                number(cohort.customers),
                number(month.month),
                number(month.customers),
                number(&month.retention_percent),
                number(month.orders),
                money(month.revenue.as_ref()),
            ]
        })
    });
    Table { heading: heading(&names), lines: lines.collect() }
}
