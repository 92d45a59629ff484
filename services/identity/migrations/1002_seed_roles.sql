-- The roles every company starts with. A pattern ending in `.*` covers every permission below it, those of later
-- versions included. All but administrator can be changed.
insert into role (code, title, permissions, built_in) values
    ('administrator', 'Administrator', array['*'], true),
    ('order_manager', 'Order manager', array[
        'orders.*', 'crm.customer.create', 'crm.customer.edit', 'crm.customer.read', 'crm.customer.tag', 'crm.contact.*',
        'crm.score.read', 'erp.item.read', 'erp.stock.read', 'erp.reservation.read', 'erp.shipment.read',
        'erp.warehouse.read', 'tasks.project.read', 'tasks.reminder.*', 'tasks.task.*', 'tasks.workflow.read',
        'knowledge.page.*'], true),
    ('warehouse', 'Warehouse', array[
        'erp.item.read', 'erp.lot.*', 'erp.receipt.*', 'erp.reservation.read', 'erp.shipment.*', 'erp.stock.*',
        'erp.warehouse.read', 'orders.order.read', 'orders.product.read', 'tasks.project.read', 'tasks.reminder.*',
        'tasks.task.*', 'tasks.workflow.read', 'knowledge.page.*'], true),
    ('purchaser', 'Purchaser', array[
        'erp.*', 'orders.price.read', 'orders.product.*', 'kpi.report.*', 'tasks.project.read', 'tasks.reminder.*',
        'tasks.task.*', 'tasks.workflow.read', 'knowledge.page.*'], true),
    ('analyst', 'Analyst', array[
        'kpi.*', 'orders.order.read', 'orders.price.read', 'orders.product.read', 'crm.customer.read', 'crm.model.read',
        'crm.score.read', 'erp.item.read', 'erp.stock.read', 'knowledge.page.*'], true),
    ('support', 'Customer support', array[
        'orders.order.read', 'orders.payment.read', 'orders.product.read', 'orders.return.*', 'crm.customer.edit',
        'crm.customer.read', 'crm.customer.tag', 'crm.contact.*', 'crm.score.read', 'erp.shipment.read',
        'tasks.project.read', 'tasks.reminder.*', 'tasks.task.*', 'tasks.workflow.read', 'knowledge.page.*'], true),
    ('editor', 'Editor', array['knowledge.*'], true),
    ('shop', 'Web shop', array[
        'orders.order.push', 'orders.order.read', 'orders.order.cancel', 'orders.payment.record', 'orders.price.read',
        'orders.product.read', 'erp.stock.read'], true),
    ('operator', 'Operator', array[
        'messaging.*', 'identity.signing_key.*', 'identity.audit.read', 'kpi.facts.*', 'erp.stock.verify'], true);
