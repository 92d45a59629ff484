//! A company of real processes: Postgres, NATS, and the given `shopfloor` program once or many times.
//!
//! Reading order: [`Options`], [`Company`], [`process`] (a child that can be killed, paused and started again at its
//! address), [`forward`] (the ways between them, which can be cut, refused and stalled), [`address`] (who is where),
//! [`quiet`] (until nothing is on its way any more), [`snapshot`] (a state kept and put back), [`usage`] (memory and time of a process).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use backing::{Nats, NatsOptions, Postgres, PostgresOptions};
use proto::identity::v1::{CreateApiKeyRequest, CreateApiKeyResponse};
use service::InternalTokens;
use sqlx::{Connection as _, PgConnection};
use suite::client::api::Api;
use suite::client::session::{Credentials, Mint};
use suite::services::Name;
use suite::up::home::Home;
use suite::up::store;
use time::OffsetDateTime;

pub mod address;
pub mod forward;
pub mod process;
pub mod quiet;
pub mod snapshot;
pub mod usage;

use address::Addresses;
pub use forward::Forward;
pub use process::Process;
use process::{Sockets, Spawner};

/// The channel of the shop that sends the load.
pub const CHANNEL: &str = "load";
/// The name of the one process that runs all services.
pub const SUITE: &str = "suite";

/// How the services are spread over processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// All services in one process called [`SUITE`], as `shopfloor up` has them.
    OneProcess,
    /// Each service in processes of its own, so many copies of each, with a [`Forward`] before every one of them.
    Apart {
        /// Copies of each service and of the gateway.
        copies: usize,
    },
}

/// What kind of company to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `shopfloor` program; the one beside this program when none is given.
    pub program: Option<PathBuf>,
    /// Folder for data, logs and secrets, kept; a temporary one, removed at the end, when none is given.
    pub folder: Option<PathBuf>,
    /// How the services are spread.
    pub layout: Layout,
    /// Environment of every service process, stronger than what the company sets itself.
    pub settings: Vec<(String, String)>,
    /// Settings of Postgres (`postgresql.conf`), stronger than the defaults of `backing`.
    pub postgres: Vec<(String, String)>,
}

impl Options {
    /// A throw-away company of this layout.
    pub fn new(layout: Layout) -> Self {
        Self { program: None, folder: None, layout, settings: Vec::new(), postgres: Vec::new() }
    }

    /// With an environment variable for every service process.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push((name.to_owned(), value.to_string()));
        self
    }
}

/// A running company.
pub struct Company {
    /// Postgres, with fsync and synchronous commit. Nobody starts it again by itself.
    pub postgres: Arc<Postgres>,
    /// NATS, with the default sync interval. Nobody starts it again by itself.
    pub nats: Arc<Nats>,
    home: Home,
    folder: Folder,
    addresses: Addresses,
    processes: Vec<Arc<Process>>,
    program: PathBuf,
    settings: Vec<(String, String)>,
    spawner: Spawner,
    shop_key: String,
}

/// The folder, removed at the end if it was ours to make.
struct Folder {
    path: PathBuf,
    throw_away: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.throw_away {
            // What cannot be removed lies in the folder for temporary files.
            std::fs::remove_dir_all(&self.path).ok();
        }
    }
}

impl Company {
    /// Starts everything; returns once every process takes calls and the shop has its key.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let program = match options.program {
            Some(program) => program,
            None => beside().context("there is no `shopfloor` beside this program; build it, or name it")?,
        };
        ensure!(program.is_file(), "{} is not there; build it with cargo build --bin shopfloor", program.display());
        let program = program.canonicalize()?;
        let folder = Folder {
            throw_away: options.folder.is_none(),
            path: options.folder.clone().unwrap_or_else(|| {
                let name = format!("shopfloor-load-{}-{}", std::process::id(), service::new_id().simple());
                std::env::temp_dir().join(name)
            }),
        };
        let home = Home::open(&folder.path)?;
        let (postgres, nats) = tokio::join!(
            Postgres::start(durable(options.folder.as_deref(), &options.postgres)),
            Nats::start(broker(options.folder.as_deref()))
        );
        let (postgres, nats) = (Arc::new(postgres?), Arc::new(nats?));
        store::ensure_databases(&postgres.admin_url(), &home.secrets).await?;
        let addresses = Addresses::of(options.layout, &postgres, &nats).await?;
        let mut company = Self {
            postgres,
            nats,
            home,
            folder,
            addresses,
            processes: Vec::new(),
            program,
            settings: options.settings,
            spawner: Spawner::start()?,
            shop_key: String::new(),
        };
        company.start_layout(options.layout).await?;
        store::open_to_reader(&company.url(Name::Kpi)).await?;
        company.shop_key = company.new_shop_key().await?;
        Ok(company)
    }

    async fn start_layout(&mut self, layout: Layout) -> anyhow::Result<()> {
        match layout {
            Layout::OneProcess => self.launch(SUITE, 0, &Name::ALL).await?,
            Layout::Apart { copies } => {
                // The tables are made by the first copy, all services at the same time.
                for copy in 0..copies {
                    for name in Name::ALL {
                        self.prepare(name.word(), copy, &[name]).await?;
                    }
                    let copies = self.processes.iter().filter(|process| process.copy == copy);
                    for process in copies.clone() {
                        process.start().await?;
                    }
                    for process in copies {
                        process.wait_ready().await?;
                    }
                }
                return Ok(());
            }
        };
        Ok(())
    }

    async fn prepare(&mut self, name: &str, copy: usize, services: &[Name]) -> anyhow::Result<Arc<Process>> {
        ensure!(self.find(name, copy).is_none(), "there is a process {name}-{copy} already");
        let sockets = Sockets::free(services.contains(&Name::Gateway))?;
        let mut environment = self.addresses.environment(services, &sockets, &self.home.secrets, &self.postgres)?;
        environment.extend(self.settings.iter().cloned());
        let log = self.folder.path.join(format!("{name}-{copy}.log"));
        let process = Arc::new(Process::new(process::Plan {
            name: name.to_owned(),
            copy,
            program: self.program.clone(),
            services: services.to_vec(),
            environment,
            log,
            sockets,
            spawner: self.spawner.clone(),
        }));
        self.addresses.add(services, &process.sockets).await;
        self.processes.push(process.clone());
        Ok(process)
    }

    /// Starts one more process with these services over the same servers, and waits until it takes calls.
    pub async fn launch(&mut self, name: &str, copy: usize, services: &[Name]) -> anyhow::Result<Arc<Process>> {
        let process = self.prepare(name, copy, services).await?;
        process.start().await?;
        process.wait_ready().await?;
        Ok(process)
    }

    /// Ends a process in good order and forgets it; says how long that took.
    pub async fn dismiss(&mut self, name: &str, copy: usize) -> anyhow::Result<Duration> {
        let process = self.process(name, copy)?;
        let took = process.terminate().await?;
        self.processes.retain(|other| !Arc::ptr_eq(other, &process));
        Ok(took)
    }

    async fn new_shop_key(&mut self) -> anyhow::Result<String> {
        if let Some(key) = &self.home.secrets.shop_api_key {
            return Ok(key.clone());
        }
        let key = self.new_key("Load").await?;
        self.home.secrets.shop_api_key = Some(key.clone());
        self.home.save()?;
        Ok(key)
    }

    /// Makes one more API key of the channel [`CHANNEL`].
    pub async fn new_key(&self, name: &str) -> anyhow::Result<String> {
        let request = CreateApiKeyRequest {
            request_id: format!("load-{}", service::new_id()),
            name: name.to_owned(),
            channel: CHANNEL.to_owned(),
            ..CreateApiKeyRequest::default()
        };
        let answer: CreateApiKeyResponse =
            self.staff()?.call("shopfloor.identity.v1.ApiKeyService/CreateApiKey", &request).await?;
        Ok(answer.secret)
    }

    /// The gateways' addresses, one for each copy.
    pub fn http(&self) -> Vec<String> {
        self.processes.iter().filter_map(|process| Some(format!("http://{}", process.sockets.http?))).collect()
    }

    /// One address that reaches any living gateway: the forwarder before them, or the only one.
    pub fn front(&self) -> anyhow::Result<String> {
        let direct = || self.http().pop().context("no process of this company has a gateway");
        self.addresses.front().map_or_else(direct, Ok)
    }

    /// A token of the suite's own that may do everything, good for a minute.
    pub fn token(&self) -> anyhow::Result<String> {
        InternalTokens::new("suite", &self.home.secrets.internal_secret).token(&["*"], OffsetDateTime::now_utc())
    }

    /// A client that may do everything.
    pub fn staff(&self) -> anyhow::Result<Api> {
        let tokens = InternalTokens::new("suite", &self.home.secrets.internal_secret);
        let mint: Mint = Arc::new(move || tokens.token(&["*"], OffsetDateTime::now_utc()));
        Api::new(&self.front()?, Credentials::Own(mint))
    }

    /// The API key of the shop whose channel is [`CHANNEL`].
    pub fn shop_key(&self) -> &str {
        &self.shop_key
    }

    /// All processes, in the order they were started.
    pub fn processes(&self) -> &[Arc<Process>] {
        &self.processes
    }

    fn find(&self, name: &str, copy: usize) -> Option<Arc<Process>> {
        self.processes.iter().find(|process| process.name == name && process.copy == copy).cloned()
    }

    /// A process by the name of its service (or [`SUITE`]) and its number, from 0.
    pub fn process(&self, name: &str, copy: usize) -> anyhow::Result<Arc<Process>> {
        self.find(name, copy).with_context(|| format!("there is no process {name}-{copy}"))
    }

    /// The ways to a service by its name, to `gateway` (HTTP), to `postgres` or `nats` (of all services), or those of one
    /// service: `erp>nats`, `erp>postgres`. Only where services run apart.
    pub fn forward(&self, name: &str) -> anyhow::Result<Forward> {
        self.addresses.forward(name).with_context(|| format!("there is no way called {name}"))
    }

    /// Names of all ways.
    pub fn forwards(&self) -> Vec<String> {
        self.addresses.names()
    }

    /// The folder with logs and secrets.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Keeps the folder with the services' logs at the end.
    pub fn keep_folder(&mut self) {
        self.folder.throw_away = false;
    }

    /// The address of a service's database, as superuser and past all forwarders.
    pub fn admin_url(&self, name: Name) -> String {
        self.postgres.url(&store::role(name))
    }

    /// A connection to a service's database, as superuser and past all forwarders: for looking, not for changing.
    pub async fn database(&self, name: Name) -> anyhow::Result<PgConnection> {
        PgConnection::connect(&self.admin_url(name)).await.with_context(|| format!("no database of {}", name.word()))
    }

    fn url(&self, name: Name) -> String {
        let role = store::role(name);
        self.postgres.url_as(&role, &self.home.secrets.database_passwords[name.word()], &role)
    }

    /// Resident memory of all service processes together, in bytes.
    pub async fn rss(&self) -> u64 {
        let mut sum = 0;
        for process in &self.processes {
            sum += process.rss().await.unwrap_or_default();
        }
        sum
    }

    /// Processor time all service processes have used since they were started.
    pub async fn cpu(&self) -> Duration {
        let mut sum = Duration::ZERO;
        for process in &self.processes {
            sum += process.cpu().await.unwrap_or_default();
        }
        sum
    }

    /// Drains the services, the gateway first, then ends the servers.
    pub async fn stop(self) -> anyhow::Result<()> {
        let (doors, others): (Vec<_>, Vec<_>) =
            self.processes.iter().partition(|process| process.sockets.http.is_some());
        for group in [doors, others] {
            for ended in futures::future::join_all(group.iter().map(|process| process.terminate())).await {
                ended?;
            }
        }
        self.nats.stop().await?;
        self.postgres.stop().await
    }
}

/// Postgres that loses nothing it has acknowledged, also where its folder is thrown away.
fn durable(folder: Option<&Path>, settings: &[(String, String)]) -> PostgresOptions {
    let options = match folder {
        Some(folder) => PostgresOptions::durable(folder.join("postgres")),
        None => ["fsync", "synchronous_commit", "full_page_writes", "wal_compression"]
            .into_iter()
            .fold(PostgresOptions::throw_away().set("wal_level", "replica"), |options, name| options.set(name, "on")),
    };
    settings.iter().fold(options, |options, (name, value)| options.set(name, value))
}

fn broker(folder: Option<&Path>) -> NatsOptions {
    folder.map_or_else(NatsOptions::throw_away, |folder| NatsOptions::durable(folder.join("nats")).sync_always(false))
}

/// `shopfloor` in the folder of this program, or, for tests, in the one above.
fn beside() -> Option<PathBuf> {
    let this = std::env::current_exe().ok()?;
    this.ancestors().skip(1).take(2).map(|folder| folder.join("shopfloor")).find(|path| path.is_file())
}
