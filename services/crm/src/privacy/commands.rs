//! Erases personal data.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::store;
use crate::customers::store as customers;
use crate::error::Error;
use crate::identification::domain::Contact;
use crate::identification::store as identification;

/// Erases name, contacts, and notes of a person; returns when that was done first.
///
/// An order that is being resolved to this customer holds the lock of one of the contacts, so it is either linked
/// before, or meets nobody and makes a new customer.
///
/// # Errors
/// Unknown customer; database errors.
pub async fn erase(conn: &mut PgConnection, customer_id: Uuid, now: OffsetDateTime) -> Result<OffsetDateTime, Error> {
    let contacts = customers::contacts_of(conn, customer_id).await?;
    let keys: Vec<Contact> = contacts.into_iter().filter(|contact| contact.kind.identifies()).collect();
    identification::lock_contacts(conn, &keys).await?;
    let customer = customers::lock(conn, customer_id).await?.ok_or(Error::CustomerUnknown(customer_id))?;
    if let Some(erased_at) = customer.erased_at {
        return Ok(erased_at);
    }
    store::erase(conn, customer_id, now).await?;
    Ok(now)
}
