#![doc = "What happened, as the services tell it: the table at the end of `up`, and whether the figures fit together."]

use anyhow::Context;
use proto::common::v1::{Money, PageRequest};
use proto::erp::v1::{BomState, ListBomsRequest, ListBomsResponse, VerifyLedgerRequest, VerifyLedgerResponse};
use proto::kpi::v1::{GetFunnelRequest, GetFunnelResponse, GetSummaryRequest, GetSummaryResponse, Period, StateCount};
use proto::tasks::v1::{CountTasksRequest, CountTasksResponse};
use time::{Date, Duration};

use super::latency;
use crate::bulk::quiet::{self, Backlog};
use crate::client::api::Api;
use crate::say;

/// What the services say.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    kpi: GetSummaryResponse,
    funnel: GetFunnelResponse,
    ledger: VerifyLedgerResponse,
    tasks_open: i64,
    tasks_done: i64,
    recipes: i64,
    backlog: Backlog,
    latency: Option<(f64, f64)>,
}

/// Asks kpi, erp, tasks, messaging and the metrics page.
pub async fn ask(api: &Api, ops: &str, today: Date, currency: &str) -> anyhow::Result<Summary> {
    let period = Period { from: (today - Duration::days(3_650)).to_string(), to: (today + Duration::DAY).to_string() };
    let request = GetSummaryRequest {
        period: Some(period.clone()),
        currency: currency.to_owned(),
        ..GetSummaryRequest::default()
    };
    let kpi = api.call("shopfloor.kpi.v1.ReportService/GetSummary", &request).await?;
    let request = GetFunnelRequest { period: Some(period), ..GetFunnelRequest::default() };
    let funnel = api.call("shopfloor.kpi.v1.ReportService/GetFunnel", &request).await?;
    let ledger = api.call("shopfloor.erp.v1.StockService/VerifyLedger", &VerifyLedgerRequest {}).await?;
    let counts: CountTasksResponse =
        api.call("shopfloor.tasks.v1.TaskService/CountTasks", &CountTasksRequest::default()).await?;
    let count = |closed| counts.counts.iter().filter(|c| c.closed == closed).map(|c| c.count).sum();
    let page = reqwest::get(format!("{ops}/metrics")).await?.text().await.context("the metrics cannot be read")?;
    let quantile = |q| latency::quantile(&page, "messaging_event_latency_seconds", q);
    Ok(Summary {
        kpi,
        funnel,
        ledger,
        tasks_open: count(false),
        tasks_done: count(true),
        recipes: recipes(api).await?,
        backlog: quiet::backlog(api).await?,
        latency: quantile(0.5).zip(quantile(0.99)),
    })
}

/// Bills of material in effect or to come into effect.
async fn recipes(api: &Api) -> anyhow::Result<i64> {
    let (mut count, mut page_token) = (0, String::new());
    loop {
        let page = Some(PageRequest { page_size: 500, page_token });
        let request = ListBomsRequest { page, state: BomState::Active.into(), ..ListBomsRequest::default() };
        let answer: ListBomsResponse = api.call("shopfloor.erp.v1.BomService/ListBoms", &request).await?;
        count += answer.boms.len() as i64;
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            return Ok(count);
        }
    }
}

impl Summary {
    /// Prints the table.
    pub fn print(&self) -> anyhow::Result<()> {
        let figures = self.kpi.figures.clone().unwrap_or_default();
        let number = |n: i64| say::thousands(&n.to_string());
        let amount = |money: Option<&Money>| {
            money.map_or_else(|| "-".to_owned(), |m| format!("{} {}", say::thousands(&m.amount), m.currency))
        };
        let waiting = self.in_states(&["backordered", "partially_reserved"]);
        let mut rows = vec![
            ("orders accepted", number(figures.orders)),
            ("reserved in full", number(self.stage("reserved"))),
            ("back-ordered now", number(waiting)),
            ("shipped", number(self.stage("shipped"))),
            ("delivered", number(self.stage("delivered"))),
            ("cancelled", number(figures.cancelled_orders)),
            ("refused at the door", number(figures.uncollected_orders)),
            ("returned", number(figures.returned_orders)),
            ("paid in full", number(self.funnel.paid)),
            ("received", amount(self.kpi.received.as_ref())),
            ("refunded", amount(self.kpi.refunded.as_ref())),
            ("customers", number(self.kpi.customers)),
            ("revenue", amount(figures.revenue.as_ref())),
            ("margin", amount(figures.margin.as_ref())),
            ("recipes", number(self.recipes)),
            ("stock value", amount(self.ledger.stock_value.as_ref())),
            ("tasks open", number(self.tasks_open)),
            ("tasks done", number(self.tasks_done)),
        ];
        if let Some((p50, p99)) = self.latency {
            rows.push(("event latency p50", latency::readable(p50)));
            rows.push(("event latency p99", latency::readable(p99)));
        }
        say::table(&rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>())
    }

    fn stage(&self, stage: &str) -> i64 {
        self.funnel.stages.iter().filter(|s| s.stage == stage).map(|s| s.orders).sum()
    }

    fn in_states(&self, states: &[&str]) -> i64 {
        let counts: &[StateCount] = &self.kpi.fulfilment_states;
        counts.iter().filter(|c| states.contains(&c.state.as_str())).map(|c| c.orders).sum()
    }

    /// What does not fit together, in words; empty when everything does.
    pub fn faults(&self, expected: &Expected) -> Vec<String> {
        let figures = self.kpi.figures.clone().unwrap_or_default();
        let mut faults = Vec::new();
        let mut check = |good: bool, words: String| {
            if !good {
                faults.push(words);
            }
        };
        let accepted = expected.orders;
        check(figures.orders == accepted, format!("{accepted} orders were accepted but kpi counts {}", figures.orders));
        let customers = expected.customers;
        check(
            self.kpi.customers == customers,
            format!("{customers} people ordered but kpi knows {}", self.kpi.customers),
        );
        check(self.kpi.anonymous_orders == 0, format!("{} orders have no customer", self.kpi.anonymous_orders));
        check(self.stage("shipped") > 0, "nothing was shipped".to_owned());
        check(self.in_states(&["backordered", "partially_reserved"]) > 0, "no order waits for goods".to_owned());
        check(positive(figures.revenue.as_ref()), "there is no revenue".to_owned());
        check(self.funnel.paid > 0 && self.funnel.paid < figures.orders, "not some orders are paid".to_owned());
        check(self.recipes > 0, "there are no recipes".to_owned());
        check(positive(figures.margin.as_ref()), "there is no margin".to_owned());
        check(self.tasks_open + self.tasks_done > 0, "no task was opened".to_owned());
        check(self.ledger.balanced, "the stock ledger does not balance".to_owned());
        check(self.backlog.is_quiet(), format!("events are still on their way: {:?}", self.backlog));
        check(self.backlog.dead == 0, format!("{} events could not be applied", self.backlog.dead));
        faults
    }
}

/// What must come out.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// Orders accepted.
    pub orders: i64,
    /// Different customers among them.
    pub customers: i64,
}

fn positive(money: Option<&Money>) -> bool {
    money.is_some_and(|m| !m.amount.starts_with('-') && m.amount.bytes().any(|b| (b'1'..=b'9').contains(&b)))
}
