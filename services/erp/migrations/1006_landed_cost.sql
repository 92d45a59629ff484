-- What it cost to bring goods here, spread over lines of receipts. The entries it makes stand in stock_move.

create table landed_cost (
    id uuid primary key,
    number bigint generated always as identity,
    declaration_number text not null default '',
    country text not null default '',
    cost numeric not null,
    created_by text not null,
    created_at timestamptz not null,
    cancelled_by text,
    cancelled_at timestamptz,
    cancel_reason text,
    constraint landed_cost_cancelled check (
        (cancelled_at is null) = (cancelled_by is null) and (cancelled_at is null) = (cancel_reason is null)
    )
);

create table landed_cost_charge (
    landed_cost_id uuid not null references landed_cost (id),
    charge_no integer not null,
    kind text not null,
    basis text not null,
    amount numeric not null,
    currency text not null,
    rate numeric not null,
    rate_on date,
    customs_code text not null default '',
    cost numeric not null,
    primary key (landed_cost_id, charge_no),
    constraint landed_cost_charge_kind check (kind in ('duty', 'freight', 'broker', 'other')),
    constraint landed_cost_charge_basis check (basis in ('value', 'quantity', 'weight', 'volume', 'customs_code')),
    constraint landed_cost_charge_amount check (amount > 0 and rate > 0 and cost >= 0)
);

create table landed_cost_share (
    landed_cost_id uuid not null,
    charge_no integer not null,
    -- Place of the line in the document.
    line_no integer not null,
    receipt_id uuid not null,
    receipt_line_no integer not null,
    cost numeric not null,
    primary key (landed_cost_id, charge_no, line_no),
    foreign key (landed_cost_id, charge_no) references landed_cost_charge (landed_cost_id, charge_no),
    foreign key (receipt_id, receipt_line_no) references receipt_line (receipt_id, line_no)
);

alter table lot
    add column declaration_number text not null default '',
    add column country text not null default '';
