-- Orders and what happens to them. Made for ten million: an index stands only where a named query needs it.

create sequence order_number_seq;

create table orders (
    id uuid primary key,
    number bigint not null constraint orders_number_key unique,
    channel text not null,
    external_id text not null,
    request_id text,
    body_hash bytea not null,
    placed_at timestamptz not null,
    received_at timestamptz not null,
    currency text not null,
    prices_include_tax boolean not null,
    customer_id uuid,
    region text not null,
    delivery_method text not null,
    payment_method text not null,
    comment text not null,
    priority int not null,
    warehouse text not null,
    -- as taken, never changed
    hold_reasons text[] not null,
    gross numeric not null,
    discount numeric not null constraint orders_discount_is_not_negative check (discount >= 0),
    tax numeric not null,
    total numeric not null,
    has_goods boolean not null,
    -- as it stands
    cancelled_amount numeric not null default 0,
    returned_amount numeric not null default 0,
    paid numeric not null default 0,
    refunded numeric not null default 0,
    state text not null
        constraint orders_state_is_known check (state in ('new', 'confirmed', 'completed', 'cancelled')),
    payment_state text not null constraint orders_payment_state_is_known check (payment_state in
        ('unpaid', 'partially_paid', 'paid', 'overpaid', 'partially_refunded', 'refunded')),
    fulfilment_state text not null default 'none' constraint orders_fulfilment_state_is_known check (fulfilment_state in
        ('none', 'reserved', 'partially_reserved', 'backordered', 'picking', 'packed', 'partially_shipped', 'shipped',
         'delivered', 'not_collected', 'returned', 'cancelled')),
    flags text[] not null default '{}',
    -- what the warehouse holds for which lines, and what these want in vain, as it last told; null until it does. Here and
    -- not with the lines, because every order gets this, and the order is written then anyway.
    held_lines int[],
    reserved numeric[],
    backordered numeric[],
    version bigint not null,
    constraint orders_held_is_not_negative check (0 <= all (reserved) and 0 <= all (backordered)),
    constraint orders_external_id_key unique (channel, external_id),
    constraint orders_total_is_not_negative check (total >= 0 or not has_goods),
    constraint orders_refunds_within_payments check (refunded >= 0 and refunded <= paid)
-- Most of a page is left free: within moments of being taken, all its orders are reserved and get their customer, and
-- an update that stays on the page touches none of the indexes.
) with (fillfactor = 40);
-- the second idempotency key of an order
create unique index orders_request_id_key on orders (channel, request_id) where request_id is not null;
-- list_orders: everybody's, and those that wait for a person
create index orders_placed on orders (placed_at, id);
create index orders_held on orders (placed_at, id) where state = 'new';

-- list_orders of a customer. A table instead of an index on orders, so that learning the customer leaves the indexes of
-- orders alone. A row of a customer the order was taken from stays; orders.customer_id tells.
create table customer_order (
    customer_id uuid not null,
    placed_at timestamptz not null,
    order_id uuid not null,
    primary key (customer_id, placed_at, order_id)
);

-- Request ids under which an order that was already there was pushed again.
create table order_request_alias (
    channel text not null,
    request_id text not null,
    order_id uuid not null,
    primary key (channel, request_id)
);

-- A line as taken, never changed.
create table order_line (
    order_id uuid not null,
    line_no int not null,
    kind text not null constraint order_line_kind_is_known check (kind in ('goods', 'charge')),
    sku text not null,
    unit text not null,
    quantity numeric not null constraint order_line_quantity_is_positive check (quantity > 0),
    unit_price numeric not null,
    list_price numeric,
    -- discount holds the line's own and its share of the order's, the latter told apart
    discount numeric not null constraint order_line_discount_is_not_negative check (discount >= 0),
    order_discount numeric not null,
    tax_rate numeric not null,
    tax numeric not null,
    total numeric not null,
    category text not null,
    brand text not null,
    primary key (order_id, line_no),
    constraint order_line_goods_are_not_negative check (kind = 'charge' or (unit_price >= 0 and total >= 0))
);

-- What became of a line; there is a row when something did.
create table order_line_progress (
    order_id uuid not null,
    line_no int not null,
    -- as taken, repeated for the constraints
    quantity numeric not null,
    discount numeric not null,
    tax numeric not null,
    total numeric not null,
    -- as it stands
    cancelled numeric not null,
    cancelled_amount numeric not null,
    cancelled_discount numeric not null,
    cancelled_tax numeric not null,
    shipped numeric not null,
    failed numeric not null,
    returned numeric not null,
    returned_amount numeric not null,
    returned_discount numeric not null,
    returned_tax numeric not null,
    primary key (order_id, line_no),
    constraint order_line_cancelled_within_quantity check (cancelled between 0 and quantity),
    constraint order_line_shipped_within_quantity check (shipped between 0 and quantity),
    constraint order_line_returned_within_shipped check (returned >= 0 and failed >= 0 and returned + failed <= shipped),
    constraint order_line_money_given_once check (
        abs(cancelled_amount + returned_amount) <= abs(total)
        and cancelled_discount + returned_discount <= discount
        and abs(cancelled_tax + returned_tax) <= abs(tax))
) with (fillfactor = 85);

create table order_shipment (
    order_id uuid not null,
    shipment_id uuid not null,
    state text not null
        constraint order_shipment_state_is_known check (state in ('picking', 'packed', 'shipped', 'delivered', 'failed')),
    carrier text not null,
    tracking_number text not null,
    shipped_at timestamptz,
    ended_at timestamptz,
    primary key (order_id, shipment_id)
);

-- The history of the three state machines and what other services told of the order. Written under the order's row lock,
-- so that within an order a greater id is later. Id 1 stands for each order's first entry, that it was placed, which the
-- order itself tells (order_timeline in queries.rs).
create table order_timeline (
    order_id uuid not null,
    id bigint generated always as identity (start with 2),
    at timestamptz not null,
    source text not null,
    actor text not null,
    code text not null,
    machine text constraint order_timeline_machine_is_known check (machine in ('order', 'payment', 'fulfilment')),
    from_state text not null,
    to_state text not null,
    reason text not null,
    params jsonb not null,
    primary key (order_id, id)
);

create table payment (
    id uuid primary key,
    order_id uuid not null references orders (id),
    method text not null,
    amount numeric not null constraint payment_is_not_zero check (amount <> 0),
    provider text not null,
    provider_payment_id text not null,
    reason text not null,
    paid_at timestamptz not null,
    recorded_by text not null,
    recorded_at timestamptz not null,
    paid_total numeric not null,
    payment_state text not null
);
create index payment_order on payment (order_id, id);
create unique index payment_provider_key on payment (provider, provider_payment_id) where provider_payment_id <> '';

create table order_return (
    id uuid primary key,
    order_id uuid not null references orders (id),
    reason text not null,
    outcome text not null constraint order_return_outcome_is_known check (outcome in ('restock', 'write_off', 'repair')),
    amount numeric not null,
    returned_at timestamptz not null,
    recorded_by text not null,
    recorded_at timestamptz not null,
    booked_at timestamptz
);
create index order_return_order on order_return (order_id, id);

create table order_return_line (
    return_id uuid not null references order_return (id),
    line_no int not null,
    sku text not null,
    unit text not null,
    quantity numeric not null constraint order_return_line_quantity_is_positive check (quantity > 0),
    amount numeric not null,
    discount numeric not null,
    tax numeric not null,
    primary key (return_id, line_no)
);

-- Personal data on its way to crm; a row lives until crm has it. Nothing else here holds personal data.
create table contact_handover (
    order_id uuid primary key,
    channel text not null,
    external_customer_id text not null,
    name text not null,
    phone text not null,
    email text not null,
    address text not null,
    region text not null,
    placed_at timestamptz not null,
    attempts int not null default 0,
    next_attempt_at timestamptz not null
);
