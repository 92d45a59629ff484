-- Products, prices, import jobs.

-- One row. Every change of what intake reads (products, prices, price lists, channels) adds one in its own transaction,
-- so that a copy of the service knows when its cache is stale.
create table catalogue_stamp (
    only_row boolean primary key default true constraint catalogue_stamp_is_one_row check (only_row),
    version bigint not null
);
insert into catalogue_stamp (version) values (1);

create table product (
    id uuid primary key,
    sku text not null constraint product_sku_key unique,
    name_ru text not null,
    name_en text not null,
    brand text not null,
    category text not null,
    series text not null,
    unit text not null,
    barcodes text[] not null,
    vat_rate numeric not null constraint product_vat_rate_is_a_percentage check (vat_rate between 0 and 100),
    weight_grams numeric constraint product_weight_is_positive check (weight_grams > 0),
    status text not null constraint product_status_is_known check (status in ('draft', 'active', 'discontinued')),
    description text not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint product_has_a_name check (name_ru <> '' or name_en <> '')
);
-- list_products by category and by barcode
create index product_category_sku on product (category text_pattern_ops, sku);
create index product_barcodes on product using gin (barcodes);

create table price_list (
    code text primary key,
    name text not null,
    currency text not null,
    vat_included boolean not null,
    created_at timestamptz not null
);

-- What holds when: of the periods that contain a moment, the one that began last.
create table price (
    price_list text not null references price_list (code),
    product_id uuid not null references product (id),
    valid_from timestamptz not null,
    valid_to timestamptz,
    amount numeric not null constraint price_is_not_negative check (amount >= 0),
    primary key (price_list, product_id, valid_from),
    constraint price_period_is_not_empty check (valid_to > valid_from)
);

-- What was ever set, never changed.
create table price_history (
    id bigint generated always as identity,
    price_list text not null,
    product_id uuid not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    amount numeric not null,
    set_by text not null,
    set_at timestamptz not null,
    primary key (price_list, product_id, id)
);

create table import_job (
    job_id text primary key,
    caller text not null,
    parts int not null,
    price_list text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    rows bigint not null default 0,
    created bigint not null default 0,
    changed bigint not null default 0,
    unchanged bigint not null default 0,
    rejected bigint not null default 0,
    prices bigint not null default 0
);

-- The bytes wait here until all parts are in; removed when the job is finished or given up.
create table import_part (
    job_id text not null references import_job (job_id) on delete cascade,
    part int not null,
    content_hash bytea not null,
    data bytea,
    primary key (job_id, part)
);

create table import_rejection (
    job_id text not null references import_job (job_id) on delete cascade,
    seq bigint not null,
    row_no bigint not null,
    sku text not null,
    column_name text not null,
    reason text not null,
    primary key (job_id, seq)
);

create table channel (
    code text primary key,
    name text not null,
    price_list text references price_list (code),
    price_authoritative boolean not null,
    prices_include_tax boolean not null,
    tax_rounding text constraint channel_tax_rounding_is_known check (tax_rounding in ('per_line', 'per_unit')),
    tolerance numeric not null constraint channel_tolerance_is_not_negative check (tolerance >= 0)
);
