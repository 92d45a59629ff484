//! Following an order as it happens.

use proto::orders::v1 as wire;
use tonic::{Code, Streaming};
use uuid::Uuid;

use crate::support::{Shop, allocated, refused, start};

async fn watch(shop: &Shop, order_id: &str, after_position: i64) -> Streaming<wire::WatchOrderResponse> {
    let request = wire::WatchOrderRequest { order_id: order_id.into(), after_position, follow_closed: false };
    shop.orders().watch_order(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_watcher_sees_what_was_and_what_comes_until_the_order_ends() {
    let shop = start().await;
    let id = shop.push_lines("1", &[("A", "2")]).await;
    let mut stream = watch(&shop, &id, 0).await;
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!((first.entry.unwrap().code.as_str(), first.state.as_str()), ("order_placed", "confirmed"));
    shop.told(vec![allocated(&id, &[(1, "2", "0")])]).await;
    let second = stream.message().await.unwrap().unwrap();
    assert_eq!(
        (second.entry.unwrap().code.as_str(), second.fulfilment_state.as_str()),
        ("order_allocated", "reserved")
    );
    shop.try_cancel(&id).await.unwrap();
    let mut codes = Vec::new();
    let mut last = 0;
    while let Some(response) = stream.message().await.unwrap() {
        let entry = response.entry.unwrap();
        assert!(entry.position > last);
        last = entry.position;
        codes.push(format!("{}>{}", entry.from_state, entry.to_state));
    }
    assert_eq!(codes, ["confirmed>cancelled", "reserved>cancelled"]);
    assert!(watch(&shop, &id, last).await.message().await.unwrap().is_none(), "nothing after the end");
    let mut rest = watch(&shop, &id, last - 1).await;
    assert_eq!(rest.message().await.unwrap().unwrap().entry.unwrap().position, last);
}

#[tokio::test]
async fn many_watchers_of_many_orders_see_their_own_only() {
    let shop = start().await;
    let mut streams = Vec::new();
    for at in 0..20 {
        let id = shop.push_lines(&at.to_string(), &[("A", "1")]).await;
        streams.push((watch(&shop, &id, 0).await, id));
    }
    for (_, id) in &streams {
        shop.try_cancel(id).await.unwrap();
    }
    for (mut stream, _) in streams {
        let mut seen = 0;
        while stream.message().await.unwrap().is_some() {
            seen += 1;
        }
        assert_eq!(seen, 3);
    }
}

#[tokio::test]
async fn an_unknown_order_cannot_be_watched() {
    let shop = start().await;
    let request = wire::WatchOrderRequest { order_id: Uuid::now_v7().to_string(), ..Default::default() };
    refused(shop.orders().watch_order(request).await, Code::NotFound, "NOT_FOUND");
}
