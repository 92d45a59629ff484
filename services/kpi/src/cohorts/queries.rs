//! Orders of cohorts by month.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::Date;

use crate::sales::domain::Period;

const COHORTS: &str = "-- cohorts
with first_order as (
    select customer_id, min(business_day) as day
    from order_fact
    where customer_id is not null and business_day is not null and currency = $1
    group by customer_id
), cohort as (
    select customer_id, date_trunc('month', day::timestamp)::date as month
    from first_order where day between $2 and $3
), active as (
    select c.month as cohort, o.customer_id, count(*) as orders, sum(o.revenue) as revenue,
           ((extract(year from o.business_day) - extract(year from c.month)) * 12
             + extract(month from o.business_day) - extract(month from c.month))::integer as month
    from cohort c join order_fact o using (customer_id)
    where o.currency = $1 and o.business_day < (c.month + make_interval(months => $4 + 1))::date
    group by c.month, o.customer_id, 5
)
select cohort, month, count(*) as customers, sum(orders)::bigint as orders, sum(revenue) as revenue
from active
group by cohort, month
order by cohort, month";

/// A month in the life of a cohort.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct CohortRow {
    /// First day of the month of the first orders.
    pub cohort: Date,
    /// Months since then.
    pub month: i32,
    /// Customers who ordered in it; in month 0 all of the cohort.
    pub customers: i64,
    /// Their orders.
    pub orders: i64,
    /// Revenue of these.
    pub revenue: Decimal,
}

/// Cohorts of customers whose first order was placed in the period, over so many months.
///
/// # Errors
/// Database errors.
pub async fn cohorts(
    conn: &mut PgConnection,
    currency: &str,
    period: Period,
    months: i32,
) -> sqlx::Result<Vec<CohortRow>> {
    sqlx::query_as(COHORTS).bind(currency).bind(period.from).bind(period.to).bind(months).fetch_all(conn).await
}
