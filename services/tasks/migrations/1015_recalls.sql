-- A recall is a task, and calling the buyers of each part of its orders another one; all end with the recall.

insert into task_type (code, name_ru, name_en, workflow) values ('recall', 'Отзыв товара', 'Recall', 'default');

insert into automation_rule (code, name_ru, name_en, enabled, source, name, conditions, cause_key, delay_seconds, project,
    task_type, priority, role, due_after_seconds, title_ru, title_en, description_ru, description_en, subject_kind, subject_id,
    closings, updated_at) values
(
    'recall_to_run', 'Товар отозван', 'Goods recalled', true,
    'erp', 'recall_opened', '[{"field": "part", "op": "in", "values": ["1"]}]', '{recall_id}', 0,
    'WH', 'recall', 4, 'warehouse', 86400,
    'Отзыв {number}: изъять и учесть товар', 'Recall {number}: take the goods aside and account for them',
    'Причина: {reason}. Тяжесть: {severity}.', 'Reason: {reason}. Severity: {severity}.',
    'recall', '{recall_id}',
    '[{"source": "erp", "name": "recall_closed", "conditions": [{"field": "part", "op": "in", "values": ["1"]}],
       "state": "done", "forever": true}]', now()
),
(
    'recall_buyers', 'Покупатели отозванного товара', 'Buyers of recalled goods', true,
    'erp', 'recall_opened', '[{"field": "order_count", "op": "at_least", "values": ["1"]}]', '{recall_id}:{part}', 0,
    'ORD', 'recall', 4, 'order_manager', 86400,
    'Отзыв {number}: предупредить покупателей, часть {part} из {parts}',
    'Recall {number}: warn the buyers, part {part} of {parts}',
    'Заказов: {order_count}. Причина: {reason}.', 'Orders: {order_count}. Reason: {reason}.',
    'recall', '{recall_id}',
    '[{"source": "erp", "name": "recall_closed", "conditions": [], "state": "done", "forever": true}]', now()
);
