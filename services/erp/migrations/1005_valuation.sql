-- What stock is worth, by which method, and the dates that may still be written to.

-- The method is that of the item's category when it first moved, until a revaluation changes it.
alter table stock_item
    add column opened_method text,
    add column method text,
    add column opened_standard_cost numeric,
    add column standard_cost numeric,
    add column last_moved_at timestamptz,
    add constraint stock_item_method check (method in ('lot', 'average', 'fifo', 'standard')),
    add constraint stock_item_opened_method check (opened_method in ('lot', 'average', 'fifo', 'standard')),
    add constraint stock_item_standard_cost check (standard_cost >= 0);

-- The category of no name is every category that has no row of its own; without a row the method is by lot.
create table valuation_policy (
    category text collate "C" primary key,
    method text not null,
    constraint valuation_policy_method check (method in ('lot', 'average', 'fifo', 'standard'))
);

-- From this moment on an item is valued so.
create table item_revaluation (
    sku text collate "C" not null references stock_item (sku),
    at timestamptz not null,
    id uuid not null,
    method text not null,
    standard_cost numeric,
    reason text not null,
    created_by text not null,
    created_at timestamptz not null,
    primary key (sku, at),
    constraint item_revaluation_method check (method in ('lot', 'average', 'fifo', 'standard')),
    constraint item_revaluation_standard check (standard_cost >= 0 and (method <> 'standard' or standard_cost is not null))
);

-- Quantity and value of a pool: of a warehouse (none: all zeros for goods in transit) and a lot (all zeros: all lots of the
-- item). One row a pool, by the method fifo one a receipt. An empty pool has no row, so nothing is never worth anything.
create table cost_layer (
    sku text collate "C" not null,
    warehouse_id uuid not null,
    lot_id uuid not null,
    opened_by bigint not null,
    opened_at timestamptz not null,
    quantity numeric not null,
    value numeric not null,
    primary key (sku, warehouse_id, lot_id, opened_by),
    constraint cost_layer_quantity check (quantity > 0),
    constraint cost_layer_value check (value >= 0)
) with (fillfactor = 60);

-- One row: what is dated before closed_before stays as it is.
create table accounting_period (
    one_row boolean primary key default true,
    closed_before timestamptz,
    constraint accounting_period_one check (one_row)
);
insert into accounting_period default values;

create table period_event (
    id uuid primary key,
    action text not null,
    closed_through date,
    reason text not null,
    created_by text not null,
    created_at timestamptz not null,
    constraint period_event_action check (action in ('close', 'reopen'))
);

-- What each item had and was worth just before a moment. Written by a job under the lock of accounting_period, and added
-- to under its shared lock by whoever dates something before it.
create table stock_snapshot_moment (
    at timestamptz primary key
);
create table stock_snapshot (
    at timestamptz not null references stock_snapshot_moment (at),
    sku text collate "C" not null,
    quantity numeric not null,
    value numeric not null,
    primary key (sku, at)
);
create index stock_snapshot_at on stock_snapshot (at, sku);
