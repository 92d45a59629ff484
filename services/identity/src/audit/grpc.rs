//! The audit trail's RPCs.

use proto::identity::v1::audit_service_server::AuditService;
use proto::identity::v1::{
    AuditEntry, ListAuditEntriesRequest, ListAuditEntriesResponse, VerifyAuditTrailRequest, VerifyAuditTrailResponse,
};
use service::page::Page;
use service::{Check, Db, status};
use tonic::{Request, Response, Status};

use super::domain::{Entry, GENESIS, first_break};
use super::queries;

/// Entries checked in one call.
const STRETCH: i64 = 10_000;

/// Answers the audit RPCs.
pub(crate) struct AuditApi {
    /// Database.
    pub(crate) db: Db,
}

#[tonic::async_trait]
impl AuditService for AuditApi {
    async fn list_audit_entries(
        &self,
        request: Request<ListAuditEntriesRequest>,
    ) -> Result<Response<ListAuditEntriesResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::new();
        let filter = queries::Filter {
            actor: check.optional_text("actor", &request.actor, 200),
            object_id: check.optional_text("object_id", &request.object_id, 200),
            action: check.optional_text("action", &request.action, 200),
        };
        check.done().map_err(status::invalid)?;
        let mut conn = self.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::list(&mut conn, &filter, page.after, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| row.sequence);
        let entries = rows.into_iter().map(to_proto).collect();
        Ok(Response::new(ListAuditEntriesResponse { entries, page: Some(info) }))
    }

    async fn verify_audit_trail(
        &self,
        request: Request<VerifyAuditTrailRequest>,
    ) -> Result<Response<VerifyAuditTrailResponse>, Status> {
        let from = request.into_inner().from_sequence.max(1);
        let mut conn = self.db.acquire().await.map_err(status::from_sqlx)?;
        // The entry before the stretch is read with it: the first one checked must follow it.
        let mut entries = queries::stretch(&mut conn, from - 1, STRETCH + 1).await.map_err(status::from_sqlx)?;
        let complete = i64::try_from(entries.len()).unwrap_or(i64::MAX) <= STRETCH;
        let before = match entries.first() {
            Some(first) if first.sequence == from - 1 => {
                let first = entries.remove(0);
                (first.sequence, first.hash)
            }
            _ => (from - 1, GENESIS.to_vec()),
        };
        let broken = first_break((before.0, &before.1), &entries);
        Ok(Response::new(VerifyAuditTrailResponse {
            intact: broken.is_none(),
            broken_at: broken.unwrap_or(0),
            checked_to: entries.last().map_or(from - 1, |entry| entry.sequence),
            complete,
        }))
    }
}

fn to_proto(entry: Entry) -> AuditEntry {
    AuditEntry {
        sequence: entry.sequence,
        at: Some(proto::to_timestamp(entry.at)),
        actor: entry.actor,
        action: entry.action,
        object_type: entry.object_type,
        object_id: entry.object_id,
        details_json: entry.details,
        hash: hex::encode(entry.hash),
    }
}
