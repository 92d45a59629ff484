-- N: one order as most programs store it, in five round trips.
\set customer random(1, 80000)
\set s1 random_zipfian(1, 25000, 1.1)
\set s2 random_zipfian(1, 25000, 1.1)
\set s3 random_zipfian(1, 25000, 1.1)
begin;
insert into orders (key, customer, total) values (gen_random_uuid(), :customer, 59.97) returning id \gset
insert into order_line values (:id, 1, :s1, 1, 19.99), (:id, 2, :s2, 1, 19.99), (:id, 3, :s3, 1, 19.99);
insert into outbox (aggregate_id, topic, payload) values (:id, 'order.placed', ('{"type": "order.placed", "order_id": ' || :id || ', "customer": ' || :customer || ', "total": 59.97, "lines": [{"sku": 1, "quantity": 1}, {"sku": 2, "quantity": 1}, {"sku": 3, "quantity": 1}]}')::jsonb);
end;
