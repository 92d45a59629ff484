-- Tasks, what was said about them and every change of every field.

-- Project and type are no foreign keys, nor is the task in its history: who opens a task holds the rows of both, none of
-- the three is ever deleted, and the checks would cost as much as the rows.
create table task (
    id uuid primary key,
    project_id uuid not null,
    number bigint not null,
    -- The project's key and the number, so the numbers of a project are unique as well.
    key text not null,
    task_type text not null,
    state text not null,
    title text not null,
    title_en text not null default '',
    description text not null default '',
    description_en text not null default '',
    priority smallint not null,
    assignee_id text,
    role text not null default '',
    creator_id text not null,
    due_at timestamptz,
    labels text[] not null default '{}',
    subject_kind text not null default '',
    subject_id text not null default '',
    rule text not null default '',
    cause_key text,
    -- Optimistic lock of edits.
    version bigint not null default 1,
    -- Version of the last event published.
    event_version bigint not null default 1,
    opened_at timestamptz not null,
    updated_at timestamptz not null,
    closed_at timestamptz,
    closed_by text not null default '',
    -- The words of titles and descriptions. The russian configuration stems Latin words as English ones. Not generated:
    -- of many tasks opened at once with the same description the words are found once.
    search tsvector not null,
    constraint task_key_unique unique (key),
    constraint task_number_above_zero check (number > 0),
    constraint task_priority_known check (priority between 1 and 4),
    constraint task_closed_by_known check (
        (closed_at is null and closed_by = '') or (closed_at is not null and closed_by in ('person', 'cause_gone'))
    ),
    constraint task_subject_whole check ((subject_kind = '') = (subject_id = '')),
    constraint task_times_in_order check (closed_at is null or closed_at >= opened_at)
);

-- The promise of the automation: never two open tasks of one cause.
create unique index task_one_open_a_cause on task (cause_key) where cause_key is not null and closed_at is null;
create index task_by_due on task ((coalesce(due_at, timestamptz '9999-01-01 00:00:00+00')), id);
create index task_by_assignee on task (assignee_id, opened_at desc) where assignee_id is not null;
create index task_by_subject on task (subject_kind, subject_id) where subject_kind <> '';
create index task_search on task using gin (search);

create table task_watcher (
    task_id uuid not null references task (id),
    employee_id text not null,
    primary key (task_id, employee_id)
);

create table task_comment (
    id uuid primary key,
    task_id uuid not null references task (id),
    author_id text not null,
    body text not null,
    mentioned_ids text[] not null default '{}',
    written_at timestamptz not null
);
create index task_comment_by_task on task_comment (task_id, written_at, id);

-- Changes. That a task was created, and in which state, the task and its first change of state say.
create table task_history (
    id bigint generated always as identity,
    task_id uuid not null,
    field text not null,
    old_value text not null,
    new_value text not null,
    actor_id text not null,
    version bigint not null,
    changed_at timestamptz not null,
    primary key (task_id, id)
);

create table notification (
    id uuid primary key,
    employee_id text not null,
    task_id uuid not null references task (id),
    kind text not null,
    actor_id text not null,
    reminder_id uuid,
    created_at timestamptz not null,
    read_at timestamptz,
    constraint notification_kind_known check (kind in ('reminder', 'assigned', 'mentioned', 'commented', 'moved', 'closed')),
    -- A reminder fires once.
    constraint notification_one_a_reminder unique (reminder_id, employee_id)
);
create index notification_newest on notification (employee_id, created_at desc, id desc);
create index notification_unread on notification (employee_id) where read_at is null;

create table reminder (
    id uuid primary key,
    task_id uuid not null references task (id),
    -- Empty: the assignee, or the watchers when there is none.
    employee_id text not null default '',
    offset_seconds bigint,
    -- Null while the task of a relative reminder has no due time.
    at timestamptz,
    fired_at timestamptz,
    constraint reminder_has_a_time check (offset_seconds is not null or at is not null)
);
create index reminder_waiting on reminder (at) where fired_at is null;
create index reminder_by_task on reminder (task_id);
