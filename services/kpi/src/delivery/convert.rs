//! Between the wire and the query.

use proto::kpi::v1 as wire;
use service::Check;

use super::queries::DeliveryRow;
use crate::sales::{convert::percent_text, domain::percent};

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

/// A row on the wire.
#[must_use]
pub fn row(row: DeliveryRow) -> wire::DeliveryRow {
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
        key: row.key,
    }
}
