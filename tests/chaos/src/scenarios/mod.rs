//! Scenarios with a company of their own: too much load ([`overload`]), restarts under load ([`rolling`]), hostile
//! clients ([`hostile`]). Each prints its figures and returns what is wrong; nothing wrong means an empty list.
//! [`shop`] has the clients, [`watch`] looks at memory.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use load::company::{Company, Layout, Options};
use suite::say;

mod hostile;
mod overload;
mod rolling;
mod shop;
mod watch;

/// The names of all scenarios.
pub(crate) const NAMES: [&str; 3] = ["overload", "rolling", "hostile"];

/// How a scenario is run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setting {
    /// The `shopfloor` program; the one beside this program when none is given.
    pub(crate) program: Option<PathBuf>,
    /// In full length.
    pub(crate) long: bool,
}

/// What is looked at and what of it is wrong.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    /// Notes one thing that must be so, and prints it.
    pub(crate) fn expect(&mut self, good: bool, what: impl Into<String>) -> anyhow::Result<()> {
        let what = what.into();
        say::line(&format!("  {} {what}", if good { "ok   " } else { "WRONG" }))?;
        if !good {
            self.0.push(what);
        }
        Ok(())
    }
}

/// Runs a scenario by its name. Returns what is wrong.
pub(crate) async fn run(name: &str, setting: &Setting) -> anyhow::Result<Vec<String>> {
    say::line(&format!("scenario {name}{}", if setting.long { ", long" } else { "" }))?;
    let begun = Instant::now();
    let layout = match name {
        "overload" => Layout::OneProcess,
        "rolling" => Layout::Apart { copies: 2 },
        _ => Layout::Apart { copies: 1 },
    };
    let mut options = Options::new(layout);
    options.program = setting.program.clone();
    if name == "hostile" {
        options = hostile::settings(options, setting);
    }
    let mut company = Company::start(options).await?;
    say::line(&format!("  started in {:.1} s", begun.elapsed().as_secs_f64()))?;
    let done = match name {
        "overload" => overload::run(&company, setting).await,
        "rolling" => rolling::run(&company, setting).await,
        "hostile" => hostile::run(&company, setting).await,
        other => Err(anyhow::anyhow!("there is no scenario {other}; there are {}", NAMES.join(", "))),
    };
    let wrong = match done {
        Ok(findings) => findings.0,
        Err(error) => {
            company.keep_folder();
            let folder = company.folder().display().to_string();
            return Err(error).with_context(|| format!("scenario {name}; its logs are kept in {folder}"));
        }
    };
    if !wrong.is_empty() {
        company.keep_folder();
        say::line(&format!("  logs are kept in {}", company.folder().display()))?;
    }
    let ended = tokio::time::timeout(Duration::from_secs(120), company.stop()).await;
    ended.context("the company does not stop")??;
    let outcome = if wrong.is_empty() { "all as it should be".to_owned() } else { format!("{} wrong", wrong.len()) };
    say::line(&format!("scenario {name}: {outcome}, {:.0} s", begun.elapsed().as_secs_f64()))?;
    Ok(wrong)
}

/// Milliseconds with one digit.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
