//! Every process ended and started again, one after the other, while shops push orders: whoever repeats a request with
//! the same key gets the right answer, and what was under way when a process was told to end is answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::{join_all, try_join_all};
use load::company::Company;
use load::company::process::Process;
use load::goods::Goods;
use load::http::{Connection, Head};
use load::orders::Orders;
use sqlx::{Connection as _, PgConnection};
use suite::say;
use suite::services::Name;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::shop::{self, Told};
use super::{Findings, Setting, ms};

const GOODS: usize = 200;
/// Shops at the same time.
const SHOPS: usize = 6;
/// How often a request is sent at most.
const TRIES: usize = 6;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two orders of a shop.
const PAUSE: Duration = Duration::from_millis(30);
/// What a process may take to end: what it allows itself (25 s) and some air.
const DRAIN: Duration = Duration::from_secs(30);
/// Orders under way while a process is told to end.
const HELD: usize = 8;

/// What all shops saw.
#[derive(Default)]
struct Seen {
    told: Told,
    /// Orders by the number of tries they took.
    tries: BTreeMap<usize, u64>,
    /// What kept tries from their answer.
    hindrances: BTreeMap<String, u64>,
    /// From the first try to the right answer, at most.
    longest: Duration,
    /// What an order that was never answered rightly was told.
    given_up: Vec<String>,
}

#[derive(Clone)]
struct Shop {
    orders: Orders,
    head: Head,
    gateways: Vec<SocketAddr>,
    seen: Arc<Mutex<Seen>>,
}

impl Shop {
    async fn work(mut self, first: usize, stop: CancellationToken) {
        let mut connections: Vec<_> = self.gateways.iter().map(|address| Connection::new(*address)).collect();
        let mut next = first;
        while !stop.is_cancelled() {
            self.push(&mut connections, next).await;
            next += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One order, sent again with the same key to the other gateway until it has its answer.
    async fn push(&mut self, connections: &mut [Connection], first: usize) {
        let (mut body, mut request) = (String::new(), Vec::new());
        let number = self.orders.write(&mut body);
        self.head.write(&body, &mut request);
        let (begun, mut said) = (Instant::now(), Vec::new());
        for attempt in 0..TRIES {
            let at = (first + attempt) % connections.len();
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
            }
            let hindrance = match tokio::time::timeout(PATIENCE, connections[at].send(&request)).await {
                Ok(Ok(answer)) if answer.status == 200 => {
                    let mut seen = self.seen();
                    seen.told.stored.push(number);
                    seen.longest = seen.longest.max(begun.elapsed());
                    *seen.tries.entry(attempt + 1).or_default() += 1;
                    return;
                }
                Ok(Ok(answer)) => {
                    let text = format!("{} {}", answer.status, shop::reason(answer.body));
                    if !matches!(answer.status, 429 | 502 | 503 | 504) {
                        said.push(text);
                        break;
                    }
                    text
                }
                Ok(Err(error)) => error.kind().to_string(),
                Err(_) => {
                    connections[at] = Connection::new(self.gateways[at]);
                    "no answer in time".to_owned()
                }
            };
            *self.seen().hindrances.entry(hindrance.clone()).or_default() += 1;
            said.push(hindrance);
        }
        let mut seen = self.seen();
        seen.told.open.push(number);
        seen.given_up.push(format!("{}: {}", self.orders.external_id(number), said.join(", ")));
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs it.
pub(super) async fn run(company: &Company, setting: &Setting) -> anyhow::Result<Findings> {
    Goods { count: GOODS, stock: 10_000_000 }.load(company).await?;
    let orders = Orders::new("rolling", GOODS, 2_000, 12);
    let gateways = company
        .http()
        .iter()
        .map(|url| url.strip_prefix("http://").and_then(|text| text.parse().ok()).context("not an address"))
        .collect::<anyhow::Result<Vec<SocketAddr>>>()?;
    let head = Head::new("POST", "/v1/orders", &format!("x-api-key: {}", company.shop_key()));
    let shop = Shop { orders: orders.clone(), head, gateways, seen: Arc::default() };
    let mut findings = Findings::default();
    let stop = CancellationToken::new();
    let shops: Vec<_> = (0..SHOPS).map(|n| tokio::spawn(shop.clone().work(n, stop.clone()))).collect();
    let rolled = roll(company, setting, &mut findings).await;
    stop.cancel();
    for ended in join_all(shops).await {
        ended?;
    }
    rolled?;
    under_way(company, &shop, &mut findings).await?;
    half_sent(company, &shop, &mut findings).await?;
    let quiet = company.quiet(Duration::from_secs(120)).await?;
    say::line(&format!("  quiet {:.1} s later", quiet.as_secs_f64()))?;
    let seen = std::mem::take(&mut *shop.seen());
    say::line(&format!("  orders by tries {:?}, hindrances {:?}", seen.tries, seen.hindrances))?;
    findings.expect(
        seen.given_up.is_empty(),
        format!(
            "{} orders, {} not answered rightly within {TRIES} tries {:?}; the longest took {}",
            seen.told.stored.len() + seen.told.open.len(),
            seen.given_up.len(),
            seen.given_up.iter().take(5).collect::<Vec<_>>(),
            ms(seen.longest)
        ),
    )?;
    shop::audit(company, &orders, &seen.told, &mut findings).await?;
    Ok(findings)
}

/// All processes of all copies in turn; the short form has the first copies only.
async fn roll(company: &Company, setting: &Setting, findings: &mut Findings) -> anyhow::Result<()> {
    for copy in 0..if setting.long { 2 } else { 1 } {
        for name in Name::ALL {
            let process = company.process(name.word(), copy)?;
            restart(&process, findings).await?;
        }
    }
    Ok(())
}

async fn restart(process: &Process, findings: &mut Findings) -> anyhow::Result<()> {
    let label = process.label();
    let took = ended(process, findings).await?;
    let begun = Instant::now();
    process.start().await?;
    process.wait_ready().await?;
    say::line(&format!("  {label}: ended in {}, ready again in {}", ms(took), ms(begun.elapsed())))
}

/// Tells a process to end; it must do so in time and with exit code 0.
async fn ended(process: &Process, findings: &mut Findings) -> anyhow::Result<Duration> {
    let label = process.label();
    match process.terminate().await {
        Ok(took) => {
            if took > DRAIN {
                findings.expect(false, format!("{label} took {} to end", ms(took)))?;
            }
            let log = std::fs::read_to_string(process.log()).unwrap_or_default();
            if log.contains("did not end in time") || log.contains("not all work ended in time") {
                findings.expect(false, format!("{label} ended before its work did"))?;
            }
            Ok(took)
        }
        Err(error) => {
            findings.expect(false, format!("{label} did not end well: {error:#}"))?;
            Ok(Duration::ZERO)
        }
    }
}

/// Orders that hang in a lock of the database while one copy of orders is told to end: both copies answer all of them
/// once the lock is gone.
async fn under_way(company: &Company, shop: &Shop, findings: &mut Findings) -> anyhow::Result<()> {
    let mut lock = company.database(Name::Orders).await?;
    let mut looking = company.database(Name::Orders).await?;
    let mut tx = lock.begin().await?;
    sqlx::query("-- hold_all_orders\nlock table orders in exclusive mode").execute(&mut *tx).await?;
    let sent: Vec<_> = (0..HELD).map(|n| tokio::spawn(once(shop.clone(), n))).collect();
    waiting(&mut looking, 2).await?;
    let process = company.process(Name::Orders.word(), 0)?;
    let ending = tokio::spawn({
        let process = process.clone();
        async move { process.terminate().await }
    });
    // It must have heard: then it no longer wants work.
    let begun = Instant::now();
    while process.is_ready().await && begun.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tx.rollback().await?;
    let took = ending.await?;
    let good = try_join_all(sent).await?.into_iter().filter(|answer| *answer == Some(200)).count();
    findings.expect(
        good == HELD,
        format!("{good} of {HELD} orders under way while orders-0 ended were answered at once"),
    )?;
    findings.expect(
        took.as_ref().is_ok_and(|took| *took < DRAIN),
        format!("orders-0 ended with work under way: {took:?}"),
    )?;
    process.start().await?;
    process.wait_ready().await
}

/// Both copies' writers wait for the lock.
async fn waiting(looking: &mut PgConnection, copies: i64) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "-- who_waits\nselect count(*) from pg_locks where not granted and relation = 'orders'::regclass",
        )
        .fetch_one(&mut *looking)
        .await?;
        if waiting >= copies {
            return Ok(());
        }
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(10), "only {waiting} writers wait for the lock");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One order, sent once.
async fn once(mut shop: Shop, n: usize) -> Option<u16> {
    let (mut body, mut request) = (String::new(), Vec::new());
    let number = shop.orders.write(&mut body);
    shop.head.write(&body, &mut request);
    let mut connection = Connection::new(shop.gateways[n % shop.gateways.len()]);
    let answer = tokio::time::timeout(Duration::from_secs(14), connection.send(&request)).await;
    let status = answer.ok().and_then(Result::ok).map(|answer| answer.status);
    let told = &mut shop.seen().told;
    if status == Some(200) {
        told.stored.push(number)
    } else {
        told.open.push(number)
    }
    status
}

/// A request of which half is sent when the gateway is told to end: the rest is taken and answered.
async fn half_sent(company: &Company, shop: &Shop, findings: &mut Findings) -> anyhow::Result<()> {
    let (mut shop, process) = (shop.clone(), company.process(Name::Gateway.word(), 0)?);
    let (mut body, mut request) = (String::new(), Vec::new());
    let number = shop.orders.write(&mut body);
    shop.head.write(&body, &mut request);
    let address = process.sockets.http.context("a gateway without a door")?;
    let mut socket = TcpStream::connect(address).await?;
    let (first, second) = request.split_at(request.len() - 100);
    socket.write_all(first).await?;
    // Requests on another connection are answered after this one has been taken.
    for _ in 0..3 {
        once(shop.clone(), 0).await;
    }
    let ending = tokio::spawn({
        let process = process.clone();
        async move { process.terminate().await }
    });
    // The door is shut once it has heard.
    let begun = Instant::now();
    while TcpStream::connect(address).await.is_ok() && begun.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answered = async {
        socket.write_all(second).await?;
        let mut answer = vec![0; 12];
        socket.read_exact(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), answered).await;
    let good = matches!(&answer, Ok(Ok(text)) if text == "HTTP/1.1 200");
    findings
        .expect(good, format!("the second half of a request came after the gateway was told to end: {answer:?}"))?;
    {
        let told = &mut shop.seen().told;
        if good { told.stored.push(number) } else { told.open.push(number) }
    }
    let took = ending.await?;
    findings.expect(took.as_ref().is_ok_and(|took| *took < DRAIN), format!("the gateway ended: {took:?}"))?;
    process.start().await?;
    process.wait_ready().await
}
