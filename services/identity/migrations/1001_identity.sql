-- Employees, roles, API keys, sessions, signing keys, sign-in attempts and the audit trail.

create table role (
    code        text primary key,
    title       text not null,
    permissions text[] not null,
    built_in    boolean not null default false,
    version     bigint not null default 1,
    constraint role_code_form check (code ~ '^[a-z][a-z0-9_]{1,39}$'),
    constraint role_has_permissions check (cardinality(permissions) between 1 and 500)
);

create table employee (
    id                   uuid primary key,
    login                text not null,
    display_name         text not null,
    locale               text not null,
    active               boolean not null,
    password_hash        text not null,
    must_change_password boolean not null,
    version              bigint not null,
    created_at           timestamptz not null,
    last_sign_in_at      timestamptz,
    constraint employee_login_unique unique (login),
    constraint employee_login_lower check (login = lower(login)),
    constraint employee_locale_known check (locale in ('ru', 'en'))
);

create table employee_role (
    employee_id uuid not null references employee (id),
    role        text not null constraint employee_role_known references role (code),
    primary key (employee_id, role)
);
create index employee_role_by_role on employee_role (role);

create table session (
    id             uuid primary key,
    employee_id    uuid not null references employee (id),
    source         text not null,
    created_at     timestamptz not null,
    last_used_at   timestamptz not null,
    expires_at     timestamptz not null,
    revoked_at     timestamptz,
    revoked_reason text,
    constraint session_revoked_reason check (revoked_reason in ('signed_out', 'password', 'deactivated', 'reuse', 'operator')),
    constraint session_revoked_whole check ((revoked_at is null) = (revoked_reason is null))
);
create index session_by_employee on session (employee_id, created_at desc, id);
create index session_by_expiry on session (expires_at);

-- A used token stays until its session is swept: presenting it again is how theft shows.
create table refresh_token (
    hash       bytea primary key,
    session_id uuid not null references session (id) on delete cascade,
    issued_at  timestamptz not null,
    used_at    timestamptz,
    constraint refresh_token_hash_size check (length(hash) = 32)
);
create unique index refresh_token_one_unused on refresh_token (session_id) where used_at is null;
create index refresh_token_by_session on refresh_token (session_id);

create table api_key (
    id           uuid primary key,
    name         text not null,
    prefix       text not null,
    secret_hash  bytea not null,
    channel      text not null,
    created_at   timestamptz not null,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    constraint api_key_prefix_unique unique (prefix),
    constraint api_key_hash_unique unique (secret_hash),
    constraint api_key_hash_size check (length(secret_hash) = 32)
);
create index api_key_newest on api_key (created_at desc, id desc);

create table api_key_role (
    api_key_id uuid not null references api_key (id),
    role       text not null constraint api_key_role_known references role (code),
    primary key (api_key_id, role)
);
create index api_key_role_by_role on api_key_role (role);

create table signing_key (
    kid         text primary key,
    private_key bytea not null,
    public_key  bytea not null,
    created_at  timestamptz not null,
    active_from timestamptz not null,
    retired_at  timestamptz,
    constraint signing_key_sizes check (length(private_key) = 32 and length(public_key) = 32)
);

-- Failed sign-ins, by the hash of what they are counted for: people type passwords into login fields.
create table sign_in_attempt (
    scope         text not null,
    key_hash      bytea not null,
    failures      integer not null,
    last_at       timestamptz not null,
    blocked_until timestamptz not null,
    primary key (scope, key_hash),
    constraint sign_in_attempt_scope check (scope in ('login', 'login_and_source', 'source')),
    constraint sign_in_attempt_failures check (failures >= 0)
);
create index sign_in_attempt_by_age on sign_in_attempt (last_at);

create table audit_entry (
    sequence      bigint primary key,
    at            timestamptz not null,
    actor         text not null,
    action        text not null,
    object_type   text not null,
    object_id     text not null,
    details       text not null,
    previous_hash bytea not null,
    hash          bytea not null,
    constraint audit_entry_sequence_positive check (sequence > 0),
    constraint audit_entry_hash_unique unique (hash)
);
create index audit_entry_by_actor on audit_entry (actor, sequence desc);
create index audit_entry_by_object on audit_entry (object_id, sequence desc);
create index audit_entry_by_action on audit_entry (action, sequence desc);

create function audit_entry_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is append-only';
end
$$;
create trigger audit_entry_append_only before update or delete or truncate on audit_entry
    for each statement execute function audit_entry_is_append_only();
