-- From event to task without code: rules are data.

create table automation_rule (
    code text primary key,
    name_ru text not null,
    name_en text not null,
    enabled boolean not null,
    source text not null,
    name text not null,
    -- [{"field": "confirmed", "op": "in", "values": ["false"]}]
    conditions jsonb not null default '[]',
    cause_key text not null,
    delay_seconds bigint not null default 0,
    project text not null references project (key),
    task_type text not null references task_type (code),
    priority smallint not null,
    role text not null default '',
    due_after_seconds bigint not null default 0,
    title_ru text not null,
    title_en text not null,
    description_ru text not null default '',
    description_en text not null default '',
    subject_kind text not null default '',
    subject_id text not null default '',
    -- [{"source": "orders", "name": "order_cancelled", "conditions": [], "state": "cancelled", "forever": true}]
    closings jsonb not null default '[]',
    version bigint not null default 1,
    updated_at timestamptz not null,
    constraint automation_rule_code_form check (code ~ '^[a-z][a-z0-9_]{0,59}$'),
    constraint automation_rule_priority_known check (priority between 1 and 4),
    constraint automation_rule_waits_forward check (delay_seconds >= 0 and due_after_seconds >= 0)
);

-- What is known of each cause. Kept after its task is closed, so that a late opening event makes no zombie task. Whoever
-- makes or changes one holds its advisory lock.
create table cause (
    key text primary key,
    rule text not null,
    -- idle: nothing known yet; waiting: opens at opens_at; open; closed: may come back; ended: never comes back.
    phase text not null default 'idle',
    opens_at timestamptz,
    draft json,
    -- Aggregate and version of the newest opening and closing event, to tell stale ones apart.
    opened_origin text not null default '',
    opened_version bigint not null default 0,
    closed_origin text not null default '',
    closed_version bigint not null default 0,
    constraint cause_phase_known check (phase in ('idle', 'waiting', 'open', 'closed', 'ended')),
    constraint cause_waits_for_something check ((phase = 'waiting') = (opens_at is not null and draft is not null))
) with (fillfactor = 80);
create index cause_waiting on cause (opens_at) where phase = 'waiting';

-- Names for titles: order numbers and product names, learned from events.
create table subject_name (
    kind text not null,
    id text not null,
    name text not null,
    primary key (kind, id)
);

insert into automation_rule (code, name_ru, name_en, enabled, source, name, conditions, cause_key, delay_seconds, project,
    task_type, priority, role, due_after_seconds, title_ru, title_en, description_ru, description_en, subject_kind, subject_id,
    closings, updated_at) values
(
    'order_to_process', 'Заказ нужно обработать', 'Order to process', true,
    'orders', 'order_placed', '[{"field": "confirmed", "op": "in", "values": ["false"]}]', '{order_id}', 0,
    'ORD', 'order_processing', 3, 'order_manager', 14400,
    'Обработать заказ {number}', 'Process order {number}',
    'Заказ ждёт подтверждения: {hold_reasons}.', 'The order waits to be confirmed: {hold_reasons}.',
    'order', '{order_id}',
    '[{"source": "orders", "name": "order_confirmed", "conditions": [], "state": "done", "forever": true},
      {"source": "orders", "name": "order_cancelled", "conditions": [], "state": "cancelled", "forever": true}]', now()
),
(
    'order_to_assemble', 'Заказ нужно собрать', 'Order to assemble', true,
    'erp', 'order_allocated', '[{"field": "complete", "op": "in", "values": ["true"]}]', '{order_id}', 0,
    'WH', 'assembly', 2, 'warehouse', 86400,
    'Собрать заказ {subject}', 'Assemble order {subject}',
    'Всё в наличии на складе {warehouse}.', 'Everything is in stock in warehouse {warehouse}.',
    'order', '{order_id}',
    '[{"source": "erp", "name": "shipment_shipped", "conditions": [{"field": "final", "op": "in", "values": ["true"]}],
       "state": "done", "forever": true},
      {"source": "orders", "name": "order_cancelled", "conditions": [], "state": "cancelled", "forever": true},
      {"source": "erp", "name": "reservation_released", "conditions": [{"field": "reason", "op": "in", "values": ["order_cancelled"]}],
       "state": "cancelled", "forever": true},
      {"source": "erp", "name": "reservation_released", "conditions": [{"field": "reason", "op": "not_in", "values": ["order_cancelled"]}],
       "state": "cancelled", "forever": false},
      {"source": "erp", "name": "order_allocated", "conditions": [{"field": "complete", "op": "in", "values": ["false"]}],
       "state": "cancelled", "forever": false}]', now()
),
(
    'product_out_of_stock', 'Товар закончился', 'Product out of stock', true,
    'erp', 'stock_depleted', '[]', '{sku}', 0,
    'BUY', 'purchase', 3, 'purchaser', 172800,
    'Пополнить товар {subject}', 'Restock product {subject}',
    'Доступный остаток закончился, ждут заказы на {backordered.value} {backordered.unit}.',
    'Nothing is available any more, orders wait for {backordered.value} {backordered.unit}.',
    'product', '{sku}',
    '[{"source": "erp", "name": "stock_replenished", "conditions": [], "state": "done", "forever": false}]', now()
),
(
    'payment_missing', 'Оплата не поступила', 'Payment missing', true,
    'orders', 'order_placed', '[{"field": "payment_method", "op": "in", "values": ["card", "transfer"]}]', '{order_id}', 86400,
    'FIN', 'payment', 2, 'order_manager', 86400,
    'Нет оплаты заказа {number}', 'Order {number} is not paid',
    'Способ оплаты {payment_method}, сумма {total.amount} {total.currency}.',
    'Payment method {payment_method}, amount {total.amount} {total.currency}.',
    'order', '{order_id}',
    '[{"source": "orders", "name": "payment_recorded", "conditions": [{"field": "payment_state", "op": "in", "values": ["paid", "overpaid"]}],
       "state": "done", "forever": true},
      {"source": "orders", "name": "order_cancelled", "conditions": [], "state": "cancelled", "forever": true}]', now()
);
