//! The SQL of identification.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::commands::Owners;
use super::domain::{Contact, Doubt, Kind, Owner, name_for_search};
use crate::error::Error;

/// Locks that stand for all contacts there could be. More would let more callers work side by side; fewer would hold
/// less of Postgres' lock table.
const LOCKS: u64 = 256;

/// The lock of a contact (FNV-1a, so that every version of the program takes the same one).
fn lock_of(contact: &Contact) -> i32 {
    let bytes = contact.kind.code().bytes().chain(contact.value.bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    i32::try_from((hash ^ (hash >> 32)) % LOCKS).unwrap_or_default()
}

/// Waits until nobody else gives these contacts to customers, until the end of the transaction.
pub(crate) async fn lock_contacts(conn: &mut PgConnection, contacts: &[Contact]) -> Result<(), Error> {
    let locks: BTreeSet<i32> = contacts.iter().map(lock_of).collect();
    sqlx::query("-- lock_contacts\nselect pg_advisory_xact_lock(20261, lock) from unnest($1::int4[]) as lock")
        .bind(locks.into_iter().collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(())
}

/// Who owns these contacts now.
pub(crate) async fn owners(conn: &mut PgConnection, contacts: &[Contact]) -> Result<Owners, Error> {
    let rows: Vec<(String, String, Uuid, OffsetDateTime)> = sqlx::query_as(
        "-- contact_owners
        select c.kind, c.value, c.customer_id, o.created_at
        from unnest($1::text[], $2::text[]) as k(kind, value)
        join customer_contact c on c.kind = k.kind and c.value = k.value
            and c.kind in ('phone', 'email', 'messenger', 'account')
        join customer o on o.customer_id = c.customer_id",
    )
    .bind(contacts.iter().map(|contact| contact.kind.code()).collect::<Vec<_>>())
    .bind(contacts.iter().map(|contact| contact.value.as_str()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let owner = |(kind, value, customer_id, since): (String, String, Uuid, OffsetDateTime)| {
        Some((Contact { kind: Kind::parse(&kind)?, value }, Owner { since, customer_id }))
    };
    Ok(rows.into_iter().filter_map(owner).collect())
}

/// A customer to be made.
pub(crate) struct NewCustomer {
    pub customer_id: Uuid,
    pub name: String,
    pub source: &'static str,
    pub region: String,
    pub created_at: OffsetDateTime,
    pub created_by: String,
}

/// Makes customers with empty figures.
pub(crate) async fn insert_customers(conn: &mut PgConnection, rows: &[NewCustomer]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- insert_customers
        with made as (
            insert into customer (customer_id, name, name_search, source, created_at, created_by)
            select customer_id, name, name_search, source, created_at, created_by
            from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
                as r(customer_id, name, name_search, source, created_at, created_by))
        insert into customer_figures (customer_id, region)
        select customer_id, region from unnest($1::uuid[], $7::text[]) as r(customer_id, region)",
    )
    .bind(rows.iter().map(|row| row.customer_id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| name_for_search(&row.name)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.source).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.created_by.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.region.as_str()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// A contact of a customer.
pub(crate) struct ContactRow {
    pub customer_id: Uuid,
    pub contact: Contact,
}

/// Adds contacts; an address or note that the customer has already is not added again. A contact that identifies
/// somebody else is refused by `customer_contact_has_one_owner`.
pub(crate) async fn insert_contacts(
    conn: &mut PgConnection,
    rows: &[ContactRow],
    now: OffsetDateTime,
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- insert_contacts
        insert into customer_contact (contact_id, customer_id, kind, value, added_at)
        select contact_id, customer_id, kind, value, $5
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as r(contact_id, customer_id, kind, value)
        on conflict (customer_id, kind, md5(value)) do nothing",
    )
    .bind(rows.iter().map(|_| service::new_id()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.customer_id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.contact.kind.code()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.contact.value.as_str()).collect::<Vec<_>>())
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// A doubt and the order that raised it.
pub(crate) struct DoubtRow {
    pub doubt: Doubt,
    pub order_id: Uuid,
}

/// Stores merge candidates; a pair is kept with its first reason.
pub(crate) async fn insert_doubts(
    conn: &mut PgConnection,
    rows: &[DoubtRow],
    now: OffsetDateTime,
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- insert_merge_candidates
        insert into merge_candidate (older_customer_id, newer_customer_id, reason, order_id, found_at)
        select older, newer, reason, order_id, $5
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[]) as r(older, newer, reason, order_id)
        order by older, newer
        on conflict do nothing",
    )
    .bind(rows.iter().map(|row| row.doubt.older).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.doubt.newer).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.doubt.reason.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.order_id).collect::<Vec<_>>())
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives names to customers that have none. Locks in order of customer id.
pub(crate) async fn fill_names(conn: &mut PgConnection, names: &BTreeMap<Uuid, String>) -> Result<(), Error> {
    if names.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- fill_customer_names
        with nameless as (
            select customer_id from customer
            where customer_id = any($1) and name = '' and erased_at is null
            order by customer_id for no key update)
        update customer c set name = r.name, name_search = r.name_search
        from unnest($1::uuid[], $2::text[], $3::text[]) as r(customer_id, name, name_search)
        join nameless using (customer_id)
        where c.customer_id = r.customer_id",
    )
    .bind(names.keys().copied().collect::<Vec<_>>())
    .bind(names.values().map(String::as_str).collect::<Vec<_>>())
    .bind(names.values().map(|name| name_for_search(name)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
