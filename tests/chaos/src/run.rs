//! A run from start to verdict.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use load::company::{CHANNEL, Company, Layout, Options};
use suite::bulk::quiet::SERVICES;
use suite::client::session::{Credentials, Mint};
use suite::say;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::check::{self, Evidence};
use crate::load::client::Client;
use crate::load::door::Doors;
use crate::load::intents::Intents;
use crate::load::player::Player;
use crate::load::setup;
use crate::load::world::World;
use crate::nemesis::deeds::{self, Nemesis};
use crate::nemesis::probe::Probe;
use crate::picture::logs::Logs;
use crate::picture::{kpi, read};
use crate::recorder::Recorder;
use crate::scenarios::{self, Setting};
use crate::trouble::{self, Trouble};
use crate::{report, sample, settle};

/// Faults into a running company, then every promise checked from outside.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "chaos", max_term_width = 110)]
pub(crate) struct Args {
    /// Plan of operations and faults; a new one each time unless given
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// At least 200 faults instead of 20
    #[arg(long)]
    pub(crate) long: bool,
    /// What happens to the company; `--scenario list` names all
    #[arg(long, default_value = "mixed")]
    pub(crate) scenario: String,
    /// Seconds of load at least; 180 unless given
    #[arg(long)]
    pub(crate) seconds: Option<u64>,
    /// Faults at least; 20, or 200 with --long, unless given
    #[arg(long)]
    pub(crate) faults: Option<usize>,
    /// Clients at the same time
    #[arg(long, default_value_t = 8)]
    pub(crate) clients: u32,
    /// Pause of a client between two operations, in ms on average
    #[arg(long, default_value_t = 250)]
    pub(crate) pause_ms: u64,
    /// The `shopfloor` program; the one beside this program unless given
    #[arg(long)]
    pub(crate) program: Option<PathBuf>,
    /// Seconds that full function may take to come back after a fault
    #[arg(long, default_value_t = 30)]
    pub(crate) recovery_seconds: u64,
    /// Folder for the history and the logs
    #[arg(long, default_value = "target/chaos")]
    pub(crate) folder: PathBuf,
}

/// How long it may take until all is quiet.
const QUIET: Duration = Duration::from_secs(180);

/// A company with everything that is needed to trouble it.
pub(crate) struct Run {
    /// What was asked for.
    pub(crate) args: Args,
    /// The seed.
    pub(crate) seed: u64,
    /// The company.
    pub(crate) company: Arc<Company>,
    /// The log.
    pub(crate) recorder: Recorder,
    /// The company's doors.
    pub(crate) doors: Arc<Doors>,
    /// What the clients know.
    pub(crate) world: Arc<World>,
    /// When it began.
    pub(crate) now: OffsetDateTime,
    probes: Arc<AtomicU64>,
}

/// The load under way.
pub(crate) struct Load {
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Load {
    /// Tells all clients to stop, and waits until what they had begun is done.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(())
    }
}

impl Run {
    async fn start(args: Args, seed: u64, folder: &Path) -> anyhow::Result<Self> {
        let options = Options { program: args.program.clone(), ..Options::new(Layout::Apart { copies: 2 }) };
        let company = Company::start(options).await.context("the company does not start")?;
        let recorder = Recorder::create(&folder.join("history.jsonl"))?;
        let (company, world) = (Arc::new(company), Arc::new(World::default()));
        let own = company.clone();
        let mint: Mint = Arc::new(move || own.token());
        let shop = Credentials::ApiKey(company.shop_key().to_owned());
        let doors = Arc::new(Doors::new(company.http(), shop, Credentials::Own(mint))?);
        let now = OffsetDateTime::now_utc();
        let run = Self { args, seed, company, recorder, doors, world, now, probes: Arc::default() };
        setup::prepare(&run.company, &run.player(u32::MAX), &run.world, run.args.clients).await?;
        Ok(run)
    }

    /// Somebody who sends and writes down.
    pub(crate) fn player(&self, client: u32) -> Player {
        Player { doors: self.doors.clone(), recorder: self.recorder.clone(), client }
    }

    fn prefix(&self) -> String {
        format!("c{:x}", self.seed)
    }

    /// Starts the clients and somebody who looks at what must hold at every moment.
    pub(crate) fn load(&self) -> Load {
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        for number in 0..self.args.clients {
            let client = Client {
                player: self.player(number),
                world: self.world.clone(),
                channel: CHANNEL.to_owned(),
                prefix: self.prefix(),
                now: self.now,
            };
            let intents = Intents::new(self.seed, number, self.args.pause_ms);
            tasks.spawn(client.run(intents, stop.clone()));
        }
        let (doors, recorder) = (self.doors.clone(), self.recorder.clone());
        let (clients, until) = (self.args.clients, stop.clone());
        tasks.spawn(async move { sample::run(&doors, &recorder, clients, until).await });
        Load { stop, tasks }
    }

    /// Somebody who finds out when everything works again.
    pub(crate) fn probe(&self) -> Probe {
        let (channel, sent) = (CHANNEL.to_owned(), self.probes.clone());
        Probe { player: self.player(u32::MAX - 1), channel, prefix: self.prefix(), sent }
    }

    /// Somebody who does faults.
    pub(crate) fn nemesis(&self) -> Nemesis {
        Nemesis {
            company: self.company.clone(),
            recorder: self.recorder.clone(),
            probe: self.probe(),
            // One that takes longer than allowed is still measured.
            patience: self.recovery_bound() * 2,
        }
    }

    /// How long full function may take to come back.
    pub(crate) fn recovery_bound(&self) -> Duration {
        Duration::from_secs(self.args.recovery_seconds)
    }

    /// Ends all faults, waits until all is quiet, and reads everything back, more than once.
    async fn evidence(&self) -> anyhow::Result<Evidence> {
        let begun = Instant::now();
        deeds::heal(&self.company).await.context("the company cannot be healed")?;
        let (staff, clients) = (self.company.staff()?, self.args.clients);
        let poison = self.recorder.history().poison;
        let took = settle::quiet(&self.company, &poison, QUIET).await?;
        say::line(&format!("Quiet after {:.1} s. Reading everything back.", took.as_secs_f64()))?;
        let history = self.recorder.history();
        let quiet = read::picture(&self.company, &history, clients).await?;
        say::line(&format!("  {} orders read ({:.0} s)", quiet.orders.len(), begun.elapsed().as_secs_f64()))?;
        let events = settle::replay(&staff, &SERVICES).await?;
        settle::quiet(&self.company, &poison, QUIET).await.context("after the replay")?;
        let replayed = read::picture(&self.company, &history, clients).await?;
        say::line(&format!("  {events} events delivered again ({:.0} s)", begun.elapsed().as_secs_f64()))?;
        let events = settle::rebuild(&staff).await?;
        settle::quiet(&self.company, &poison, QUIET).await.context("after the rebuild")?;
        let rebuilt = kpi::read(&staff).await?;
        say::line(&format!("  figures built again from {events} events ({:.0} s)", begun.elapsed().as_secs_f64()))?;
        let rescore = settle::rescore(&staff).await?;
        let recovery_bound_ms = u64::try_from(self.recovery_bound().as_millis())?;
        let logs = self.logs();
        Ok(Evidence { history, quiet, replayed, rebuilt, rescore, logs, recovery_bound_ms })
    }

    fn log_files(&self) -> Vec<PathBuf> {
        let servers =
            [self.company.postgres.folder().join("postgres.log"), self.company.nats.folder().join("nats.log")];
        self.company.processes().iter().map(|process| process.log().to_owned()).chain(servers).collect()
    }

    fn logs(&self) -> Logs {
        let mut logs = Logs::default();
        for file in self.log_files() {
            logs.add(&file);
        }
        logs
    }

    fn keep_logs(&self, folder: &Path) {
        for file in self.log_files() {
            if let Some(name) = file.file_name() {
                // A log that cannot be kept does not change the verdict.
                std::fs::copy(&file, folder.join(name)).ok();
            }
        }
    }
}

/// The whole run. `false`: a promise was broken.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    if args.scenario == "list" {
        return list();
    }
    let Some(trouble) = trouble::find(&args.scenario) else {
        // It has a company of its own.
        let setting = Setting { program: args.program.clone(), long: args.long };
        return Ok(scenarios::run(&args.scenario, &setting).await?.is_empty());
    };
    let seed = args.seed.unwrap_or_else(|| rand::random_range(1..100_000));
    let name = format!("{}-{seed}-{}", trouble.name.replace(':', "-"), service::new_id().simple());
    let folder = args.folder.join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let commit = report::commit();
    say::line(&format!("chaos: scenario {}, seed {seed}, commit {commit}", trouble.name))?;
    let begun = Instant::now();
    let run = Run::start(args, seed, &folder).await?;
    say::line(&format!("The company runs, two copies of each service ({:.1} s).", begun.elapsed().as_secs_f64()))?;
    let result = verdict(&run, trouble, &folder).await;
    run.keep_logs(&folder);
    let good = matches!(&result, Ok(true));
    let again =
        format!("chaos --scenario {} --seed {seed}{}", trouble.name, if run.args.long { " --long" } else { "" });
    let company = run.company.clone();
    drop(run);
    if let Ok(company) = Arc::try_unwrap(company) {
        // The verdict stands; how a company ends is what `rolling` looks at.
        company.stop().await.ok();
    }
    say::line(&format!(
        "\nIt all took {:.0} s. Seed {seed}, commit {commit}; again: {again}",
        begun.elapsed().as_secs_f64()
    ))?;
    if good {
        std::fs::remove_dir_all(&folder).ok();
    } else {
        say::line(&format!("History and logs are in {}", folder.display()))?;
    }
    result
}

fn list() -> anyhow::Result<bool> {
    for trouble in trouble::ALL {
        say::line(&format!("{:<14} {}", trouble.name, trouble.about))?;
    }
    for name in scenarios::NAMES {
        say::line(&format!("{name:<14} a company of its own"))?;
    }
    Ok(true)
}

async fn verdict(run: &Run, trouble: &Trouble, folder: &Path) -> anyhow::Result<bool> {
    (trouble.run)(run).await?;
    let evidence = run.evidence().await?;
    let findings = check::all(&evidence);
    let text = report::whole(&evidence, &findings);
    std::fs::write(folder.join("report.txt"), &text)?;
    say::line(&text)?;
    Ok(findings.iter().all(|(_, finding)| finding.violations.is_empty()))
}
