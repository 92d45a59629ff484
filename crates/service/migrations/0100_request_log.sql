-- Answers already given, so that a repeated write gets the same one. One row a (caller, method, request id).
create table request_log (
    caller_id    text        not null,
    method       text        not null,
    request_id   text        not null,
    request_hash bytea       not null,
    response     bytea,
    created_at   timestamptz not null default now(),
    constraint request_log_pkey primary key (caller_id, method, request_id)
);
create index request_log_created_at on request_log using brin (created_at);
