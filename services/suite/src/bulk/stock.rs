#![doc = "Receipts of goods."]

use futures::{StreamExt as _, TryStreamExt as _};
use proto::erp::v1::{PostReceiptRequest, PostReceiptResponse, ReceiptLineInput};
use time::OffsetDateTime;

use super::{IN_FLIGHT, content_id};
use crate::client::api::Api;
use crate::say::Progress;

const LINES: usize = 500;

/// A delivery to post: supplier code (may be empty) and lines.
pub struct Delivery {
    /// Supplier code.
    pub supplier: String,
    /// Lines, any number.
    pub lines: Vec<ReceiptLineInput>,
}

/// Posts deliveries as receipts of up to 500 lines; the same delivery again changes nothing.
pub async fn receive(
    api: &Api,
    deliveries: Vec<Delivery>,
    received_at: OffsetDateTime,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let requests = deliveries.into_iter().flat_map(|delivery| {
        let supplier = delivery.supplier;
        let chunks: Vec<_> = delivery.lines.chunks(LINES).map(<[_]>::to_vec).collect();
        chunks.into_iter().map(move |lines| request(&supplier, lines, received_at)).collect::<Vec<_>>()
    });
    let mut answers = futures::stream::iter(requests)
        .map(|request| async move {
            let _: PostReceiptResponse = api.call("shopfloor.erp.v1.ReceiptService/PostReceipt", &request).await?;
            anyhow::Ok(request.lines.len())
        })
        .buffer_unordered(IN_FLIGHT);
    while let Some(lines) = answers.try_next().await? {
        progress.add(lines as u64)?;
    }
    Ok(())
}

fn request(supplier: &str, lines: Vec<ReceiptLineInput>, received_at: OffsetDateTime) -> PostReceiptRequest {
    let content: Vec<_> = lines
        .iter()
        .map(|l| format!("{} {} {}", l.sku, l.lot, l.quantity.as_ref().map(|q| q.value.as_str()).unwrap_or_default()))
        .collect();
    let parts = [supplier].into_iter().chain(content.iter().map(String::as_str));
    PostReceiptRequest {
        request_id: content_id("receipt", parts),
        warehouse: String::new(),
        supplier: supplier.to_owned(),
        received_at: Some(proto::to_timestamp(received_at)),
        lines,
        ..PostReceiptRequest::default()
    }
}
