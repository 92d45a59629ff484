//! `CustomerService`.

use std::collections::HashSet;

use futures::FutureExt as _;
use proto::crm::v1 as wire;
use proto::crm::v1::customer_service_server::CustomerService;
use service::page::Page;
use service::{CallerKind, Check, Deps, Loader, idempotency, status};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::commands::{self, Creation, Edit, TagChange};
use super::{convert, domain, queries, store};
use crate::config::Settings;
use crate::error::Error;
use crate::identification::commands::{OrderContact, resolve_contacts};
use crate::identification::domain::{self as identification, Raw, name_for_search};

/// Who holds it may see names and contacts.
pub(crate) const READ_CONTACTS: &str = "crm.contact.read";

/// The service.
pub struct Customers {
    deps: Deps,
    settings: Settings,
    cards: Loader<Uuid, wire::Customer>,
}

impl Customers {
    /// The service over its database.
    #[must_use]
    pub fn new(deps: Deps, settings: Settings) -> Self {
        let currency = settings.currency;
        let cards = Loader::new(&deps.db, move |conn, ids| {
            async move {
                let cards = queries::cards(conn, &ids, false).await?;
                Ok(cards
                    .iter()
                    .map(|card| (card.identity.customer_id, convert::card_to_wire(card, currency)))
                    .collect())
            }
            .boxed()
        });
        Self { deps, settings, cards }
    }

    async fn change_tag(&self, caller: &str, id: &str, tag: &str, on: bool) -> Result<Vec<String>, Status> {
        let mut check = Check::default();
        let customer_id = check.uuid("customer_id", id);
        let tag = domain::tag(tag);
        check.require(tag.is_some(), "tag", "must be 1 to 40 letters, digits, - and _");
        check.done().map_err(status::invalid)?;
        let now = self.deps.clock.now();
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let change = TagChange { customer_id, tag: tag.as_deref().unwrap_or_default(), on, author: caller };
        let tags = commands::change_tag(&mut tx, &change, &self.settings, now).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(tags)
    }
}

fn order_contacts(check: &mut Check, contacts: &[wire::OrderContact]) -> Vec<OrderContact> {
    check.len("contacts", contacts.len(), 1..=500);
    let mut seen = HashSet::new();
    let mut read = Vec::with_capacity(contacts.len().min(500));
    for (index, contact) in contacts.iter().take(500).enumerate() {
        let field = |name: &str| format!("contacts[{index}].{name}");
        let order_id = check.uuid(&field("order_id"), &contact.order_id);
        check.require(seen.insert(order_id), field("order_id"), "is there twice");
        read.push(OrderContact {
            order_id,
            raw: Raw {
                channel: check.text(&field("channel"), &contact.channel, 1..=64),
                external_id: check.optional_text(&field("external_customer_id"), &contact.external_customer_id, 128),
                name: check.optional_text(&field("name"), &contact.name, 256),
                phone: check.optional_text(&field("phone"), &contact.phone, 64),
                email: check.optional_text(&field("email"), &contact.email, 320),
                address: check.optional_text(&field("address"), &contact.address, 1000),
            },
            region: check.optional_text(&field("region"), &contact.region, 64),
            placed_at: check.timestamp(&field("placed_at"), &contact.placed_at),
            fresh_id: service::new_id(),
        });
    }
    read
}

#[tonic::async_trait]
impl CustomerService for Customers {
    async fn resolve_contacts(
        &self,
        request: Request<wire::ResolveContactsRequest>,
    ) -> Result<Response<wire::ResolveContactsResponse>, Status> {
        if service::caller(&request)?.kind != CallerKind::Service {
            return Err(status::permission_denied("SERVICES_ONLY", "only services of the suite resolve contacts"));
        }
        let mut check = Check::default();
        let contacts = order_contacts(&mut check, &request.get_ref().contacts);
        check.done().map_err(status::invalid)?;
        let now = self.deps.clock.now();
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let resolved = resolve_contacts(&mut tx, &contacts, &self.settings, now).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        let results = resolved
            .into_iter()
            .map(|resolved| wire::ResolvedContact {
                order_id: resolved.order_id.to_string(),
                customer_id: resolved.customer_id.map(|id| id.to_string()).unwrap_or_default(),
                created: resolved.created,
                notes: resolved.notes,
            })
            .collect();
        Ok(Response::new(wire::ResolveContactsResponse { results }))
    }

    async fn create_customer(
        &self,
        request: Request<wire::CreateCustomerRequest>,
    ) -> Result<Response<wire::CreateCustomerResponse>, Status> {
        const METHOD: &str = "CreateCustomer";
        let caller = service::caller(&request)?;
        let request = request.get_ref();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let creation = Creation {
            customer_id: service::new_id(),
            name: domain::tidy(&check.text("name", &request.name, 1..=256)),
            region: check.optional_text("region", &request.region, 64),
            contacts: convert::contacts_from_wire(
                &mut check,
                "contacts",
                &request.contacts,
                self.settings.phone_region,
            ),
            author: caller.id.clone(),
        };
        check.done().map_err(status::invalid)?;
        let now = self.deps.clock.now();
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), request, async |tx| {
            commands::create(tx, &creation, &self.settings, now).await?;
            let card = queries::card(tx, creation.customer_id, false).await?;
            let customer = Some(convert::card_to_wire(&card, self.settings.currency));
            Ok(wire::CreateCustomerResponse { customer })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn update_customer(
        &self,
        request: Request<wire::UpdateCustomerRequest>,
    ) -> Result<Response<wire::UpdateCustomerResponse>, Status> {
        let request = request.get_ref();
        let mut check = Check::default();
        check.require(request.revision >= 0, "revision", "must not be negative");
        check.len("remove_contact_ids", request.remove_contact_ids.len(), 0..=20);
        let remove = request.remove_contact_ids.iter().take(20);
        let edit = Edit {
            customer_id: check.uuid("customer_id", &request.customer_id),
            revision: request.revision,
            name: request.name.as_ref().map(|name| domain::tidy(&check.text("name", name, 1..=256))),
            region: request.region.as_ref().map(|region| check.optional_text("region", region, 64)),
            add: convert::contacts_from_wire(
                &mut check,
                "add_contacts",
                &request.add_contacts,
                self.settings.phone_region,
            ),
            remove: remove.map(|id| check.uuid("remove_contact_ids", id)).collect(),
        };
        check.done().map_err(status::invalid)?;
        let now = self.deps.clock.now();
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        commands::edit(&mut tx, &edit, &self.settings, now).await?;
        let card = queries::card(&mut tx, edit.customer_id, false).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        let customer = Some(convert::card_to_wire(&card, self.settings.currency));
        Ok(Response::new(wire::UpdateCustomerResponse { customer }))
    }

    async fn get_customer(
        &self,
        request: Request<wire::GetCustomerRequest>,
    ) -> Result<Response<wire::GetCustomerResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.get_ref();
        let mut check = Check::default();
        let customer_id = check.uuid("customer_id", &request.customer_id);
        check.done().map_err(status::invalid)?;
        let with_contacts = request.include_contacts && caller.may(READ_CONTACTS);
        let customer = if with_contacts {
            let now = self.deps.clock.now();
            let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
            let card = queries::card(&mut tx, customer_id, true).await?;
            store::record_access(&mut tx, &[customer_id], &caller.id, "card", now).await?;
            tx.commit().await.map_err(status::from_sqlx)?;
            convert::card_to_wire(&card, self.settings.currency)
        } else {
            self.cards.get(customer_id).await?.ok_or(Error::CustomerUnknown(customer_id))?
        };
        Ok(Response::new(wire::GetCustomerResponse { customer: Some(customer) }))
    }

    async fn list_customers(
        &self,
        request: Request<wire::ListCustomersRequest>,
    ) -> Result<Response<wire::ListCustomersResponse>, Status> {
        let request = request.get_ref();
        let mut check = Check::default();
        let tag = if request.tag.is_empty() { Some(String::new()) } else { domain::tag(&request.tag) };
        check.require(tag.is_some(), "tag", "must be 1 to 40 letters, digits, - and _");
        let grade = request.grade.as_str();
        check.require(["", "A", "B", "C", "D", "E"].contains(&grade), "grade", "must be A to E");
        let region = check.optional_text("region", &request.region, 64);
        check.done().map_err(status::invalid)?;
        let page = Page::<Uuid>::parse(&request.page).map_err(status::invalid)?;
        let filter = queries::Filter { tag: tag.unwrap_or_default(), region, grade: grade.to_owned() };
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let ids = queries::list(&mut conn, &filter, page.after, page.limit() + 1).await?;
        let (ids, info) = page.finish(ids, |id| *id);
        let cards = queries::cards(&mut conn, &ids, false).await?;
        let customers = cards.iter().map(|card| convert::card_to_wire(card, self.settings.currency)).collect();
        Ok(Response::new(wire::ListCustomersResponse { customers, page: Some(info) }))
    }

    async fn find_customers(
        &self,
        request: Request<wire::FindCustomersRequest>,
    ) -> Result<Response<wire::FindCustomersResponse>, Status> {
        const MOST: i64 = 50;
        let caller = service::caller(&request)?;
        let request = request.get_ref();
        let mut check = Check::default();
        let given = [&request.phone, &request.email, &request.name].into_iter().filter(|text| !text.is_empty());
        check.require(given.count() == 1, "phone", "give exactly one of phone, email and name");
        let phone = identification::phone(&request.phone, self.settings.phone_region);
        check.require(request.phone.is_empty() || phone.is_some(), "phone", "is not a valid phone number");
        let email = identification::email(&request.email);
        check.require(request.email.is_empty() || email.is_some(), "email", "is not a valid e-mail address");
        let shortest = if request.name.is_empty() { 0 } else { 2 };
        let name = name_for_search(&check.text("name", &request.name, shortest..=256));
        check.done().map_err(status::invalid)?;
        let now = self.deps.clock.now();
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let ids = match phone.or(email) {
            Some(contact) => queries::by_contact(&mut tx, contact.kind.code(), &contact.value).await?,
            None => queries::by_name(&mut tx, &name, MOST).await?,
        };
        let cards = queries::cards(&mut tx, &ids, true).await?;
        store::record_access(&mut tx, &ids, &caller.id, "find", now).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        let customers = cards.iter().map(|card| convert::card_to_wire(card, self.settings.currency)).collect();
        Ok(Response::new(wire::FindCustomersResponse { customers }))
    }

    async fn list_merge_candidates(
        &self,
        request: Request<wire::ListMergeCandidatesRequest>,
    ) -> Result<Response<wire::ListMergeCandidatesResponse>, Status> {
        let page = Page::<(OffsetDateTime, Uuid, Uuid)>::parse(&request.get_ref().page).map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::merge_candidates(&mut conn, page.after, page.limit() + 1).await?;
        let (rows, info) = page.finish(rows, |row| (row.found_at, row.older_customer_id, row.newer_customer_id));
        let candidates = rows.iter().map(convert::candidate_to_wire).collect();
        Ok(Response::new(wire::ListMergeCandidatesResponse { candidates, page: Some(info) }))
    }

    async fn add_tag(&self, request: Request<wire::AddTagRequest>) -> Result<Response<wire::AddTagResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.get_ref();
        let tags = self.change_tag(&caller.id, &request.customer_id, &request.tag, true).await?;
        Ok(Response::new(wire::AddTagResponse { tags }))
    }

    async fn remove_tag(
        &self,
        request: Request<wire::RemoveTagRequest>,
    ) -> Result<Response<wire::RemoveTagResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.get_ref();
        let tags = self.change_tag(&caller.id, &request.customer_id, &request.tag, false).await?;
        Ok(Response::new(wire::RemoveTagResponse { tags }))
    }
}
