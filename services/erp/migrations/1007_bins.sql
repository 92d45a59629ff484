-- Bins: what a warehouse knows of its places, and the rules by which goods are put into them.
--
-- Lock doctrine, continued. Whether a bin is blocked for picking decides what `stock_balance.sellable` says of the goods in
-- it. So whoever adds goods to a bin reads its row `for key share`; whoever blocks or frees a bin locks the items that lie in
-- it, does all its work, and takes the bin's row `for update` last, without waiting: when that fails, or other goods came in
-- meanwhile, it takes back everything, waits for the row while it holds nothing, and begins anew. Default bins are never blocked and
-- not locked. Blocks of one bin queue on advisory lock (1008, place) before anything else, put-aways into one bin
-- on (1007, place) after the items, changes of bins on (1007, 0).
alter table place
    add column barcode text collate "C" not null default '',
    add column pick_sequence integer not null default 0,
    add column purpose text not null default 'pick',
    add column max_quantity numeric,
    add column max_weight_grams numeric,
    -- Why nothing is put in, or given to orders; empty when it is open.
    add column put_away_block text not null default '',
    add column picking_block text not null default '';
update place set purpose = 'quarantine' where kind = 'quarantine';
alter table place
    add constraint place_purpose check (purpose in ('pick', 'bulk', 'receiving', 'returns', 'quarantine')),
    add constraint place_purpose_fits_kind check (
        warehouse_id is null or (kind = 'quarantine') = (purpose in ('returns', 'quarantine'))
    ),
    add constraint place_pick_sequence check (pick_sequence >= 0),
    add constraint place_max_quantity check (max_quantity > 0),
    add constraint place_max_weight check (max_weight_grams > 0),
    add constraint place_default_is_never_blocked check (not is_default or picking_block = '');
create unique index place_barcode_unique on place (barcode) where barcode <> '';
create index place_route on place (warehouse_id, zone, pick_sequence, code);
create index stock_balance_by_place on stock_balance (place_id);

-- Where the goods arrived; none means the default bin of then.
alter table receipt add column place_id bigint references place (id);

create table put_away_rule (
    warehouse_id uuid not null references warehouse (id),
    code text collate "C" not null,
    sku text collate "C" not null default '',
    category text collate "C" not null default '',
    zone text not null default '',
    place_id bigint references place (id),
    priority integer not null default 0,
    primary key (warehouse_id, code),
    constraint put_away_rule_for_one_kind check (sku = '' or category = ''),
    constraint put_away_rule_one_target check ((zone <> '') <> (place_id is not null))
);
create index put_away_rule_by_item on put_away_rule (warehouse_id, sku, category);
