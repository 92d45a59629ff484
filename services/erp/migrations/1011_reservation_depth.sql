-- Least remaining life by channel, holds that become orders, and what people decided about reservations.
--
-- Lock doctrine: nothing new is locked. Demands and their lines change under the locks of their items, as before; rules
-- are only read when a demand is made, and written one call at a time; overrides are only appended.

-- An order is given lots with at least so many days left. Empty means any; the longest of the rules that fit holds.
create table life_rule (
    channel text collate "C" not null,
    delivery_method text collate "C" not null,
    -- A category and everything below it.
    category text collate "C" not null,
    days integer not null,
    updated_by text not null,
    updated_at timestamptz not null,
    primary key (channel, delivery_method, category),
    constraint life_rule_days check (days between 1 and 3650)
);

alter table demand
    add column channel text not null default '',
    -- How often the end of a hold was put off.
    add column extensions integer not null default 0,
    -- The hold whose goods this order took over.
    add column hold_id uuid,
    drop constraint demand_state,
    add constraint demand_state check (state in ('open', 'closed', 'cancelled', 'expired', 'converted')),
    add constraint demand_only_holds_convert check (kind = 'hold' or state <> 'converted');

-- Of the rules when the line was made; lines that wait get no shorter-lived lots later either.
alter table demand_line add column min_life_days integer not null default 0;

create table reservation_override (
    id uuid primary key,
    kind text not null,
    order_id uuid not null,
    line_no integer,
    -- The order that got what this one gave.
    other_order_id uuid,
    other_line_no integer,
    sku text not null default '',
    lot text not null default '',
    place text not null default '',
    quantity numeric,
    from_priority integer,
    to_priority integer,
    reason text not null,
    approved_by text not null,
    done_by text not null,
    done_at timestamptz not null,
    constraint reservation_override_kind check (kind in ('pin', 'move', 'priority')),
    constraint reservation_override_reason check (reason <> '')
);
create index reservation_override_by_order on reservation_override (order_id, id);
create index reservation_override_by_other on reservation_override (other_order_id, id) where other_order_id is not null;
