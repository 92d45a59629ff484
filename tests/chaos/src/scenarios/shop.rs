//! Shops that push orders, and what the company has of them afterwards.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use load::company::{CHANNEL, Company};
use load::drive::Script;
use load::http::{Answer, Head};
use load::orders::{Number, Orders};
use suite::services::Name;

use super::Findings;

/// Pushes orders one by one and remembers what it was told of each.
pub(crate) struct Push {
    orders: Orders,
    head: Head,
    body: String,
    under_way: Number,
    sent: Instant,
    /// What it was told.
    pub(crate) told: Told,
}

/// What shops were told of their orders.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// Stored.
    pub(crate) stored: Vec<Number>,
    /// Refused, certainly not stored.
    pub(crate) refused: Vec<Number>,
    /// Nothing that is certain.
    pub(crate) open: Vec<Number>,
    /// Refusals for want of room that did not say when to come back.
    pub(crate) without_wait: u64,
    /// Refusals by their reason.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// The slowest answer, from the sending to its end.
    pub(crate) slowest: Duration,
}

impl Told {
    /// Adds what another was told.
    pub(crate) fn add(&mut self, other: Self) {
        self.stored.extend(other.stored);
        self.refused.extend(other.refused);
        self.open.extend(other.open);
        self.without_wait += other.without_wait;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.slowest = self.slowest.max(other.slowest);
    }
}

impl Push {
    /// So many, with the keys in turn.
    pub(crate) fn many(count: usize, keys: &[String], orders: &Orders) -> Vec<Self> {
        let heads: Vec<_> =
            keys.iter().map(|key| Head::new("POST", "/v1/orders", &format!("x-api-key: {key}"))).collect();
        let one = |n: usize| Self {
            orders: orders.clone(),
            head: heads[n % heads.len()].clone(),
            body: String::new(),
            under_way: Number(0),
            sent: Instant::now(),
            told: Told::default(),
        };
        (0..count).map(one).collect()
    }
}

impl Script for Push {
    fn write(&mut self, request: &mut Vec<u8>) {
        self.body.clear();
        self.under_way = self.orders.write(&mut self.body);
        self.head.write(&self.body, request);
        self.sent = Instant::now();
    }

    fn read(&mut self, answer: Answer<'_>, _: Instant) -> u64 {
        self.told.slowest = self.told.slowest.max(self.sent.elapsed());
        if answer.status == 200 {
            self.told.stored.push(self.under_way);
            return 1;
        }
        let reason = reason(answer.body);
        match answer.status {
            // The gateway and the queue refuse before anything is done; other words leave it open.
            429 => self.told.refused.push(self.under_way),
            503 if reason == "OVERLOADED" => self.told.refused.push(self.under_way),
            400..=499 => self.told.refused.push(self.under_way),
            _ => self.told.open.push(self.under_way),
        }
        if matches!(answer.status, 429 | 503) && answer.retry_after.is_none() {
            self.told.without_wait += 1;
        }
        *self.told.reasons.entry(format!("{} {reason}", answer.status)).or_default() += 1;
        0
    }

    fn lost(&mut self) {
        self.told.slowest = self.told.slowest.max(self.sent.elapsed());
        self.told.open.push(self.under_way);
    }
}

/// The reason in a problem document, without parsing the whole of it.
pub(crate) fn reason(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let word = text.split("\"reason\":\"").nth(1).and_then(|rest| rest.split('"').next());
    word.unwrap_or("no reason").to_owned()
}

/// Looks whether the company has what the shops were told, once, and every order's reservation, once.
pub(crate) async fn audit(
    company: &Company,
    orders: &Orders,
    told: &Told,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let mut database = company.database(Name::Orders).await?;
    let rows: Vec<String> =
        sqlx::query_scalar("-- orders_of_channel\nselect external_id from orders where channel = $1")
            .bind(CHANNEL)
            .fetch_all(&mut database)
            .await?;
    let ours: Vec<Number> = rows.iter().filter_map(|id| orders.number(id)).collect();
    let have: HashSet<Number> = ours.iter().copied().collect();
    findings.expect(have.len() == ours.len(), format!("{} orders stored, each once", have.len()))?;
    let lost = told.stored.iter().filter(|number| !have.contains(number)).count();
    findings.expect(lost == 0, format!("{} acknowledged orders, {lost} of them lost", told.stored.len()))?;
    let ghosts = told.refused.iter().filter(|number| have.contains(number)).count();
    findings
        .expect(ghosts == 0, format!("{} refused orders, {ghosts} of them stored all the same", told.refused.len()))?;
    let mut erp = company.database(Name::Erp).await?;
    let (lines, wrong): (i64, i64) = sqlx::query_as(
        "-- lines_and_their_reservations\n\
         select count(*), count(*) filter (where l.ordered <> coalesce(r.held, 0))\n\
         from demand_line l left join (select order_id, line_no, sum(quantity) as held from reservation\n\
         where state = 'active' group by order_id, line_no) r using (order_id, line_no)",
    )
    .fetch_one(&mut erp)
    .await
    .context("the reservations cannot be read")?;
    let demands: i64 = sqlx::query_scalar("-- demands\nselect count(*) from demand").fetch_one(&mut erp).await?;
    let every = usize::try_from(demands)? == rows.len();
    findings.expect(every, format!("{demands} orders known to erp, {} stored", rows.len()))?;
    findings.expect(wrong == 0, format!("{lines} order lines reserved in erp, {wrong} of them wrongly"))
}
