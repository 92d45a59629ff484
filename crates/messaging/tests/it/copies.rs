//! Several copies of a service share the work without getting in each other's way.

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_of_everything_apply_each_event_once_and_in_order() {
    let house = House::new().await;
    let relays = (house.start_relay().await, house.start_relay().await);
    let consumers = (house.start_consumer().await, house.start_consumer().await);
    house.publish_many(30, 1..=30).await;
    house.until_seen(900).await;
    house.until_published().await;
    house.assert_exact(30, 30).await;
    drop((relays, consumers));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_leading_copy_ends_the_other_takes_over() {
    let house = House::new().await;
    let (relay, consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish_many(10, 1..=10).await;
    house.until_seen(100).await;
    let (_relay, _consumer) = (house.start_relay().await, house.start_consumer().await);
    house.publish_many(10, 11..=20).await;
    relay.stop().await;
    consumer.stop().await;
    house.publish_many(10, 21..=30).await;
    house.until_seen(300).await;
    house.assert_exact(10, 30).await;
}
