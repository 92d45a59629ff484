-- Tasks for goods that run low and for goods that lie too long. Which slow goods get one, and how many at a time, erp says.

insert into automation_rule (code, name_ru, name_en, enabled, source, name, conditions, cause_key, delay_seconds, project,
    task_type, priority, role, due_after_seconds, title_ru, title_en, description_ru, description_en, subject_kind, subject_id,
    closings, updated_at) values
(
    'stock_below_reorder_point', 'Запас ниже точки заказа', 'Stock below reorder point', true,
    'erp', 'stock_below_reorder_point', '[]', '{sku}@{warehouse}', 0,
    'BUY', 'purchase', 2, 'purchaser', 172800,
    'Дозаказать товар {subject}', 'Reorder product {subject}',
    'Запас с ожидаемым: {position.value} {position.unit}, точка заказа: {reorder_point.value}, не хватает: {missing.value}. Склад: «{warehouse}» (пусто — все вместе).',
    'Stock with what is expected: {position.value} {position.unit}, reorder point: {reorder_point.value}, missing: {missing.value}. Warehouse: "{warehouse}" (empty means all together).',
    'product', '{sku}',
    '[{"source": "erp", "name": "stock_recovered", "conditions": [], "state": "done", "forever": false}]', now()
),
(
    'item_slow_moving', 'Товар залежался', 'Slow-moving product', true,
    'erp', 'item_slow_moving', '[{"field": "with_task", "op": "in", "values": ["true"]}]', '{sku}', 0,
    'BUY', 'task', 1, 'purchaser', 604800,
    'Распродать товар {subject}', 'Sell off product {subject}',
    'Правило «{rule_name}»: {quantity.value} {quantity.unit}, лежит {age_days} дн. Предлагаемая скидка: {discount_percent} %.',
    'Rule "{rule_name}": {quantity.value} {quantity.unit}, {age_days} days old. Proposed discount: {discount_percent} %.',
    'product', '{sku}',
    '[{"source": "erp", "name": "item_moving_again", "conditions": [], "state": "done", "forever": false},
      {"source": "erp", "name": "item_slow_moving", "conditions": [{"field": "with_task", "op": "in", "values": ["false"]}],
       "state": "cancelled", "forever": false}]', now()
);
