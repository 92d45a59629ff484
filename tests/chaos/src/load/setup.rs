//! What a company has before the load: a channel, goods, the first stock, pages and tasks to fight over.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use load::company::{CHANNEL, Company};
use proto::knowledge::v1::{CreatePageRequest, CreatePageResponse, CreateSpaceRequest, CreateSpaceResponse};
use proto::orders::v1::{PutChannelRequest, PutPriceListRequest};
use proto::tasks::v1::{CreateProjectRequest, CreateProjectResponse};
use serde_json::{Value, json};
use suite::bulk::intake;
use suite::client::api::Api;

use super::bodies::{self, Draft, received};
use super::client::PRICE_LIST;
use super::player::{Manner, Player};
use super::world::{CURRENCY, PROBE, PROJECT, SPACE, World, family, goods, is_scarce};
use crate::history::Kind;

const PAGES: u32 = 6;
const TASKS: u32 = 4;
/// How long the products may take to reach erp.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes it all. What the checkers account for (stock, tasks) goes through the log like everything else.
pub(crate) async fn prepare(company: &Company, player: &Player, world: &World, clients: u32) -> anyhow::Result<()> {
    let staff = company.staff()?;
    catalogue(&staff, clients).await?;
    company.quiet(PATIENCE).await.context("the products do not reach everybody")?;
    first_stock(player, world).await?;
    pages(&staff, world).await?;
    let project = CreateProjectRequest {
        request_id: "chaos-project".to_owned(),
        key: PROJECT.to_owned(),
        name: "Chaos".to_owned(),
        ..CreateProjectRequest::default()
    };
    let _: CreateProjectResponse = staff.call("shopfloor.tasks.v1.ProjectService/CreateProject", &project).await?;
    for n in 0..TASKS {
        let answer = must(player, &bodies::task(&format!("setup-task-{n}"), PROJECT)).await?;
        world.task(answer["task"]["task_id"].as_str().unwrap_or_default());
    }
    company.quiet(PATIENCE).await.context("the first stock does not reach everybody")?;
    Ok(())
}

async fn catalogue(staff: &Api, clients: u32) -> anyhow::Result<()> {
    let channel = PutChannelRequest {
        code: CHANNEL.to_owned(),
        name: "Chaos".to_owned(),
        price_authoritative: true,
        prices_include_tax: true,
        ..PutChannelRequest::default()
    };
    intake::put_channel(staff, &channel).await?;
    let list = PutPriceListRequest {
        code: PRICE_LIST.to_owned(),
        name: "Chaos".to_owned(),
        currency: CURRENCY.to_owned(),
        vat_included: true,
    };
    intake::put_price_list(staff, &list).await?;
    let families = (0..clients).flat_map(family);
    let row = |sku: String| format!("{sku},Товар {sku},Chaos/Goods,pcs,22,active");
    let rows: Vec<String> = goods().into_iter().chain(families).map(row).collect();
    intake::import_products(staff, "sku,name_ru,category,unit,vat_rate,status", &rows, "").await?;
    Ok(())
}

/// Two lots of each, so that shipments take from several.
async fn first_stock(player: &Player, world: &World) -> anyhow::Result<()> {
    for (index, skus) in goods().chunks(10).enumerate() {
        let line = |sku: &String, lot: &str| {
            let count = match sku.as_str() {
                PROBE => 100_000,
                sku if is_scarce(sku) => 20,
                _ => 400,
            };
            received(sku, &format!("{sku}-{lot}"), count, 6_000)
        };
        let lines: Vec<Value> = skus.iter().flat_map(|sku| [line(sku, "A"), line(sku, "B")]).collect();
        let key = format!("setup-stock-{index}");
        let body = json!({"request_id": key, "supplier": "SUP", "lines": lines});
        must(player, &Draft::post(Kind::Receive, &key, "/v1/erp/receipts".to_owned(), body)).await?;
        for sku in skus {
            world.lot(sku, &format!("{sku}-A"));
            world.lot(sku, &format!("{sku}-B"));
        }
    }
    Ok(())
}

async fn must(player: &Player, draft: &Draft) -> anyhow::Result<Value> {
    let done = player.play(draft, None, Manner { persistence: 5, ..Manner::default() }).await?;
    done.answer.with_context(|| format!("{} {} is not acknowledged", draft.verb, draft.path))
}

async fn pages(staff: &Api, world: &World) -> anyhow::Result<()> {
    let space = CreateSpaceRequest {
        request_id: "chaos-space".to_owned(),
        key: SPACE.to_owned(),
        name: "Chaos".to_owned(),
        access: Vec::new(),
    };
    let _: CreateSpaceResponse = staff.call("shopfloor.knowledge.v1.SpaceService/CreateSpace", &space).await?;
    for n in 0..PAGES {
        let page = CreatePageRequest {
            request_id: format!("chaos-page-{n}"),
            space_key: SPACE.to_owned(),
            title: format!("Page {n}"),
            body: "The first version.".to_owned(),
            ..CreatePageRequest::default()
        };
        let made: CreatePageResponse = staff.call("shopfloor.knowledge.v1.PageService/CreatePage", &page).await?;
        let page = made.page.context("a page without a page")?;
        ensure!(page.current_version == 1, "a new page begins at version 1");
        world.page(&page.page_id);
    }
    Ok(())
}
