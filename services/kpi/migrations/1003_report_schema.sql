-- What Grafana and other read-only clients may use. Columns here are stable: they are added, never changed or dropped.
-- The role kpi_reader sees this schema and nothing else.
create schema report;

create view report.daily as
select day, currency, orders, effective_orders, discounted_orders, cancelled_orders, returned_orders,
       uncollected_orders, lines, units, gross, discount, placed, cancelled, returned, uncollected, revenue, shipped,
       net_sales, cost, net_sales - cost as margin
from figure where scope = 'order' and dimension = 'all';
comment on view report.daily is 'Sales figures by business day; see kpi/v1/figures.proto for each column.';

create view report.daily_by_order_dimension as
select dimension, value, day, currency, orders, effective_orders, discounted_orders, cancelled_orders,
       returned_orders, uncollected_orders, lines, units, gross, discount, placed, cancelled, returned, uncollected,
       revenue, shipped, net_sales, cost, net_sales - cost as margin
from figure where scope = 'order';
comment on view report.daily_by_order_dimension is
    'Sales figures by business day and value of a dimension: all, channel, region, delivery_method, payment_method.';

create view report.daily_by_line_dimension as
select dimension, value, day, currency, orders, effective_orders, discounted_orders, cancelled_orders,
       returned_orders, uncollected_orders, lines, units, gross, discount, placed, cancelled, returned, uncollected,
       revenue, shipped, net_sales, cost, net_sales - cost as margin
from figure where scope = 'line';
comment on view report.daily_by_line_dimension is
    'Sales figures by business day and value of a dimension: product, brand, category, category_1 to category_3. '
    'An order with several products counts in each of their rows.';

create view report.orders as
select order_id, number, channel, region, delivery_method, payment_method, currency, placed_at, business_day,
       order_state, payment_state, fulfilment_state, confirmed_at, paid_at, reserved_at, picking_at, packed_at,
       shipped_at, delivered_at, cancelled_at, failed_at as uncollected_at, returned_at, customer_id,
       customer_first_order, lines, units, gross, discount, tax, placed, cancelled, returned, uncollected, revenue,
       shipped, net_sales, cost, net_sales - cost as margin, paid
from order_fact where business_day is not null;
comment on view report.orders is 'One row an order; moments are the first of their kind.';

create view report.order_lines as
select l.order_id, l.line_no, l.business_day, l.currency, l.channel, l.region, l.customer_id, l.goods, l.sku,
       coalesce(p.name, l.sku) as product, l.category, l.brand, l.units, l.gross, l.discount, l.placed, l.cancelled,
       l.returned, l.uncollected, l.revenue, l.shipped, l.net_sales, l.cost, l.net_sales - l.cost as margin
from sold_line l left join product_dim p using (sku);
comment on view report.order_lines is 'One row a line of an order.';

create view report.shipments as
select s.shipment_id, s.order_id, s.carrier, s.warehouse, s.shipped_day, s.shipped_at, s.delivered_at, s.failed_at,
       s.failed_reason, coalesce(o.region, '') as region, coalesce(o.delivery_method, '') as delivery_method
from shipment_fact s left join order_fact o using (order_id)
where s.shipped_at is not null;
comment on view report.shipments is 'One row a shipment that left.';

create view report.payments as
select payment_id, order_id, method, currency, amount, paid_at, business_day from payment_fact;
comment on view report.payments is 'One row a payment; refunds are negative.';

create view report.stock_days as select day, sku, kind, quantity, cost from stock_day_fact;
comment on view report.stock_days is 'Stock movements by day, product and kind: received, shipped, back, written_off.';

create view report.stock_outs as
select sku, out_at, back_at
from (select sku, at as out_at, lead(at) over (partition by sku order by version) as back_at, out
      from stock_crossing_fact) crossing
where out;
comment on view report.stock_outs is 'Times nothing was available; back_at is null while it lasts.';

create view report.tasks as
select task_id, task_type, rule, subject_kind, opened_at, opened_day, closed_at, closed_day, closed_by, state,
       open
from task_fact where opened_at is not null;
comment on view report.tasks is 'One row a task.';

create view report.customers as
select customer_id, region, created_at, grade, total_score from customer_fact;
comment on view report.customers is 'One row a customer, nothing personal.';

create view report.products as select sku, name, category, brand, unit, status from product_dim;
comment on view report.products is 'Products as they are now.';

-- Must be empty: the total an order states is the sum of its lines.
create view report.wrong_totals as
select order_id, number, stated_total, placed from order_fact
where business_day is not null and stated_total <> placed;
comment on view report.wrong_totals is 'Orders whose stated total is not the sum of their lines; must be empty.';

-- Roles belong to the whole server: the service may not be allowed to make one, and another database of the same
-- server may have made it at this very moment. Then whoever runs the server grants it (docs/kpi.md says how).
do $$
begin
    if not exists (select from pg_roles where rolname = 'kpi_reader') then
        create role kpi_reader nologin;
    end if;
exception
    when insufficient_privilege or duplicate_object or unique_violation then
        raise notice 'role kpi_reader not created: %', sqlerrm;
end
$$;
do $$
begin
    grant usage on schema report to kpi_reader;
    grant select on all tables in schema report to kpi_reader;
    alter default privileges in schema report grant select on tables to kpi_reader;
exception
    when undefined_object or insufficient_privilege then
        raise notice 'nothing granted to kpi_reader: %', sqlerrm;
end
$$;
