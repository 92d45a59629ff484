-- Kits: what they are made of, and the documents of putting them together and taking them apart.
--
-- Whoever says what a kit is made of first takes the advisory lock erp.kit (one at a time, so that no two of them close a
-- circle), then the items of the kit and its components, as does whoever puts it together or takes it apart.

create table kit (
    sku text collate "C" primary key references stock_item (sku),
    version bigint not null,
    saved_by text not null,
    saved_at timestamptz not null
);

create table kit_component (
    kit_sku text collate "C" not null references kit (sku),
    line_no integer not null,
    sku text collate "C" not null references stock_item (sku),
    quantity numeric not null,
    unit text not null,
    weight numeric not null,
    primary key (kit_sku, line_no),
    constraint kit_component_once unique (kit_sku, sku),
    constraint kit_component_other check (sku <> kit_sku),
    constraint kit_component_quantity check (quantity > 0),
    constraint kit_component_weight check (weight >= 0)
);
create index kit_component_by_item on kit_component (sku, kit_sku);

create table assembly (
    id uuid primary key,
    number bigint generated always as identity,
    kind text not null,
    kit_sku text collate "C" not null,
    warehouse_id uuid not null references warehouse (id),
    quantity numeric not null,
    created_by text not null,
    created_at timestamptz not null,
    constraint assembly_number_unique unique (number),
    constraint assembly_kind check (kind in ('assembly', 'disassembly')),
    constraint assembly_quantity check (quantity > 0)
);
create index assembly_by_kit on assembly (kit_sku, number desc);
