-- Goods that are to come, and units of measure beside an item's own.
--
-- Lock doctrine: expected receipts are written under the lock of their item, like balances; units are only read.

create table expected_receipt (
    id uuid primary key,
    -- Who will bring it, and the line of their document: what it is known by.
    source text collate "C" not null,
    document text collate "C" not null,
    document_line integer not null,
    sku text collate "C" not null references stock_item (sku),
    warehouse_id uuid not null references warehouse (id),
    quantity numeric not null,
    received numeric not null default 0,
    expected_on date not null,
    supplier text not null default '',
    state text not null default 'open',
    reason text not null default '',
    version bigint not null default 1,
    updated_by text not null,
    updated_at timestamptz not null,
    constraint expected_receipt_known_by unique (source, document, document_line),
    constraint expected_receipt_source check (source in ('supplier', 'production')),
    constraint expected_receipt_quantity check (quantity > 0),
    constraint expected_receipt_received check (received >= 0),
    constraint expected_receipt_state check (
        (state = 'open' and received = 0) or (state = 'partial' and received > 0 and received < quantity)
        or (state = 'received' and received > 0) or state = 'cancelled'
    )
) with (fillfactor = 80);
create index expected_receipt_open on expected_receipt (sku, warehouse_id, expected_on) include (quantity, received)
    where state in ('open', 'partial');
create index expected_receipt_by_day on expected_receipt (expected_on, id);

-- What of a receipt was expected.
create table expected_receipt_fulfilment (
    receipt_id uuid not null references receipt (id),
    line_no integer not null,
    expected_receipt_id uuid not null references expected_receipt (id),
    quantity numeric not null,
    primary key (receipt_id, line_no),
    constraint expected_receipt_fulfilment_quantity check (quantity > 0)
);
create index expected_receipt_fulfilment_by_expected on expected_receipt_fulfilment (expected_receipt_id);

-- One of the unit is numerator ÷ denominator of the item's own; for one lot, or for all that have none of their own ('').
create table item_unit (
    sku text collate "C" not null references stock_item (sku),
    unit text collate "C" not null,
    lot text collate "C" not null,
    numerator bigint not null,
    denominator bigint not null,
    updated_by text not null,
    updated_at timestamptz not null,
    primary key (sku, unit, lot),
    constraint item_unit_ratio check (numerator between 1 and 1000000000 and denominator between 1 and 1000000000)
);

-- What people entered where it was another unit than the item's, beside what it came to. Never changed for a posted document.
create table entered_quantity (
    document_id uuid not null,
    line_no integer not null,
    sku text collate "C" not null,
    quantity numeric not null,
    unit text not null,
    base_quantity numeric not null,
    primary key (document_id, line_no),
    constraint entered_quantity_positive check (quantity >= 0 and base_quantity >= 0)
);
