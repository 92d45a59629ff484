-- Who may do what with goods: who counts does not approve, who picks does not see cost, and money has its own people.
update role set permissions = permissions || array[
    'erp.bin.read', 'erp.putaway.*', 'erp.count.read', 'erp.count.record', 'erp.wave.*', 'erp.pickup.*', 'erp.run.*',
    'erp.cut_off.manage', 'erp.kit.*', 'erp.trace.read', 'erp.expected_receipt.read', 'erp.replenishment.read']
where code = 'warehouse';
insert into role (code, title, permissions, built_in) values
    ('warehouse_manager', 'Warehouse manager', array[
        'erp.item.read', 'erp.lot.*', 'erp.receipt.*', 'erp.reservation.*', 'erp.shipment.*', 'erp.stock.*', 'erp.warehouse.*',
        'erp.bin.*', 'erp.putaway.*', 'erp.count.*', 'erp.wave.*', 'erp.pickup.*', 'erp.run.*', 'erp.cut_off.manage',
        'erp.cash.read', 'erp.cash.count', 'erp.kit.*', 'erp.trace.read', 'erp.recall.write', 'erp.life_rule.*',
        'erp.expected_receipt.*', 'erp.replenishment.*', 'orders.order.read', 'orders.product.read', 'tasks.project.read',
        'tasks.reminder.*', 'tasks.task.*', 'tasks.workflow.read', 'knowledge.page.*'], true),
    ('courier', 'Courier', array['erp.run.deliver', 'erp.shipment.read'], true),
    ('accountant', 'Accountant', array[
        'erp.item.read', 'erp.stock.read', 'erp.stock.verify', 'erp.receipt.read', 'erp.warehouse.read', 'erp.valuation.*',
        'erp.landed_cost.*', 'erp.period.*', 'erp.count.read', 'erp.count.review', 'erp.count.approve', 'erp.cash.*',
        'orders.order.read', 'orders.payment.*', 'kpi.report.*', 'tasks.project.read', 'tasks.reminder.*', 'tasks.task.*',
        'tasks.workflow.read', 'knowledge.page.*'], true);
