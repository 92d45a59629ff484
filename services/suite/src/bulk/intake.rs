#![doc = "Products by import and orders by batch."]

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, bail};
use futures::{StreamExt as _, TryStreamExt as _};
use proto::orders::v1::push_result::Outcome;
use proto::orders::v1::{
    ImportProductsRequest, ImportProductsResponse, OrderInput, PushOrderRequest, PushOrdersRequest, PushOrdersResponse,
    PushResult, PutChannelRequest, PutChannelResponse, PutPriceListRequest, PutPriceListResponse,
};

use super::{IN_FLIGHT, content_id};
use crate::client::api::Api;
use crate::say::Progress;

/// How often a batch is pushed before giving up.
const ATTEMPTS: u32 = 8;
const ORDERS_PER_BATCH: usize = 100;
const LINES_PER_BATCH: usize = 2_500;
/// An import is sent in parts of this size, of which the service takes 24: longer catalogues become several imports, with
/// room for the heading.
const PART: usize = 512 << 10;
const PARTS: usize = 23;

/// What the service said of a pushed order.
#[derive(Debug, Clone)]
pub enum Pushed {
    /// It is stored.
    Taken(Taken),
    /// It was refused: reason and what is wrong.
    Refused(String),
}

/// A stored order.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Order id.
    pub order_id: String,
    /// True when it had been stored before.
    pub duplicate: bool,
    /// What the buyer pays, as recomputed.
    pub total: String,
    /// Why it waits for a person; empty when it does not.
    pub hold_reasons: Vec<String>,
}

/// Imports a catalogue: a heading and rows of CSV, one file of them in memory at a time. Returns how many products were
/// read, created, changed and rejected.
pub async fn import_products(
    api: &Api,
    heading: &str,
    rows: impl IntoIterator<Item = impl AsRef<str>>,
    price_list: &str,
) -> anyhow::Result<ImportProductsResponse> {
    let mut sum = ImportProductsResponse::default();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut file = format!("{heading}\n");
        while let Some(row) = rows.next_if(|row| file.len() + row.as_ref().len() < PART * PARTS) {
            file.push_str(row.as_ref());
            file.push('\n');
        }
        let answer = import_file(api, &file, price_list).await?;
        sum.rows += answer.rows;
        sum.created += answer.created;
        sum.changed += answer.changed;
        sum.unchanged += answer.unchanged;
        sum.rejected += answer.rejected;
        sum.prices += answer.prices;
        sum.rejections.extend(answer.rejections);
    }
    if let Some(rejection) = sum.rejections.first() {
        bail!(
            "{} products were rejected by the import, the first one ({}) because {}: {}",
            sum.rejected,
            rejection.sku,
            rejection.column,
            rejection.reason
        );
    }
    Ok(sum)
}

async fn import_file(api: &Api, file: &str, price_list: &str) -> anyhow::Result<ImportProductsResponse> {
    let job_id = content_id("products", [file, price_list]);
    let parts = file.as_bytes().chunks(PART);
    let count = i32::try_from(parts.len())?;
    for (index, data) in (1..).zip(parts) {
        let request = ImportProductsRequest {
            job_id: job_id.clone(),
            part: index,
            parts: count,
            data: data.to_vec().into(),
            price_list: price_list.to_owned(),
        };
        let answer: ImportProductsResponse =
            api.call("shopfloor.orders.v1.ProductService/ImportProducts", &request).await?;
        if answer.finished {
            return Ok(answer);
        }
    }
    bail!("the product import did not finish although all {count} parts were sent")
}

/// A field of a CSV row, quoted when needed.
pub fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', ';', '\n', '\t']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Lists a sales channel.
pub async fn put_channel(api: &Api, channel: &PutChannelRequest) -> anyhow::Result<()> {
    let _: PutChannelResponse = api.call("shopfloor.orders.v1.IntakeService/PutChannel", channel).await?;
    Ok(())
}

/// Makes sure a price list is there.
pub async fn put_price_list(api: &Api, list: &PutPriceListRequest) -> anyhow::Result<()> {
    let _: PutPriceListResponse = api.call("shopfloor.orders.v1.PriceService/PutPriceList", list).await?;
    Ok(())
}

/// Pushes orders in batches, several on their way at once. The answer is by external id.
pub async fn push_orders(
    api: &Api,
    orders: impl Iterator<Item = OrderInput>,
    progress: &mut Progress,
) -> anyhow::Result<HashMap<String, Pushed>> {
    let mut answers = futures::stream::iter(Batches { orders: orders.peekable() })
        .map(|batch| push_batch(api, batch))
        .buffer_unordered(IN_FLIGHT);
    let mut pushed = HashMap::new();
    while let Some(batch) = answers.try_next().await? {
        progress.add(batch.len() as u64)?;
        pushed.extend(batch);
    }
    Ok(pushed)
}

/// Pushes one batch; orders that could not be stored for no fault of theirs are pushed again.
async fn push_batch(api: &Api, batch: Vec<PushOrderRequest>) -> anyhow::Result<Vec<(String, Pushed)>> {
    let mut batch = batch;
    let mut pushed = Vec::with_capacity(batch.len());
    let mut pause = Duration::from_millis(200);
    for _ in 0..ATTEMPTS {
        let request = PushOrdersRequest { orders: batch };
        let answer: PushOrdersResponse = api.call("shopfloor.orders.v1.IntakeService/PushOrders", &request).await?;
        if answer.results.len() != request.orders.len() {
            bail!("{} orders were pushed and {} answers came back", request.orders.len(), answer.results.len());
        }
        batch = Vec::new();
        for (order, result) in request.orders.into_iter().zip(answer.results) {
            match outcome(result)? {
                Some(done) => pushed.push(done),
                None => batch.push(order),
            }
        }
        if batch.is_empty() {
            return Ok(pushed);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    bail!("{} orders could not be stored, also when pushed again and again; the log of orders says why", batch.len())
}

/// What became of an order; `None` when it should be pushed again.
fn outcome(result: PushResult) -> anyhow::Result<Option<(String, Pushed)>> {
    let pushed = match result.outcome.context("an order of the batch has no result")? {
        Outcome::Accepted(taken) => Pushed::Taken(Taken {
            order_id: taken.order_id,
            duplicate: taken.duplicate,
            total: taken.total.unwrap_or_default().amount,
            hold_reasons: taken.hold_reasons,
        }),
        Outcome::Refused(refusal) if refusal.reason == "FAILED" => return Ok(None),
        Outcome::Refused(refusal) => {
            let fields: Vec<_> = refusal.violations.iter().map(|v| format!("{} {}", v.field, v.description)).collect();
            Pushed::Refused(format!("{}: {} {}", refusal.reason, refusal.message, fields.join("; ")))
        }
    };
    Ok(Some((result.external_id, pushed)))
}

/// Cuts a stream of orders into batches bounded by orders and by lines.
struct Batches<I: Iterator<Item = OrderInput>> {
    orders: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = OrderInput>> Iterator for Batches<I> {
    type Item = Vec<PushOrderRequest>;

    fn next(&mut self) -> Option<Vec<PushOrderRequest>> {
        let mut batch = Vec::new();
        let mut lines = 0;
        while let Some(order) = self.orders.next_if(|order| {
            batch.is_empty() || (batch.len() < ORDERS_PER_BATCH && lines + order.lines.len() <= LINES_PER_BATCH)
        }) {
            lines += order.lines.len();
            batch.push(PushOrderRequest { order: Some(order), request_id: String::new() });
        }
        (!batch.is_empty()).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use proto::orders::v1::OrderLineInput;

    use super::*;

    fn order(lines: usize) -> OrderInput {
        OrderInput { lines: vec![OrderLineInput::default(); lines], ..OrderInput::default() }
    }

    #[test]
    fn batches_are_bounded_by_orders_and_by_lines() {
        let sizes = |orders: Vec<OrderInput>| -> Vec<usize> {
            Batches { orders: orders.into_iter().peekable() }.map(|b| b.len()).collect()
        };
        assert_eq!(sizes(vec![order(1); 250]), [100, 100, 50]);
        assert_eq!(sizes(vec![order(2_000), order(600), order(1)]), [1, 2]);
        assert_eq!(sizes(vec![order(9_000), order(1)]), [1, 1]);
        assert_eq!(sizes(vec![]), [0; 0]);
    }

    #[test]
    fn fields_with_separators_are_quoted() {
        assert_eq!(csv_field("a"), "a");
        assert_eq!(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
