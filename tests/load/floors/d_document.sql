-- D: a document of fifty lines with its lots, movements and balances in one statement; the goods are given from outside.
with i as (select sku, row_number() over () as n, gen_random_uuid() as lot from unnest(:goods::int[]) as t (sku)),
d as (insert into document (supplier) values ('floor') returning id),
l as (insert into document_line select d.id, i.n, i.sku, i.lot, 24, 240.00 from d, i),
t as (insert into lot select i.lot, i.sku, 'R-' || d.id || '-' || i.n, 10.00 from d, i),
m as (insert into move (document_id, sku, lot_id, quantity, value) select d.id, i.sku, i.lot, 24, 240.00 from d, i)
insert into balance select i.lot, 1, i.sku, 24, 0, 240.00 from i;
