-- The warehouse's hold (a cart) whose goods the order takes over; repeated when the order is confirmed later.
alter table orders add column hold_id uuid;
