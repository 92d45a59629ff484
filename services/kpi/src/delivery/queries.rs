//! Shipments by carrier, region, delivery method or warehouse.

use sqlx::{FromRow, PgConnection};

use crate::sales::domain::Period;

const DELIVERIES: &str = "-- deliveries
with shipment as (
    select case $3 when 'carrier' then s.carrier when 'warehouse' then s.warehouse
                   when 'region' then coalesce(o.region, '')
                   when 'delivery_method' then coalesce(o.delivery_method, '') else '' end collate \"C\" as key,
           s.delivered_at is not null as delivered, s.failed_at is not null as failed,
           s.failed_reason = 'refused' as refused,
           greatest(extract(epoch from s.delivered_at - s.shipped_at), 0)::bigint as seconds
    from shipment_fact s left join order_fact o on o.order_id = s.order_id and $3 in ('region', 'delivery_method')
    where s.shipped_day between $1 and $2
)
select key, count(*) as shipments, count(*) filter (where delivered) as delivered,
       count(*) filter (where not delivered and failed and refused) as refused,
       count(*) filter (where not delivered and failed and not refused) as not_collected,
       count(*) filter (where not delivered and not failed) as on_the_way,
       percentile_disc(0.5) within group (order by seconds) filter (where delivered) as median,
       percentile_disc(0.9) within group (order by seconds) filter (where delivered) as p90
from shipment
where ($4::text is null or key > $4) and ($6::text[] is null or key = any($6))
group by key
order by key
limit $5";

/// A row of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct DeliveryRow {
    /// What it is about.
    pub key: String,
    /// Shipments that left.
    pub shipments: i64,
    /// Delivered.
    pub delivered: i64,
    /// Refused.
    pub refused: i64,
    /// Not collected.
    pub not_collected: i64,
    /// Still on the way.
    pub on_the_way: i64,
    /// Seconds within which half arrived.
    pub median: Option<i64>,
    /// Seconds within which nine of ten arrived.
    pub p90: Option<i64>,
}

/// Which rows, by key.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Only keys after this one.
    pub after: Option<&'a str>,
    /// Only these keys.
    pub keys: Option<&'a [String]>,
    /// At most so many.
    pub limit: i64,
}

/// Shipments by key; `group` is `carrier`, `warehouse`, `region`, `delivery_method` or `all`.
///
/// # Errors
/// Database errors.
pub async fn deliveries(
    conn: &mut PgConnection,
    period: Period,
    group: &str,
    rows: Rows<'_>,
) -> sqlx::Result<Vec<DeliveryRow>> {
    sqlx::query_as(DELIVERIES)
        .bind(period.from)
        .bind(period.to)
        .bind(group)
        .bind(rows.after)
        .bind(rows.limit)
        .bind(rows.keys)
        .fetch_all(conn)
        .await
}
