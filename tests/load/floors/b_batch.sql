-- B: fifty orders in one statement; the arrays are given from outside.
with i as (select *, row_number() over () as rn from unnest(:customers::int[], :s1::int[], :s2::int[], :s3::int[]) as t (customer, s1, s2, s3)),
o as (insert into orders (key, customer, total) select gen_random_uuid(), customer, 59.97 from i returning id, customer),
oi as (select id, row_number() over () as rn from o),
l as (insert into order_line select oi.id, v.n, v.sku, 1, 19.99 from oi join i using (rn), lateral (values (1::smallint, s1), (2, s2), (3, s3)) v (n, sku))
insert into outbox (aggregate_id, topic, payload) select id, 'order.placed', ('{"type": "order.placed", "order_id": ' || id || ', "customer": ' || customer || ', "total": 59.97, "lines": [{"sku": 1, "quantity": 1}, {"sku": 2, "quantity": 1}, {"sku": 3, "quantity": 1}]}')::jsonb from o;
