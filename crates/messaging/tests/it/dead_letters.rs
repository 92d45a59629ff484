//! A poison event stops its aggregate and nobody else.

use std::sync::atomic::Ordering;

use messaging::admin;
use time::{Duration, OffsetDateTime};

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_event_holds_back_its_aggregate_only_and_order_is_kept_when_it_is_cured() {
    let house = House::new().await;
    house.recorder.chokes.store(true, Ordering::SeqCst);
    let (_relay, _consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish("sick", 1, "").await;
    house.publish("sick", 2, "poison").await;
    house.publish("sick", 3, "").await;
    house.publish("well", 1, "").await;
    house.publish("well", 2, "").await;
    house.until_seen(3).await;
    house.publish("sick", 4, "").await;
    let mut conn = house.pool.acquire().await.unwrap();
    testkit::eventually("two events parked behind the poison", async || {
        admin::dead_letters(&mut conn, "", 0, 10).await.unwrap().len() == 3
    })
    .await;
    let letters = admin::dead_letters(&mut conn, "recorder_orders", 0, 10).await.unwrap();
    let states: Vec<_> = letters.iter().map(|letter| letter.state.as_str()).collect();
    assert_eq!(states, ["retrying", "parked", "parked"]);
    assert!(letters[0].error.contains("poison"));
    assert_eq!(house.seen_count().await, 3);

    house.recorder.chokes.store(false, Ordering::SeqCst);
    house.until_seen(6).await;
    let sick: Vec<i64> =
        house.seen().await.into_iter().filter(|(id, _)| id == "sick").map(|(_, version)| version).collect();
    assert_eq!(sick, [1, 2, 3, 4]);
    assert!(admin::dead_letters(&mut conn, "", 0, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_that_keeps_failing_is_given_up_on_until_somebody_retries_it() {
    let house = House::new().await;
    house.recorder.chokes.store(true, Ordering::SeqCst);
    let subscription = house.subscription();
    let poison = testkit::event("sick", 1, &crate::house::message("sick", "poison"));
    messaging::apply_batch(&house.pool, &subscription, std::slice::from_ref(&poison)).await.unwrap();
    messaging::apply_batch(&house.pool, &subscription, &[poison]).await.unwrap();
    let mut now = OffsetDateTime::now_utc();
    for _ in 0..20 {
        now += Duration::minutes(10);
        assert_eq!(admin::retry_due(&house.pool, &subscription, now).await.unwrap(), 0);
    }
    let mut conn = house.pool.acquire().await.unwrap();
    let letters = admin::dead_letters(&mut conn, "", 0, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].state.as_str(), letters[0].attempts), ("dead", 8));

    house.recorder.chokes.store(false, Ordering::SeqCst);
    assert_eq!(admin::retry_due(&house.pool, &subscription, now).await.unwrap(), 0, "dead means dead");
    assert_eq!(admin::retry_dead_letters(&mut conn, &[], now).await.unwrap(), 1);
    assert_eq!(admin::retry_due(&house.pool, &subscription, now).await.unwrap(), 1);
    assert_eq!(house.seen_count().await, 1);
}

#[tokio::test]
async fn one_bad_event_in_a_batch_of_five_hundred_costs_only_itself() {
    let house = House::new().await;
    house.recorder.chokes.store(true, Ordering::SeqCst);
    let events: Vec<_> = (0..500)
        .map(|n| {
            let id = format!("order-{n}");
            testkit::event(&id, 1, &crate::house::message(&id, if n == 250 { "poison" } else { "" }))
        })
        .collect();
    messaging::apply_batch(&house.pool, &house.subscription(), &events).await.unwrap();
    assert_eq!(house.seen_count().await, 499);
    let mut conn = house.pool.acquire().await.unwrap();
    assert_eq!(admin::dead_letters(&mut conn, "", 0, 10).await.unwrap().len(), 1);
}
