#![doc = "Carries a plan out through the gateway's HTTP API, in the order life would."]
//!
//! Channel, products and opening stock; all orders; cancellations of what had not left; shipping at the end of the day
//! an order was placed, delivery a day later; returns. Between the steps it waits until every service has heard of the
//! step before. Each write carries a key made from the file, so the same file again changes nothing.

use std::collections::{BTreeMap, HashMap};

use anyhow::bail;
use futures::{StreamExt as _, TryStreamExt as _};
use proto::erp::v1::ReceiptLineInput;
use proto::erp::v1::receipt_line_input::Cost;
use proto::orders::v1::{
    BuyerInput, DeliveryInput, LineKind, OrderInput, OrderLineInput, PutChannelRequest, TaxRounding,
};
use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};

use super::plan::{Plan, PlannedOrder, Reversal};
use crate::bulk::fulfilment::{self, TakeBack, TakenBack};
use crate::bulk::intake::{self, Pushed, csv_field};
use crate::bulk::stock::{self, Delivery};
use crate::bulk::{IN_FLIGHT, money, pieces, quiet};
use crate::client::api::Api;
use crate::say::{self, Progress};

/// Currency of the file.
pub const CURRENCY: &str = "GBP";

/// How the plan is carried out.
#[derive(Debug, Clone)]
pub struct Options {
    /// Sales channel the orders belong to.
    pub channel: String,
    /// Currency the company keeps its costs in.
    pub cost_currency: String,
    /// What one pound is worth in it.
    pub rate: Decimal,
}

/// What came of the plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// By order of the plan: what the service said.
    pub orders: Vec<Option<Pushed>>,
    /// By reversal of the plan: what was taken back, or the refusal.
    pub reversals: Vec<Option<Result<TakenBack, String>>>,
    /// Orders of which goods left now.
    pub shipped: usize,
    /// Orders of which goods had left before, by the same call.
    pub shipped_before: usize,
    /// Orders that hold nothing to ship, by reason.
    pub not_shipped: BTreeMap<String, usize>,
}

/// Carries out the whole plan.
pub async fn carry_out(api: &Api, plan: &Plan, options: &Options, now: OffsetDateTime) -> anyhow::Result<Outcome> {
    prepare(api, plan, options).await?;
    let mut progress = Progress::new("Orders pushed", plan.orders.len() as u64);
    let inputs = plan.orders.iter().map(|order| order_input(order, &options.channel));
    let mut pushed = intake::push_orders(api, inputs, &mut progress).await?;
    progress.end()?;
    let mut outcome = Outcome {
        orders: plan.orders.iter().map(|order| pushed.remove(&order.external_id)).collect(),
        reversals: vec![None; plan.reversals.len()],
        ..Outcome::default()
    };
    quiet::wait(api).await?;
    take_back(api, plan, &mut outcome, false).await?;
    quiet::wait(api).await?;
    ship_and_deliver(api, plan, &mut outcome, now).await?;
    quiet::wait(api).await?;
    take_back(api, plan, &mut outcome, true).await?;
    quiet::wait(api).await?;
    Ok(outcome)
}

async fn prepare(api: &Api, plan: &Plan, options: &Options) -> anyhow::Result<()> {
    let channel = PutChannelRequest {
        code: options.channel.clone(),
        name: "Online Retail (UCI data set)".to_owned(),
        price_list: String::new(),
        price_authoritative: true,
        prices_include_tax: true,
        tax_rounding: TaxRounding::PerLine.into(),
        tolerance: "0".to_owned(),
    };
    intake::put_channel(api, &channel).await?;
    // The file says nothing of VAT: the goods carry none.
    let rows: Vec<_> = plan
        .products
        .iter()
        .map(|p| format!("{},{},Online Retail,pcs,0,active", csv_field(&p.sku), csv_field(&p.name)))
        .collect();
    let imported = intake::import_products(api, "sku,name_en,category,unit,vat_rate,status", &rows, "").await?;
    say::line(&format!("Products: {} in the file, {} new", imported.rows, imported.created))?;
    quiet::wait(api).await?;
    let Some(first) = plan.orders.iter().map(|order| order.placed_at).min() else { bail!("the file has no lines") };
    let lines = plan
        .products
        .iter()
        .map(|product| ReceiptLineInput {
            sku: product.sku.clone(),
            quantity: Some(pieces(product.pieces)),
            lot: format!("{}-OPENING", product.sku).chars().take(64).collect(),
            expires_on: String::new(),
            cost: Some(Cost::UnitCost(money(
                &options.cost_currency,
                (product.unit_cost * options.rate).round_dp(4).normalize(),
            ))),
            ..ReceiptLineInput::default()
        })
        .collect();
    let mut progress = Progress::new("Opening stock received, lines", plan.products.len() as u64);
    let opening = vec![Delivery { supplier: "OPENING".to_owned(), lines }];
    stock::receive(api, opening, first - Duration::DAY, &mut progress).await?;
    progress.end()?;
    quiet::wait(api).await.map(drop)
}

fn order_input(order: &PlannedOrder, channel: &str) -> OrderInput {
    let lines = order
        .lines
        .iter()
        .map(|line| OrderLineInput {
            kind: if line.goods { LineKind::Goods } else { LineKind::Charge }.into(),
            sku: line.code.clone(),
            quantity: Some(pieces(line.quantity)),
            unit_price: Some(money(CURRENCY, line.unit_price.normalize())),
            tax_rate: "0".to_owned(),
            line_total: Some(money(CURRENCY, line.amount())),
            ..OrderLineInput::default()
        })
        .collect();
    let total: Decimal = order.lines.iter().map(super::plan::PlannedLine::amount).sum();
    OrderInput {
        channel: channel.to_owned(),
        external_id: order.external_id.clone(),
        placed_at: Some(proto::to_timestamp(order.placed_at)),
        currency: CURRENCY.to_owned(),
        lines,
        delivery: Some(DeliveryInput { region: order.country.clone(), ..DeliveryInput::default() }),
        buyer: order.customer.map(|number| BuyerInput {
            name: format!("Customer {number}"),
            external_customer_id: number.to_string(),
            ..BuyerInput::default()
        }),
        expected_total: Some(money(CURRENCY, total)),
        prices_include_tax: Some(true),
        ..OrderInput::default()
    }
}

fn order_id(outcome: &Outcome, order: usize) -> Option<&str> {
    match outcome.orders.get(order)? {
        Some(Pushed::Taken(taken)) => Some(&taken.order_id),
        _ => None,
    }
}

/// Carries out the cancellations (`shipped` false) or the returns; those of one order one after the other.
async fn take_back(api: &Api, plan: &Plan, outcome: &mut Outcome, shipped: bool) -> anyhow::Result<()> {
    let mut by_order: BTreeMap<usize, Vec<(usize, &Reversal)>> = BTreeMap::new();
    for (index, reversal) in plan.reversals.iter().enumerate().filter(|(_, r)| r.shipped == shipped) {
        by_order.entry(reversal.order).or_default().push((index, reversal));
    }
    let count = by_order.values().map(|r| r.len() as u64).sum();
    let mut progress = Progress::new(if shipped { "Returns recorded" } else { "Cancellations" }, count);
    let work: Vec<_> = by_order
        .into_iter()
        .map(|(order, reversals)| {
            let id = order_id(outcome, order).map(str::to_owned);
            let external_id = &plan.orders[order].external_id;
            reversals.into_iter().map(|(index, r)| (index, id.clone().map(|id| task(r, id, external_id)))).collect()
        })
        .collect();
    let mut results = futures::stream::iter(work)
        .map(|tasks: Vec<(usize, Option<TakeBack>)>| async move {
            let mut done = Vec::with_capacity(tasks.len());
            for (index, task) in tasks {
                let result = match task {
                    Some(task) => task.run(api).await?,
                    None => Err("the order it takes back from was not taken".to_owned()),
                };
                done.push((index, result));
            }
            anyhow::Ok(done)
        })
        .buffer_unordered(IN_FLIGHT);
    while let Some(done) = results.try_next().await? {
        progress.add(done.len() as u64)?;
        for (index, result) in done {
            outcome.reversals[index] = Some(result);
        }
    }
    drop(results);
    progress.end()
}

fn task(reversal: &Reversal, order_id: String, external_id: &str) -> TakeBack {
    let kind = if reversal.shipped { "return" } else { "cancel" };
    TakeBack {
        request_id: format!("{}/{external_id}/{kind}", reversal.invoice),
        order_id,
        lines: reversal.lines.clone(),
        reason: "buyer_request",
        shipped: reversal.shipped,
        at: reversal.at,
    }
}

async fn ship_and_deliver(api: &Api, plan: &Plan, outcome: &mut Outcome, now: OffsetDateTime) -> anyhow::Result<()> {
    let cancelled = cancelled_pieces(plan);
    let due: Vec<_> = plan
        .orders
        .iter()
        .enumerate()
        .filter(|(index, order)| goods_left(*index, order, &cancelled))
        .filter_map(|(index, order)| Some((order_id(outcome, index)?.to_owned(), order.placed_at)))
        .collect();
    let mut progress = Progress::new("Orders shipped", due.len() as u64);
    let left = fulfilment::ship(api, &due, 1, now, &mut progress).await?;
    progress.end()?;
    let placed: HashMap<_, _> = due.iter().map(|(id, at)| (id.as_str(), *at)).collect();
    let mut shipments = Vec::new();
    for order in &left {
        if order.shipments.is_empty() {
            *outcome.not_shipped.entry(order.refusal.clone()).or_default() += 1;
        } else if order.duplicate {
            outcome.shipped_before += 1;
        } else {
            outcome.shipped += 1;
        }
        let at = placed.get(order.order_id.as_str()).copied().unwrap_or(now);
        shipments.extend(order.shipments.iter().map(|id| (id.clone(), at)));
    }
    let mut progress = Progress::new("Shipments delivered", shipments.len() as u64);
    fulfilment::deliver(api, &shipments, 1, now, &mut progress).await?;
    progress.end()
}

fn cancelled_pieces(plan: &Plan) -> HashMap<(usize, u32), i64> {
    let mut cancelled = HashMap::new();
    for reversal in plan.reversals.iter().filter(|r| !r.shipped) {
        for (line_no, quantity) in &reversal.lines {
            *cancelled.entry((reversal.order, *line_no)).or_default() += quantity;
        }
    }
    cancelled
}

fn goods_left(index: usize, order: &PlannedOrder, cancelled: &HashMap<(usize, u32), i64>) -> bool {
    (1..).zip(&order.lines).any(|(line_no, line)| {
        line.goods && line.quantity > cancelled.get(&(index, line_no)).copied().unwrap_or_default()
    })
}
