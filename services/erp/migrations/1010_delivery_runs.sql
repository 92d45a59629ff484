-- Couriers' runs, and the cash they collect. All amounts in the company currency.

-- What the buyer of an order still owes on delivery: its total, less what was cancelled or paid otherwise. Only orders
-- that are paid on delivery have a row.
create table order_cash (
    order_id uuid primary key,
    due numeric not null
);

create table delivery_run (
    id uuid primary key,
    number bigint generated always as identity,
    warehouse_id uuid not null references warehouse (id),
    courier text not null,
    region text not null default '',
    state text not null default 'open',
    created_by text not null,
    created_at timestamptz not null,
    started_at timestamptz,
    closed_at timestamptz,
    constraint delivery_run_state check (state in ('open', 'started', 'closed')),
    constraint delivery_run_started check ((state = 'open') = (started_at is null)),
    constraint delivery_run_closed check ((state = 'closed') = (closed_at is not null))
);
create index delivery_run_by_time on delivery_run (created_at, id);
create index delivery_run_by_courier on delivery_run (courier, created_at, id);

create table run_stop (
    run_id uuid not null references delivery_run (id),
    stop_no integer not null,
    shipment_id uuid not null references shipment (id),
    order_id uuid not null,
    outcome text not null default 'pending',
    note text not null default '',
    resolved_at timestamptz,
    cash_due numeric not null default 0,
    cash_collected numeric not null default 0,
    primary key (run_id, stop_no),
    constraint run_stop_shipment_once unique (run_id, shipment_id),
    constraint run_stop_outcome check (
        outcome in ('pending', 'delivered', 'refused', 'partly_refused', 'not_found', 'postponed', 'left_out')
    ),
    constraint run_stop_resolved check ((outcome = 'pending') = (resolved_at is null)),
    constraint run_stop_cash check (cash_due >= 0 and cash_collected >= 0),
    constraint run_stop_no_cash_without_goods check (cash_collected = 0 or outcome in ('delivered', 'partly_refused'))
);
-- A shipment is on one way at a time.
create unique index run_stop_pending_once on run_stop (shipment_id) where outcome = 'pending';
create index run_stop_by_order on run_stop (order_id);
create index run_stop_by_shipment on run_stop (shipment_id);

-- The cash of a run, counted by a cashier. A difference waits for another person.
create table cash_hand_in (
    run_id uuid primary key references delivery_run (id),
    collected numeric not null,
    counted numeric not null,
    difference numeric generated always as (counted - collected) stored,
    reason text not null default '',
    counted_by text not null,
    counted_at timestamptz not null,
    decision text not null default '',
    decided_by text,
    decided_at timestamptz,
    constraint cash_hand_in_amounts check (collected >= 0 and counted >= 0),
    constraint cash_hand_in_decision check (decision in ('', 'waived', 'charged')),
    constraint cash_hand_in_difference_has_a_reason check (counted = collected or reason <> ''),
    constraint cash_hand_in_decided check ((decision = '') = (decided_by is null) and (decision = '') = (decided_at is null)),
    constraint cash_hand_in_by_another_person check (decided_by <> counted_by)
);
