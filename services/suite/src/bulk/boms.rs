#![doc = "Items that are no products, and bills of material."]

use futures::{StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use proto::erp::v1::{ItemInput, PutBomRequest, PutBomResponse, UpsertItemsRequest, UpsertItemsResponse};

use super::{IN_FLIGHT, content_id};
use crate::client::api::Api;
use crate::say::Progress;

const ITEMS: usize = 500;

/// Creates or changes items of erp.
pub async fn put_items(api: &Api, items: &[ItemInput]) -> anyhow::Result<()> {
    for items in items.chunks(ITEMS) {
        let skus = items.iter().flat_map(|item| [item.sku.as_str(), item.name.as_str(), item.unit.as_str()]);
        let request = UpsertItemsRequest { request_id: content_id("items", skus), items: items.to_vec() };
        let _: UpsertItemsResponse = api.call("shopfloor.erp.v1.ItemService/UpsertItems", &request).await?;
    }
    Ok(())
}

/// Saves bills of material as they are; the same again changes nothing, another content becomes another version.
pub async fn put_boms(api: &Api, boms: Vec<PutBomRequest>, progress: &mut Progress) -> anyhow::Result<()> {
    let mut answers = futures::stream::iter(boms)
        .map(|bom| async move {
            let content = format!("{:x?}", bom.encode_to_vec());
            let request = PutBomRequest { request_id: content_id("bom", [content.as_str()]), ..bom };
            let _: PutBomResponse = api.call("shopfloor.erp.v1.BomService/PutBom", &request).await?;
            anyhow::Ok(())
        })
        .buffer_unordered(IN_FLIGHT);
    while let Some(()) = answers.try_next().await? {
        progress.add(1)?;
    }
    Ok(())
}
