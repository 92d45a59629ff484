//! Puts a sales report together.

mod figures;

use figures::Scope;
pub use figures::{SalesRow, bind_filter};
use sqlx::PgConnection;

use super::domain::{Comparing, Figures, Filter, Group, Order, Period};

/// What a sales report is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Currency of the orders.
    pub currency: types::Currency,
    /// Days they were placed on.
    pub period: Period,
    /// What the rows are.
    pub group: Group,
    /// Which orders and lines.
    pub filter: Filter,
    /// Which rows, in which order.
    pub order: Order,
    /// What to compare with.
    pub compare: Comparing,
}

/// Figures of another period.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The other period.
    pub period: Period,
    /// Key of the row there.
    pub key: String,
    /// Its figures.
    pub figures: Figures,
}

/// A row with its comparisons, in the order asked for.
#[derive(Clone, Debug)]
pub struct ReportRow {
    /// This period.
    pub row: SalesRow,
    /// The others.
    pub comparisons: Vec<Compared>,
}

/// A sales report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Rows.
    pub rows: Vec<ReportRow>,
    /// All orders of the period.
    pub totals: Figures,
    /// All orders of the others.
    pub comparisons: Vec<Compared>,
}

/// Reads totals of a period and of those it is compared with.
///
/// # Errors
/// Database errors.
pub async fn totals(conn: &mut PgConnection, request: &Request) -> sqlx::Result<(Figures, Vec<Compared>)> {
    let code = request.currency.code();
    let totals = figures::totals(conn, code, request.period, &request.filter).await?;
    let mut comparisons = Vec::new();
    for period in request.compare.periods(request.period) {
        let figures = figures::totals(conn, code, period, &request.filter).await?;
        comparisons.push(Compared { period, key: String::new(), figures });
    }
    Ok((totals, comparisons))
}

/// Reads a report. The caller sees to it that all of it is read under one snapshot.
///
/// # Errors
/// Database errors.
pub async fn report(conn: &mut PgConnection, request: &Request) -> sqlx::Result<Report> {
    let (totals, comparisons) = totals(conn, request).await?;
    let scope = Scope {
        currency: request.currency.code(),
        period: request.period,
        group: request.group,
        filter: &request.filter,
    };
    let found = figures::figures(conn, scope, &request.order).await?;
    let mut rows: Vec<_> = found.into_iter().map(|row| ReportRow { row, comparisons: Vec::new() }).collect();
    for other in request.compare.periods(request.period) {
        let keys: Vec<_> = rows.iter().map(|row| counterpart(&row.row.key, request, other)).collect();
        let limit = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        let order = Order { keys: Some(keys.clone()), limit, ..Order::default() };
        let mut then: std::collections::HashMap<_, _> =
            figures::figures(conn, Scope { period: other, ..scope }, &order)
                .await?
                .into_iter()
                .map(|row| (row.key, row.figures))
                .collect();
        for (row, key) in rows.iter_mut().zip(keys) {
            let figures = then.remove(&key).unwrap_or_default();
            row.comparisons.push(Compared { period: other, key, figures });
        }
    }
    Ok(Report { rows, totals, comparisons })
}

/// Key of the row in the other period: the same, but for days, weeks and months the one at the same position.
fn counterpart(key: &str, request: &Request, other: Period) -> String {
    let Group::Time(bucket) = request.group else {
        return key.to_owned();
    };
    time::Date::parse(key, DAY)
        .map(|start| bucket.counterpart(start, request.period, other))
        .map_or_else(|_| key.to_owned(), day_text)
}

const DAY: &[time::format_description::BorrowedFormatItem<'_>] =
    time::macros::format_description!("[year]-[month]-[day]");

/// A day as it is written in keys and answers.
#[must_use]
pub fn day_text(day: time::Date) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day())
}
