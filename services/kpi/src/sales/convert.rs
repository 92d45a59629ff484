//! Between the wire and the domain.

use proto::common::v1::Money as WireMoney;
use proto::kpi::v1 as wire;
use rust_decimal::Decimal;
use service::Check;
use types::{Currency, Money, round_half_away};

use super::{
    domain::{Bucket, Comparing, Figures, Filter, Group, Kind, Measure, Named, Order, Period, changes, named_changes},
    queries::{Compared, Report, ReportRow, Request, day_text},
};

/// Values a list of a filter may have.
const MOST_VALUES: usize = 200;
/// Days a period may have.
const MOST_DAYS: i64 = 3_660;

/// What amounts are written in.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    /// Currency of the report.
    pub currency: Currency,
    /// True when costs are in it too.
    pub costed: bool,
}

impl Writing {
    /// An amount on the wire, with at least the minor-unit digits.
    #[must_use]
    pub fn money(self, amount: Decimal) -> WireMoney {
        Money::new(canonical(amount, self.currency.minor_digits()), self.currency).into()
    }
}

/// The one text form of an amount: the minor-unit digits, or more when it has more.
fn canonical(amount: Decimal, digits: u32) -> Decimal {
    let plain = amount.normalize();
    if plain.scale() <= digits { round_half_away(plain, digits) } else { plain }
}

/// A plain number without trailing zeros.
#[must_use]
pub fn number(value: Decimal) -> String {
    value.normalize().to_string()
}

/// A percentage, or nothing.
#[must_use]
pub fn percent_text(value: Option<Decimal>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Reads a period.
pub fn period(check: &mut Check, value: &Option<wire::Period>) -> Period {
    let Some(value) = value else {
        check.wrong("period", "is missing");
        return Period { from: time::Date::MIN, to: time::Date::MIN };
    };
    let (from, to) = (check.date("period.from", &value.from), check.date("period.to", &value.to));
    let period = Period { from, to };
    check.require((2..=9998).contains(&from.year()), "period.from", "must lie in the years 2 to 9998");
    check.require((2..=9998).contains(&to.year()), "period.to", "must lie in the years 2 to 9998");
    check.require(from <= to, "period.to", "must not be before from");
    check.require(period.days() <= MOST_DAYS, "period", format!("must not be longer than {MOST_DAYS} days"));
    period
}

/// Reads a currency; empty means the company's.
pub fn currency(check: &mut Check, value: &str, company: Currency) -> Currency {
    if value.is_empty() {
        return company;
    }
    Currency::parse(value).unwrap_or_else(|error| {
        check.wrong("currency", error.to_string());
        company
    })
}

fn list(check: &mut Check, field: &str, values: &[String]) -> Option<Vec<String>> {
    check.len(field, values.len(), 0..=MOST_VALUES);
    for (index, value) in values.iter().enumerate().take(MOST_VALUES) {
        check.optional_text(&format!("{field}[{index}]"), value, 256);
    }
    (!values.is_empty()).then(|| values.to_vec())
}

/// Reads a filter.
pub fn filter(check: &mut Check, value: &Option<wire::Filter>) -> Filter {
    let Some(value) = value else {
        return Filter::default();
    };
    check.len("filter.customer_ids", value.customer_ids.len(), 0..=MOST_VALUES);
    let customers = value.customer_ids.iter().take(MOST_VALUES).enumerate();
    let customers: Vec<_> =
        customers.map(|(index, id)| check.uuid(&format!("filter.customer_ids[{index}]"), id)).collect();
    check.optional_text("filter.category", &value.category, 1_000);
    let discounted = wire::Discounted::try_from(value.discounted).unwrap_or_else(|_| {
        check.wrong("filter.discounted", "is not a known value");
        wire::Discounted::Unspecified
    });
    Filter {
        channels: list(check, "filter.channels", &value.channels),
        regions: list(check, "filter.regions", &value.regions),
        delivery_methods: list(check, "filter.delivery_methods", &value.delivery_methods),
        payment_methods: list(check, "filter.payment_methods", &value.payment_methods),
        category: (!value.category.is_empty()).then(|| value.category.clone()),
        brands: list(check, "filter.brands", &value.brands),
        skus: list(check, "filter.skus", &value.skus),
        customers: (!customers.is_empty()).then_some(customers),
        discounted: match discounted {
            wire::Discounted::Unspecified => None,
            wire::Discounted::With => Some(true),
            wire::Discounted::Without => Some(false),
        },
    }
}

/// Reads what to compare with.
pub fn comparing(check: &mut Check, values: &[i32], align_weekdays: bool) -> Comparing {
    check.len("compare", values.len(), 0..=2);
    let mut kinds = Vec::new();
    for (index, value) in values.iter().take(2).enumerate() {
        let kind = match wire::ComparisonKind::try_from(*value) {
            Ok(wire::ComparisonKind::PreviousPeriod) => Kind::Previous,
            Ok(wire::ComparisonKind::LastYear) => Kind::LastYear,
            _ => {
                check.wrong(format!("compare[{index}]"), "must be the previous period or last year");
                continue;
            }
        };
        check.require(!kinds.contains(&kind), format!("compare[{index}]"), "is asked for twice");
        kinds.push(kind);
    }
    Comparing { kinds, align_weekdays }
}

fn group(check: &mut Check, value: i32, level: i32) -> Group {
    use wire::GroupBy as G;
    let by = G::try_from(value).unwrap_or(G::Unspecified);
    check.require(by == G::Category || level == 0, "category_level", "only has a meaning when grouping by category");
    check.require((0..=9).contains(&level), "category_level", "must be 0 to 9");
    match by {
        G::Unspecified => {
            check.wrong("group_by", "is missing or not a known value");
            Group::All
        }
        G::Day => Group::Time(Bucket::Day),
        G::Week => Group::Time(Bucket::Week),
        G::Month => Group::Time(Bucket::Month),
        G::Channel => Group::Channel,
        G::Region => Group::Region,
        G::Category => Group::Category(u8::try_from(level).unwrap_or(0)),
        G::Brand => Group::Brand,
        G::Product => Group::Product,
        G::Customer => Group::Customer,
        G::DeliveryMethod => Group::DeliveryMethod,
        G::PaymentMethod => Group::PaymentMethod,
    }
}

fn measure(check: &mut Check, value: i32) -> Option<Measure> {
    match usize::try_from(value).ok().and_then(|value| value.checked_sub(1)) {
        None if value == 0 => None,
        Some(index) if index < Measure::ALL.len() => Some(Measure::ALL[index]),
        _ => {
            check.wrong("order_by", "is not a known value");
            None
        }
    }
}

fn wire_measure(measure: Measure) -> i32 {
    let index = Measure::ALL.iter().position(|known| *known == measure);
    index.and_then(|index| i32::try_from(index + 1).ok()).unwrap_or_default()
}

/// Reads a request for a sales report; the page is for the caller.
pub fn request(check: &mut Check, value: &wire::GetSalesReportRequest, company: Currency) -> Request {
    Request {
        currency: currency(check, &value.currency, company),
        period: period(check, &value.period),
        group: group(check, value.group_by, value.category_level),
        filter: filter(check, &value.filter),
        order: Order { by: measure(check, value.order_by), reverse: value.reverse, ..Order::default() },
        compare: comparing(check, &value.compare, value.align_weekdays),
    }
}

/// Figures on the wire.
#[must_use]
pub fn figures(figures: &Figures, writing: Writing) -> wire::Figures {
    let money = |amount| Some(writing.money(amount));
    let costed = |amount| writing.costed.then(|| writing.money(amount));
    wire::Figures {
        orders: figures.orders,
        effective_orders: figures.effective_orders,
        discounted_orders: figures.discounted_orders,
        cancelled_orders: figures.cancelled_orders,
        returned_orders: figures.returned_orders,
        uncollected_orders: figures.uncollected_orders,
        lines: figures.lines,
        units: number(figures.units),
        gross: money(figures.gross),
        discount: money(figures.discount),
        placed: money(figures.placed),
        cancelled: money(figures.cancelled),
        returned: money(figures.returned),
        uncollected: money(figures.uncollected),
        revenue: money(figures.revenue),
        shipped: money(figures.shipped),
        net_sales: money(figures.net_sales),
        cost: costed(figures.cost),
        margin: costed(figures.margin()),
        average_check: figures.average_check(writing.currency.minor_digits()).and_then(money),
        discount_percent: percent_text(figures.discount_percent()),
        margin_percent: percent_text(figures.margin_percent().filter(|_| writing.costed)),
    }
}

/// A comparison on the wire.
#[must_use]
pub fn comparison(now: &Figures, then: &Compared, writing: Writing) -> wire::Comparison {
    let changes = changes(now, &then.figures, writing.currency.minor_digits(), writing.costed);
    wire::Comparison {
        from: day_text(then.period.from),
        to: day_text(then.period.to),
        key: then.key.clone(),
        figures: Some(figures(&then.figures, writing)),
        changes: changes
            .into_iter()
            .map(|change| wire::Change {
                measure: wire_measure(change.measure),
                absolute: number(change.absolute),
                percent: percent_text(change.percent),
            })
            .collect(),
    }
}

/// How numbers moved against another period, on the wire.
#[must_use]
pub fn period_changes(now: &Named, then: &Named, period: Period) -> wire::PeriodChanges {
    let changes = named_changes(now, then).into_iter().map(|change| wire::NamedChange {
        name: change.name.to_owned(),
        before: number(change.before),
        absolute: number(change.absolute),
        percent: percent_text(change.percent),
    });
    wire::PeriodChanges { from: day_text(period.from), to: day_text(period.to), changes: changes.collect() }
}

fn row(row: &ReportRow, writing: Writing) -> wire::SalesRow {
    let now = &row.row.figures;
    wire::SalesRow {
        key: row.row.key.clone(),
        label: row.row.label.clone(),
        figures: Some(figures(now, writing)),
        comparisons: row.comparisons.iter().map(|then| comparison(now, then, writing)).collect(),
    }
}

/// A report on the wire, but for the page.
#[must_use]
pub fn response(report: &Report, writing: Writing) -> wire::GetSalesReportResponse {
    wire::GetSalesReportResponse {
        rows: report.rows.iter().map(|line| row(line, writing)).collect(),
        page: None,
        totals: Some(figures(&report.totals, writing)),
        comparisons: report.comparisons.iter().map(|then| comparison(&report.totals, then, writing)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_numbered_as_on_the_wire() {
        for measure in Measure::ALL {
            let wire = wire::Measure::try_from(wire_measure(*measure)).unwrap();
            assert_eq!(wire.as_str_name(), format!("MEASURE_{}", measure.code().to_uppercase()));
        }
        assert_eq!(Measure::ALL.len(), 22);
    }
}
