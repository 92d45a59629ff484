-- Orders whose goods are recalled, as erp tells of them. By order, not by customer: whose an order is may be learned later.

create table recall (
    recall_id uuid primary key,
    number bigint not null,
    severity text not null default '',
    reason text not null default '',
    -- Null until the opening is told.
    opened_at timestamptz,
    closed_at timestamptz,
    constraint recall_severity check (severity in ('', 'minor', 'major', 'critical'))
);

create table recalled_order (
    order_id uuid not null,
    recall_id uuid not null references recall,
    primary key (order_id, recall_id)
);
create index recalled_order_by_recall on recalled_order (recall_id, order_id);
