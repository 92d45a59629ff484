//! The usual way, and crashes at each step of it.

use messaging::outbox::{self, ReplayFilter};
use testkit::START;

use crate::house::{House, fact, fact_at, message};

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_once_and_in_order() {
    let house = House::new().await;
    let (_relay, _consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish_many(50, 1..=40).await;
    house.until_seen(2000).await;
    house.assert_exact(50, 40).await;
    house.until_published().await;
}

#[tokio::test]
async fn a_change_rolled_back_tells_nobody() {
    let house = House::new().await;
    let mut tx = house.pool.begin().await.unwrap();
    outbox::append(&mut tx, &[fact("order-0", 1, "")]).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(house.unpublished().await, 0);
}

#[tokio::test]
async fn a_version_of_an_aggregate_is_told_once() {
    let house = House::new().await;
    house.publish("order-0", 1, "").await;
    let mut conn = house.pool.acquire().await.unwrap();
    let error = outbox::append(&mut conn, &[fact("order-0", 1, "")]).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().constraint(), Some("outbox_one_event_a_version"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_while_the_broker_is_away() {
    let house = House::new().await;
    house.nats.kill().await.unwrap();
    let (_relay, _consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish_many(3, 1..=3).await;
    assert_eq!(house.unpublished().await, 9);
    house.nats.restart().await.unwrap();
    house.until_seen(9).await;
    house.assert_exact(3, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_dies_before_noting_what_it_published_does_no_harm() {
    let house = House::new().await;
    let (relay, _consumer) = (house.start_relay().await, house.start_consumer().await);
    for version in 1..=20 {
        house.publish_many(5, version..=version).await;
    }
    house.until_seen(100).await;
    house.until_published().await;
    relay.stop().await;
    // As if the crash came between the broker's acknowledgement and the note of it.
    let unnoted = "update outbox_batch set stream_seqs = null, last_seq = null where first_id > 60";
    assert_eq!(sqlx::query(unnoted).execute(&house.pool).await.unwrap().rows_affected(), 8);
    sqlx::query("update relay_state set last_seq = 60").execute(&house.pool).await.unwrap();
    let _relay = house.start_relay().await;
    house.publish_many(5, 21..=22).await;
    house.until_seen(110).await;
    house.until_published().await;
    house.assert_exact(5, 22).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_dies_between_commit_and_acknowledgement_does_no_harm() {
    let house = House::new().await;
    let relay = house.start_relay().await;
    house.publish_many(4, 1..=5).await;
    house.until_published().await;
    // The dead consumer's work: applied and committed, never acknowledged.
    let mut conn = house.pool.acquire().await.unwrap();
    let events = messaging::admin::outbox_events(&mut conn, "orders", 0, 12).await.unwrap();
    messaging::apply_batch(&house.pool, &house.subscription(), &events).await.unwrap();
    assert_eq!(house.seen_count().await, 12);
    let _consumer = house.start_consumer().await;
    house.until_seen(20).await;
    house.assert_exact(4, 5).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_stopped_leaves_nothing_unacknowledged() {
    let house = House::new().await;
    let (relay, consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish_many(10, 1..=60).await;
    house.until_seen(600).await;
    consumer.stop().await;
    let client = house.client().await;
    let subject = format!("$JS.API.CONSUMER.INFO.SHOPFLOOR_ORDERS.{}", house.subscription().consumer);
    let state = client.request(subject, "".into()).await.unwrap();
    let state = String::from_utf8_lossy(&state.payload);
    assert!(state.contains("\"ack_floor\":{\"consumer_seq\":600,"), "{state}");
    relay.stop().await;
}

#[tokio::test]
async fn an_event_delivered_twice_in_one_batch_is_applied_once() {
    let house = House::new().await;
    let event = testkit::event("order-0", 1, &message("order-0", ""));
    let subscription = house.subscription();
    messaging::apply_batch(&house.pool, &subscription, &[event.clone(), event.clone()]).await.unwrap();
    messaging::apply_batch(&house.pool, &subscription, &[event]).await.unwrap();
    assert_eq!(house.seen().await, [("order-0".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_a_hundred_thousand_events_behind_catches_up() {
    let house = House::new().await;
    let _relay = house.start_relay().await;
    house.publish_many(10_000, 1..=10).await;
    house.until_published().await;
    let _consumer = house.start_consumer().await;
    house.until_seen(100_000).await;
    house.assert_exact(10_000, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_consumer_is_served_from_the_outbox_by_replay_and_others_ignore_it() {
    let house = House::new().await;
    let (_relay, consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish_many(5, 1..=4).await;
    house.until_seen(20).await;
    consumer.stop().await;
    let mut conn = house.pool.acquire().await.unwrap();
    let one = ReplayFilter { aggregate_id: Some("order-3".into()), ..ReplayFilter::default() };
    assert_eq!(outbox::replay(&mut conn, &one).await.unwrap(), 4);
    house.until_published().await;
    let since =
        ReplayFilter { since: Some(START), event_name: Some("order_cancelled".into()), ..ReplayFilter::default() };
    assert_eq!(outbox::replay(&mut conn, &since).await.unwrap(), 20);
    let none = ReplayFilter { until: Some(START), ..ReplayFilter::default() };
    assert_eq!(outbox::replay(&mut conn, &none).await.unwrap(), 0);
    house.until_published().await;
    // An emptied read model takes everything again, in order; the copies of each event are one event.
    sqlx::query("truncate seen, inbox").execute(&house.pool).await.unwrap();
    let _consumer = house.start_consumer().await;
    house.until_seen(20).await;
    house.assert_exact(5, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_an_event_is_passed_over() {
    let house = House::new().await;
    let (_relay, _consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish("order-0", 1, "").await;
    house.until_seen(1).await;
    let client = house.client().await;
    client.publish("shopfloor.orders.v1.order_cancelled", "garbage".into()).await.unwrap();
    client.flush().await.unwrap();
    house.publish("order-0", 2, "").await;
    house.until_seen(2).await;
    house.assert_exact(1, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_carries_its_cause_and_its_attributes_across_the_broker() {
    let house = House::new().await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let traces = std::collections::HashMap::from([("order-0".to_owned(), traceparent.to_owned())]);
    messaging::trace::with_traces(traces, house.publish_event(fact_at(START, "order-0", 7, ""))).await;
    let relay = house.start_relay().await;
    house.until_published().await;
    relay.stop().await;
    let client = house.client().await;
    let stream = async_nats::jetstream::new(client).get_stream("SHOPFLOOR_ORDERS").await.unwrap();
    let message = stream.get_raw_message(1).await.unwrap();
    let header = |name: &str| message.headers.get(name).unwrap().to_string();
    assert_eq!(header("traceparent"), traceparent);
    assert_eq!(header("ce-type"), "shopfloor.orders.v1.order_cancelled");
    assert_eq!(header("ce-subject"), "order-0");
    assert_eq!(header("ce-aggregateversion"), "7");
    assert_eq!(header("ce-time"), "2026-03-02T09:00:00Z");
}

#[tokio::test]
async fn an_event_joins_the_trace_of_the_cause_it_names() {
    let house = House::new().await;
    let trace = |n: u8| format!("00-0af7651916cd43dd8448eb211c80319{n}-b7ad6b7169203331-00");
    let traces = std::collections::HashMap::from([
        ("order-1".to_owned(), trace(1)),
        ("order-2".to_owned(), trace(2)),
        ("0199-event".to_owned(), trace(3)),
    ]);
    let mut conn = house.pool.acquire().await.unwrap();
    let events = [
        fact("task-1", 1, "").caused_by("order-2"),
        fact("order-1", 1, ""),
        fact("order-2", 1, "").caused_by("0199-event"),
        fact("order-1", 2, "").caused_by("unknown"),
        fact("task-2", 1, ""),
    ];
    messaging::trace::with_traces(traces, outbox::append(&mut conn, &events)).await.unwrap();
    let stored = messaging::admin::outbox_events(&mut conn, "orders", 0, 10).await.unwrap();
    let seen: Vec<&str> = stored.iter().map(|event| event.traceparent.as_str()).collect();
    assert_eq!(seen, [trace(2).as_str(), &trace(1), &trace(3), &trace(1), ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_past_their_retention_go_once_published_and_the_inbox_remembers_longer() {
    let house = House::new().await;
    let (relay, consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish_many(3, 1..=2).await;
    house.until_seen(6).await;
    house.until_published().await;
    relay.stop().await;
    house.publish("order-0", 3, "").await;
    consumer.stop().await;
    let count = async |table: &str| -> i64 {
        let sql = format!("select count(*) from {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&house.pool).await.unwrap()
    };
    let day = std::time::Duration::from_secs(24 * 3600);
    let (retention, consumers) = (messaging::Retention::new(10 * day, 7 * day), [house.subscription()]);
    let in_days = |days: u32| time::OffsetDateTime::now_utc() + day * days;
    assert_eq!(retention.trim(&house.pool, &consumers, in_days(9)).await.unwrap(), 0);
    assert_eq!(retention.trim(&house.pool, &consumers, in_days(11)).await.unwrap(), 6);
    let marks = "inbox, unnest(event_ids)";
    assert_eq!((count("outbox").await, count(marks).await), (1, 6));
    assert_eq!(retention.trim(&house.pool, &consumers, in_days(19)).await.unwrap(), 6);
    assert_eq!((count("outbox").await, count(marks).await, count("outbox_batch").await), (1, 0, 1));
    // What was never published stays, and is still sent.
    let _relay = house.start_relay().await;
    house.until_published().await;
}
