-- Events on their way out, in, and beside it. The same in every service's database.

create table outbox (
    outbox_id      bigint generated always as identity,
    event_id       uuid        not null,
    event_name     text        not null,
    aggregate_type text        not null,
    -- Compared byte by byte: half the price of the unique index.
    aggregate_id   text        not null collate "C",
    version        bigint      not null,
    occurred_at    timestamptz not null,
    traceparent    text        not null default '',
    payload        bytea       not null,
    constraint outbox_pkey primary key (outbox_id),
    constraint outbox_version_positive check (version > 0),
    constraint outbox_one_event_a_version unique (aggregate_id, version, aggregate_type)
);

create index outbox_occurred_at on outbox using brin (occurred_at);

-- Events appended together are published together. What changes about them on the way stands here, one row for many, and
-- the outbox itself is only ever appended to.
create table outbox_batch (
    batch_id    bigint generated always as identity,
    -- The smallest of the ids: batches go out in this order. An aggregate's next event is appended when the one before it
    -- has been committed, so all ids of its batch are greater. 0 for a replay, whose events are all older than what waits.
    first_id    bigint   not null,
    outbox_ids  bigint[] not null,
    -- Set by the relay once the broker has acknowledged them all: the sequence of each.
    stream_seqs bigint[],
    -- The highest of these; null means "to be published".
    last_seq    bigint,
    -- Goes up when the broker forgot, so that its duplicate detection lets the events through again.
    replays     integer  not null default 0,
    constraint outbox_batch_pkey primary key (batch_id),
    constraint outbox_batch_acknowledged check (
        (last_seq is null) = (stream_seqs is null) and cardinality(stream_seqs) = cardinality(outbox_ids))
);
-- What the relay asks for. Tiny, because published batches are not in it.
create index outbox_batch_waiting on outbox_batch (first_id, batch_id) where last_seq is null;

-- What the relay knows of the stream it publishes to.
create table relay_state (
    only_row       boolean     not null default true,
    -- When the broker says the stream was created: another moment means another, empty stream.
    stream_created timestamptz,
    -- Highest sequence acknowledged so far.
    last_seq       bigint      not null default 0,
    constraint relay_state_pkey primary key (only_row),
    constraint relay_state_single check (only_row)
);
insert into relay_state default values;

-- Which events a consumer has applied; written in the transaction of the effect. One row for those of a batch that were
-- stored within the same second, which their ids (UUID version 7) tell.
create table inbox (
    consumer  text   not null collate "C",
    newest    uuid   not null,
    oldest    uuid   not null,
    event_ids uuid[] not null,
    constraint inbox_pkey primary key (consumer, newest)
);
-- Ids are mostly random: trying to compress them is in vain.
alter table inbox alter column event_ids set storage external;

-- Events that could not be applied, and those of the same aggregate that came after them.
create table dead_letter (
    dead_letter_id bigint generated always as identity,
    consumer       text        not null,
    event_id       uuid        not null,
    source         text        not null,
    event_name     text        not null,
    aggregate_id   text        not null,
    version        bigint      not null,
    occurred_at    timestamptz not null,
    traceparent    text        not null,
    payload        bytea       not null,
    state          text        not null,
    attempts       integer     not null default 0,
    error          text        not null default '',
    due_at         timestamptz not null,
    created_at     timestamptz not null,
    constraint dead_letter_pkey primary key (dead_letter_id),
    constraint dead_letter_once unique (consumer, event_id),
    constraint dead_letter_state check (state in ('retrying', 'parked', 'dead'))
);
create index dead_letter_by_aggregate on dead_letter (consumer, aggregate_id, dead_letter_id);
create index dead_letter_due on dead_letter (consumer, due_at) where state = 'retrying';
