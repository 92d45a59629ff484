//! The API key RPCs.

use std::sync::Arc;

use proto::identity::v1 as pb;
use proto::identity::v1::api_key_service_server::ApiKeyService;
use service::page::Page;
use service::{Check, Clock, Db, idempotency, status};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::domain::{ApiKey, is_channel, prefix};
use super::{commands, queries};
use crate::error::Error;
use crate::roles::{Catalogue, Grantor};
use crate::secret;

/// Answers the API key RPCs.
pub(crate) struct ApiKeyApi {
    /// Database.
    pub(crate) db: Db,
    /// Clock.
    pub(crate) clock: Clock,
    /// All permissions.
    pub(crate) catalogue: Arc<Catalogue>,
}

#[tonic::async_trait]
impl ApiKeyService for ApiKeyApi {
    async fn create_api_key(
        &self,
        request: Request<pb::CreateApiKeyRequest>,
    ) -> Result<Response<pb::CreateApiKeyResponse>, Status> {
        const METHOD: &str = "CreateApiKey";
        let caller = service::caller(&request)?;
        let input = request.into_inner();
        let secret = secret::random_token(secret::API_KEY_PREFIX);
        let now = self.clock.now();
        let (key, request_id) = checked(&input, &secret, now).map_err(Status::from)?;
        let by = Grantor { caller, catalogue: Arc::clone(&self.catalogue) };
        let done = idempotency::once(&self.db, (by.id(), METHOD, &request_id), &input, async |tx| {
            let key = commands::create(tx, &by, key, &secret, now).await?;
            // Kept without the secret: an answer that is stored must hold none.
            Ok(pb::CreateApiKeyResponse { api_key: Some(to_proto(key)), secret: String::new() })
        })
        .await?;
        // A repeat cannot have it: nobody knows it any more.
        let secret = if done.repeated { String::new() } else { secret };
        Ok(Response::new(pb::CreateApiKeyResponse { secret, ..done.answer }))
    }

    async fn get_api_key(
        &self,
        request: Request<pb::GetApiKeyRequest>,
    ) -> Result<Response<pb::GetApiKeyResponse>, Status> {
        let id = parse_id(&request.into_inner().api_key_id)?;
        let mut conn = self.db.acquire().await.map_err(status::from_sqlx)?;
        let key = queries::get(&mut conn, id).await.map_err(status::from_sqlx)?;
        let key = key.ok_or_else(|| status::not_found("API key", id))?;
        Ok(Response::new(pb::GetApiKeyResponse { api_key: Some(to_proto(key)) }))
    }

    async fn list_api_keys(
        &self,
        request: Request<pb::ListApiKeysRequest>,
    ) -> Result<Response<pb::ListApiKeysResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(OffsetDateTime, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::new();
        check.require(is_channel(&request.channel), "channel", CHANNEL_RULE);
        check.done().map_err(status::invalid)?;
        let mut conn = self.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::list(&mut conn, &request.channel, request.live_only, page.after, page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| (row.created_at, row.id));
        let api_keys = rows.into_iter().map(to_proto).collect();
        Ok(Response::new(pb::ListApiKeysResponse { api_keys, page: Some(info) }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<pb::RevokeApiKeyRequest>,
    ) -> Result<Response<pb::RevokeApiKeyResponse>, Status> {
        let caller = service::caller(&request)?;
        let id = parse_id(&request.into_inner().api_key_id)?;
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let key = commands::revoke(&mut tx, &caller.id, id, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::RevokeApiKeyResponse { api_key: Some(to_proto(key)) }))
    }
}

const CHANNEL_RULE: &str = "must be up to 40 of a-z 0-9 _ -";

fn checked(input: &pb::CreateApiKeyRequest, secret: &str, now: OffsetDateTime) -> Result<(ApiKey, String), Error> {
    let mut check = Check::new();
    let request_id = check.request_id(&input.request_id);
    let name = check.text("name", &input.name, 1..=200);
    check.require(is_channel(&input.channel), "channel", CHANNEL_RULE);
    check.len("roles", input.roles.len(), 0..=50);
    for (index, role) in input.roles.iter().enumerate() {
        check.text(&format!("roles[{index}]"), role, 2..=40);
    }
    let expires_at = input.expires_at.is_some().then(|| check.timestamp("expires_at", &input.expires_at));
    check.require(expires_at.is_none_or(|end| end > now), "expires_at", "must be in the future");
    check.done().map_err(Error::Invalid)?;
    let roles = if input.roles.is_empty() { vec!["shop".to_owned()] } else { input.roles.clone() };
    let key = ApiKey {
        id: service::new_id(),
        name,
        prefix: prefix(secret),
        channel: input.channel.clone(),
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
        roles,
    };
    Ok((key, request_id))
}

fn parse_id(text: &str) -> Result<Uuid, Status> {
    let mut check = Check::new();
    let id = check.uuid("api_key_id", text);
    check.done().map_err(status::invalid)?;
    Ok(id)
}

fn to_proto(key: ApiKey) -> pb::ApiKey {
    pb::ApiKey {
        api_key_id: key.id.to_string(),
        name: key.name,
        prefix: key.prefix,
        channel: key.channel,
        roles: key.roles,
        created_at: Some(proto::to_timestamp(key.created_at)),
        expires_at: key.expires_at.map(proto::to_timestamp),
        revoked_at: key.revoked_at.map(proto::to_timestamp),
        last_used_at: key.last_used_at.map(proto::to_timestamp),
    }
}
