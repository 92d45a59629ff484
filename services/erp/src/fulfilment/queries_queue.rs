//! SQL of the queues. What is in a queue is bounded by what is open, not by history; the order is made of the cut-off, the
//! priority and the time, so the whole queue is looked at for a page of it. Departures are worked out once a method and region;
//! each entry finds its own among them.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// Stands in the order of a queue for having no cut-off.
pub(crate) const NEVER: OffsetDateTime = datetime!(9999-12-31 0:00 UTC);

/// Where an entry stands in its queue: latest departure, priority turned round, waiting since, id.
pub(crate) type Key = (OffsetDateTime, i32, OffsetDateTime, Uuid);

/// Which entries of a queue are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filter<'a> {
    pub(crate) region: Option<&'a str>,
    pub(crate) delivery_method: Option<&'a str>,
    pub(crate) warehouse: Option<&'a str>,
    pub(crate) leaves_before: Option<OffsetDateTime>,
    pub(crate) complete_only: bool,
    /// The company's zone, in which cut-offs are meant.
    pub(crate) zone: &'a str,
}

/// An entry of a queue.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct QueueView {
    /// Of the shipment, or else the order.
    pub(crate) id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) number: String,
    pub(crate) shipment_id: Option<Uuid>,
    pub(crate) state: Option<String>,
    pub(crate) region: String,
    pub(crate) delivery_method: String,
    pub(crate) priority: i32,
    pub(crate) since: OffsetDateTime,
    pub(crate) lines: i64,
    pub(crate) warehouse: String,
    pub(crate) ready_at: OffsetDateTime,
    pub(crate) leave_by: OffsetDateTime,
    pub(crate) complete: bool,
    pub(crate) weight_grams: Decimal,
    pub(crate) wave_id: Option<Uuid>,
}

impl QueueView {
    /// Where it stands.
    pub(crate) fn key(&self) -> Key {
        (self.leave_by, -self.priority, self.since, self.id)
    }
}

/// Orders that hold goods in no shipment; all of them, or some.
pub(crate) async fn to_pick(
    conn: &mut PgConnection,
    filter: &Filter<'_>,
    orders: Option<&[Uuid]>,
    after: Option<Key>,
    limit: i64,
) -> sqlx::Result<Vec<QueueView>> {
    sqlx::query_as(
        "-- queue_to_pick
        with ready as materialized (
            select d.order_id, d.number, d.warehouse_id, d.region, d.delivery_method, d.priority, d.placed_at,
                w.code as warehouse, r.lines, r.ready_at, r.weight_grams
            from (
                select v.order_id, count(distinct v.line_no) as lines, max(v.created_at) as ready_at,
                    sum(v.quantity * coalesce(i.weight_grams, 0)) as weight_grams
                from reservation v join stock_item i on i.sku = v.sku
                where v.state = 'active' and v.shipment_id is null and ($5::uuid[] is null or v.order_id = any ($5))
                group by v.order_id
            ) r
            join demand d on d.order_id = r.order_id and d.kind = 'order'
            join warehouse w on w.id = d.warehouse_id
            where ($2::text is null or d.region = $2) and ($3::text is null or d.delivery_method = $3)
                and ($4::text is null or w.code = $4)
        ), weeks as materialized (
            select g.*, departures(g.warehouse_id, g.delivery_method, g.region, s.first, s.last, $1) as leaves
            from (select distinct warehouse_id, delivery_method, region from ready) g,
                (select min(ready_at) as first, max(ready_at) as last from ready) s
        )
        select q.* from (
            select r.order_id as id, r.order_id, r.number, null::uuid as shipment_id, null::text as state, r.region,
                r.delivery_method, r.priority, r.placed_at as since, r.lines, r.warehouse, r.ready_at, r.weight_grams,
                o.wave_id, coalesce(k.leaves[width_bucket(r.ready_at, k.leaves) + 1], '9999-12-31 00:00Z') as leave_by,
                not exists (
                    select from demand_line l where l.order_id = r.order_id and l.backordered > 0 and not l.closed
                ) as complete
            from ready r
            join weeks k using (warehouse_id, delivery_method, region)
            left join wave_order o on o.order_id = r.order_id and o.planned
        ) q
        where (not $6::boolean or q.complete) and ($7::timestamptz is null or q.leave_by < $7)
            and ($8::timestamptz is null or (q.leave_by, -q.priority, q.since, q.id) > ($8, $9::int4, $10, $11))
        order by q.leave_by, -q.priority, q.since, q.id limit $12",
    )
    .bind(filter.zone)
    .bind(filter.region)
    .bind(filter.delivery_method)
    .bind(filter.warehouse)
    .bind(orders)
    .bind(filter.complete_only)
    .bind(filter.leaves_before)
    .bind(after.map(|key| key.0))
    .bind(after.map(|key| key.1))
    .bind(after.map(|key| key.2))
    .bind(after.map(|key| key.3))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Shipments in states: those that wait at the counter, those that do not, or all.
pub(crate) async fn in_states(
    conn: &mut PgConnection,
    filter: &Filter<'_>,
    (states, at_counter): (&[&str], Option<bool>),
    after: Option<Key>,
    limit: i64,
) -> sqlx::Result<Vec<QueueView>> {
    sqlx::query_as(
        "-- queue_of_shipments
        with ready as materialized (
            select s.id, s.order_id, s.state, s.created_at, d.number, d.warehouse_id, d.region, d.delivery_method,
                d.priority, w.code as warehouse, k.expires_at, coalesce(r.ready_at, s.created_at) as ready_at
            from shipment s
            join demand d on d.order_id = s.order_id
            join warehouse w on w.id = d.warehouse_id
            left join pickup k on k.shipment_id = s.id and k.state = 'waiting'
            cross join lateral (
                select max(v.created_at) as ready_at
                from reservation v where v.order_id = s.order_id and v.shipment_id = s.id
            ) r
            where s.state = any ($5) and s.state in ('picking', 'picked', 'packed', 'shipped')
                and ($13::boolean is null or $13 = (k.shipment_id is not null))
                and ($2::text is null or d.region = $2) and ($3::text is null or d.delivery_method = $3)
                and ($4::text is null or w.code = $4)
        ), weeks as materialized (
            select g.*, departures(g.warehouse_id, g.delivery_method, g.region, s.first, s.last, $1) as leaves
            from (select distinct warehouse_id, delivery_method, region from ready) g,
                (select min(ready_at) as first, max(ready_at) as last from ready) s
        )
        select q.* from (
            select s.id, s.order_id, s.number, s.id as shipment_id, s.state, s.region, s.delivery_method, s.priority,
                s.created_at as since, c.lines, s.warehouse, s.ready_at, c.weight_grams, o.wave_id,
                coalesce(
                    s.expires_at, case when s.state <> 'shipped' then k.leaves[width_bucket(s.ready_at, k.leaves) + 1] end,
                    '9999-12-31 00:00Z'
                ) as leave_by,
                not exists (
                    select from demand_line l where l.order_id = s.order_id and l.backordered > 0 and not l.closed
                ) as complete
            from ready s
            join weeks k using (warehouse_id, delivery_method, region)
            left join wave_order o on o.shipment_id = s.id
            cross join lateral (
                select count(distinct l.line_no) as lines,
                    coalesce(sum(l.quantity * coalesce(i.weight_grams, 0)), 0) as weight_grams
                from shipment_line l join stock_item i on i.sku = l.sku where l.shipment_id = s.id and l.quantity > 0
            ) c
        ) q
        where (not $6::boolean or q.complete) and ($7::timestamptz is null or q.leave_by < $7)
            and ($8::timestamptz is null or (q.leave_by, -q.priority, q.since, q.id) > ($8, $9::int4, $10, $11))
        order by q.leave_by, -q.priority, q.since, q.id limit $12",
    )
    .bind(filter.zone)
    .bind(filter.region)
    .bind(filter.delivery_method)
    .bind(filter.warehouse)
    .bind(states)
    .bind(filter.complete_only)
    .bind(filter.leaves_before)
    .bind(after.map(|key| key.0))
    .bind(after.map(|key| key.1))
    .bind(after.map(|key| key.2))
    .bind(after.map(|key| key.3))
    .bind(limit)
    .bind(at_counter)
    .fetch_all(conn)
    .await
}

/// Shipments to be taken apart: given up after picking, or refused and on their way back.
pub(crate) async fn to_dismantle(
    conn: &mut PgConnection,
    filter: &Filter<'_>,
    after: Option<Key>,
    limit: i64,
) -> sqlx::Result<Vec<QueueView>> {
    sqlx::query_as(
        "-- queue_to_dismantle
        select q.* from (
            select s.id, s.order_id, d.number, s.id as shipment_id, s.state, d.region, d.delivery_method, d.priority,
                b.since, c.lines, w.code as warehouse, b.since as ready_at, c.weight_grams, o.wave_id, not exists (
                    select from demand_line l where l.order_id = d.order_id and l.backordered > 0 and not l.closed
                ) as complete,
                '9999-12-31 00:00Z'::timestamptz as leave_by
            from (
                select id, ended_at as since from shipment
                where state = 'cancelled' and handled_at is not null and dismantled_at is null
                union all
                select u.id, max(t.resolved_at) from shipment u join run_stop t on t.shipment_id = u.id
                where u.state = 'shipped' group by u.id
                having (array_agg(t.outcome order by t.resolved_at desc))[1] in ('refused', 'partly_refused', 'not_found')
            ) b
            join shipment s on s.id = b.id
            join demand d on d.order_id = s.order_id
            join warehouse w on w.id = d.warehouse_id
            left join wave_order o on o.shipment_id = s.id
            cross join lateral (
                select count(distinct l.line_no) as lines,
                    coalesce(sum(l.quantity * coalesce(i.weight_grams, 0)), 0) as weight_grams
                from shipment_line l join stock_item i on i.sku = l.sku where l.shipment_id = s.id and l.quantity > 0
            ) c
            where $1::text is not null and $5::uuid is null and ($2::text is null or d.region = $2) and ($3::text is null or d.delivery_method = $3)
                and ($4::text is null or w.code = $4)
        ) q
        where (not $6::boolean or q.complete) and ($7::timestamptz is null or q.leave_by < $7)
            and ($8::timestamptz is null or (q.leave_by, -q.priority, q.since, q.id) > ($8, $9::int4, $10, $11))
        order by q.leave_by, -q.priority, q.since, q.id limit $12",
    )
    .bind(filter.zone)
    .bind(filter.region)
    .bind(filter.delivery_method)
    .bind(filter.warehouse)
    .bind(None::<Uuid>)
    .bind(filter.complete_only)
    .bind(filter.leaves_before)
    .bind(after.map(|key| key.0))
    .bind(after.map(|key| key.1))
    .bind(after.map(|key| key.2))
    .bind(after.map(|key| key.3))
    .bind(limit)
    .fetch_all(conn)
    .await
}
