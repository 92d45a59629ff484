//! What Postgres itself can do on this machine, by pgbench: the least work with the same effect.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, bail};
use load::company::Company;
use load::zipf::Zipf;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use suite::say;
use tokio::process::Command;

const SCHEMA: &str = include_str!("../../floors/schema.sql");
const FILL: &str = include_str!("../../floors/s_fill.sql");
const DATABASE: &str = "floors";

/// A floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Floor {
    /// One order in five round trips.
    N,
    /// One order in one statement.
    C,
    /// Fifty orders in one statement.
    B,
    /// One order with its reservation in one statement.
    R,
    /// One order by its id.
    S,
    /// Fifty lines of goods received, with lots, movements and balances, in one statement.
    D,
}

impl Floor {
    const fn script(self) -> &'static str {
        match self {
            Self::N => include_str!("../../floors/n_round_trips.sql"),
            Self::C => include_str!("../../floors/c_one_statement.sql"),
            Self::B => include_str!("../../floors/b_batch.sql"),
            Self::R => include_str!("../../floors/r_reserve.sql"),
            Self::S => include_str!("../../floors/s_select.sql"),
            Self::D => include_str!("../../floors/d_document.sql"),
        }
    }

    /// Client counts tried; the best one is taken. The first one is the most likely.
    const fn clients(self) -> &'static [usize] {
        match self {
            Self::N => &[8, 4, 16],
            Self::C => &[16, 8, 32],
            Self::B => &[8, 2],
            Self::R => &[2, 4, 8],
            Self::S => &[32],
            Self::D => &[8, 2],
        }
    }

    /// Orders or lines in a transaction.
    const fn weight(self) -> f64 {
        match self {
            Self::B | Self::D => 50.0,
            _ => 1.0,
        }
    }
}

/// One run of pgbench.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Sample {
    pub(crate) floor: Floor,
    pub(crate) clients: usize,
    pub(crate) a_second: f64,
}

/// Runs floors, each in a fresh database.
pub(crate) struct Floors {
    pgbench: PathBuf,
    folder: PathBuf,
    port: u16,
    password: String,
    url: String,
    seconds: u64,
    /// How many client counts are tried.
    counts: usize,
    best: BTreeMap<Floor, usize>,
    samples: Vec<Sample>,
}

impl Floors {
    pub(crate) async fn new(company: &Company, seconds: u64, counts: usize) -> anyhow::Result<Self> {
        let pgbench = company.postgres.binaries().join("pgbench");
        anyhow::ensure!(pgbench.is_file(), "{} is not there; it comes with Postgres", pgbench.display());
        let mut admin = PgConnection::connect(&company.postgres.admin_url()).await?;
        sqlx::query("-- make_floors\ncreate database floors").execute(&mut admin).await?;
        admin.close().await?;
        let password = std::fs::read_to_string(company.postgres.folder().join("password"))?;
        let folder = company.folder().to_owned();
        let (port, url) = (company.postgres.port(), company.postgres.url(DATABASE));
        Ok(Self { pgbench, folder, port, password, url, seconds, counts, best: BTreeMap::new(), samples: Vec::new() })
    }

    /// One figure of a floor: the best of all client counts the first time, then at that count.
    pub(crate) async fn sample(&mut self, floor: Floor) -> anyhow::Result<f64> {
        if let Some(clients) = self.best.get(&floor) {
            return self.at(floor, *clients).await;
        }
        let (mut most, mut at) = (0.0, 1);
        for clients in floor.clients().iter().take(self.counts) {
            let rate = self.at(floor, *clients).await?;
            if rate > most {
                (most, at) = (rate, *clients);
            }
        }
        self.best.insert(floor, at);
        Ok(most)
    }

    /// Orders (or rows) a second at a client count.
    pub(crate) async fn at(&mut self, floor: Floor, clients: usize) -> anyhow::Result<f64> {
        let mut conn = PgConnection::connect(&self.url).await?;
        sqlx::raw_sql(SCHEMA).execute(&mut conn).await?;
        if floor == Floor::S {
            sqlx::raw_sql(FILL).execute(&mut conn).await?;
            sqlx::query("-- tidy\nvacuum analyze orders").execute(&mut conn).await?;
        }
        conn.close().await?;
        std::fs::write(self.folder.join("floor.sql"), floor.script())?;
        let a_second = match self.pgbench(floor, clients, self.seconds).await? {
            Ok(rate) => rate,
            // A busy machine may take longer to connect all clients than to measure.
            Err(_) => self.pgbench(floor, clients, 10 * self.seconds).await?.map_err(anyhow::Error::msg)?,
        } * floor.weight();
        say::line(&format!("  floor {floor:?}, {clients} clients: {a_second:.0} a second"))?;
        self.samples.push(Sample { floor, clients, a_second });
        Ok(a_second)
    }

    /// Transactions a second, or what pgbench said when it did none.
    async fn pgbench(&self, floor: Floor, clients: usize, seconds: u64) -> anyhow::Result<Result<f64, String>> {
        let mut command = Command::new(&self.pgbench);
        command.args(["-n", "-M", "prepared", "-h", "127.0.0.1", "-U", "postgres", "-j", "2"]);
        command.args(["-p".to_owned(), self.port.to_string(), "-T".to_owned(), seconds.to_string()]);
        command.args(["-c", &clients.to_string()]).arg("-f").arg(self.folder.join("floor.sql"));
        let arrays = match floor {
            Floor::B => fifty_orders(),
            Floor::D => fifty_lines(),
            _ => Vec::new(),
        };
        for (name, value) in arrays {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        command.arg(DATABASE).env("PGPASSWORD", &self.password).env("PGSSLMODE", "disable");
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.context("pgbench cannot run")?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("pgbench failed:\n{said}{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(tps(&said).ok_or_else(|| format!("pgbench says no figure:\n{said}")))
    }

    /// The middle of what was measured of a floor at its best client count.
    pub(crate) async fn median(&mut self, floor: Floor) -> anyhow::Result<f64> {
        if !self.best.contains_key(&floor) {
            self.sample(floor).await?;
        }
        let mut rates = self.rates(floor);
        rates.sort_by(f64::total_cmp);
        Ok(rates[rates.len() / 2])
    }

    fn rates(&self, floor: Floor) -> Vec<f64> {
        let clients = self.best.get(&floor);
        let same = |sample: &&Sample| sample.floor == floor && Some(&sample.clients) == clients;
        self.samples.iter().filter(same).map(|sample| sample.a_second).collect()
    }

    /// Everything measured, in order.
    pub(crate) fn told(&self) -> Vec<Sample> {
        self.samples.clone()
    }
}

fn tps(said: &str) -> Option<f64> {
    said.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok())
}

/// Fifty buyers and three goods each.
fn fifty_orders() -> Vec<(&'static str, String)> {
    let (zipf, mut random) = (Zipf::new(25_000, 1.1), StdRng::seed_from_u64(50));
    let customers = list((0..50).map(|_| random.random_range(1..80_000)));
    let goods = ["s1", "s2", "s3"].map(|name| (name, list((0..50).map(|_| zipf.draw(&mut random) + 1))));
    std::iter::once(("customers", customers)).chain(goods).collect()
}

/// Fifty goods.
fn fifty_lines() -> Vec<(&'static str, String)> {
    let mut random = StdRng::seed_from_u64(51);
    vec![("goods", list((0..50).map(|_| random.random_range(1..25_000))))]
}

/// An array as SQL reads it.
fn list(numbers: impl Iterator<Item = usize>) -> String {
    let numbers: Vec<_> = numbers.map(|number| number.to_string()).collect();
    format!("{{{}}}", numbers.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_what_pgbench_says() {
        let said = "latency average = 0.4 ms\ntps = 8210.5 (without initial connection time)\n";
        assert_eq!(tps(said), Some(8210.5));
        assert_eq!(tps("nothing"), None);
    }

    #[test]
    fn arrays_are_fifty_long() {
        for (_, list) in fifty_orders().into_iter().chain(fifty_lines()) {
            assert_eq!(list.split(',').count(), 50);
        }
    }
}
