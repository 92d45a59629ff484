//! Between the wire and the query.

use proto::kpi::v1 as wire;
use service::Check;

use super::queries::DeliveryRow;
use crate::sales::{
    convert::{percent_text, period_changes},
    domain::{Named, Period, percent},
};

/// Reads what the rows are.
pub fn group(check: &mut Check, value: i32) -> &'static str {
    use wire::DeliveryGroupBy as G;
    match G::try_from(value).unwrap_or(G::Unspecified) {
        G::Carrier => "carrier",
        G::Region => "region",
        G::DeliveryMethod => "delivery_method",
        G::Warehouse => "warehouse",
        G::Unspecified => {
            check.wrong("group_by", "is missing or not a known value");
            "all"
        }
    }
}

/// A row with what it was in other periods.
pub type Compared = (DeliveryRow, Vec<(Period, DeliveryRow)>);

fn numbers(row: &DeliveryRow) -> Named {
    vec![
        ("shipments", Some(row.shipments.into())),
        ("delivered", Some(row.delivered.into())),
        ("refused", Some(row.refused.into())),
        ("not_collected", Some(row.not_collected.into())),
        ("on_the_way", Some(row.on_the_way.into())),
        ("delivered_percent", percent(row.delivered.into(), row.shipments.into())),
        ("failed_percent", percent((row.refused + row.not_collected).into(), row.shipments.into())),
        ("median_seconds", row.median.map(Into::into)),
        ("p90_seconds", row.p90.map(Into::into)),
    ]
}

/// A row on the wire.
#[must_use]
pub fn row((row, others): Compared) -> wire::DeliveryRow {
    let now = numbers(&row);
    let comparisons = others.iter().map(|(period, then)| period_changes(&now, &numbers(then), *period));
    let comparisons = comparisons.collect();
    let of_shipments = |part: i64| percent_text(percent(part.into(), row.shipments.into()));
    wire::DeliveryRow {
        shipments: row.shipments,
        delivered: row.delivered,
        refused: row.refused,
        not_collected: row.not_collected,
        on_the_way: row.on_the_way,
        delivered_percent: of_shipments(row.delivered),
        failed_percent: of_shipments(row.refused + row.not_collected),
        median_seconds: row.median,
        p90_seconds: row.p90,
        comparisons,
        key: row.key,
    }
}
