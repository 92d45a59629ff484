-- What was wanted day by day, how much of an item is to be there, and whether it is.
--
-- These rows are written by jobs, behind the orders, never in their transactions. Whoever writes a level or what a rule
-- found first takes the advisory lock erp.replenishment, and takes no lock of items, shipments or demands.
-- The company as a whole is the warehouse 00000000-0000-0000-0000-000000000000.

-- Demand is found by the day it was placed on: in the order it was written, nearly. Movements have such an index of their own.
create index demand_line_by_time on demand_line using brin (placed_at) with (autosummarize = on);

create table item_demand_day (
    day date not null,
    sku text collate "C" not null,
    warehouse_id uuid not null,
    -- By orders placed on the day, less what was cancelled since, whether it could be had or not.
    wanted numeric not null,
    lines integer not null,
    shipped numeric not null,
    primary key (day, sku, warehouse_id),
    constraint item_demand_day_wanted check (wanted >= 0),
    constraint item_demand_day_shipped check (shipped >= 0)
);
-- Holds all that statistics need: the days of an item lie far apart in the table.
create index item_demand_day_by_item on item_demand_day (sku, day) include (warehouse_id, wanted);

create table replenishment_policy (
    target_kind text not null,
    -- The sku, or the category path; an empty path is every item.
    target text collate "C" not null,
    warehouse_id uuid not null,
    method text not null,
    safety_stock numeric not null default 0,
    reorder_point numeric not null default 0,
    maximum numeric,
    service_level numeric not null default 0.95,
    review_days integer not null default 0,
    history_days integer not null default 365,
    lead_time_days numeric not null default 0,
    lead_time_sigma_days numeric not null default 0,
    cover_days integer,
    updated_at timestamptz not null,
    updated_by text not null,
    primary key (target_kind, target, warehouse_id),
    constraint replenishment_policy_target check (target_kind in ('category', 'item')),
    constraint replenishment_policy_method check (method in ('none', 'fixed', 'min_max', 'statistical')),
    constraint replenishment_policy_stock check (safety_stock >= 0 and reorder_point >= safety_stock),
    constraint replenishment_policy_maximum check ((method = 'min_max') = (maximum is not null) and maximum >= reorder_point),
    constraint replenishment_policy_service check (service_level >= 0.5 and service_level <= 0.9999),
    constraint replenishment_policy_days check (review_days between 0 and 365 and history_days between 28 and 1095
        and cover_days between 1 and 365),
    constraint replenishment_policy_lead check (lead_time_days between 0 and 365 and lead_time_sigma_days between 0 and 365)
);

-- One row for each item in a warehouse (or the company) that had stock, was waited for or has a policy there. Never deleted.
create table stock_level (
    sku text collate "C" not null,
    warehouse_id uuid not null,
    -- Since when nothing could be promised; null while something can.
    out_since timestamptz,
    method text not null default 'none',
    policy_kind text,
    policy_target text collate "C",
    safety_stock numeric,
    -- Null when no policy watches the item here.
    reorder_point numeric,
    maximum numeric,
    class text,
    -- The shopfloor.erp.v1.LevelCalculation as it was made.
    calculation bytea,
    calculated_at timestamptz,
    -- State of the policies it was calculated from: the position of their mark.
    policies bigint not null default -1,
    below_since timestamptz,
    -- Number of events so far.
    version bigint not null default 0,
    primary key (sku, warehouse_id),
    constraint stock_level_method check (method in ('none', 'fixed', 'min_max', 'statistical')),
    constraint stock_level_class check (class in ('smooth', 'intermittent', 'erratic', 'lumpy')),
    constraint stock_level_policy check ((method = 'none') = (reorder_point is null)),
    constraint stock_level_below check (below_since is null or reorder_point is not null)
) with (fillfactor = 80);
create index stock_level_watched on stock_level (sku, warehouse_id) where reorder_point is not null;

-- Times during which nothing of an item could be promised, once they are over.
create table stock_out (
    sku text collate "C" not null,
    warehouse_id uuid not null,
    since timestamptz not null,
    until timestamptz not null,
    primary key (sku, warehouse_id, since),
    constraint stock_out_times check (until >= since)
);

-- The whole days of a zone, from the first to the last given, on which nothing of an item could be promised.
create function days_without_stock(of_sku text, of_warehouse uuid, first_day date, last_day date, zone text)
returns table (day date) language sql stable as $$
    select distinct n.day::date
    from (
        select o.since, o.until from stock_out o
        where o.sku = of_sku collate "C" and o.warehouse_id = of_warehouse
        union all
        select l.out_since, null from stock_level l
        where l.sku = of_sku collate "C" and l.warehouse_id = of_warehouse and l.out_since is not null
    ) o
    cross join lateral generate_series(
        greatest(first_day, ((o.since at time zone zone) + interval '1 day' - interval '1 microsecond')::date)::timestamp,
        least(last_day, coalesce((o.until at time zone zone)::date - 1, last_day))::timestamp,
        interval '1 day') as n (day)
$$;

-- How far the jobs have looked.
create table replenishment_mark (
    -- count_demand: when was it last done; watch_stock: position is the oldest transaction whose writes may not have been
    -- seen; policies: position counts their changes; slow_movers: when was it last done.
    name text primary key,
    position bigint not null default 0,
    at timestamptz not null
);
