-- Customers and what is known of them. Names are in `customer`, everything else personal in `customer_contact` and the
-- notes of `contact_record`; nothing personal anywhere else.

-- Trusted: the owner of the database may create it.
create extension if not exists pg_trgm;

create table customer (
    customer_id uuid primary key,
    name text not null,
    -- Lower case, one blank between words, for the search.
    name_search text not null,
    source text not null,
    created_at timestamptz not null,
    created_by text not null,
    -- Number of the last edit by hand.
    revision bigint not null default 1,
    erased_at timestamptz,
    constraint customer_source check (source in ('order', 'hand')),
    constraint customer_erased_has_no_name check (erased_at is null or name = '')
);
create index customer_by_name on customer using gin (name_search gin_trgm_ops);

-- Here and in the other tables that each order writes to, the customer is no foreign key: the row of the customer was read
-- or made in the same transaction, and customers are never deleted; the check of every row would cost more than the row.
create table customer_contact (
    customer_id uuid not null,
    -- Of an address or note the digest of its text, so that a customer has it once.
    contact_id uuid not null,
    kind text not null,
    value text not null,
    added_at timestamptz not null,
    primary key (customer_id, contact_id),
    constraint customer_contact_kind check (kind in ('phone', 'email', 'messenger', 'account', 'address', 'note')),
    constraint customer_contact_value check (value <> '')
);
-- What identifies a person belongs to one customer only. The last line of defence behind the locks of identification.
create unique index customer_contact_has_one_owner on customer_contact (kind, value)
    where kind in ('phone', 'email', 'messenger', 'account');

create table customer_tag (
    customer_id uuid not null references customer,
    tag text not null,
    added_at timestamptz not null,
    added_by text not null,
    primary key (customer_id, tag)
);
create index customer_tag_by_tag on customer_tag (tag, customer_id);

create table merge_candidate (
    older_customer_id uuid not null references customer,
    newer_customer_id uuid not null references customer,
    reason text not null,
    order_id uuid not null,
    found_at timestamptz not null,
    primary key (older_customer_id, newer_customer_id),
    constraint merge_candidate_are_two check (older_customer_id <> newer_customer_id)
);
create index merge_candidate_newest on merge_candidate (found_at, older_customer_id, newer_customer_id);

-- Who looked at whose personal data.
create table contact_access (
    customer_id uuid not null references customer,
    access_id bigint generated always as identity,
    caller text not null,
    purpose text not null,
    accessed_at timestamptz not null,
    primary key (customer_id, access_id)
);

-- What was said and written.
create table contact_record (
    record_id uuid primary key,
    customer_id uuid not null references customer,
    kind text not null,
    direction text not null,
    outcome text not null,
    note text not null,
    order_id uuid,
    author text not null,
    happened_at timestamptz not null,
    constraint contact_record_kind check (kind in ('call', 'letter', 'chat', 'visit', 'complaint')),
    constraint contact_record_direction check (direction in ('inbound', 'outbound'))
);
create index contact_record_by_customer on contact_record (customer_id, happened_at, record_id);
