-- One small fact per order. Made by whichever comes first: an event of orders, one of erp, or the question whose order
-- it is; the columns of the others then hold their defaults. Whoever writes one holds the advisory lock of its order.
create table order_fact (
    order_id uuid primary key,
    customer_id uuid,
    -- When orders asked whose order it is; with a null customer_id the order is anonymous.
    resolved_at timestamptz,
    -- This order made the customer known.
    customer_created boolean not null default false,
    -- Notes of that answer, to be given again.
    resolve_notes text[] not null default '{}',
    -- From here on: from events. Null until OrderPlaced arrives.
    placed_at timestamptz,
    channel text not null default '',
    region text not null default '',
    currency text not null default '',
    gross numeric not null default 0,
    discount numeric not null default 0,
    tax numeric not null default 0,
    total numeric not null default 0,
    cancelled_amount numeric not null default 0,
    cancelled_discount numeric not null default 0,
    cancelled_tax numeric not null default 0,
    returned_amount numeric not null default 0,
    returned_tax numeric not null default 0,
    cancelled boolean not null default false,
    completed boolean not null default false,
    returns integer not null default 0,
    defect_returns integer not null default 0,
    shipments integer not null default 0,
    failed_shipments integer not null default 0,
    -- Cost of the goods that are with the buyer.
    cost numeric not null default 0,
    -- Goods lines as [line number, category, amount left].
    lines json not null default '[]',
    -- Placed and not wholly cancelled; kept by the rule in orders/domain.rs so that the history can be read by it.
    counts boolean not null default false,
    constraint order_fact_counts_only_placed check (not counts or placed_at is not null)
) with (fillfactor = 85);
create index order_fact_by_customer on order_fact (customer_id, placed_at, order_id)
    where customer_id is not null;
