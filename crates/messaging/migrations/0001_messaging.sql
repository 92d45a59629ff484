-- Events on their way out, in, and beside it. The same in every service's database.

create table outbox (
    outbox_id      bigint generated always as identity,
    event_id       uuid        not null,
    event_name     text        not null,
    aggregate_type text        not null,
    aggregate_id   text        not null,
    version        bigint      not null,
    occurred_at    timestamptz not null,
    traceparent    text        not null default '',
    payload        bytea       not null,
    -- Set by the relay once the broker has acknowledged; null means "to be published".
    stream_seq     bigint,
    -- Goes up with each replay, so that the broker's duplicate detection lets the event through again.
    replays        integer     not null default 0,
    constraint outbox_pkey primary key (outbox_id),
    constraint outbox_version_positive check (version > 0),
    constraint outbox_one_event_a_version unique (aggregate_id, version, aggregate_type)
);

-- What the relay asks for. Tiny, because published rows are not in it.
create index outbox_unpublished on outbox (outbox_id) where stream_seq is null;
create index outbox_occurred_at on outbox using brin (occurred_at);

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

-- Which events a consumer has applied; written in the transaction of the effect.
create table inbox (
    consumer    text        not null,
    event_id    uuid        not null,
    constraint inbox_pkey primary key (consumer, event_id)
);

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
