-- Stock that lies too long: the rules, and what the last evaluation found. Locks: see 1013_stock_levels.sql.

create table slow_mover_rule (
    code text collate "C" primary key,
    name text not null,
    enabled boolean not null,
    priority integer not null,
    categories text[] not null,
    min_age_days integer not null,
    min_cover_days integer not null,
    min_value numeric,
    min_unit_cost numeric,
    max_unit_cost numeric,
    demand_days integer not null,
    -- Steps of the promotion; the lists are in step.
    step_ages integer[] not null,
    step_covers integer[] not null,
    step_discounts numeric[] not null,
    below_cost boolean not null,
    max_tasks integer not null,
    version bigint not null default 1,
    updated_at timestamptz not null,
    updated_by text not null,
    constraint slow_mover_rule_code check (code ~ '^[a-z0-9_]{1,40}$'),
    constraint slow_mover_rule_days check (min_age_days >= 0 and min_cover_days >= 0 and demand_days between 7 and 1095),
    constraint slow_mover_rule_steps check (cardinality(step_ages) = cardinality(step_discounts)
        and cardinality(step_covers) = cardinality(step_discounts)),
    constraint slow_mover_rule_tasks check (max_tasks between 0 and 500)
);

-- One row for each item a rule ever found. Never deleted: the version goes on when the item becomes slow again.
create table slow_item (
    sku text collate "C" primary key,
    -- Null while the item moves.
    rule text collate "C",
    quantity numeric not null,
    value numeric not null,
    age_days integer not null,
    -- Null when nobody wants it.
    cover_days numeric,
    daily_demand numeric not null,
    discount_percent numeric,
    -- Null when the rule allows to sell below cost.
    floor_price numeric,
    with_task boolean not null,
    since timestamptz not null,
    version bigint not null,
    constraint slow_item_quantity check (quantity >= 0 and value >= 0),
    constraint slow_item_task check (not with_task or rule is not null)
);
create index slow_item_slow on slow_item (sku) where rule is not null;

-- The lots of slow items, the oldest hundred of each; written anew with every evaluation.
create table slow_lot (
    sku text collate "C" not null,
    lot text collate "C" not null,
    quantity numeric not null,
    value numeric not null,
    age_days integer not null,
    primary key (sku, lot)
);
