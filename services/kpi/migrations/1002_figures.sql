-- Daily figures. day_figure holds the sums of the days nobody touches any more; day_mark says which days were touched
-- since they were summed. Whoever changes a fact that counts in figures adds a mark in the same transaction; whoever
-- sums a day removes, in the same statement and therefore under the same snapshot, the marks it sees. So a day without
-- mark equals its facts, and a report reads the sums of such days and the facts of the others: exact at any moment,
-- while the hot path writes one small row and locks nothing.

create table day_mark (
    mark_id   bigint generated always as identity,
    day       date        not null,
    marked_at timestamptz not null,
    constraint day_mark_pkey primary key (mark_id)
);
create index day_mark_by_day on day_mark (day);

create table day_figure (
    -- order: counts orders (all, channel, region, delivery_method, payment_method); line: counts order lines.
    scope              text    not null,
    dimension          text    not null,
    value              text    not null,
    currency           text    not null,
    day                date    not null,
    orders             bigint  not null,
    effective_orders   bigint  not null,
    discounted_orders  bigint  not null,
    cancelled_orders   bigint  not null,
    returned_orders    bigint  not null,
    uncollected_orders bigint  not null,
    lines              bigint  not null,
    units              numeric not null,
    gross              numeric not null,
    discount           numeric not null,
    placed             numeric not null,
    cancelled          numeric not null,
    returned           numeric not null,
    uncollected        numeric not null,
    revenue            numeric not null,
    shipped            numeric not null,
    net_sales          numeric not null,
    cost               numeric not null,
    constraint day_figure_pkey primary key (dimension, currency, day, value),
    constraint day_figure_scope check (scope in ('order', 'line'))
);
create index day_figure_by_day on day_figure (day);

-- One row a placed order line, with what figures need.
create view sold_line as
select o.business_day, o.currency, o.channel, o.region, o.delivery_method, o.payment_method, o.customer_id,
       o.any_discount as order_discounted, l.order_id, l.line_no, l.goods, l.sku, l.category, l.brand,
       case when l.goods then l.quantity else 0 end as units,
       l.gross, l.discount, l.placed, l.cancelled, l.returned, l.uncollected,
       l.placed - l.cancelled - l.returned - l.uncollected as revenue, l.shipped, l.net_sales,
       l.shipped_cost - l.failed_cost - l.back_cost as cost,
       l.cancelled_quantity > 0 as any_cancelled, l.returned_quantity > 0 as any_returned
from order_line_fact l join order_fact o using (order_id)
where o.business_day is not null and l.sku is not null;

-- Figures by day and value of each dimension, twice from one text: figure_from_facts of any day, and
-- figure_of_marked_days, where the days to read stand inside the grouping so that only their orders are visited.
do $make$
declare
    made record;
begin
    for made in select * from (values
        ('figure_from_facts', 'true'),
        ('figure_of_marked_days', 'd.business_day in (select m.day from day_mark m)')) as v (name, days)
    loop
        execute format($view$
create view %I as
select 'order' as scope, v.dimension, v.value, d.currency, d.business_day as day,
       count(*) as orders,
       count(*) filter (where d.revenue > 0) as effective_orders,
       count(*) filter (where d.any_discount) as discounted_orders,
       count(*) filter (where d.any_cancelled) as cancelled_orders,
       count(*) filter (where d.any_returned) as returned_orders,
       count(*) filter (where d.any_uncollected) as uncollected_orders,
       sum(d.lines)::bigint as lines, sum(d.units) as units, sum(d.gross) as gross, sum(d.discount) as discount,
       sum(d.placed) as placed, sum(d.cancelled) as cancelled, sum(d.returned) as returned,
       sum(d.uncollected) as uncollected, sum(d.revenue) as revenue, sum(d.shipped) as shipped,
       sum(d.net_sales) as net_sales, sum(d.cost) as cost
from order_fact d
cross join lateral (values ('all', ''), ('channel', d.channel), ('region', d.region),
                           ('delivery_method', d.delivery_method), ('payment_method', d.payment_method))
    as v (dimension, value)
where d.business_day is not null and %s
group by v.dimension, v.value, d.currency, d.business_day
union all
select 'line', v.dimension, v.value, d.currency, d.business_day,
       count(distinct d.order_id),
       count(distinct d.order_id) filter (where d.revenue > 0),
       count(distinct d.order_id) filter (where d.discount > 0),
       count(distinct d.order_id) filter (where d.any_cancelled),
       count(distinct d.order_id) filter (where d.any_returned),
       count(distinct d.order_id) filter (where d.uncollected <> 0),
       count(*) filter (where d.goods), sum(d.units), sum(d.gross), sum(d.discount), sum(d.placed), sum(d.cancelled),
       sum(d.returned), sum(d.uncollected), sum(d.revenue), sum(d.shipped), sum(d.net_sales), sum(d.cost)
from sold_line d
cross join lateral (values ('product', d.sku), ('brand', d.brand), ('category', d.category),
                           ('category_1', split_part(d.category, '/', 1)),
                           ('category_2', array_to_string((string_to_array(d.category, '/'))[1:2], '/')),
                           ('category_3', array_to_string((string_to_array(d.category, '/'))[1:3], '/')))
    as v (dimension, value)
where %s
group by v.dimension, v.value, d.currency, d.business_day
$view$, made.name, made.days, made.days);
    end loop;
end
$make$;

-- The same at any moment: sums where they hold, facts elsewhere. Filter by scope, so that only one half is read.
create view figure as
select f.* from day_figure f where not exists (select from day_mark m where m.day = f.day)
union all
select f.* from figure_of_marked_days f;
