//! Counts, states and times of the orders of a period.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};

use super::domain::TimeSpent;
use crate::sales::{
    domain::{Filter, Period},
    queries::bind_filter,
};

/// Everything counted in one pass over the orders; percentiles are picked, not computed, so they stay whole seconds.
/// $1 to $12 are the filter; without currency all orders count.
const COUNTS: &str = "-- order_counts
with chosen as (
    select o.* from order_fact o
    where ($1::text is null or o.currency = $1) and o.business_day between $2 and $3
      and ($4::text[] is null or o.channel = any($4))
      and ($5::text[] is null or o.region = any($5))
      and ($6::text[] is null or o.delivery_method = any($6))
      and ($7::text[] is null or o.payment_method = any($7))
      and ($11::uuid[] is null or o.customer_id = any($11))
      and ($12::boolean is null or o.any_discount = $12)
      and (($8::text is null and $9::text[] is null and $10::text[] is null) or exists (
            select from order_line_fact l
            where l.order_id = o.order_id
              and ($8::text is null or l.category = $8 or starts_with(l.category, $8 || '/'))
              and ($9::text[] is null or l.brand = any($9))
              and ($10::text[] is null or l.sku = any($10))))
), span as (
    select c.order_id, t.pair, greatest(extract(epoch from t.until - t.since), 0)::bigint as seconds
    from chosen c
    cross join lateral (values
        (1, c.placed_at, c.confirmed_at), (2, c.confirmed_at, c.reserved_at), (3, c.reserved_at, c.picking_at),
        (4, c.picking_at, c.packed_at), (5, c.packed_at, c.shipped_at), (6, c.shipped_at, c.delivered_at),
        (7, c.placed_at, c.shipped_at), (8, c.placed_at, c.delivered_at)) as t (pair, since, until)
    where t.since is not null and t.until is not null
), spent as (
    select pair, count(*) as orders, percentile_disc(0.5) within group (order by seconds) as median,
           percentile_disc(0.9) within group (order by seconds) as p90
    from span group by pair
)
select array[count(*), count(confirmed_at), count(reserved_at), count(picking_at), count(packed_at),
             count(shipped_at), count(delivered_at)] as reached,
       count(distinct customer_id) as customers,
       count(*) filter (where customer_first_order) as new_orders,
       count(*) filter (where customer_id is not null and not customer_first_order) as repeat_orders,
       count(*) filter (where customer_id is null) as anonymous_orders,
       count(paid_at) as paid, count(*) filter (where order_state = 'cancelled') as cancelled,
       count(failed_at) as uncollected, count(returned_at) as returned,
       array(select s.orders from generate_series(1, 8) n left join spent s on s.pair = n order by n) as span_orders,
       array(select s.median from generate_series(1, 8) n left join spent s on s.pair = n order by n) as span_median,
       array(select s.p90 from generate_series(1, 8) n left join spent s on s.pair = n order by n) as span_p90
from chosen";

const STATES: &str = "-- order_states
select case when grouping(order_state) = 0 then 'order' when grouping(payment_state) = 0 then 'payment'
            else 'fulfilment' end as machine,
       coalesce(order_state, payment_state, fulfilment_state) as state, count(*) as orders
from order_fact o
where ($1::text is null or o.currency = $1) and o.business_day between $2 and $3
  and ($4::text[] is null or o.channel = any($4))
  and ($5::text[] is null or o.region = any($5))
  and ($6::text[] is null or o.delivery_method = any($6))
  and ($7::text[] is null or o.payment_method = any($7))
  and ($11::uuid[] is null or o.customer_id = any($11))
  and ($12::boolean is null or o.any_discount = $12)
  and (($8::text is null and $9::text[] is null and $10::text[] is null) or exists (
        select from order_line_fact l
        where l.order_id = o.order_id
          and ($8::text is null or l.category = $8 or starts_with(l.category, $8 || '/'))
          and ($9::text[] is null or l.brand = any($9))
          and ($10::text[] is null or l.sku = any($10))))
group by grouping sets ((order_state), (payment_state), (fulfilment_state))
order by machine, orders desc, state";

/// Pairs of moments in the order of the query.
const SPANS: [(&str, &str); 8] = [
    ("placed", "confirmed"),
    ("confirmed", "reserved"),
    ("reserved", "picking"),
    ("picking", "packed"),
    ("packed", "shipped"),
    ("shipped", "delivered"),
    ("placed", "shipped"),
    ("placed", "delivered"),
];

#[derive(FromRow)]
struct CountsRow {
    reached: Vec<i64>,
    customers: i64,
    new_orders: i64,
    repeat_orders: i64,
    anonymous_orders: i64,
    paid: i64,
    cancelled: i64,
    uncollected: i64,
    returned: i64,
    span_orders: Vec<Option<i64>>,
    span_median: Vec<Option<i64>>,
    span_p90: Vec<Option<i64>>,
}

/// What is counted of the orders of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Orders that reached each stage.
    pub reached: [i64; 7],
    /// Different customers.
    pub customers: i64,
    /// Customers' first orders.
    pub new_orders: i64,
    /// Orders of customers who had ordered before.
    pub repeat_orders: i64,
    /// Orders of nobody known.
    pub anonymous_orders: i64,
    /// Paid in full.
    pub paid: i64,
    /// Cancelled as a whole.
    pub cancelled: i64,
    /// With a shipment refused or not collected.
    pub uncollected: i64,
    /// With something returned.
    pub returned: i64,
    /// Times between neighbour stages, then from placed to shipped and to delivered.
    pub times: Vec<TimeSpent>,
}

/// Counts the orders of a period.
///
/// # Errors
/// Database errors.
pub async fn counts(
    conn: &mut PgConnection,
    currency: Option<&str>,
    period: Period,
    filter: &Filter,
) -> sqlx::Result<Counts> {
    let query = bind_filter(sqlx::query_as::<_, CountsRow>(COUNTS), currency, period, filter);
    let row = query.fetch_one(conn).await?;
    let mut reached = [0; 7];
    for (stage, orders) in reached.iter_mut().zip(&row.reached) {
        *stage = *orders;
    }
    let at = |values: &[Option<i64>], index: usize| values.get(index).copied().flatten();
    let times = SPANS.into_iter().enumerate().map(|(index, (from, to))| TimeSpent {
        from,
        to,
        orders: at(&row.span_orders, index).unwrap_or(0),
        median: at(&row.span_median, index),
        p90: at(&row.span_p90, index),
    });
    Ok(Counts {
        reached,
        customers: row.customers,
        new_orders: row.new_orders,
        repeat_orders: row.repeat_orders,
        anonymous_orders: row.anonymous_orders,
        paid: row.paid,
        cancelled: row.cancelled,
        uncollected: row.uncollected,
        returned: row.returned,
        times: times.collect(),
    })
}

/// Number of orders in a state of a machine: `order`, `payment` or `fulfilment`.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct StateRow {
    /// Which machine.
    pub machine: String,
    /// Present state.
    pub state: String,
    /// Orders in it.
    pub orders: i64,
}

/// Orders of a period by present state, the most frequent first.
///
/// # Errors
/// Database errors.
pub async fn states(
    conn: &mut PgConnection,
    currency: Option<&str>,
    period: Period,
    filter: &Filter,
) -> sqlx::Result<Vec<StateRow>> {
    bind_filter(sqlx::query_as::<_, StateRow>(STATES), currency, period, filter).fetch_all(conn).await
}

/// Tasks and money of the days of a period.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Around {
    /// Tasks opened.
    pub tasks_opened: i64,
    /// Tasks closed.
    pub tasks_closed: i64,
    /// Tasks open now.
    pub tasks_open: i64,
    /// Money that came in.
    pub received: Decimal,
    /// Money that went back.
    pub refunded: Decimal,
}

/// Reads what happened around the orders.
///
/// # Errors
/// Database errors.
pub async fn around(conn: &mut PgConnection, currency: &str, period: Period) -> sqlx::Result<Around> {
    sqlx::query_as(
        "-- around_orders
        select (select count(*) from task_fact where opened_day between $2 and $3) as tasks_opened,
               (select count(*) from task_fact where closed_day between $2 and $3 and not open) as tasks_closed,
               (select count(*) from task_fact where open) as tasks_open,
               coalesce(sum(amount) filter (where amount > 0), 0) as received,
               coalesce(-sum(amount) filter (where amount < 0), 0) as refunded
        from payment_fact where business_day between $2 and $3 and currency = $1",
    )
    .bind(currency)
    .bind(period.from)
    .bind(period.to)
    .fetch_one(conn)
    .await
}
