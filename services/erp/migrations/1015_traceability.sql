-- Where lots come from and where they went; recalls.
--
-- Lock doctrine: a recall's row is locked after the items and before the shipments. Which lots it has never changes after it
-- was opened. Facts and status of a lot are written under the lock of its item, as everything else of it.

alter table lot
    add column certificate text not null default '',
    add column certified_on date,
    add column manufacturer text not null default '',
    add column made_on date,
    add constraint lot_country check (country ~ '^([A-Z]{2})?$');
create index lot_by_supplier_lot on lot (supplier_lot, supplier) where supplier_lot <> '';
create index receipt_line_by_lot on receipt_line (lot_id);

alter table stock_move drop constraint stock_move_cause;
alter table stock_move add constraint stock_move_cause check (
    cause_kind in ('receipt', 'shipment', 'failed_delivery', 'return', 'transfer', 'count', 'write_off', 'short_pick',
        'recost', 'cost_correction', 'landed_cost', 'revaluation', 'assembly', 'disassembly')
);

-- What was made of what: one row for each movement out of production and each into it of the same document. What it made
-- takes the value of all it used up, by weight where it made several goods. The lots repeat the movements' so that a trace
-- walks along this table alone.
create table lot_input (
    output_move bigint not null references stock_move (id),
    input_move bigint not null references stock_move (id),
    output_lot uuid not null,
    input_lot uuid not null,
    weight numeric not null,
    primary key (output_move, input_move),
    constraint lot_input_weight check (weight >= 0)
);
create index lot_input_by_output on lot_input (output_lot, input_lot);
create index lot_input_by_input on lot_input (input_lot, output_lot);

create table recall (
    id uuid primary key,
    number bigint generated always as identity,
    state text not null default 'open',
    severity text not null,
    reason text not null,
    supplier_lot text not null,
    -- Facts it was told in, and orders they named.
    parts integer not null,
    order_count integer not null,
    -- The last movement before it; what moved later counts as progress.
    after_move bigint not null,
    opened_by text not null,
    opened_at timestamptz not null,
    closed_by text not null default '',
    closed_at timestamptz,
    summary text not null default '',
    constraint recall_number_unique unique (number),
    constraint recall_state check (state in ('open', 'closed')),
    constraint recall_severity check (severity in ('minor', 'major', 'critical')),
    constraint recall_parts check (parts >= 1 and order_count >= 0),
    constraint recall_closed check ((state = 'closed') = (closed_at is not null))
);

create table recall_lot (
    recall_id uuid not null references recall (id),
    lot_id uuid not null references lot (id),
    named boolean not null,
    -- What the lot gets back when the recall turns out to be a false alarm.
    status_before text not null,
    on_hand_before numeric not null,
    out_before numeric not null,
    primary key (recall_id, lot_id),
    constraint recall_lot_status_before check (status_before in ('available', 'quarantined', 'blocked'))
);
create index recall_lot_by_lot on recall_lot (lot_id);

-- What orders and holds had to give back when it was opened.
create table recall_stop (
    recall_id uuid not null references recall (id),
    order_id uuid not null,
    lot_id uuid not null,
    quantity numeric not null,
    primary key (recall_id, order_id, lot_id),
    constraint recall_stop_quantity check (quantity > 0)
);
