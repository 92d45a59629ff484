-- Stocktaking.
--
-- Lock doctrine, continued: the row of a count comes after the items (and before shipments and demands). Who records locks it
-- `for share`, who changes its state `for no key update`.
create table stock_count (
    id uuid primary key,
    number bigint generated always as identity,
    warehouse_id uuid not null references warehouse (id),
    title text not null,
    state text not null default 'open',
    uncounted_is_empty boolean not null,
    -- Only these goods; all when both are empty.
    skus text[] not null,
    categories text[] not null,
    version bigint not null default 1,
    surplus numeric not null default 0,
    shortage numeric not null default 0,
    created_by text not null,
    created_at timestamptz not null,
    closed_by text not null default '',
    closed_at timestamptz,
    ended_by text not null default '',
    ended_at timestamptz,
    constraint stock_count_state check (state in ('open', 'closed', 'posted', 'cancelled')),
    constraint stock_count_closed check (state not in ('closed', 'posted') or closed_at is not null),
    constraint stock_count_ended check ((state in ('posted', 'cancelled')) = (ended_at is not null))
);

create table stock_count_bin (
    count_id uuid not null references stock_count (id),
    place_id bigint not null references place (id),
    completed_by text not null default '',
    completed_at timestamptz,
    primary key (count_id, place_id)
);

-- What is counted of a lot in a bin; what holds is the latest entry of its present round.
create table stock_count_line (
    count_id uuid not null,
    place_id bigint not null,
    sku text collate "C" not null,
    lot_id uuid not null references lot (id),
    round integer not null default 1,
    -- What was posted on approval.
    difference numeric,
    value numeric,
    primary key (count_id, place_id, lot_id),
    constraint stock_count_line_of_bin foreign key (count_id, place_id) references stock_count_bin (count_id, place_id),
    constraint stock_count_line_posted check ((difference is null) = (value is null))
);

-- Everything anybody said. Written under the lock of the item, so that on_hand, picked, picking and mark are of one moment.
create table stock_count_entry (
    id bigint generated always as identity primary key,
    count_id uuid not null,
    place_id bigint not null,
    lot_id uuid not null,
    round integer not null,
    counted numeric not null,
    -- What the books had, and of it what was in shipments already picked, or being picked.
    on_hand numeric not null,
    picked numeric not null,
    picking numeric not null,
    -- The last movement of the item at that moment.
    mark bigint not null,
    -- Nobody scanned it: the bin was said to be complete.
    implied boolean not null,
    counted_by text not null,
    counted_at timestamptz not null,
    constraint stock_count_entry_counted check (counted >= 0),
    constraint stock_count_entry_of_line foreign key (count_id, place_id, lot_id)
        references stock_count_line (count_id, place_id, lot_id)
);
create index stock_count_entry_by_line on stock_count_entry (count_id, place_id, lot_id, round, id);
create index stock_count_entry_by_person on stock_count_entry (count_id, counted_by);
