//! The inbox remembers each event, in whatever company it comes again.

use messaging::{Event, Subscription};
use prost::Message as _;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::house::{House, message};

/// An event of the nth of five aggregates, whose id says that it was stored so many milliseconds after a moment.
fn event(n: usize, id: Uuid) -> Event {
    let aggregate_id = format!("order-{}", n % 5);
    Event {
        id,
        source: "orders".to_owned(),
        name: "order_cancelled".to_owned(),
        version: i64::try_from(n / 5 + 1).unwrap(),
        time: OffsetDateTime::now_utc(),
        traceparent: String::new(),
        payload: message(&aggregate_id, "").encode_to_vec().into(),
        aggregate_id,
    }
}

/// Sixty events, eight of them in each second, and every seventh with an id that tells no time.
fn events() -> Vec<Event> {
    let made = |n: usize| {
        let timeless =
            Uuid::from_u128(u128::try_from(n).unwrap().wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let at = 1_790_000_000_000 + u64::try_from(n * 125).unwrap();
        match n % 7 {
            0 => timeless,
            _ => uuid::Builder::from_unix_timestamp_millis(at, &[u8::try_from(n).unwrap(); 10]).into_uuid(),
        }
    };
    (0..60).map(|n| event(n, made(n))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_applied_once_however_batches_overlap() {
    let house = House::new().await;
    let (events, subscription) = (events(), house.subscription());
    for (from, to) in [(0, 7), (3, 9), (0, 9), (5, 30), (29, 30), (8, 31), (31, 45), (0, 60), (44, 60), (59, 60)] {
        messaging::apply_batch(&house.pool, &subscription, &events[from..to]).await.unwrap();
    }
    house.assert_exact(5, 12).await;
    assert_eq!(house.seen_count().await, 60);
    // Another consumer has its own marks.
    let other = Subscription::new("other_orders", "orders", subscription.events, house.recorder.clone());
    messaging::apply_batch(&house.pool, &other, &events).await.unwrap();
    assert_eq!(house.seen_count().await, 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_given_to_two_copies_at_the_same_moment_is_applied_once() {
    let house = House::new().await;
    let (events, subscription) = (events(), house.subscription());
    let copies = (0..12).map(|copy| {
        let part = events[(copy * 5) % 30..30 + (copy * 7) % 31].to_vec();
        let (pool, subscription) = (house.pool.clone(), subscription.clone());
        async move { messaging::apply_batch(&pool, &subscription, &part).await.unwrap() }
    });
    futures::future::join_all(copies).await;
    messaging::apply_batch(&house.pool, &subscription, &events).await.unwrap();
    assert_eq!(house.seen_count().await, 60);
}
