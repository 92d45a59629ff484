//! `make bench`: what the suite does against what the machine itself can do, measured in one run on one Postgres and NATS.
//!
//! Reading order: [`plan`] (how long, how much), [`floors`] and [`broker`] (what the machine can do), [`figures`] (what
//! the suite does), [`exact`] (that nothing was lost on the way), [`report`] and [`machine`] (what is said in the end),
//! [`statements`] (where the databases' time goes).

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use load::collector::Collector;
use load::company::snapshot::Snapshot;
use load::company::{Company, Layout, Options, SUITE};
use load::goods::Goods;
use load::orders::Orders;
use suite::say;
use suite::services::Name;

mod broker;
mod exact;
mod figures;
mod floors;
mod machine;
mod plan;
mod report;
mod statements;

use figures::Figure;
use floors::Floors;
use plan::Plan;
use report::Report;

/// Measures the suite against the floors of this machine.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 110)]
struct Args {
    /// Longer runs and a million orders stored, about a quarter of an hour
    #[arg(long, conflicts_with = "smoke")]
    long: bool,
    /// A minute with small counts: fails only when a figure cannot be taken or an order is lost or oversold
    #[arg(long)]
    smoke: bool,
    /// Only this figure (repeat for several)
    #[arg(long, value_enum)]
    only: Vec<Figure>,
    /// The program to measure [default: the one beside this program]
    #[arg(long)]
    program: Option<std::path::PathBuf>,
    /// Seconds of each load, instead of what the mode says
    #[arg(long)]
    seconds: Option<u64>,
    /// Settings for every service process, as NAME=VALUE
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Say after each figure which statements cost the most, planning included (slows Postgres down a little)
    #[arg(long)]
    statements: bool,
    /// Keep the folder with logs, and say where it is
    #[arg(long)]
    keep: bool,
}

/// What every figure needs.
struct Bench {
    company: Company,
    snapshot: Option<Snapshot>,
    floors: Floors,
    plan: Plan,
    report: Report,
    collector: Collector,
    goods: Goods,
    loads: u64,
    statements: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // One thread: what measures must not fight itself for the processors of what is measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(Box::pin(run(args))));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            use std::io::Write as _;
            // Nothing can be done about a closed standard error.
            let _ = writeln!(std::io::stderr(), "bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `false` when an order was lost or more was promised than is there.
async fn run(args: Args) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let plan = Plan::of(&args);
    let (collector, traces) = Collector::start().await?;
    let mut options = Options::new(Layout::OneProcess)
        .set("SHOPFLOOR_OTLP_URL", &traces)
        .set("SHOPFLOOR_TRACE_RATIO", "0.01")
        // One key stands for all shops here; the limits stay on, above what a machine can do.
        .set("SHOPFLOOR_GATEWAY_RATE", 1_000_000)
        .set("SHOPFLOOR_GATEWAY_BURST", 1_000_000);
    for setting in &args.settings {
        let (name, value) = setting.split_once('=').context("--set takes NAME=VALUE")?;
        options = options.set(name, value);
    }
    // Says when a transaction was committed, also to the floors.
    options.postgres.push(("track_commit_timestamp".to_owned(), "on".to_owned()));
    if args.statements {
        options.postgres.extend(statements::settings());
    }
    options.program = args.program;
    let report = Report::new(plan.mode, &options.settings);
    let mut company = Company::start(options).await?;
    if args.keep {
        company.keep_folder();
        say::line(&format!("logs in {}", company.folder().display()))?;
    }
    let floors = Floors::new(&company, plan.floor_seconds, plan.floor_counts).await?;
    let goods = Goods { count: plan.goods, ..Goods::default() };
    let (statements, loads) = (args.statements, 0);
    let mut bench = Bench { company, snapshot: None, floors, plan, report, collector, goods, loads, statements };
    if args.statements {
        statements::begin(&bench.company).await?;
    }
    bench.report.machine = machine::describe(&bench.company).await?;
    for figure in Figure::in_order(&args.only) {
        let started = Instant::now();
        let measured = Box::pin(figure.measure(&mut bench)).await;
        measured.with_context(|| format!("{figure:?} could not be measured"))?;
        say::line(&format!("{figure:?}: {:.0} s", started.elapsed().as_secs_f64()))?;
        if args.statements {
            statements::tell(&bench.company).await?;
        }
    }
    bench.report.traces = bench.collector.spans();
    bench.report.floors = bench.floors.told();
    bench.report.seconds = begun.elapsed().as_secs_f64();
    bench.report.print()?;
    bench.report.write()?;
    let right = bench.report.faults.is_empty();
    bench.company.stop().await?;
    Ok(right)
}

impl Bench {
    /// Ends all services, puts databases and streams back to goods and stock without orders, and starts these services.
    async fn fresh(&mut self, name: &str, services: &[Name]) -> anyhow::Result<()> {
        if self.snapshot.is_none() {
            if self.company.process(SUITE, 0).is_err() {
                self.dismiss_all().await?;
                self.company.launch(SUITE, 0, &Name::ALL).await?;
            }
            let begun = Instant::now();
            self.goods.load(&self.company).await?;
            say::line(&format!("{} goods with stock: {:.1} s", self.goods.count, begun.elapsed().as_secs_f64()))?;
            self.dismiss_all().await?;
            self.snapshot = Some(self.company.snapshot().await?);
        } else {
            self.dismiss_all().await?;
            if let Some(snapshot) = &self.snapshot {
                self.company.restore(snapshot).await?;
            }
        }
        self.company.launch(name, 0, services).await?;
        Ok(())
    }

    async fn dismiss_all(&mut self) -> anyhow::Result<()> {
        while let Some(process) = self.company.processes().first().cloned() {
            self.company.dismiss(&process.name, process.copy).await?;
        }
        Ok(())
    }

    /// Orders of one load, told apart from those of others.
    fn orders(&mut self) -> Orders {
        self.loads += 1;
        Orders::new(&format!("load{}", self.loads), self.goods.count, self.plan.buyers, self.loads)
    }

    /// Waits until every event of orders is with the broker.
    async fn published(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut orders = self.company.database(Name::Orders).await?;
        loop {
            let waiting: bool =
                sqlx::query_scalar("-- unpublished\nselect exists (select from outbox_batch where last_seq is null)")
                    .fetch_one(&mut orders)
                    .await?;
            if !waiting {
                return Ok(());
            }
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(120), "events of orders are not published");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
