-- What S reads.
insert into orders (key, customer, total) select gen_random_uuid(), 1 + n % 80000, 59.97 from generate_series(1, 100000) n;
