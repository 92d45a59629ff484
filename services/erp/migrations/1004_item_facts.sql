-- What valuation, stocking rules and scanners need to know of an item, beside its name and unit.
alter table stock_item
    add column category text collate "C" not null default '',
    add column barcode text collate "C" not null default '';
create index stock_item_by_barcode on stock_item (barcode) where barcode <> '';
create index stock_item_by_category on stock_item (category, sku);
