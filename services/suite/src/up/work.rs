#![doc = "The main job: administrator, shop key, the demo company pushed through the gateway, the table, the addresses."]

use std::collections::HashSet;

use anyhow::Context;
use proto::identity::v1::{CreateApiKeyRequest, CreateApiKeyResponse};
use sqlx::{Connection as _, PgConnection};
use time::{Date, OffsetDateTime};

use super::UpArgs;
use super::suite::Suite;
use super::summary::{self, Expected};
use crate::bulk::quiet;
use crate::client::api::Api;
use crate::client::session::Credentials;
use crate::demo::history::History;
use crate::demo::load::{CHANNEL, Company, SEED};
use crate::say;
use crate::services::Name;

/// Does what is to be done in this home, and says what happened. `false`: the figures do not fit together.
pub async fn main_job(suite: &mut Suite, args: &UpArgs) -> anyhow::Result<bool> {
    administrator(suite).await?;
    let staff = suite.staff()?;
    let shop = shop(suite, &staff).await?;
    let now = OffsetDateTime::now_utc();
    let mut faults = Vec::new();
    if !args.no_demo || suite.home.state.demo_loaded {
        let last_day = last_day(suite, args, now)?;
        if !suite.home.state.demo_loaded {
            let company =
                Company { shop: &shop, staff: &staff, scale: args.scale, last_day, currency: &args.currency, now };
            let loaded = company.load().await?;
            if loaded.refused > 0 {
                faults.push(format!("{} orders were refused", loaded.refused));
            }
            suite.home.state.demo_loaded = true;
            suite.home.save()?;
        }
        quiet::wait(&staff).await?;
        let history = History::new(SEED, args.scale.sizes(), last_day);
        let ops = format!("http://{}", suite.process.ops);
        let expected = expected(&history);
        let summary = settled(&staff, &ops, now, &args.currency, &expected).await?;
        say::line("\nWhat happened, as the services tell it:")?;
        summary.print()?;
        faults.extend(summary.faults(&expected));
    }
    for fault in &faults {
        say::line(&format!("NOT RIGHT: {fault}"))?;
    }
    addresses(suite, args)?;
    Ok(faults.is_empty())
}

/// Contacts travel from orders to crm by a timer, so the last customers may come a moment after the last event.
async fn settled(
    staff: &Api,
    ops: &str,
    now: OffsetDateTime,
    currency: &str,
    expected: &Expected,
) -> anyhow::Result<summary::Summary> {
    for _ in 0..20 {
        let summary = summary::ask(staff, ops, now.date(), currency).await?;
        if summary.faults(expected).is_empty() {
            return Ok(summary);
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        quiet::wait(staff).await?;
    }
    summary::ask(staff, ops, now.date(), currency).await
}

fn expected(history: &History) -> Expected {
    let customers: HashSet<u64> = (0..history.len()).map(|n| history.order(n).customer).collect();
    Expected { orders: history.len().cast_signed(), customers: customers.len() as i64 }
}

/// The day the history ends: yesterday at the first start, the same one ever after.
fn last_day(suite: &mut Suite, args: &UpArgs, now: OffsetDateTime) -> anyhow::Result<Date> {
    let state = &mut suite.home.state;
    if let (Some(day), Some(scale)) = (state.demo_last_day, &state.demo_scale) {
        anyhow::ensure!(
            scale == args.scale.word(),
            "this home has the {scale} demo company; start with --scale {scale}, or choose another --home"
        );
        return Ok(day);
    }
    let day = now.date().previous_day().context("the clock is at the beginning of time")?;
    (state.demo_last_day, state.demo_scale) = (Some(day), Some(args.scale.word().to_owned()));
    suite.home.save()?;
    Ok(day)
}

/// Creates the first administrator, once.
async fn administrator(suite: &mut Suite) -> anyhow::Result<()> {
    let mut conn = PgConnection::connect(&suite.databases[&Name::Identity]).await?;
    let mut tx = conn.begin().await?;
    let created = identity::bootstrap(&mut tx, OffsetDateTime::now_utc()).await?;
    if let Some(created) = created {
        // Kept before it counts: a password nobody saw would lock everybody out.
        suite.home.secrets.one_time_password = Some(created.password);
        suite.home.save()?;
    }
    tx.commit().await?;
    conn.close().await?;
    Ok(())
}

/// The demo shop, calling with its own API key.
async fn shop(suite: &mut Suite, staff: &Api) -> anyhow::Result<Api> {
    if suite.home.secrets.shop_api_key.is_none() {
        let request = CreateApiKeyRequest {
            request_id: format!("demo-shop-{}", service::new_id()),
            name: "Demo shop".to_owned(),
            channel: CHANNEL.to_owned(),
            ..CreateApiKeyRequest::default()
        };
        let answer: CreateApiKeyResponse =
            staff.call("shopfloor.identity.v1.ApiKeyService/CreateApiKey", &request).await?;
        suite.home.secrets.shop_api_key = Some(answer.secret);
        suite.home.save()?;
    }
    let key = suite.home.secrets.shop_api_key.clone().context("the shop's key was just made")?;
    Api::new(&suite.http(), Credentials::ApiKey(key))
}

fn addresses(suite: &Suite, args: &UpArgs) -> anyhow::Result<()> {
    let (http, grpc, ops) = (suite.http(), suite.process.grpc, suite.process.ops);
    let home = suite.home.path().display();
    say::line("\nWhere things are:")?;
    say::line(&format!("  API documentation   {http}/docs"))?;
    say::line(&format!("  HTTP API            {http}/v1  (OpenAPI: {http}/openapi.json)"))?;
    say::line(&format!("  gRPC                {grpc}  (reflection on)"))?;
    say::line(&format!("  metrics             http://{ops}/metrics"))?;
    say::line(&format!("  data and secrets    {home}  (the shop's API key is in secrets.json)"))?;
    say::line("\nSign in and look around:")?;
    let mut place = String::new();
    if args.http_port != 8080 {
        place.push_str(&format!(" --http {http}"));
    }
    if args.grpc_port != 7070 {
        place.push_str(&format!(" --grpc http://{grpc}"));
    }
    if let Some(password) = &suite.home.secrets.one_time_password {
        say::line(&format!("  login admin, one-time password {password} (asks for a new one the first time)"))?;
    }
    let program = std::env::args().next().unwrap_or_else(|| "shopfloor".to_owned());
    say::line(&format!("  {program} sign-in admin{place}"))?;
    let grpc_only = if args.grpc_port == 7070 { String::new() } else { format!(" --grpc http://{grpc}") };
    say::line(&format!("  {program} call{grpc_only} OrderService/ListOrders '{{\"page\": {{\"page_size\": 3}}}}'"))
}
