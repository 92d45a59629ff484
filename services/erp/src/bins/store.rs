//! SQL of changes of bins.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{BinChange, Blocks, Fill};

/// Lets changes of bins go one after the other: a barcode may move from one to another.
pub(crate) async fn queue_changes(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- queue_bin_changes
        select pg_advisory_xact_lock(1007, 0)",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets put-aways into one bin go one after the other, so that each sees what the one before put in.
pub(crate) async fn queue_put_aways(conn: &mut PgConnection, place: i64) -> sqlx::Result<()> {
    sqlx::query(
        "-- queue_put_aways
        select pg_advisory_xact_lock(1007, ($1::int8 % 2147483647)::int4)",
    )
    .bind(place)
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets blocks of one bin go one after the other.
pub(crate) async fn queue_blocks(conn: &mut PgConnection, place: i64) -> sqlx::Result<()> {
    sqlx::query(
        "-- queue_bin_blocks
        select pg_advisory_xact_lock(1008, ($1::int8 % 2147483647)::int4)",
    )
    .bind(place)
    .execute(conn)
    .await?;
    Ok(())
}

/// Kinds of the places that exist of these codes.
pub(crate) async fn kinds(conn: &mut PgConnection, codes: &[String]) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "-- kinds_of_places
        select code, kind from place where code = any ($1) order by code",
    )
    .bind(codes)
    .fetch_all(conn)
    .await
}

/// Takes barcodes away from the places of these codes whose barcode is to be another.
pub(crate) async fn free_barcodes(conn: &mut PgConnection, codes: &[String], barcodes: &[&str]) -> sqlx::Result<()> {
    sqlx::query(
        "-- free_barcodes
        update place p set barcode = ''
        from unnest($1::text[], $2::text[]) as n (code, barcode)
        where p.code = n.code collate \"C\" and p.barcode <> '' and p.barcode <> n.barcode collate \"C\"",
    )
    .bind(codes)
    .bind(barcodes)
    .execute(conn)
    .await?;
    Ok(())
}

/// The first place other than these that has one of the barcodes.
pub(crate) async fn barcode_taken(
    conn: &mut PgConnection,
    codes: &[String],
    barcodes: &[&str],
) -> sqlx::Result<Option<(String, String)>> {
    sqlx::query_as(
        "-- barcode_taken
        select barcode, code from place where barcode = any ($2) and barcode <> '' and not code = any ($1)
        order by barcode limit 1",
    )
    .bind(codes)
    .bind(barcodes)
    .fetch_optional(conn)
    .await
}

/// Inserts or changes bins. Returns how many are new and how many are different now.
pub(crate) async fn upsert(
    conn: &mut PgConnection,
    warehouse: Uuid,
    places: &[String],
    bins: &[BinChange],
) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "-- upsert_bins
        with given as (
            select * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int4[], $8::text[],
                $9::numeric[], $10::numeric[])
                as n (code, kind, zone, bin, barcode, pick_sequence, purpose, max_quantity, max_weight_grams)
        ), old as (
            select code from place where code = any ($2)
        ), written as (
            insert into place as p (code, kind, warehouse_id, zone, bin, barcode, pick_sequence, purpose, max_quantity,
                max_weight_grams)
            select n.code, n.kind, $1, n.zone, n.bin, n.barcode, n.pick_sequence, n.purpose, n.max_quantity, n.max_weight_grams
            from given n order by n.code collate \"C\"
            on conflict (code) do update set zone = excluded.zone, barcode = excluded.barcode,
                pick_sequence = excluded.pick_sequence, purpose = excluded.purpose, max_quantity = excluded.max_quantity,
                max_weight_grams = excluded.max_weight_grams
            where (p.zone, p.barcode, p.pick_sequence, p.purpose, p.max_quantity, p.max_weight_grams) is distinct from
                (excluded.zone, excluded.barcode, excluded.pick_sequence, excluded.purpose, excluded.max_quantity,
                    excluded.max_weight_grams)
            returning code
        )
        select count(*) filter (where o.code is null), count(*) filter (where o.code is not null)
        from written w left join old o on o.code = w.code",
    )
    .bind(warehouse)
    .bind(places)
    .bind(bins.iter().map(|bin| bin.purpose.kind()).collect::<Vec<_>>())
    .bind(bins.iter().map(|bin| bin.zone.as_str()).collect::<Vec<_>>())
    .bind(bins.iter().map(|bin| bin.code.as_str()).collect::<Vec<_>>())
    .bind(bins.iter().map(|bin| bin.barcode.as_str()).collect::<Vec<_>>())
    .bind(bins.iter().map(|bin| bin.pick_sequence).collect::<Vec<_>>())
    .bind(bins.iter().map(|bin| bin.purpose.code()).collect::<Vec<_>>())
    .bind(bins.iter().map(|bin| bin.capacity.quantity).collect::<Vec<_>>())
    .bind(bins.iter().map(|bin| bin.capacity.weight_grams).collect::<Vec<_>>())
    .fetch_one(conn)
    .await
}

/// Items that lie in a bin, or once did, in order.
pub(crate) async fn skus_in(conn: &mut PgConnection, place: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- skus_in_bin
        select distinct sku from stock_balance where place_id = $1 order by sku",
    )
    .bind(place)
    .fetch_all(conn)
    .await
}

/// Writes what of the goods in a bin may be sold; their items are locked.
pub(crate) async fn set_sellable(conn: &mut PgConnection, place: i64, open: bool) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_sellable_in_bin
        update stock_balance b set sellable = $2 and p.kind = 'stock' and l.status = 'available'
        from place p, lot l where b.place_id = $1 and p.id = b.place_id and l.id = b.lot_id",
    )
    .bind(place)
    .bind(open)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a bin's row against all who add goods to it, without waiting. False when somebody is just doing so.
pub(crate) async fn take(conn: &mut PgConnection, place: i64) -> sqlx::Result<bool> {
    let taken = sqlx::query_scalar::<_, i64>(
        "-- take_bin
        select id from place where id = $1 for update skip locked",
    )
    .bind(place)
    .fetch_optional(conn)
    .await?;
    Ok(taken.is_some())
}

/// Waits until all who are just adding goods to the bin of a barcode or place code are done.
pub(crate) async fn wait_for(conn: &mut PgConnection, text: &str) -> sqlx::Result<()> {
    sqlx::query(
        "-- wait_for_bin
        select from place where (barcode = $1 and barcode <> '') or code = $1 for update",
    )
    .bind(text)
    .execute(conn)
    .await?;
    Ok(())
}

/// Blocks a bin, or frees it; its row is taken.
pub(crate) async fn set_blocks(conn: &mut PgConnection, place: i64, blocks: &Blocks) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_bin_blocks
        update place set put_away_block = $2, picking_block = $3 where id = $1",
    )
    .bind(place)
    .bind(&blocks.put_away)
    .bind(&blocks.picking)
    .execute(conn)
    .await?;
    Ok(())
}

/// What is in a bin.
pub(crate) async fn fill(conn: &mut PgConnection, place: i64) -> sqlx::Result<Fill> {
    let (quantity, weight_grams) = sqlx::query_as::<_, (Decimal, Decimal)>(
        "-- fill_of_bin
        select coalesce(sum(b.on_hand), 0), coalesce(sum(b.on_hand * i.weight_grams), 0)
        from stock_balance b join stock_item i on i.sku = b.sku
        where b.place_id = $1 and b.on_hand > 0",
    )
    .bind(place)
    .fetch_one(conn)
    .await?;
    Ok(Fill { quantity, weight_grams })
}

/// Weight of one unit of an item, if known.
pub(crate) async fn unit_weight(conn: &mut PgConnection, sku: &str) -> sqlx::Result<Option<Decimal>> {
    let weight = sqlx::query_scalar::<_, Option<Decimal>>(
        "-- unit_weight
        select weight_grams from stock_item where sku = $1",
    )
    .bind(sku)
    .fetch_optional(conn)
    .await?;
    Ok(weight.flatten())
}
