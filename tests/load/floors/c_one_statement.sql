-- C: the same order in one statement.
\set customer random(1, 80000)
\set s1 random_zipfian(1, 25000, 1.1)
\set s2 random_zipfian(1, 25000, 1.1)
\set s3 random_zipfian(1, 25000, 1.1)
with o as (insert into orders (key, customer, total) values (gen_random_uuid(), :customer, 59.97) returning id),
l as (insert into order_line select o.id, v.n, v.sku, 1, 19.99 from o, (values (1::smallint, :s1::int), (2, :s2), (3, :s3)) v (n, sku))
insert into outbox (aggregate_id, topic, payload) select id, 'order.placed', ('{"type": "order.placed", "order_id": ' || id || ', "customer": ' || :customer || ', "total": 59.97, "lines": [{"sku": 1, "quantity": 1}, {"sku": 2, "quantity": 1}, {"sku": 3, "quantity": 1}]}')::jsonb from o returning aggregate_id;
