//! What people do with a card.

use std::collections::BTreeMap;

use proto::crm::v1::{CrmEvent, CustomerCreated, CustomerTagged, crm_event};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::MOST_TAGS;
use super::store;
use crate::config::Settings;
use crate::error::Error;
use crate::identification::domain::Contact;
use crate::identification::store::{self as identification, ContactRow, NewCustomer};
use crate::scoring::commands::{Cause, Touch, rescore};

/// A customer to be made by hand.
#[derive(Clone, Debug)]
pub struct Creation {
    /// The new id.
    pub customer_id: Uuid,
    /// Name.
    pub name: String,
    /// Region code.
    pub region: String,
    /// Contacts in their one spelling.
    pub contacts: Vec<Contact>,
    /// Who makes it.
    pub author: String,
}

/// Makes a customer by hand.
///
/// # Errors
/// [`Error::ContactTaken`] when a contact belongs to another customer; database errors.
pub async fn create(
    conn: &mut PgConnection,
    creation: &Creation,
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let customer_id = creation.customer_id;
    require_free(conn, &creation.contacts, customer_id).await?;
    let customer = NewCustomer {
        customer_id,
        name: creation.name.clone(),
        source: "hand",
        created_at: now,
        created_by: creation.author.clone(),
    };
    identification::insert_customers(conn, &[customer]).await?;
    add_contacts(conn, customer_id, &creation.contacts, now).await?;
    let mut touch = Touch::because(Cause::default());
    touch.newcomer = true;
    touch.region = Some(creation.region.clone());
    touch.events.push(CrmEvent {
        event: Some(crm_event::Event::CustomerCreated(CustomerCreated {
            customer_id: customer_id.to_string(),
            region: creation.region.clone(),
            created_at: Some(proto::to_timestamp(now)),
        })),
    });
    rescore(conn, BTreeMap::from([(customer_id, touch)]), settings, now).await?;
    Ok(())
}

/// Takes the locks of contacts and makes sure that nobody else owns them.
async fn require_free(conn: &mut PgConnection, contacts: &[Contact], customer_id: Uuid) -> Result<(), Error> {
    let keys: Vec<Contact> = contacts.iter().filter(|contact| contact.kind.identifies()).cloned().collect();
    identification::lock_contacts(conn, &keys).await?;
    let known = identification::owners(conn, &keys).await?;
    for (contact, owner) in known.owners {
        if owner.customer_id != customer_id {
            return Err(Error::ContactTaken { kind: contact.kind, owner: owner.customer_id });
        }
    }
    Ok(())
}

async fn add_contacts(
    conn: &mut PgConnection,
    customer_id: Uuid,
    contacts: &[Contact],
    now: OffsetDateTime,
) -> Result<(), Error> {
    let present = store::contacts_of(conn, customer_id).await?;
    let mut rows: Vec<ContactRow> = Vec::new();
    for contact in contacts {
        let known = present.contains(contact) || rows.iter().any(|row| row.contact == *contact);
        if !known {
            rows.push(ContactRow { customer_id, contact: contact.clone() });
        }
    }
    identification::insert_contacts(conn, &rows, now).await
}

/// An edit of a card. What is absent stays as it is.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The customer.
    pub customer_id: Uuid,
    /// Revision it is based on; 0 when that does not matter.
    pub revision: i64,
    /// New name.
    pub name: Option<String>,
    /// New region.
    pub region: Option<String>,
    /// Contacts to add, in their one spelling.
    pub add: Vec<Contact>,
    /// Contacts to remove.
    pub remove: Vec<Uuid>,
}

/// Edits a card.
///
/// # Errors
/// Unknown or erased customer or contact, another revision, a contact of somebody else; database errors.
pub async fn edit(conn: &mut PgConnection, edit: &Edit, settings: &Settings, now: OffsetDateTime) -> Result<(), Error> {
    require_free(conn, &edit.add, edit.customer_id).await?;
    let customer = store::lock(conn, edit.customer_id).await?.ok_or(Error::CustomerUnknown(edit.customer_id))?;
    if customer.erased_at.is_some() {
        return Err(Error::CustomerErased);
    }
    if edit.revision != 0 && edit.revision != customer.revision {
        return Err(Error::CustomerChanged { based_on: edit.revision, current: customer.revision });
    }
    let removed = store::remove_contacts(conn, edit.customer_id, &edit.remove).await?;
    if let Some(unknown) = edit.remove.iter().find(|id| !removed.contains(id)) {
        return Err(Error::ContactUnknown(*unknown));
    }
    add_contacts(conn, edit.customer_id, &edit.add, now).await?;
    let name = edit.name.as_ref().unwrap_or(&customer.name);
    store::update(conn, edit.customer_id, name).await?;
    if edit.region.is_some() {
        let mut touch = Touch::because(Cause { kind: "region_edited".to_owned(), id: String::new() });
        touch.region.clone_from(&edit.region);
        rescore(conn, BTreeMap::from([(edit.customer_id, touch)]), settings, now).await?;
    }
    Ok(())
}

/// Puts a tag on a customer, or takes it off; returns all tags. Publishes the change if there was one.
///
/// # Errors
/// Unknown customer, too many tags; database errors.
pub async fn change_tag(
    conn: &mut PgConnection,
    change: &TagChange<'_>,
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<Vec<String>, Error> {
    let customer_id = change.customer_id;
    store::lock(conn, customer_id).await?.ok_or(Error::CustomerUnknown(customer_id))?;
    let changed = if change.on {
        let tags = store::tags(conn, customer_id).await?;
        if tags.len() >= MOST_TAGS && !tags.iter().any(|tag| tag == change.tag) {
            return Err(Error::TooManyTags);
        }
        store::add_tag(conn, customer_id, change.tag, change.author, now).await?
    } else {
        store::remove_tag(conn, customer_id, change.tag).await?
    };
    let tags = store::tags(conn, customer_id).await?;
    if changed {
        let mut touch = Touch::because(Cause { kind: "tagged".to_owned(), id: change.tag.to_owned() });
        touch.events.push(CrmEvent {
            event: Some(crm_event::Event::CustomerTagged(CustomerTagged {
                customer_id: customer_id.to_string(),
                tags: tags.clone(),
                tagged_at: Some(proto::to_timestamp(now)),
            })),
        });
        rescore(conn, BTreeMap::from([(customer_id, touch)]), settings, now).await?;
    }
    Ok(tags)
}

/// A tag to be put on or taken off.
#[derive(Clone, Copy, Debug)]
pub struct TagChange<'a> {
    /// The customer.
    pub customer_id: Uuid,
    /// The tag in its one spelling.
    pub tag: &'a str,
    /// On or off.
    pub on: bool,
    /// Who.
    pub author: &'a str,
}
