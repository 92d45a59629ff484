//! The SQL of identification.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{PgConnection, Postgres, postgres::PgArguments, query::Query};
use time::OffsetDateTime;
use uuid::Uuid;

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

/// Who owns some contacts.
#[derive(Default)]
pub(crate) struct Known {
    /// The owners.
    pub owners: HashMap<Contact, Owner>,
    /// Those of them who have an order.
    pub with_orders: BTreeSet<Uuid>,
    /// Those of them who could be given a name.
    pub nameless: BTreeSet<Uuid>,
}

#[derive(sqlx::FromRow)]
struct OwnerRow {
    kind: String,
    value: String,
    customer_id: Uuid,
    created_at: OffsetDateTime,
    has_orders: bool,
    nameless: bool,
}

/// Who owns these contacts now. Asked contact by contact, or the plan would read all contacts there are.
pub(crate) async fn owners(conn: &mut PgConnection, contacts: &[Contact]) -> Result<Known, Error> {
    let rows: Vec<OwnerRow> = sqlx::query_as(
        "-- contact_owners
        select k.kind, k.value, o.customer_id, o.created_at, o.has_orders, o.nameless
        from unnest($1::text[], $2::text[]) as k(kind, value)
        cross join lateral (
            select c.customer_id, o.created_at, o.name = '' and o.erased_at is null as nameless,
                exists (select from order_fact f where f.customer_id = o.customer_id) as has_orders
            from customer_contact c join customer o on o.customer_id = c.customer_id
            where c.kind = k.kind and c.value = k.value and c.kind in ('phone', 'email', 'messenger', 'account')
            limit 1) o",
    )
    .bind(contacts.iter().map(|contact| contact.kind.code()).collect::<Vec<_>>())
    .bind(contacts.iter().map(|contact| contact.value.as_str()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let mut known = Known::default();
    for row in rows {
        let Some(kind) = Kind::parse(&row.kind) else { continue };
        let owner = Owner { since: row.created_at, customer_id: row.customer_id };
        known.owners.insert(Contact { kind, value: row.value }, owner);
        if row.has_orders {
            known.with_orders.insert(row.customer_id);
        }
        if row.nameless {
            known.nameless.insert(row.customer_id);
        }
    }
    Ok(known)
}

/// A customer to be made.
pub(crate) struct NewCustomer {
    pub customer_id: Uuid,
    pub name: String,
    pub source: &'static str,
    pub created_at: OffsetDateTime,
    pub created_by: String,
}

/// Makes customers; their figures are made by `rescore`.
pub(crate) async fn insert_customers(conn: &mut PgConnection, rows: &[NewCustomer]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- insert_customers
        insert into customer (customer_id, name, name_search, source, created_at, created_by)
        select customer_id, name, name_search, source, created_at, created_by
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
            as r(customer_id, name, name_search, source, created_at, created_by)",
    )
    .bind(rows.iter().map(|row| row.customer_id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| name_for_search(&row.name)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.source).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.created_by.as_str()).collect::<Vec<_>>())
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
    let (keys, texts): (Vec<&ContactRow>, Vec<_>) = rows.iter().partition(|row| row.contact.kind.identifies());
    if !keys.is_empty() {
        let query = sqlx::query(
            "-- insert_contact_keys
            insert into customer_contact (customer_id, contact_id, kind, value, added_at)
            select customer_id, contact_id, kind, value, $4
            from unnest($1::uuid[], $2::text[], $3::text[], $5::uuid[]) as r(customer_id, kind, value, contact_id)",
        );
        let ids: Vec<Uuid> = keys.iter().map(|_| service::new_id()).collect();
        bind_contacts(query, &keys, now).bind(ids).execute(&mut *conn).await?;
    }
    if !texts.is_empty() {
        let query = sqlx::query(
            "-- insert_contact_texts
            insert into customer_contact (customer_id, contact_id, kind, value, added_at)
            select customer_id, md5(kind || ':' || value)::uuid, kind, value, $4
            from unnest($1::uuid[], $2::text[], $3::text[]) as r(customer_id, kind, value)
            on conflict (customer_id, contact_id) do nothing",
        );
        bind_contacts(query, &texts, now).execute(conn).await?;
    }
    Ok(())
}

fn bind_contacts<'q>(
    query: Query<'q, Postgres, PgArguments>,
    rows: &[&'q ContactRow],
    now: OffsetDateTime,
) -> Query<'q, Postgres, PgArguments> {
    query
        .bind(rows.iter().map(|row| row.customer_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.contact.kind.code()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.contact.value.as_str()).collect::<Vec<_>>())
        .bind(now)
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
