//! Turns the contacts of orders into customers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proto::crm::v1::{CrmEvent, CustomerCreated, CustomerIdentified, crm_event};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Contact, Matcher, Owner, Raw, Read, Verdict};
use super::store::{self, ContactRow, DoubtRow, Known, NewCustomer};
use crate::config::Settings;
use crate::error::Error;
use crate::orders::domain::OrderFact;
use crate::orders::store::{self as orders, Link};
use crate::scoring::commands::{Cause, Touch, rescore};

/// The contact of one order.
#[derive(Clone, Debug)]
pub struct OrderContact {
    /// The order.
    pub order_id: Uuid,
    /// What came with it.
    pub raw: Raw,
    /// Region code of the delivery.
    pub region: String,
    /// When it was placed.
    pub placed_at: OffsetDateTime,
    /// Id of the customer to be made when nobody is known.
    pub fresh_id: Uuid,
}

/// Whose order it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The order.
    pub order_id: Uuid,
    /// The customer; `None` for an anonymous order.
    pub customer_id: Option<Uuid>,
    /// The order made the customer known.
    pub created: bool,
    /// What could not be used.
    pub notes: Vec<String>,
}

/// What the orders of a call come to.
#[derive(Default)]
struct Plan {
    customers: Vec<NewCustomer>,
    contacts: Vec<ContactRow>,
    doubts: Vec<DoubtRow>,
    /// Who is known without a name.
    nameless: BTreeSet<Uuid>,
    /// Names for those and for the new ones.
    names: BTreeMap<Uuid, String>,
    links: Vec<Link>,
    touched: BTreeMap<Uuid, Touch>,
}

/// Resolves contacts in the order of their placement; answers in the order given. An order resolved before gets its
/// first answer again. A handful of statements, however many orders.
///
/// # Errors
/// Database errors.
pub async fn resolve_contacts(
    conn: &mut PgConnection,
    contacts: &[OrderContact],
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<Vec<Resolved>, Error> {
    let mut items: Vec<(&OrderContact, Read)> =
        contacts.iter().map(|contact| (contact, Read::of(&contact.raw, settings.phone_region))).collect();
    items.sort_by_key(|(contact, _)| (contact.placed_at, contact.order_id));
    let keys: BTreeSet<Contact> = items.iter().flat_map(|(_, read)| &read.keys).cloned().collect();
    let keys: Vec<Contact> = keys.into_iter().collect();
    store::lock_contacts(conn, &keys).await?;
    let ids: Vec<Uuid> = contacts.iter().map(|contact| contact.order_id).collect();
    let facts = orders::lock_facts(conn, &ids).await?;
    let Known { owners, mut with_orders, nameless } = store::owners(conn, &keys).await?;

    let mut matcher = Matcher::new(owners);
    let mut plan = Plan { nameless, ..Plan::default() };
    for (contact, read) in items {
        let Some(fact) = facts.get(&contact.order_id).filter(|fact| fact.resolved_at.is_none()) else {
            continue;
        };
        if read.is_anonymous() {
            let (order_id, notes) = (fact.order_id, Vec::new());
            plan.links.push(Link { order_id, customer_id: None, created: false, notes });
            continue;
        }
        // Customers met in one call are told apart by when their first order was placed, not by chance.
        let since = now + time::Duration::microseconds(i64::try_from(plan.customers.len()).unwrap_or(i64::MAX));
        let verdict = matcher.decide(&read.keys, Owner { since, customer_id: contact.fresh_id });
        let first_order = with_orders.insert(verdict.customer_id);
        plan.take(contact, &read, verdict, first_order, now);
        plan.add_figures(fact, settings);
    }
    let mut answers: HashMap<Uuid, Resolved> = facts.values().map(|fact| (fact.order_id, answer(fact))).collect();
    answers.extend(plan.links.iter().map(|link| (link.order_id, answer_of_link(link))));
    plan.write(conn, settings, now).await?;
    Ok(contacts.iter().filter_map(|contact| answers.remove(&contact.order_id)).collect())
}

/// The answer that was given before.
fn answer(fact: &OrderFact) -> Resolved {
    Resolved {
        order_id: fact.order_id,
        customer_id: fact.customer_id,
        created: fact.customer_created,
        notes: fact.resolve_notes.clone(),
    }
}

/// The answer that is given now.
fn answer_of_link(link: &Link) -> Resolved {
    Resolved {
        order_id: link.order_id,
        customer_id: link.customer_id,
        created: link.created,
        notes: link.notes.clone(),
    }
}

impl Plan {
    fn take(&mut self, contact: &OrderContact, read: &Read, verdict: Verdict, first_order: bool, now: OffsetDateTime) {
        let customer_id = verdict.customer_id;
        let cause = Cause { kind: "contacts_resolved".to_owned(), id: contact.order_id.to_string() };
        let touch = self.touched.entry(customer_id).or_insert_with(|| Touch::because(cause));
        let mut created = None;
        if verdict.created {
            let offset = i64::try_from(self.customers.len()).unwrap_or(i64::MAX);
            let created_at = now + time::Duration::microseconds(offset);
            self.customers.push(NewCustomer {
                customer_id,
                name: String::new(),
                source: "order",
                created_at,
                created_by: "order".to_owned(),
            });
            touch.newcomer = true;
            touch.region = Some(contact.region.clone());
            self.nameless.insert(customer_id);
            created = Some(CustomerCreated {
                customer_id: customer_id.to_string(),
                region: contact.region.clone(),
                created_at: Some(proto::to_timestamp(created_at)),
            });
        }
        touch.events.push(CrmEvent {
            event: Some(crm_event::Event::CustomerIdentified(CustomerIdentified {
                customer_id: customer_id.to_string(),
                order_id: contact.order_id.to_string(),
                first_order,
                identified_at: Some(proto::to_timestamp(now)),
                created,
                scored: None,
            })),
        });
        if !read.name.is_empty() && self.nameless.contains(&customer_id) {
            self.names.entry(customer_id).or_insert_with(|| read.name.clone());
        }
        let gained = verdict.gained.into_iter().chain(read.others.iter().cloned());
        self.contacts.extend(gained.map(|contact| ContactRow { customer_id, contact }));
        let order_id = contact.order_id;
        self.doubts.extend(verdict.doubts.into_iter().map(|doubt| DoubtRow { doubt, order_id }));
        let notes = read.notes.iter().map(|note| (*note).to_owned()).collect();
        self.links.push(Link { order_id, customer_id: Some(customer_id), created: verdict.created, notes });
    }

    /// The order may have been placed, shipped and returned before anybody asked whose it is.
    fn add_figures(&mut self, fact: &OrderFact, settings: &Settings) {
        let customer = self.links.last().and_then(|link| link.customer_id);
        if let Some(touch) = customer.and_then(|customer| self.touched.get_mut(&customer)) {
            touch.difference.add(&fact.figures(settings.currency));
        }
    }

    async fn write(mut self, conn: &mut PgConnection, settings: &Settings, now: OffsetDateTime) -> Result<(), Error> {
        for customer in &mut self.customers {
            customer.name = self.names.remove(&customer.customer_id).unwrap_or_default();
        }
        store::insert_customers(conn, &self.customers).await?;
        store::insert_contacts(conn, &self.contacts, now).await?;
        store::insert_doubts(conn, &self.doubts, now).await?;
        store::fill_names(conn, &self.names).await?;
        orders::link_facts(conn, &self.links, now).await?;
        rescore(conn, self.touched, settings, now).await?;
        Ok(())
    }
}
