-- S: one order by its id.
\set id random(1, 100000)
select * from orders where id = :id;
