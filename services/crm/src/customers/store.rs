//! The SQL of the card.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Error;
use crate::identification::domain::{Contact, Kind, name_for_search};

/// What a command needs to know of a customer.
#[derive(sqlx::FromRow)]
pub(crate) struct Locked {
    pub name: String,
    pub revision: i64,
    pub erased_at: Option<OffsetDateTime>,
}

/// Locks a customer, but not against those who only refer to it (foreign keys): that would be a lock out of order.
pub(crate) async fn lock(conn: &mut PgConnection, customer_id: Uuid) -> Result<Option<Locked>, Error> {
    Ok(sqlx::query_as(
        "-- lock_customer
        select name, revision, erased_at from customer where customer_id = $1 for no key update",
    )
    .bind(customer_id)
    .fetch_optional(conn)
    .await?)
}

/// The contacts of a customer.
pub(crate) async fn contacts_of(conn: &mut PgConnection, customer_id: Uuid) -> Result<Vec<Contact>, Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "-- contact_values_of_customer\nselect kind, value from customer_contact where customer_id = $1",
    )
    .bind(customer_id)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|(kind, value)| Some(Contact { kind: Kind::parse(&kind)?, value })).collect())
}

/// Removes contacts; returns which of them there were.
pub(crate) async fn remove_contacts(
    conn: &mut PgConnection,
    customer_id: Uuid,
    contacts: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "-- remove_contacts
        delete from customer_contact where customer_id = $1 and contact_id = any($2) returning contact_id",
    )
    .bind(customer_id)
    .bind(contacts)
    .fetch_all(conn)
    .await?)
}

/// Writes an edit.
pub(crate) async fn update(conn: &mut PgConnection, customer_id: Uuid, name: &str) -> Result<(), Error> {
    sqlx::query(
        "-- update_customer
        update customer set name = $2, name_search = $3, revision = revision + 1 where customer_id = $1",
    )
    .bind(customer_id)
    .bind(name)
    .bind(name_for_search(name))
    .execute(conn)
    .await?;
    Ok(())
}

/// All tags, sorted.
pub(crate) async fn tags(conn: &mut PgConnection, customer_id: Uuid) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar("-- tags_of_customer\nselect tag from customer_tag where customer_id = $1 order by tag")
        .bind(customer_id)
        .fetch_all(conn)
        .await?)
}

/// Puts a tag on; false when it was there.
pub(crate) async fn add_tag(
    conn: &mut PgConnection,
    customer_id: Uuid,
    tag: &str,
    author: &str,
    now: OffsetDateTime,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "-- add_tag
        insert into customer_tag (customer_id, tag, added_at, added_by) values ($1, $2, $3, $4)
        on conflict do nothing",
    )
    .bind(customer_id)
    .bind(tag)
    .bind(now)
    .bind(author)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a tag off; false when it was not there.
pub(crate) async fn remove_tag(conn: &mut PgConnection, customer_id: Uuid, tag: &str) -> Result<bool, Error> {
    let done = sqlx::query("-- remove_tag\ndelete from customer_tag where customer_id = $1 and tag = $2")
        .bind(customer_id)
        .bind(tag)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down who looked at whose personal data.
pub(crate) async fn record_access(
    conn: &mut PgConnection,
    customers: &[Uuid],
    caller: &str,
    purpose: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query(
        "-- record_contact_access
        insert into contact_access (customer_id, caller, purpose, accessed_at)
        select id, $2, $3, $4 from unnest($1::uuid[]) as id",
    )
    .bind(customers)
    .bind(caller)
    .bind(purpose)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}
