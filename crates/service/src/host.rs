//! Runs services: opens their databases, migrates, serves their RPCs, drives relays, consumers and jobs, and drains on
//! the way out.

use std::{collections::HashMap, future::Future, time::Duration};

use anyhow::Context as _;
use messaging::{Bus, BusOptions, Consumer, Relay, Retention, Subscription, Wake};
use proto::messaging::v1::messaging_service_server::MessagingServiceServer;
use sqlx::{
    Connection as _, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::{Routes, RoutesBuilder};

use crate::{
    Clock, Db, InternalTokens, Job, Verifier,
    config::HostConfig,
    db::PAUSE,
    grpc::Secured,
    messaging_grpc::{Hosted, MessagingGrpc},
    nodelay::send_at_once,
    ops::{self, Ready},
};

/// What a service is built from.
#[derive(Clone)]
pub struct Deps {
    /// Its own database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Signs its calls to other services.
    pub internal: InternalTokens,
    /// Cancelled when the process drains: long-lived tasks of a service (an intake queue's writers) end on it.
    pub cancel: CancellationToken,
    /// Where such tasks are spawned, so that draining waits for them.
    pub tasks: TaskTracker,
}

/// A service ready to run.
pub struct Service {
    /// Its name, for example `orders`.
    pub name: &'static str,
    /// Its gRPC services.
    pub routes: Routes,
    /// What it listens to.
    pub consumers: Vec<Subscription>,
    /// What it does by the clock.
    pub jobs: Vec<Job>,
}

/// How to make a service once its database is open.
pub struct Plan {
    /// Its name.
    pub name: &'static str,
    /// Address of its database.
    pub database_url: String,
    /// Its tables.
    pub migrator: &'static Migrator,
    /// Builds it.
    pub build: Build,
}

/// Makes a service of what it is built from.
pub type Build = Box<dyn FnOnce(&Deps) -> anyhow::Result<Service> + Send>;

/// Tasks that are told together to end.
#[derive(Clone, Default)]
struct Stage {
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Stage {
    /// Tells them and waits.
    async fn end(&self, until: tokio::time::Instant) {
        self.cancel.cancel();
        self.tasks.close();
        if tokio::time::timeout_at(until, self.tasks.wait()).await.is_err() {
            tracing::warn!("not all work ended in time");
        }
    }
}

/// The RPCs of a process for callers in the same process: the same layers stand in front of them, only the network is
/// left out.
#[derive(Clone, Default)]
pub struct Local {
    /// Answers every RPC of [`Local::services`].
    pub rpcs: Option<Secured>,
    /// Names of the services that are here.
    pub services: Vec<&'static str>,
}

/// A running process. It ends from the outside in: what is under way at the doors still needs the RPCs behind them, and
/// those need the writers, relays and consumers.
pub struct Host {
    doors: Stage,
    rpcs: Stage,
    work: Stage,
    ready: Ready,
    local: Local,
    bus: Bus,
    databases: Vec<Db>,
}

/// Opens a service's database and brings its tables up to date.
///
/// # Errors
/// When the database cannot be reached within 30 seconds or a migration fails.
pub async fn open_database(
    name: &str,
    url: &str,
    connections: u32,
    migrator: &'static Migrator,
) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = url.parse().with_context(|| {
        format!("--{name}-database-url is not a Postgres address (postgres://user:password@host:port/database)")
    })?;
    let options = options.application_name(&format!("shopfloor-{name}"));
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(3))
        .idle_timeout(Duration::from_secs(120))
        // Asked whether it still lives only after a pause: in a stream of calls the question costs more than the answer.
        .test_before_acquire(false)
        .before_acquire(|conn, state| {
            Box::pin(async move {
                if state.idle_for > PAUSE {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|_, _| {
            Box::pin(async {
                send_at_once();
                Ok(())
            })
        })
        .connect_lazy_with(options);
    let started = tokio::time::Instant::now();
    while let Err(error) = pool.acquire().await {
        if started.elapsed() > Duration::from_secs(30) {
            return Err(error)
                .with_context(|| format!("the database of {name} cannot be reached; is Postgres running?"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    migrate(&pool, migrator).await.with_context(|| format!("the tables of {name} cannot be brought up to date"))?;
    Ok(pool)
}

/// Creates or updates the tables of messaging, of this crate and of the service, in that order.
///
/// # Errors
/// When a migration fails; it is then rolled back.
pub async fn migrate(pool: &PgPool, service: &'static Migrator) -> anyhow::Result<()> {
    for migrator in [&messaging::MIGRATOR, &crate::MIGRATOR, service] {
        // The three share one history table; their version ranges keep them apart.
        let mut migrator = Migrator { migrations: migrator.migrations.clone(), ..Migrator::DEFAULT };
        migrator.set_ignore_missing(true);
        migrator.run(pool).await?;
    }
    Ok(())
}

impl Host {
    /// Starts services. Returns once they take calls on `listener`.
    ///
    /// # Errors
    /// When a database, an address or a setting is wrong.
    pub async fn start(
        config: &HostConfig,
        clock: Clock,
        plans: Vec<Plan>,
        listener: TcpListener,
    ) -> anyhow::Result<Self> {
        config.validate()?;
        let (doors, rpcs, work, ready) = (Stage::default(), Stage::default(), Stage::default(), Ready::default());
        let (cancel, tasks) = (work.cancel.clone(), work.tasks.clone());
        let bus = Bus::connect(BusOptions {
            url: config.nats_url.clone(),
            name: plans.iter().map(|plan| plan.name).collect::<Vec<_>>().join("+"),
            max_age: Duration::from_secs(config.nats_max_age_days * 24 * 3600),
            replicas: config.nats_replicas,
        })
        .await?;
        let mut routes = RoutesBuilder::default();
        let (health, health_service) = tonic_health::server::health_reporter();
        routes.add_service(health_service);
        add_reflection(&mut routes)?;
        let mut router = axum::Router::new();
        let (mut hosted, mut databases) = (HashMap::new(), Vec::new());
        for plan in plans {
            let pool = open_database(plan.name, &plan.database_url, config.db_connections, plan.migrator).await?;
            let wake = Wake::default();
            let deps = Deps {
                db: Db::new(pool.clone(), wake.clone()),
                clock: clock.clone(),
                internal: InternalTokens::new(plan.name, &config.internal_secret),
                cancel: cancel.clone(),
                tasks: tasks.clone(),
            };
            let service = (plan.build)(&deps).with_context(|| format!("{} cannot start", plan.name))?;
            tasks.spawn(Relay::new(service.name, pool.clone(), bus.clone(), wake.clone()).run(cancel.clone()));
            tasks.spawn(ops::watch_pool(service.name, deps.db.clone(), cancel.clone()));
            for subscription in &service.consumers {
                let consumer = Consumer::new(subscription.clone(), pool.clone(), bus.clone(), wake.clone());
                tasks.spawn(consumer.run(cancel.clone()));
            }
            if let Some(retention) = config.retention() {
                let job = trim_job(retention, deps.db.pool().clone(), service.consumers.clone(), clock.clone());
                tasks.spawn(job.run(pool.clone(), cancel.clone()));
            }
            for job in service.jobs {
                tasks.spawn(job.run(pool.clone(), cancel.clone()));
            }
            router = router.merge(service.routes.prepare().into_axum_router().reset_fallback());
            databases.push(deps.db.clone());
            hosted.insert(service.name, Hosted { db: deps.db, subscriptions: service.consumers });
            health.set_service_status(plan.name, tonic_health::ServingStatus::Serving).await;
        }
        let services = hosted.keys().copied().collect();
        let admin = MessagingGrpc { hosted, bus: Some(bus.clone()), clock };
        routes.add_service(MessagingServiceServer::new(admin));
        let router = routes.routes().prepare().into_axum_router().reset_fallback().merge(router);
        let verifier = Verifier::new(&config.identity_url, &config.internal_secret);
        let secured = Secured::new(Routes::from(router), verifier, config.rpc_deadline())?;
        rpcs.tasks.spawn(serve_grpc(listener, secured.clone().into_router(), rpcs.cancel.clone()));
        let local = Local { rpcs: Some(secured), services };
        tasks.spawn(async move {
            tokio::select! { () = cancel.cancelled() => {}, () = ops::upkeep() => {} }
        });
        ready.set(true);
        Ok(Self { doors, rpcs, work, ready, local, bus, databases })
    }

    /// Whether it wants work.
    #[must_use]
    pub fn ready(&self) -> Ready {
        self.ready.clone()
    }

    /// Its RPCs, for what is served beside gRPC in the same process.
    #[must_use]
    pub fn local(&self) -> Local {
        self.local.clone()
    }

    /// Cancelled first when the process drains; for what is served beside gRPC and calls it.
    #[must_use]
    pub fn cancel_token(&self) -> CancellationToken {
        self.doors.cancel.clone()
    }

    /// Where such servers are spawned, so that draining waits for the calls under way in them.
    #[must_use]
    pub fn tasks(&self) -> TaskTracker {
        self.doors.tasks.clone()
    }

    /// Stops taking work, finishes what is under way (at most `patience` in all), closes connections.
    pub async fn drain(self, patience: Duration) {
        self.ready.set(false);
        let until = tokio::time::Instant::now() + patience;
        for stage in [&self.doors, &self.rpcs, &self.work] {
            stage.end(until).await;
        }
        self.bus.drain().await;
        for database in self.databases {
            tokio::time::timeout(Duration::from_secs(2), database.close()).await.ok();
        }
    }
}

/// Removes events that are older than they need to be.
fn trim_job(retention: Retention, pool: PgPool, consumers: Vec<Subscription>, clock: Clock) -> Job {
    Job::new("trim_events", Duration::from_secs(3600), move || {
        let (pool, consumers, clock) = (pool.clone(), consumers.clone(), clock.clone());
        async move {
            let removed = retention.trim(&pool, &consumers, clock.now()).await?;
            if removed > 0 {
                tracing::info!(removed, "events past their retention were removed");
            }
            Ok(())
        }
    })
}

fn add_reflection(routes: &mut RoutesBuilder) -> anyhow::Result<()> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    routes.add_service(builder().build_v1()?);
    routes.add_service(builder().build_v1alpha()?);
    Ok(())
}

/// Serves until cancelled, then lets calls under way end.
async fn serve_grpc(listener: TcpListener, router: axum::Router, cancel: CancellationToken) {
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .max_concurrent_streams(Some(1024))
        .initial_connection_window_size(Some(4 * 1024 * 1024))
        .initial_stream_window_size(Some(1024 * 1024))
        .add_routes(Routes::from(router))
        .serve_with_incoming_shutdown(incoming, cancel.cancelled_owned());
    if let Err(error) = server.await {
        tracing::error!(%error, "gRPC server ended");
    }
}

/// Serves plain HTTP until cancelled.
///
/// # Errors
/// When the listener fails.
pub async fn serve_http(
    listener: TcpListener,
    router: axum::Router,
    until: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(until).await
}
