//! A service started on its own database, with its gRPC routes on a free port behind the real authorisation layer.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use messaging::{Event, Wake};
use proto::DomainEvent;
use service::{
    CallerKind, Clock, Db, Deps, InternalTokens, Secured, Service, Verifier,
    auth::{Claims, ISSUER},
    with_messaging,
};
use sqlx::migrate::Migrator;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

/// Secret of the tokens that services under test sign for each other.
pub const INTERNAL_SECRET: &str = "a secret that only tests share with each other";
const KID: &str = "test";

/// What generated clients are made with: a channel that adds a token to each call.
pub type TestChannel = InterceptedService<Channel, Bearer>;

/// Adds a token to each call.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// A started service. It ends with the test.
pub struct TestService {
    /// Its database.
    pub db: Db,
    /// Its clock: stands at 2026-03-02 09:00 UTC, a Monday, until it is moved.
    pub clock: Clock,
    /// Address of its gRPC port.
    pub url: String,
    name: &'static str,
    service: Service,
    channel: Channel,
    cancel: CancellationToken,
}

/// Where a test's clock stands at first.
pub const START: OffsetDateTime = time::macros::datetime!(2026-03-02 09:00 UTC);

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A token as identity would sign it.
#[must_use]
pub fn token(subject: &str, kind: CallerKind, roles: &[&str], permissions: &[&str], channel: Option<&str>) -> String {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub: subject.to_owned(),
        kind,
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        perms: permissions.iter().map(|&permission| permission.to_owned()).collect(),
        channel: channel.map(str::to_owned),
        exp: now + 600,
        iat: now,
        jti: String::new(),
    };
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(KID.to_owned());
    let der = signing_key().to_pkcs8_der().expect("a key becomes DER");
    encode(&header, &claims, &EncodingKey::from_ed_der(der.as_bytes())).expect("a token is signed")
}

/// Checks the tokens that [`token`] makes.
#[must_use]
pub fn verifier() -> Verifier {
    let public = URL_SAFE_NO_PAD.encode(signing_key().verifying_key().as_bytes());
    let key = DecodingKey::from_ed_components(&public).expect("a public key is read");
    Verifier::fixed(KID, key, INTERNAL_SECRET)
}

impl TestService {
    /// Starts a service on a new database.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(
        name: &'static str,
        migrator: &'static Migrator,
        build: impl FnOnce(&Deps) -> anyhow::Result<Service>,
    ) -> Self {
        let database = crate::database(name, async |pool| {
            service::host::migrate(pool, migrator).await.expect("the migrations run");
        })
        .await;
        let (cancel, clock) = (CancellationToken::new(), Clock::fixed(START));
        let deps = Deps {
            db: Db::new(database.pool, Wake::default()),
            clock: clock.clone(),
            internal: InternalTokens::new(name, INTERNAL_SECRET),
            cancel: cancel.clone(),
            tasks: TaskTracker::new(),
        };
        let service = build(&deps).expect("the service is built");
        let routes = with_messaging(service.routes.clone(), name, deps.db.clone(), &service.consumers, clock.clone());
        let secured = Secured::new(routes, verifier(), Duration::from_secs(30)).expect("RPCs are secured");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a local address"));
        let server =
            tonic::transport::Server::builder().add_routes(secured.into_router().into()).serve_with_incoming_shutdown(
                tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true)),
                cancel.clone().cancelled_owned(),
            );
        tokio::spawn(server);
        let channel = Endpoint::new(url.clone()).expect("a good address").connect_lazy();
        Self { db: deps.db, clock, url, name, service, channel, cancel }
    }

    /// A channel that calls as an employee with these permissions.
    #[must_use]
    pub fn client(&self, permissions: &[&str]) -> TestChannel {
        self.client_as("tester", permissions)
    }

    /// A channel that calls as this employee with these permissions.
    #[must_use]
    pub fn client_as(&self, subject: &str, permissions: &[&str]) -> TestChannel {
        self.client_with_token(&token(subject, CallerKind::Employee, &[], permissions, None))
    }

    /// A channel that calls as this employee with these roles and permissions.
    #[must_use]
    pub fn client_in_roles(&self, subject: &str, roles: &[&str], permissions: &[&str]) -> TestChannel {
        self.client_with_token(&token(subject, CallerKind::Employee, roles, permissions, None))
    }

    /// A channel that calls with an API key bound to a sales channel.
    #[must_use]
    pub fn client_of_shop(&self, channel: &str, permissions: &[&str]) -> TestChannel {
        self.client_with_token(&token("shop", CallerKind::ApiKey, &[], permissions, Some(channel)))
    }

    /// A channel that calls with any token.
    ///
    /// # Panics
    /// When the token cannot stand in a header.
    #[must_use]
    pub fn client_with_token(&self, token: &str) -> TestChannel {
        let value = format!("Bearer {token}").parse().expect("a token fits into a header");
        InterceptedService::new(self.channel.clone(), Bearer(Some(value)))
    }

    /// A channel that calls without a token.
    #[must_use]
    pub fn anonymous(&self) -> TestChannel {
        InterceptedService::new(self.channel.clone(), Bearer(None))
    }

    /// Hands events to the consumers that want them, as the broker would: inbox, one transaction, dead letters.
    ///
    /// # Errors
    /// When an event could not be applied; it then lies in the dead letters.
    pub async fn deliver(&self, events: &[Event]) -> anyhow::Result<()> {
        for subscription in &self.service.consumers {
            let wanted: Vec<Event> = events
                .iter()
                .filter(|event| {
                    event.source == subscription.source && subscription.events.contains(&event.name.as_str())
                })
                .cloned()
                .collect();
            messaging::apply_batch(self.db.pool(), subscription, &wanted).await?;
            let ids: Vec<Uuid> = wanted.iter().map(|event| event.id).collect();
            let failed: Option<(String, String)> = sqlx::query_as(
                "select event_name, error from dead_letter where consumer = $1 and event_id = any($2) limit 1",
            )
            .bind(subscription.consumer)
            .bind(ids)
            .fetch_optional(self.db.pool())
            .await?;
            if let Some((name, error)) = failed {
                bail!("{name} was set aside: {error}");
            }
        }
        Ok(())
    }

    /// All events in the outbox, in the order they were appended.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn events(&self) -> Vec<Event> {
        let mut conn = self.db.acquire().await.expect("the database answers");
        messaging::admin::outbox_events(&mut conn, self.name, 0, 1_000_000).await.expect("the outbox is read")
    }

    /// The facts of that name in the outbox, decoded.
    ///
    /// # Panics
    /// When one cannot be decoded.
    pub async fn facts<E: DomainEvent>(&self, name: &str) -> Vec<E> {
        let events = self.events().await;
        events
            .iter()
            .filter(|event| event.name == name)
            .map(|event| event.decode().expect("a fact is decoded"))
            .collect()
    }

    /// One round of a job.
    ///
    /// # Errors
    /// What the job says, or that there is no such job.
    pub async fn run_job(&self, name: &str) -> anyhow::Result<()> {
        let job = self.service.jobs.iter().find(|job| job.name == name);
        job.with_context(|| format!("there is no job {name}"))?.run_once().await
    }
}

impl Drop for TestService {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// An event as the broker would deliver it. Each call makes another event id; clone it to deliver it twice.
#[must_use]
pub fn event(aggregate_id: impl std::fmt::Display, version: i64, message: &impl DomainEvent) -> Event {
    event_at(aggregate_id, version, START, message)
}

/// As [`event`], with the moment it happened.
///
/// # Panics
/// When the message holds no fact.
#[must_use]
pub fn event_at<E: DomainEvent>(
    aggregate_id: impl std::fmt::Display,
    version: i64,
    at: OffsetDateTime,
    message: &E,
) -> Event {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    let id = Uuid::from_u64_pair(0x7e57, NEXT.fetch_add(1, Ordering::Relaxed).cast_unsigned());
    Event {
        id,
        source: E::SERVICE.to_owned(),
        name: message.name().expect("the message holds a fact").to_owned(),
        aggregate_id: aggregate_id.to_string(),
        version,
        time: at,
        traceparent: String::new(),
        payload: message.encode_to_vec().into(),
    }
}
