//! After the load: until all is quiet, reading back, every event once more, the figures once more.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use load::company::Company;
use proto::crm::v1::{RescoreAllRequest, RescoreAllResponse};
use proto::kpi::v1::{RebuildRequest, RebuildResponse};
use proto::messaging::v1::{ReplayRequest, ReplayResponse};
use suite::bulk::quiet::SERVICES;
use suite::client::api::Api;

use crate::check::Rescore;
use crate::picture::read::dead;

/// Looks in a row at which nothing may be on its way.
const CALM: u32 = 4;
const LOOK: Duration = Duration::from_millis(150);

/// Returns when nothing is on its way but poisoned events, which are set aside for ever; says how long it took.
pub(crate) async fn quiet(company: &Company, poison: &[String], within: Duration) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let known: BTreeSet<&str> = poison.iter().map(String::as_str).collect();
    let (mut calm, mut last) = (0, String::new());
    while calm < CALM {
        match rest(company, &known).await {
            Ok(rest) if rest.is_empty() => calm += 1,
            Ok(rest) => (calm, last) = (0, rest),
            Err(error) => (calm, last) = (0, format!("{error:#}")),
        }
        if begun.elapsed() > within {
            bail!("not quiet after {} s: {last}", within.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(begun.elapsed())
}

/// What is still on its way; nothing when it is quiet.
async fn rest(company: &Company, poison: &BTreeSet<&str>) -> anyhow::Result<String> {
    let rest = company.rest().await?;
    let events = &rest.events;
    if events.unpublished + events.untaken + events.unknown + rest.contacts > 0 {
        return Ok(format!("{rest:?}"));
    }
    if events.parked + events.dead == 0 {
        return Ok(String::new());
    }
    let api = company.staff()?.impatient();
    for service in SERVICES {
        let (_, letters) = dead(&api, service).await?;
        if let Some(letter) = letters.iter().find(|letter| !poison.contains(letter.event_id.as_str())) {
            return Ok(format!("{service} has set aside {letter:?}"));
        }
    }
    Ok(String::new())
}

/// Has all services publish everything in their outboxes again; says how many events that is.
pub(crate) async fn replay(api: &Api, services: &[&str]) -> anyhow::Result<i64> {
    let mut events = 0;
    for service in services {
        let since = Some(proto::to_timestamp(time::OffsetDateTime::UNIX_EPOCH));
        let request = ReplayRequest { service: (*service).to_owned(), since, ..ReplayRequest::default() };
        let answer: ReplayResponse = api.call("shopfloor.messaging.v1.MessagingService/Replay", &request).await?;
        events += answer.events;
    }
    Ok(events)
}

/// Throws the figures away and has them built again.
pub(crate) async fn rebuild(api: &Api) -> anyhow::Result<i64> {
    let request = RebuildRequest { request_id: format!("chaos-{}", service::new_id()) };
    let answer: RebuildResponse = api.call("shopfloor.kpi.v1.MaintenanceService/Rebuild", &request).await?;
    let sources: Vec<&str> = answer.sources.iter().map(String::as_str).collect();
    replay(api, &sources).await.context("the sources of the figures do not publish again")
}

/// Scores everybody anew, twice.
pub(crate) async fn rescore(api: &Api) -> anyhow::Result<Rescore> {
    let first = rescore_all(api).await?;
    let second = rescore_all(api).await?;
    Ok(Rescore { customers: first.customers, corrected: first.corrected_figures, changed_again: second.changed_scores })
}

async fn rescore_all(api: &Api) -> anyhow::Result<RescoreAllResponse> {
    let (mut sum, mut after_customer_id) = (RescoreAllResponse::default(), String::new());
    loop {
        let request = RescoreAllRequest { after_customer_id, max_customers: 0 };
        let answer: RescoreAllResponse = api.call("shopfloor.crm.v1.ScoreService/RescoreAll", &request).await?;
        sum.customers += answer.customers;
        sum.changed_scores += answer.changed_scores;
        sum.corrected_figures += answer.corrected_figures;
        after_customer_id = answer.next_after_customer_id;
        if after_customer_id.is_empty() {
            return Ok(sum);
        }
    }
}
