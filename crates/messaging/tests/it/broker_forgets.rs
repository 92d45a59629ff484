//! The databases are the truth: a broker that forgets is told again.

use messaging::outbox;

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_storage_was_wiped_is_told_again_and_nothing_happens_twice() {
    let house = House::new().await;
    let (_relay, consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish_many(10, 1..=10).await;
    house.until_seen(100).await;
    consumer.stop().await;
    house.publish_many(10, 11..=15).await;
    house.until_published().await;
    house.nats.kill().await.unwrap();
    house.nats.wipe().await.unwrap();
    house.nats.restart().await.unwrap();
    let _consumer = house.start_consumer().await;
    house.publish_many(10, 16..=16).await;
    house.until_seen(160).await;
    house.until_published().await;
    house.assert_exact(10, 16).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_to_be_sent_again_do_not_overtake_those_a_wiped_broker_is_told_again() {
    let house = House::new().await;
    let relay = house.start_relay().await;
    house.publish_many(4, 1..=2).await;
    house.until_published().await;
    let since = time::OffsetDateTime::now_utc();
    house.publish_many(4, 3..=3).await;
    house.until_published().await;
    relay.stop().await;
    let mut conn = house.pool.acquire().await.unwrap();
    let last = outbox::ReplayFilter { since: Some(since), ..outbox::ReplayFilter::default() };
    assert_eq!(outbox::replay(&mut conn, &last).await.unwrap(), 4);
    house.publish_many(4, 4..=4).await;
    house.nats.kill().await.unwrap();
    house.nats.wipe().await.unwrap();
    house.nats.restart().await.unwrap();
    // Whoever has seen nothing yet sees all of it in order.
    let (_relay, _consumer) = (house.start_relay().await, house.start_consumer().await);
    house.until_seen(16).await;
    house.until_published().await;
    house.assert_exact(4, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_lost_its_last_messages_in_a_power_cut_is_told_them_again() {
    let house = House::new().await;
    let relay = house.start_relay().await;
    house.publish_many(5, 1..=2).await;
    house.until_published().await;
    relay.stop().await;
    // Five more that the broker acknowledged but had not synced: it comes back without them.
    house.publish_many(5, 3..=3).await;
    let acknowledged =
        "update outbox_batch set stream_seqs = outbox_ids, last_seq = outbox_ids[cardinality(outbox_ids)]
        where last_seq is null";
    sqlx::query(acknowledged).execute(&house.pool).await.unwrap();
    sqlx::query("update relay_state set last_seq = 15").execute(&house.pool).await.unwrap();
    let (_relay, _consumer) = (house.start_relay().await, house.start_consumer().await);
    house.until_seen(15).await;
    house.assert_exact(5, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_again_and_again_under_load_loses_and_doubles_nothing() {
    let house = House::new().await;
    let (_relay, _consumer) = (house.start_relay().await, house.start_consumer().await);
    for round in 0..5 {
        house.publish_many(20, round * 20 + 1..=round * 20 + 10).await;
        house.nats.kill().await.unwrap();
        house.publish_many(20, round * 20 + 11..=round * 20 + 20).await;
        house.nats.restart().await.unwrap();
    }
    house.until_seen(2000).await;
    house.until_published().await;
    house.assert_exact(20, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_the_broker_holds_back_are_asked_for() {
    let house = House::new().await;
    let (_relay, _consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish("order-0", 1, "").await;
    house.until_seen(1).await;
    // A paused consumer answers every question as a healthy one does, and is given nothing.
    let subject = format!("$JS.API.CONSUMER.PAUSE.SHOPFLOOR_ORDERS.{}", house.subscription().consumer);
    let client = house.client().await;
    let answer = client.request(subject, r#"{"pause_until": "2100-01-01T00:00:00Z"}"#.into()).await.unwrap();
    assert!(String::from_utf8_lossy(&answer.payload).contains("\"paused\":true"), "{answer:?}");
    house.publish("order-0", 2, "").await;
    house.until_seen(2).await;
    house.assert_exact(1, 2).await;
}
