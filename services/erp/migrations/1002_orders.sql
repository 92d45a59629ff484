-- What orders want, hold and got: demands, reservations, shipments, returns.

-- Demands, lines and reservations carry no foreign keys: warehouses and demands are never deleted, lines are written with
-- their demand, and a key costs as much as the row it guards.
create table demand (
    order_id uuid primary key,
    kind text not null,
    number text not null,
    warehouse_id uuid not null,
    region text not null default '',
    delivery_method text not null default '',
    priority integer not null default 0,
    placed_at timestamptz not null,
    state text not null default 'open',
    expires_at timestamptz,
    version bigint not null default 0,
    constraint demand_kind check (kind in ('order', 'hold')),
    constraint demand_state check (state in ('open', 'closed', 'cancelled', 'expired')),
    constraint demand_only_holds_expire check (kind = 'hold' or (expires_at is null and state <> 'expired'))
) with (fillfactor = 70);
create index demand_to_expire on demand (expires_at) where state = 'open' and expires_at is not null;

-- priority, placed_at, warehouse_id and closed repeat the demand so that one index serves those who wait.
create table demand_line (
    order_id uuid not null,
    line_no integer not null,
    sku text collate "C" not null,
    unit text not null,
    ordered numeric not null,
    cancelled numeric not null default 0,
    reserved numeric not null default 0,
    shipped numeric not null default 0,
    backordered numeric generated always as (ordered - cancelled - reserved - shipped) stored,
    priority integer not null,
    placed_at timestamptz not null,
    warehouse_id uuid not null,
    closed boolean not null default false,
    primary key (order_id, line_no),
    constraint demand_line_ordered check (ordered > 0),
    constraint demand_line_cancelled check (cancelled >= 0),
    constraint demand_line_reserved check (reserved >= 0),
    constraint demand_line_shipped check (shipped >= 0),
    constraint demand_line_never_more_than_wanted check (ordered - cancelled - reserved - shipped >= 0)
) with (fillfactor = 70);
create index demand_line_waiting on demand_line (sku, warehouse_id, priority desc, placed_at, order_id, line_no)
    where backordered > 0 and not closed;

-- A piece of a lot held for a line. Never deleted; ends exactly once. When only a part ends, the part becomes a row of its own.
create table reservation (
    order_id uuid not null,
    id uuid not null,
    line_no integer not null,
    sku text collate "C" not null,
    lot_id uuid not null,
    place_id bigint not null,
    quantity numeric not null,
    state text not null default 'active',
    shipment_id uuid,
    created_at timestamptz not null,
    ended_at timestamptz,
    reason text not null default '',
    primary key (order_id, id),
    constraint reservation_quantity check (quantity > 0),
    constraint reservation_state check (state in ('active', 'shipped', 'released', 'expired')),
    constraint reservation_ended check ((state = 'active') = (ended_at is null))
) with (fillfactor = 80);
create index reservation_active_by_lot on reservation (lot_id, place_id) where state = 'active';

create function reservation_ends_once() returns trigger language plpgsql as $$
begin
    raise exception 'reservation % has already ended', old.id using errcode = 'restrict_violation';
end
$$;
create trigger reservation_ends_once before update or delete on reservation
    for each row when (old.state <> 'active') execute function reservation_ends_once();

create table shipment (
    id uuid primary key,
    order_id uuid not null references demand (order_id),
    state text not null,
    places integer not null default 0,
    weight_grams numeric,
    carrier text not null default '',
    tracking_number text not null default '',
    cost numeric not null default 0,
    failure text not null default '',
    created_at timestamptz not null,
    shipped_at timestamptz,
    ended_at timestamptz,
    constraint shipment_state check (
        state in ('picking', 'picked', 'packed', 'shipped', 'delivered', 'failed', 'cancelled')
    ),
    constraint shipment_places check (places >= 0),
    constraint shipment_weight check (weight_grams > 0),
    constraint shipment_cost check (cost >= 0),
    constraint shipment_left check ((state in ('shipped', 'delivered', 'failed')) = (shipped_at is not null)),
    constraint shipment_ended check ((state in ('delivered', 'failed', 'cancelled')) = (ended_at is not null)),
    constraint shipment_times check (ended_at >= shipped_at and shipped_at >= created_at)
) with (fillfactor = 70);
create index shipment_by_order on shipment (order_id);
create index shipment_queue on shipment (state, created_at, id) where state in ('picking', 'picked', 'packed', 'shipped');

create table shipment_line (
    shipment_id uuid not null references shipment (id),
    line_no integer not null,
    lot_id uuid not null,
    place_id bigint not null,
    sku text collate "C" not null,
    unit text not null,
    planned numeric not null,
    quantity numeric not null,
    cost numeric not null default 0,
    returned numeric not null default 0,
    returned_cost numeric not null default 0,
    -- The ledger's entry with which it left.
    move_id bigint,
    primary key (shipment_id, line_no, lot_id, place_id),
    constraint shipment_line_quantity check (quantity >= 0 and quantity <= planned),
    constraint shipment_line_returned check (returned >= 0 and returned <= quantity),
    constraint shipment_line_returned_cost check (returned_cost >= 0 and returned_cost <= cost)
) with (fillfactor = 80);

create table stock_return (
    return_id uuid primary key,
    order_id uuid not null,
    outcome text not null,
    reason text not null,
    cost numeric not null,
    returned_at timestamptz not null,
    recorded_at timestamptz not null,
    -- Asked for but never shipped by us, so not booked; 0 when all is well.
    unmatched numeric not null default 0,
    constraint stock_return_outcome check (outcome in ('restock', 'write_off', 'repair'))
);
create index stock_return_by_order on stock_return (order_id);
