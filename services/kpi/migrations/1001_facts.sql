-- Facts: what the events of the other services say, one row a thing. Every column is written by one kind of event, is
-- a sum of contributions, or is the value of the highest version or earliest moment. So the rows come out the same in
-- whatever order the events of different services arrive, and a row may exist before its OrderPlaced does (then
-- business_day is null and no report sees it).

-- Orders. One batch at a time writes orders and their lines (an advisory lock); shipments, payments and the rest follow.
-- What changes often is in no index, so that most changes write the row alone.
create table order_fact (
    order_id                 uuid        not null,
    -- From OrderPlaced.
    number                   text        not null default '',
    channel                  text        not null default '',
    region                   text        not null default '',
    delivery_method          text        not null default '',
    payment_method           text        not null default '',
    currency                 text        not null default '',
    placed_at                timestamptz,
    business_day             date,
    stated_total             numeric     not null default 0,
    -- The three state machines; the highest version of the order wins.
    order_state              text        not null default 'new',
    order_state_version      bigint      not null default 0,
    payment_state            text        not null default 'unpaid',
    payment_state_version    bigint      not null default 0,
    fulfilment_state         text        not null default 'none',
    fulfilment_state_version bigint      not null default 0,
    -- First moments.
    confirmed_at             timestamptz,
    cancelled_at             timestamptz,
    returned_at              timestamptz,
    paid_at                  timestamptz,
    allocated_at             timestamptz,
    reserved_at              timestamptz,
    picking_at               timestamptz,
    packed_at                timestamptz,
    shipped_at               timestamptz,
    delivered_at             timestamptz,
    failed_at                timestamptz,
    -- When the event was published by which fulfilment may begin: for finding stuck orders, whatever placed_at says.
    awaiting_since           timestamptz,
    -- From PaymentRecorded.
    paid                     numeric     not null default 0,
    -- From CustomerIdentified; the latest identification wins.
    customer_id              uuid,
    customer_first_order     boolean     not null default false,
    customer_identified_at   timestamptz,
    -- Sums over order_line_fact, brought up to date in each transaction that touches the lines.
    lines                    integer     not null default 0,
    units                    numeric     not null default 0,
    gross                    numeric     not null default 0,
    discount                 numeric     not null default 0,
    tax                      numeric     not null default 0,
    placed                   numeric     not null default 0,
    cancelled                numeric     not null default 0,
    returned                 numeric     not null default 0,
    uncollected              numeric     not null default 0,
    revenue                  numeric     not null default 0,
    shipped                  numeric     not null default 0,
    net_sales                numeric     not null default 0,
    cost                     numeric     not null default 0,
    any_discount             boolean     not null default false,
    any_cancelled            boolean     not null default false,
    any_returned             boolean     not null default false,
    any_uncollected          boolean     not null default false,
    constraint order_fact_pkey primary key (order_id),
    constraint order_fact_placed_whole check ((placed_at is null) = (business_day is null))
) with (fillfactor = 70);
create index order_fact_by_day on order_fact (business_day, currency);
create index order_fact_unplaced on order_fact (order_id) where business_day is null;
create index order_fact_waiting on order_fact (awaiting_since)
    where awaiting_since is not null and allocated_at is null and cancelled_at is null;

-- Lines. The generated columns are the rules of kpi/v1/figures.proto:
--   out     what left and did not come back uncollected: shipped less failed, at most what was not cancelled
--   unc     what came back uncollected and neither left again nor was cancelled or returned
-- and a part of a line is worth its share of the amount that is left, rounded; the whole of it is worth all of it.
create table order_line_fact (
    order_id             uuid     not null,
    line_no              integer  not null,
    -- From OrderPlaced. sku is null until it came.
    goods                boolean  not null default false,
    sku                  text,
    category             text     not null default '',
    brand                text     not null default '',
    digits               smallint not null default 2,
    quantity             numeric  not null default 0,
    gross                numeric  not null default 0,
    discount             numeric  not null default 0,
    tax                  numeric  not null default 0,
    placed               numeric  not null default 0,
    -- From OrderLinesCancelled and OrderCancelled.
    cancelled_quantity   numeric  not null default 0,
    cancelled            numeric  not null default 0,
    cancelled_tax        numeric  not null default 0,
    -- From OrderReturned.
    returned_quantity    numeric  not null default 0,
    returned             numeric  not null default 0,
    returned_tax         numeric  not null default 0,
    -- From ShipmentShipped, ShipmentFailed and StockReturned.
    shipped_quantity     numeric  not null default 0,
    shipped_cost         numeric  not null default 0,
    failed_quantity      numeric  not null default 0,
    failed_cost          numeric  not null default 0,
    back_quantity        numeric  not null default 0,
    back_cost            numeric  not null default 0,
    written_off_quantity numeric  not null default 0,
    written_off_cost     numeric  not null default 0,
    shipped numeric not null generated always as (
        case
            when not goods or shipped_quantity <= failed_quantity then 0
            when shipped_quantity - failed_quantity >= quantity - cancelled_quantity then placed - cancelled
            else round((placed - cancelled) * (shipped_quantity - failed_quantity)
                       / (quantity - cancelled_quantity), digits)
        end) stored,
    net_sales numeric not null generated always as (
        case
            when not goods or shipped_quantity <= failed_quantity then 0
            when least(shipped_quantity - failed_quantity, quantity - cancelled_quantity) < returned_quantity then 0
            when shipped_quantity - failed_quantity >= quantity - cancelled_quantity
                then placed - cancelled - returned - (tax - cancelled_tax - returned_tax)
            else round((placed - cancelled) * (shipped_quantity - failed_quantity)
                       / (quantity - cancelled_quantity), digits) - returned
                 - (round((tax - cancelled_tax) * (shipped_quantity - failed_quantity)
                          / (quantity - cancelled_quantity), digits) - returned_tax)
        end) stored,
    uncollected numeric not null generated always as (
        case
            when not goods or failed_quantity = 0 then 0
            when least(failed_quantity, quantity - cancelled_quantity - returned_quantity
                       - greatest(shipped_quantity - failed_quantity - returned_quantity, 0)) <= 0 then 0
            when least(failed_quantity, quantity - cancelled_quantity - returned_quantity
                       - greatest(shipped_quantity - failed_quantity - returned_quantity, 0))
                 >= quantity - cancelled_quantity - returned_quantity then placed - cancelled - returned
            else round((placed - cancelled - returned)
                       * least(failed_quantity, quantity - cancelled_quantity - returned_quantity
                               - greatest(shipped_quantity - failed_quantity - returned_quantity, 0))
                       / (quantity - cancelled_quantity - returned_quantity), digits)
        end) stored,
    constraint order_line_fact_pkey primary key (order_id, line_no)
) with (fillfactor = 70);

-- Products as they are now, for names. The version of the product wins.
create table product_dim (
    sku        text   not null,
    product_id uuid   not null,
    name       text   not null,
    category   text   not null,
    brand      text   not null,
    unit       text   not null,
    status     text   not null,
    version    bigint not null,
    constraint product_dim_pkey primary key (sku)
);

-- Shipments.
create table shipment_fact (
    shipment_id   uuid not null,
    order_id      uuid not null,
    carrier       text not null default '',
    warehouse     text not null default '',
    shipped_at    timestamptz,
    shipped_day   date,
    delivered_at  timestamptz,
    failed_at     timestamptz,
    failed_reason text not null default '',
    constraint shipment_fact_pkey primary key (shipment_id)
) with (fillfactor = 80);
create index shipment_fact_by_day on shipment_fact (shipped_day);

-- Money in and out.
create table payment_fact (
    payment_id   uuid        not null,
    order_id     uuid        not null,
    method       text        not null,
    currency     text        not null,
    amount       numeric     not null,
    paid_at      timestamptz not null,
    business_day date        not null,
    constraint payment_fact_pkey primary key (payment_id)
);
create index payment_fact_by_day on payment_fact (business_day, currency);

-- Movements of stock by day, product and kind, added up. Kinds: received, shipped, back, written_off.
create table stock_day_fact (
    day      date    not null,
    sku      text    not null,
    kind     text    not null,
    quantity numeric not null,
    cost     numeric not null,
    constraint stock_day_fact_pkey primary key (day, sku, kind),
    constraint stock_day_fact_kind check (kind in ('received', 'shipped', 'back', 'written_off'))
) with (fillfactor = 70);

-- Each crossing of a product to nothing available, or back; the version of the stocked product orders them.
create table stock_crossing_fact (
    sku     text        not null,
    version bigint      not null,
    at      timestamptz not null,
    out     boolean     not null,
    constraint stock_crossing_fact_pkey primary key (sku, version)
);

-- Tasks.
create table task_fact (
    task_id       uuid not null,
    task_type     text not null default '',
    rule          text not null default '',
    subject_kind  text not null default '',
    subject_id    text not null default '',
    opened_at     timestamptz,
    opened_day    date,
    closed_at     timestamptz,
    closed_day    date,
    closed_by     text not null default '',
    -- What TaskClosed of the highest version said.
    closed_state   text not null default '',
    closed_version bigint not null default 0,
    -- The latest state; another one than closed_state means that the task was opened again.
    state         text not null default '',
    state_version bigint not null default 0,
    open          boolean not null
        generated always as (opened_at is not null and (closed_at is null or state <> closed_state)) stored,
    constraint task_fact_pkey primary key (task_id)
) with (fillfactor = 80);
create index task_fact_by_opened_day on task_fact (opened_day);
create index task_fact_by_closed_day on task_fact (closed_day) where closed_day is not null;
create index task_fact_open on task_fact (task_id) where open;

-- Customers, without anything personal.
create table customer_fact (
    customer_id   uuid not null,
    region        text not null default '',
    created_at    timestamptz,
    grade         text not null default '',
    total_score   numeric,
    score_version bigint not null default 0,
    constraint customer_fact_pkey primary key (customer_id)
) with (fillfactor = 70);

-- One row: how often the facts were emptied.
create table facts_generation (
    only_row   boolean     not null default true,
    generation bigint      not null default 1,
    rebuilt_at timestamptz,
    constraint facts_generation_pkey primary key (only_row),
    constraint facts_generation_single check (only_row)
);
insert into facts_generation default values;
