-- Projects give tasks their numbers; workflows say which states a task of a type may be in.

create table project (
    id uuid primary key,
    key text not null,
    name text not null,
    description text not null default '',
    -- Number of the newest task; taken under this row's lock, so numbers have no gaps.
    last_number bigint not null default 0,
    archived boolean not null default false,
    version bigint not null default 1,
    created_by text not null,
    created_at timestamptz not null,
    constraint project_key_unique unique (key),
    constraint project_key_form check (key ~ '^[A-Z][A-Z0-9]{1,9}$'),
    constraint project_number_never_below_zero check (last_number >= 0)
);

create table workflow (
    code text primary key,
    name text not null,
    initial_state text not null,
    version bigint not null default 1,
    constraint workflow_code_form check (code ~ '^[a-z][a-z0-9_]{0,39}$')
);

create table workflow_state (
    workflow text not null references workflow (code),
    code text not null,
    position int not null,
    name_ru text not null,
    name_en text not null,
    final boolean not null,
    primary key (workflow, code)
);

alter table workflow
    add constraint workflow_initial_state_exists foreign key (code, initial_state)
    references workflow_state (workflow, code) deferrable initially deferred;

create table workflow_transition (
    workflow text not null,
    from_state text not null,
    to_state text not null,
    -- Who may, besides everybody who may move tasks; empty for no further demand.
    permission text not null default '',
    role text not null default '',
    primary key (workflow, from_state, to_state),
    constraint workflow_transition_from foreign key (workflow, from_state) references workflow_state (workflow, code)
        deferrable initially deferred,
    constraint workflow_transition_to foreign key (workflow, to_state) references workflow_state (workflow, code)
        deferrable initially deferred,
    constraint workflow_transition_moves check (from_state <> to_state)
);

create table task_type (
    code text primary key,
    name_ru text not null,
    name_en text not null,
    workflow text not null references workflow (code),
    constraint task_type_code_form check (code ~ '^[a-z][a-z0-9_]{0,39}$')
);

insert into project (id, key, name, description, created_by, created_at) values
    ('0192a000-0000-7000-8000-000000000001', 'ORD', 'Заказы', 'Работа с заказами покупателей', 'seed', now()),
    ('0192a000-0000-7000-8000-000000000002', 'WH', 'Склад', 'Сборка и отгрузка', 'seed', now()),
    ('0192a000-0000-7000-8000-000000000003', 'BUY', 'Закупки', 'Закупка и пополнение', 'seed', now()),
    ('0192a000-0000-7000-8000-000000000004', 'FIN', 'Финансы', 'Оплаты и расчёты', 'seed', now());

insert into workflow (code, name, initial_state) values ('default', 'Обычный ход работы', 'open');

insert into workflow_state (workflow, code, position, name_ru, name_en, final) values
    ('default', 'open', 1, 'Открыта', 'Open', false),
    ('default', 'in_progress', 2, 'В работе', 'In progress', false),
    ('default', 'done', 3, 'Готова', 'Done', true),
    ('default', 'cancelled', 4, 'Отменена', 'Cancelled', true);

insert into workflow_transition (workflow, from_state, to_state) values
    ('default', 'open', 'in_progress'),
    ('default', 'open', 'cancelled'),
    ('default', 'in_progress', 'open'),
    ('default', 'in_progress', 'done'),
    ('default', 'in_progress', 'cancelled'),
    ('default', 'done', 'open'),
    ('default', 'cancelled', 'open');

insert into task_type (code, name_ru, name_en, workflow) values
    ('task', 'Задача', 'Task', 'default'),
    ('order_processing', 'Обработка заказа', 'Order processing', 'default'),
    ('assembly', 'Сборка', 'Assembly', 'default'),
    ('purchase', 'Закупка', 'Purchase', 'default'),
    ('payment', 'Оплата', 'Payment', 'default');
