-- Cut-off times, waves with scans, parcels, self-pickup, and what came back in which condition.
--
-- Lock doctrine, with what 1001 says: items by sku → shipments by id → one row of wave, pickup or delivery run →
-- demands. Who writes what was scanned of a line holds the lock of the line's item.

-- By when goods of a delivery method for a region must be ready to leave that day. Empty method or region: all that have
-- no row of their own. Local time of the company.
create table cut_off (
    warehouse_id uuid not null references warehouse (id),
    delivery_method text collate "C" not null,
    region text collate "C" not null,
    weekday integer not null,
    leaves_at time not null,
    primary key (warehouse_id, delivery_method, region, weekday),
    constraint cut_off_weekday check (weekday between 1 and 7)
);

-- All departures from the day of one moment to a week after the day of another, in their order: what is ready leaves with the
-- first one after. The rows for this method and region count; without them those for the method, then those for the region,
-- then those for all. None: null.
create function departures(
    from_warehouse uuid, method text, area text, first_ready timestamptz, last_ready timestamptz, zone text
) returns timestamptz[] language sql stable as $$
    select array_agg(d.moment order by d.moment)
    from (
        select (days.day + c.leaves_at) at time zone zone as moment
        from (
            select weekday, leaves_at, rank() over (order by delivery_method = '', region = '') as rank
            from cut_off
            where warehouse_id = from_warehouse and delivery_method in ('', method) and region in ('', area)
        ) c
        join generate_series(
            date_trunc('day', first_ready at time zone zone),
            date_trunc('day', last_ready at time zone zone) + interval '8 days', interval '1 day'
        ) as days (day) on extract(isodow from days.day) = c.weekday
        where c.rank = 1
    ) d
$$;

create table wave (
    id uuid primary key,
    number bigint generated always as identity,
    warehouse_id uuid not null references warehouse (id),
    state text not null default 'planned',
    region text not null default '',
    delivery_method text not null default '',
    created_by text not null,
    created_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    constraint wave_state check (state in ('planned', 'started', 'cancelled')),
    constraint wave_started check ((state = 'started') = (started_at is not null)),
    constraint wave_cancelled_is_over check (state <> 'cancelled' or ended_at is not null)
);
create index wave_open on wave (created_at, id) where ended_at is null;

-- An order of a wave, and the tote its goods are put into. Its shipment is made when the wave starts; an order that holds
-- nothing by then has left the wave.
create table wave_order (
    wave_id uuid not null references wave (id),
    tote integer not null,
    order_id uuid not null,
    planned boolean not null default true,
    shipment_id uuid,
    primary key (wave_id, tote),
    constraint wave_order_tote check (tote > 0),
    constraint wave_order_shipment_once unique (shipment_id)
);
create unique index wave_order_planned_once on wave_order (order_id) where planned;

-- handled_at: when the first piece was taken off its shelf. A shipment given up after that is to be taken apart.
alter table shipment
    add column handled_at timestamptz,
    add column dismantled_at timestamptz,
    add column expected_grams numeric,
    add column weight_reason text not null default '';
create index shipment_to_dismantle on shipment (ended_at, id)
    where state = 'cancelled' and handled_at is not null and dismantled_at is null;

alter table shipment_line
    add column scanned numeric not null default 0,
    add constraint shipment_line_scanned check (scanned >= 0 and scanned <= quantity);

create table parcel (
    shipment_id uuid not null references shipment (id),
    parcel_no integer not null,
    weight_grams numeric,
    primary key (shipment_id, parcel_no),
    constraint parcel_weight check (weight_grams > 0)
);
create table parcel_content (
    shipment_id uuid not null,
    parcel_no integer not null,
    line_no integer not null,
    lot_id uuid not null,
    quantity numeric not null,
    primary key (shipment_id, parcel_no, line_no, lot_id),
    foreign key (shipment_id, parcel_no) references parcel (shipment_id, parcel_no),
    constraint parcel_content_quantity check (quantity > 0)
);

-- Parcels that wait for their buyer at the counter.
create table pickup (
    shipment_id uuid primary key references shipment (id),
    order_id uuid not null,
    code text not null,
    attempts integer not null default 0,
    state text not null default 'waiting',
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    constraint pickup_state check (state in ('waiting', 'collected', 'expired', 'cancelled')),
    constraint pickup_attempts check (attempts >= 0),
    constraint pickup_ended check ((state = 'waiting') = (ended_at is null))
);
create index pickup_to_expire on pickup (expires_at) where state = 'waiting';

-- What came back of a shipment, in which condition, and what became of it.
create table shipment_comeback (
    id bigint generated always as identity primary key,
    shipment_id uuid not null references shipment (id),
    line_no integer not null,
    lot_id uuid not null,
    condition text not null,
    outcome text not null,
    quantity numeric not null,
    cost numeric not null,
    recorded_at timestamptz not null,
    recorded_by text not null,
    constraint shipment_comeback_condition check (condition in ('sellable', 'damaged', 'missing')),
    constraint shipment_comeback_outcome check (outcome in ('restock', 'quarantine', 'write_off')),
    constraint shipment_comeback_quantity check (quantity > 0),
    constraint shipment_comeback_cost check (cost >= 0)
);
create index shipment_comeback_by_shipment on shipment_comeback (shipment_id);
