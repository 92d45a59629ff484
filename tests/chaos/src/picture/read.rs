//! Reading everything back through the public API, page by page.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _};
use load::company::Company;
use prost::Message;
use proto::common::v1::{PageInfo, PageRequest};
use proto::crm::v1 as crm;
use proto::erp::v1 as erp;
use proto::knowledge::v1 as knowledge;
use proto::messaging::v1 as messaging;
use proto::orders::v1 as orders;
use proto::tasks::v1 as tasks;
use suite::bulk::quiet::SERVICES;
use suite::client::api::{Api, ApiError};

use super::{Found, ItemPicture, OrderPicture, PagePicture, Picture, TaskPicture, events};
use crate::history::{History, Kind};
use crate::load::bodies::word;
use crate::load::client::PRICE_LIST;
use crate::load::world::{SPACE, family, goods};

/// Calls under way at the same time.
const WIDTH: usize = 16;
/// Rows a page.
const SIZE: i32 = 500;
/// Superseded versions of a page whose words are searched for.
const OLD_WORDS: usize = 20;

/// Reads a list to its end.
pub(super) async fn all<Q, A, T>(
    api: &Api,
    method: &str,
    make: impl Fn(PageRequest) -> Q,
    take: impl Fn(A) -> (Vec<T>, Option<PageInfo>),
) -> anyhow::Result<Vec<T>>
where
    Q: Message,
    A: Message + Default,
{
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let answer: A = api.call(method, &make(PageRequest { page_size: SIZE, page_token })).await?;
        let (more, page) = take(answer);
        rows.extend(more);
        page_token = page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            return Ok(rows);
        }
    }
}

/// `None` when there is no such thing.
async fn maybe<Q: Message, A: Message + Default>(api: &Api, method: &str, request: &Q) -> anyhow::Result<Option<A>> {
    match api.call(method, request).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.downcast_ref::<ApiError>().is_some_and(|error| error.status == 404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Does something for each, several at a time.
async fn each<I, T, F>(items: I, work: impl Fn(I::Item) -> F) -> anyhow::Result<Vec<T>>
where
    I: IntoIterator,
    F: Future<Output = anyhow::Result<T>>,
{
    futures::stream::iter(items).map(work).buffer_unordered(WIDTH).try_collect().await
}

/// The whole company.
pub(crate) async fn picture(company: &Company, history: &History, clients: u32) -> anyhow::Result<Picture> {
    let api = &company.staff()?;
    let receipts = history.of_kind(Kind::Receive).filter_map(|op| op.answer());
    let receipts: BTreeSet<String> =
        receipts.filter_map(|answer| answer["receipt"]["receipt_id"].as_str().map(str::to_owned)).collect();
    let pages = read_pages(api).await?;
    Ok(Picture {
        orders: read_orders(api).await?,
        items: each(goods(), |sku| item(api, sku)).await?.into_iter().collect(),
        products: products(api, clients).await?,
        prices: each(goods(), |sku| prices(api, sku)).await?.into_iter().collect(),
        ledger: api.call("shopfloor.erp.v1.StockService/VerifyLedger", &erp::VerifyLedgerRequest {}).await?,
        receipts: each(receipts, |id| receipt(api, id)).await?.into_iter().flatten().collect(),
        customers: read_customers(api).await?,
        kpi: super::kpi::read(api).await?,
        tasks: read_tasks(api).await?,
        last_numbers: last_numbers(api).await?,
        searches: each(words(&pages), |word| search(api, word)).await?.into_iter().collect(),
        pages,
        dead: each(SERVICES, |service| dead(api, service)).await?.into_iter().collect(),
        events: events::read(company, api).await?,
    })
}

async fn read_orders(api: &Api) -> anyhow::Result<BTreeMap<String, OrderPicture>> {
    let summaries = all(
        api,
        "shopfloor.orders.v1.OrderService/ListOrders",
        |page| orders::ListOrdersRequest { page: Some(page), ..orders::ListOrdersRequest::default() },
        |answer: orders::ListOrdersResponse| (answer.orders, answer.page),
    )
    .await?;
    // Should a page show an order twice, it is still one order.
    let ids: BTreeSet<String> = summaries.into_iter().map(|summary| summary.order_id).collect();
    Ok(each(ids, |id| order(api, id)).await?.into_iter().collect())
}

async fn order(api: &Api, order_id: String) -> anyhow::Result<(String, OrderPicture)> {
    let id = || order_id.clone();
    let head: orders::GetOrderResponse =
        api.call("shopfloor.orders.v1.OrderService/GetOrder", &orders::GetOrderRequest { order_id: id() }).await?;
    let payments = all(
        api,
        "shopfloor.orders.v1.PaymentService/ListPayments",
        |page| orders::ListPaymentsRequest { page: Some(page), order_id: id() },
        |answer: orders::ListPaymentsResponse| (answer.payments, answer.page),
    );
    let returns = all(
        api,
        "shopfloor.orders.v1.ReturnService/ListReturns",
        |page| orders::ListReturnsRequest { page: Some(page), order_id: id() },
        |answer: orders::ListReturnsResponse| (answer.returns, answer.page),
    );
    let timeline = all(
        api,
        "shopfloor.orders.v1.OrderService/GetOrderTimeline",
        |page| orders::GetOrderTimelineRequest { page: Some(page), order_id: id() },
        |answer: orders::GetOrderTimelineResponse| (answer.entries, answer.page),
    );
    let (payments, returns, timeline) = tokio::try_join!(payments, returns, timeline)?;
    let held: Option<erp::GetReservationResponse> = maybe(
        api,
        "shopfloor.erp.v1.ReservationService/GetReservation",
        &erp::GetReservationRequest { order_id: id() },
    )
    .await?;
    let sent: erp::ListShipmentsResponse = api
        .call("shopfloor.erp.v1.FulfilmentService/ListShipments", &erp::ListShipmentsRequest { order_id: id() })
        .await?;
    let known: Option<crm::GetCustomerOrderResponse> = maybe(
        api,
        "shopfloor.crm.v1.CustomerOrderService/GetCustomerOrder",
        &crm::GetCustomerOrderRequest { order_id: id() },
    )
    .await?;
    let picture = OrderPicture {
        order: head.order.context("an order without an order")?,
        payments,
        returns,
        timeline,
        reservation: held.and_then(|answer| answer.reservation),
        shipments: sent.shipments,
        crm: known.and_then(|answer| answer.order),
    };
    Ok((order_id, picture))
}

async fn item(api: &Api, sku: String) -> anyhow::Result<(String, ItemPicture)> {
    let item: erp::GetItemResponse =
        api.call("shopfloor.erp.v1.ItemService/GetItem", &erp::GetItemRequest { sku: sku.clone() }).await?;
    let stock = api.call("shopfloor.erp.v1.StockService/GetStock", &erp::GetStockRequest { sku: sku.clone() }).await?;
    let request = erp::GetAvailabilityRequest { skus: vec![sku.clone()], by_warehouse: false };
    let available: erp::GetAvailabilityResponse =
        api.call("shopfloor.erp.v1.StockService/GetAvailability", &request).await?;
    let mut moves = all(
        api,
        "shopfloor.erp.v1.StockService/ListMoves",
        |page| erp::ListMovesRequest { page: Some(page), sku: sku.clone(), ..erp::ListMovesRequest::default() },
        |answer: erp::ListMovesResponse| (answer.moves, answer.page),
    )
    .await?;
    moves.reverse();
    let availability = available.totals.into_iter().next().unwrap_or_default();
    Ok((sku, ItemPicture { item: item.item.unwrap_or_default(), stock, availability, moves }))
}

async fn receipt(api: &Api, receipt_id: String) -> anyhow::Result<Option<(String, erp::Receipt)>> {
    let request = erp::GetReceiptRequest { receipt_id: receipt_id.clone() };
    let found: Option<erp::GetReceiptResponse> =
        maybe(api, "shopfloor.erp.v1.ReceiptService/GetReceipt", &request).await?;
    Ok(found.and_then(|answer| answer.receipt).map(|receipt| (receipt_id, receipt)))
}

async fn products(api: &Api, clients: u32) -> anyhow::Result<BTreeMap<String, orders::Product>> {
    let skus: Vec<String> = goods().into_iter().chain((0..clients).flat_map(family)).collect();
    let request = orders::BatchGetProductsRequest { skus };
    let answer: orders::BatchGetProductsResponse =
        api.call("shopfloor.orders.v1.ProductService/BatchGetProducts", &request).await?;
    Ok(answer.products.into_iter().map(|product| (product.sku.clone(), product)).collect())
}

async fn prices(api: &Api, sku: String) -> anyhow::Result<(String, Vec<orders::PriceHistoryEntry>)> {
    let entries = all(
        api,
        "shopfloor.orders.v1.PriceService/ListPriceHistory",
        |page| orders::ListPriceHistoryRequest {
            page: Some(page),
            price_list: PRICE_LIST.to_owned(),
            sku: sku.clone(),
        },
        |answer: orders::ListPriceHistoryResponse| (answer.entries, answer.page),
    )
    .await?;
    Ok((sku, entries))
}

async fn read_customers(api: &Api) -> anyhow::Result<BTreeMap<String, crm::Customer>> {
    let customers = all(
        api,
        "shopfloor.crm.v1.CustomerService/ListCustomers",
        |page| crm::ListCustomersRequest { page: Some(page), ..crm::ListCustomersRequest::default() },
        |answer: crm::ListCustomersResponse| (answer.customers, answer.page),
    )
    .await?;
    Ok(customers.into_iter().map(|customer| (customer.customer_id.clone(), customer)).collect())
}

async fn read_tasks(api: &Api) -> anyhow::Result<BTreeMap<String, TaskPicture>> {
    let tasks = all(
        api,
        "shopfloor.tasks.v1.TaskService/ListTasks",
        |page| tasks::ListTasksRequest { page: Some(page), ..tasks::ListTasksRequest::default() },
        |answer: tasks::ListTasksResponse| (answer.tasks, answer.page),
    )
    .await?;
    Ok(each(tasks, |task| task_picture(api, task)).await?.into_iter().collect())
}

async fn task_picture(api: &Api, task: tasks::Task) -> anyhow::Result<(String, TaskPicture)> {
    let task_id = task.task_id.clone();
    let comments = all(
        api,
        "shopfloor.tasks.v1.TaskService/ListComments",
        |page| tasks::ListCommentsRequest { page: Some(page), task_id: task_id.clone() },
        |answer: tasks::ListCommentsResponse| (answer.comments, answer.page),
    );
    let changes = all(
        api,
        "shopfloor.tasks.v1.TaskService/ListTaskHistory",
        |page| tasks::ListTaskHistoryRequest { page: Some(page), task_id: task_id.clone() },
        |answer: tasks::ListTaskHistoryResponse| (answer.changes, answer.page),
    );
    let (comments, changes) = tokio::try_join!(comments, changes)?;
    Ok((task_id.clone(), TaskPicture { task, comments, changes }))
}

async fn last_numbers(api: &Api) -> anyhow::Result<BTreeMap<String, i64>> {
    let projects = all(
        api,
        "shopfloor.tasks.v1.ProjectService/ListProjects",
        |page| tasks::ListProjectsRequest { page: Some(page), include_archived: true },
        |answer: tasks::ListProjectsResponse| (answer.projects, answer.page),
    )
    .await?;
    Ok(projects.into_iter().map(|project| (project.key, project.last_number)).collect())
}

async fn read_pages(api: &Api) -> anyhow::Result<BTreeMap<String, PagePicture>> {
    let children = all(
        api,
        "shopfloor.knowledge.v1.PageService/ListChildren",
        |page| knowledge::ListChildrenRequest {
            page: Some(page),
            space_key: SPACE.to_owned(),
            parent_id: String::new(),
        },
        |answer: knowledge::ListChildrenResponse| (answer.children, answer.page),
    )
    .await?;
    Ok(each(children, |node| page_picture(api, node.page_id)).await?.into_iter().collect())
}

async fn page_picture(api: &Api, page_id: String) -> anyhow::Result<(String, PagePicture)> {
    const GET: &str = "shopfloor.knowledge.v1.PageService/GetPage";
    let request = |version| knowledge::GetPageRequest { page_id: page_id.clone(), version };
    let now: knowledge::GetPageResponse = api.call(GET, &request(0)).await?;
    let mut versions = all(
        api,
        "shopfloor.knowledge.v1.PageService/ListVersions",
        |page| knowledge::ListVersionsRequest { page: Some(page), page_id: page_id.clone() },
        |answer: knowledge::ListVersionsResponse| (answer.versions, answer.page),
    )
    .await?;
    versions.reverse();
    let mut bodies = Vec::with_capacity(versions.len());
    for version in &versions {
        let old: knowledge::GetPageResponse = api.call(GET, &request(version.version)).await?;
        bodies.push(old.page.unwrap_or_default().body);
    }
    Ok((page_id.clone(), PagePicture { page: now.page.unwrap_or_default(), versions, bodies }))
}

/// The key a body of [`crate::load::bodies::page`] begins with.
pub(crate) fn key_of(body: &str) -> Option<&str> {
    body.strip_prefix("# ")?.lines().next()
}

/// The words of all present versions, and of the latest superseded ones.
fn words(pages: &BTreeMap<String, PagePicture>) -> BTreeSet<String> {
    let of_page = |page: &PagePicture| {
        let keys: Vec<_> = page.bodies.iter().rev().take(1 + OLD_WORDS).filter_map(|body| key_of(body)).collect();
        keys.into_iter().map(word).collect::<Vec<_>>()
    };
    pages.values().flat_map(of_page).collect()
}

async fn search(api: &Api, word: String) -> anyhow::Result<(String, Found)> {
    let request = knowledge::SearchPagesRequest { query: word.clone(), ..knowledge::SearchPagesRequest::default() };
    let answer: knowledge::SearchPagesResponse =
        api.call("shopfloor.knowledge.v1.SearchService/SearchPages", &request).await?;
    let pages = answer.hits.into_iter().map(|hit| hit.page_id).collect();
    Ok((word, Found { pages, corrected: answer.corrected }))
}

/// Events a service has set aside.
pub(crate) async fn dead(api: &Api, service: &str) -> anyhow::Result<(String, Vec<messaging::DeadLetter>)> {
    let letters = all(
        api,
        "shopfloor.messaging.v1.MessagingService/ListDeadLetters",
        |page| messaging::ListDeadLettersRequest {
            service: service.to_owned(),
            page: Some(page),
            consumer: String::new(),
        },
        |answer: messaging::ListDeadLettersResponse| (answer.dead_letters, answer.page),
    )
    .await?;
    Ok((service.to_owned(), letters))
}
