//! `ContactService`.

use proto::crm::v1::contact_service_server::ContactService;
use proto::crm::v1::{
    ListContactsRequest, ListContactsResponse, RecordContactRequest, RecordContactResponse, RecordKind,
};
use service::page::Page;
use service::{Check, Deps, idempotency, status};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::commands::{self, Record};
use super::{convert, queries};
use crate::config::Settings;
use crate::customers;

/// The service.
pub struct Contacts {
    deps: Deps,
    settings: Settings,
}

impl Contacts {
    /// The service over its database.
    #[must_use]
    pub fn new(deps: Deps, settings: Settings) -> Self {
        Self { deps, settings }
    }
}

fn record_from_wire(check: &mut Check, request: &RecordContactRequest, author: &str, now: OffsetDateTime) -> Record {
    let kind = convert::kind_from_wire(request.kind());
    check.require(kind.is_some(), "kind", "must be call, letter, chat, visit or complaint");
    let complaint = request.kind() == RecordKind::Complaint;
    let direction = convert::direction_from_wire(request.direction()).or(complaint.then_some("inbound"));
    check.require(direction.is_some(), "direction", "must be inbound or outbound");
    check.require(!complaint || direction == Some("inbound"), "direction", "a complaint is inbound");
    let outcome = check.optional_text("outcome", &request.outcome, 64);
    let snake = outcome.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    check.require(snake, "outcome", "must be lower snake case");
    let happened_at = check.optional_timestamp("happened_at", &request.happened_at).unwrap_or(now);
    check.require(happened_at <= now, "happened_at", "must not be in the future");
    Record {
        record_id: service::new_id(),
        customer_id: check.uuid("customer_id", &request.customer_id),
        kind: kind.unwrap_or_default(),
        direction: direction.unwrap_or_default(),
        outcome,
        note: check.optional_text("note", &request.note, 4000),
        order_id: check.optional_uuid("order_id", &request.order_id),
        author: author.to_owned(),
        happened_at,
    }
}

#[tonic::async_trait]
impl ContactService for Contacts {
    async fn record_contact(
        &self,
        request: Request<RecordContactRequest>,
    ) -> Result<Response<RecordContactResponse>, Status> {
        const METHOD: &str = "RecordContact";
        let caller = service::caller(&request)?;
        let request = request.get_ref();
        let now = self.deps.clock.now();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let record = record_from_wire(&mut check, request, &caller.id, now);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), request, async |tx| {
            commands::record(tx, &record, &self.settings, now).await?;
            // The answer is kept for repeated calls, so it must not hold what erasure would then miss.
            let record = Record { note: String::new(), ..record };
            Ok(RecordContactResponse { record: Some(convert::record_to_wire(&record.into())) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_contacts(
        &self,
        request: Request<ListContactsRequest>,
    ) -> Result<Response<ListContactsResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.get_ref();
        let mut check = Check::default();
        let customer_id = check.uuid("customer_id", &request.customer_id);
        check.done().map_err(status::invalid)?;
        let page = Page::<(OffsetDateTime, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        let now = self.deps.clock.now();
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        customers::queries::require(&mut tx, customer_id).await?;
        let rows = queries::records_of(&mut tx, customer_id, page.after, page.limit() + 1).await?;
        customers::store::record_access(&mut tx, &[customer_id], &caller.id, "records", now).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| (row.happened_at, row.record_id));
        let records = rows.iter().map(convert::record_to_wire).collect();
        Ok(Response::new(ListContactsResponse { records, page: Some(info) }))
    }
}
