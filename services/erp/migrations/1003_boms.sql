-- Bills of material: numbered versions of what a product is made of.
--
-- Whoever writes a version first takes the advisory lock erp.bom (one writer at a time, so that no two of them close a
-- circle), then shares the rows of the items it names, in sku order; it locks nothing else.

create table bom (
    id uuid primary key,
    sku text collate "C" not null references stock_item (sku),
    number integer not null,
    state text not null default 'draft',
    valid_from date not null,
    quantity numeric not null,
    unit text not null,
    loss_percent numeric not null,
    note text not null,
    version bigint not null default 1,
    saved_by text not null,
    saved_at timestamptz not null,
    activated_by text not null default '',
    activated_at timestamptz,
    constraint bom_number_unique unique (sku, number),
    constraint bom_number check (number >= 1),
    constraint bom_state check (state in ('draft', 'active')),
    constraint bom_activated check ((state = 'active') = (activated_at is not null)),
    constraint bom_quantity check (quantity > 0),
    constraint bom_loss check (loss_percent >= 0 and loss_percent < 100)
);
create index bom_by_effect on bom (sku, valid_from desc, number desc) where state = 'active';

create table bom_line (
    bom_id uuid not null references bom (id),
    line_no integer not null,
    component_sku text collate "C" not null references stock_item (sku),
    quantity numeric not null,
    unit text not null,
    loss_percent numeric not null,
    note text not null,
    primary key (bom_id, line_no),
    constraint bom_line_quantity check (quantity > 0),
    constraint bom_line_loss check (loss_percent >= 0 and loss_percent < 100)
);
create index bom_line_by_component on bom_line (component_sku, bom_id);

create table bom_by_product (
    bom_id uuid not null references bom (id),
    line_no integer not null,
    sku text collate "C" not null references stock_item (sku),
    quantity numeric not null,
    unit text not null,
    waste boolean not null,
    primary key (bom_id, line_no),
    constraint bom_by_product_quantity check (quantity > 0)
);
create index bom_by_product_by_item on bom_by_product (sku);

create table bom_cost (
    bom_id uuid not null references bom (id),
    line_no integer not null,
    name text not null,
    basis text not null,
    amount numeric not null,
    primary key (bom_id, line_no),
    constraint bom_cost_basis check (basis in ('batch', 'unit')),
    constraint bom_cost_amount check (amount >= 0)
);

create function bom_active_stays() returns trigger language plpgsql as $$
begin
    raise exception 'an active bill of material never changes: make a new version' using errcode = 'restrict_violation';
end
$$;
create trigger bom_active_stays before update or delete on bom
    for each row when (old.state = 'active') execute function bom_active_stays();

-- The version of a product that is in effect on a day.
create function bom_in_effect(product text, day date) returns uuid language sql stable as $$
    select id from bom where sku = product collate "C" and state = 'active' and valid_from <= day
    order by valid_from desc, number desc limit 1
$$;

-- A version with everything it says, in one row: what is read of it belongs together.
create view bom_whole as
select b.*, i.unit as item_unit, l.line_skus, l.line_quantities, l.line_units, l.line_losses, l.line_notes, l.line_item_units,
    p.by_product_skus, p.by_product_quantities, p.by_product_units, p.by_product_wastes, p.by_product_item_units,
    c.cost_names, c.cost_bases, c.cost_amounts
from bom b
join stock_item i on i.sku = b.sku
cross join lateral (
    select coalesce(array_agg(l.component_sku::text order by l.line_no), '{}') as line_skus,
        coalesce(array_agg(l.quantity order by l.line_no), '{}') as line_quantities,
        coalesce(array_agg(l.unit order by l.line_no), '{}') as line_units,
        coalesce(array_agg(l.loss_percent order by l.line_no), '{}') as line_losses,
        coalesce(array_agg(l.note order by l.line_no), '{}') as line_notes,
        coalesce(array_agg(coalesce(i.unit, '') order by l.line_no), '{}') as line_item_units
    from bom_line l join stock_item i on i.sku = l.component_sku where l.bom_id = b.id
) l
cross join lateral (
    select coalesce(array_agg(p.sku::text order by p.line_no), '{}') as by_product_skus,
        coalesce(array_agg(p.quantity order by p.line_no), '{}') as by_product_quantities,
        coalesce(array_agg(p.unit order by p.line_no), '{}') as by_product_units,
        coalesce(array_agg(p.waste order by p.line_no), '{}') as by_product_wastes,
        coalesce(array_agg(coalesce(i.unit, '') order by p.line_no), '{}') as by_product_item_units
    from bom_by_product p join stock_item i on i.sku = p.sku where p.bom_id = b.id
) p
cross join lateral (
    select coalesce(array_agg(c.name order by c.line_no), '{}') as cost_names,
        coalesce(array_agg(c.basis order by c.line_no), '{}') as cost_bases,
        coalesce(array_agg(c.amount order by c.line_no), '{}') as cost_amounts
    from bom_cost c where c.bom_id = b.id
) c;
