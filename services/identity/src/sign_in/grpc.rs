//! The sign-in RPCs.

use proto::identity::v1 as pb;
use proto::identity::v1::auth_service_server::AuthService;
use service::{Check, Clock, Db, status};
use time::Duration;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::commands::{self, Lifetimes, Refreshed, Tokens};
use super::store;
use crate::api_keys;
use crate::config::Config;
use crate::employees::domain::{LONGEST, normalised_login};
use crate::employees::store::Account;
use crate::error::Error;
use crate::passwords::Passwords;
use crate::signing_keys;
use crate::signing_keys::domain::StoredKey;

/// Answers the sign-in RPCs.
pub(crate) struct AuthApi {
    /// Database.
    pub(crate) db: Db,
    /// Clock.
    pub(crate) clock: Clock,
    /// Settings.
    pub(crate) config: Config,
    /// Password workers.
    pub(crate) passwords: Passwords,
}

/// The one answer to everything wrong about login and password.
pub(super) fn wrong_password() -> Error {
    Error::Unauthenticated("login or password is wrong")
}

#[tonic::async_trait]
impl AuthService for AuthApi {
    async fn sign_in(&self, request: Request<pb::SignInRequest>) -> Result<Response<pb::SignInResponse>, Status> {
        let source = self.source(&request);
        let input = request.into_inner();
        let login = checked_login(&input.login, &input.password, "password")?;
        let (attempt, account) = self.verified(&login, &source, input.password).await?;
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let opened = commands::open(&mut tx, &attempt, &account, &source, self.lifetimes(), self.clock.now()).await;
        // The password was right: that the failures are forgiven is kept also when it has to be changed first.
        if matches!(opened, Ok(_) | Err(Error::PasswordChangeRequired)) {
            tx.commit().await.map_err(status::from_sqlx)?;
        }
        let tokens = Some(to_proto(opened?));
        Ok(Response::new(pb::SignInResponse { tokens, employee_id: account.id.to_string() }))
    }

    async fn refresh_session(
        &self,
        request: Request<pb::RefreshSessionRequest>,
    ) -> Result<Response<pb::RefreshSessionResponse>, Status> {
        let token = checked_token("refresh_token", request.into_inner().refresh_token)?;
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let refreshed = commands::refresh(&mut tx, &token, self.lifetimes(), self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        match refreshed {
            Refreshed::Tokens(tokens) => {
                Ok(Response::new(pb::RefreshSessionResponse { tokens: Some(to_proto(tokens)) }))
            }
            Refreshed::Refused => {
                Err(status::unauthenticated("BAD_CREDENTIALS", "the refresh token is not valid; sign in again"))
            }
        }
    }

    async fn sign_out(&self, request: Request<pb::SignOutRequest>) -> Result<Response<pb::SignOutResponse>, Status> {
        let token = checked_token("refresh_token", request.into_inner().refresh_token)?;
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        commands::sign_out(&mut tx, &token, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::SignOutResponse {}))
    }

    async fn change_password(
        &self,
        request: Request<pb::ChangePasswordRequest>,
    ) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        let source = self.source(&request);
        let input = request.into_inner();
        let login = checked_login(&input.login, &input.old_password, "old_password")?;
        commands::acceptable(&login, &input.old_password, &input.new_password)?;
        let (attempt, account) = self.verified(&login, &source, input.old_password).await?;
        let hash = self.passwords.hash(input.new_password).await?;
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        commands::change_password(&mut tx, &attempt, &account, &hash, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::ChangePasswordResponse {}))
    }

    async fn exchange_api_key(
        &self,
        request: Request<pb::ExchangeApiKeyRequest>,
    ) -> Result<Response<pb::ExchangeApiKeyResponse>, Status> {
        let key = checked_token("api_key", request.into_inner().api_key)?;
        let lifetime = Duration::minutes(i64::from(self.config.api_key_minutes));
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let (token, key) = api_keys::commands::exchange(&mut tx, &key, lifetime, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::ExchangeApiKeyResponse {
            access_token: token.token,
            expires_at: Some(proto::to_timestamp(token.expires_at)),
            api_key_id: key.id.to_string(),
            channel: key.channel,
        }))
    }

    async fn get_jwks(&self, _: Request<pb::GetJwksRequest>) -> Result<Response<pb::GetJwksResponse>, Status> {
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let keys = signing_keys::commands::published(&mut tx, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::GetJwksResponse { keys: keys.into_iter().map(jwk).collect() }))
    }

    async fn who_am_i(&self, request: Request<pb::WhoAmIRequest>) -> Result<Response<pb::WhoAmIResponse>, Status> {
        let caller = service::caller(&request)?;
        let mut names = None;
        if let Ok(id) = Uuid::parse_str(&caller.id) {
            let mut conn = self.db.acquire().await.map_err(status::from_sqlx)?;
            names = store::names(&mut conn, id).await.map_err(status::from_sqlx)?;
        }
        let (login, display_name) = names.unwrap_or_default();
        Ok(Response::new(who(caller, login, display_name)))
    }

    async fn rotate_keys(
        &self,
        request: Request<pb::RotateKeysRequest>,
    ) -> Result<Response<pb::RotateKeysResponse>, Status> {
        let caller = service::caller(&request)?;
        let grace = Duration::seconds(i64::from(self.config.key_grace_seconds));
        let grace = (!request.into_inner().revoke_previous).then_some(grace);
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let key = signing_keys::commands::rotate(&mut tx, &caller.id, grace, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::RotateKeysResponse {
            kid: key.kid,
            active_from: Some(proto::to_timestamp(key.active_from)),
        }))
    }
}

impl AuthApi {
    /// The account, if login and password belong together. The attempt is counted before the password is looked at.
    async fn verified(
        &self,
        login: &str,
        source: &str,
        password: String,
    ) -> Result<(super::attempts::Attempt, Account), Status> {
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let (attempt, account) = commands::begin(&mut tx, login, source, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let fits = self.passwords.verify(password, hash).await?;
        match account {
            Some(account) if fits && account.active => Ok((attempt, account)),
            _ => {
                metrics::counter!("identity_sign_in_failures_total").increment(1);
                Err(wrong_password().into())
            }
        }
    }

    /// Where a request came from.
    fn source<T>(&self, request: &Request<T>) -> String {
        let forwarded = request.metadata().get("x-forwarded-for").and_then(|value| value.to_str().ok());
        let forwarded = forwarded.filter(|_| self.config.trust_forwarded);
        let first = forwarded.and_then(|list| list.split(',').next()?.trim().parse::<std::net::IpAddr>().ok());
        let peer = request.remote_addr().map(|address| address.ip());
        first.or(peer).map_or_else(|| "unknown".to_owned(), |address| address.to_string())
    }

    fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            access: Duration::minutes(i64::from(self.config.access_minutes)),
            session: Duration::days(i64::from(self.config.session_days)),
            leeway: Duration::seconds(i64::from(self.config.refresh_leeway_seconds)),
        }
    }
}

/// The login in its one form. An odd one is not refused: it is simply unknown, and takes as long.
fn checked_login(login: &str, password: &str, field: &str) -> Result<String, Status> {
    let mut check = Check::new();
    check.require(!login.trim().is_empty() && login.len() <= 256, "login", "must be 1 to 256 bytes");
    check.require(!login.contains('\0'), "login", "must not contain control characters");
    check.require(!password.is_empty() && password.len() <= LONGEST, field, "must be 1 to 256 bytes");
    check.done().map_err(status::invalid)?;
    Ok(normalised_login(login))
}

fn checked_token(field: &str, token: String) -> Result<String, Status> {
    let mut check = Check::new();
    check.require(!token.is_empty() && token.len() <= 256, field, "must be 1 to 256 bytes");
    check.done().map_err(status::invalid)?;
    Ok(token)
}

fn to_proto(tokens: Tokens) -> pb::TokenPair {
    pb::TokenPair {
        access_token: tokens.access.token,
        access_expires_at: Some(proto::to_timestamp(tokens.access.expires_at)),
        refresh_token: tokens.refresh,
        refresh_expires_at: Some(proto::to_timestamp(tokens.refresh_expires_at)),
    }
}

fn jwk(key: StoredKey) -> pb::Jwk {
    pb::Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        x: crate::secret::base64url(&key.public_key),
        kid: key.kid,
        r#use: "sig".to_owned(),
        alg: "EdDSA".to_owned(),
    }
}

fn who(caller: service::Caller, login: String, display_name: String) -> pb::WhoAmIResponse {
    let kind = match caller.kind {
        service::CallerKind::Employee => "employee",
        service::CallerKind::ApiKey => "api_key",
        service::CallerKind::Service => "service",
    };
    pb::WhoAmIResponse {
        subject: caller.id,
        kind: kind.to_owned(),
        roles: caller.roles,
        permissions: caller.permissions,
        channel: caller.channel.unwrap_or_default(),
        login,
        display_name,
    }
}
