//! Orders nobody does anything about.

use orders::life::queries_stuck::{Watch, count};
use proto::orders::v1 as wire;
use time::Duration;

use crate::support::{Shop, allocated, line, money, order, start};

async fn stuck(shop: &Shop, watch: &mut Watch) -> Vec<String> {
    let until = shop.app.clock.now() - Duration::minutes(10);
    let found = count(&mut shop.app.db.acquire().await.unwrap(), watch, until).await.unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn an_order_is_stuck_until_the_warehouse_answers_its_confirmation() {
    let shop = start().await;
    let mut watch = Watch::default();
    let held = wire::OrderInput { expected_total: money("1.00"), ..order("held", vec![line("A", "1", "100.00")]) };
    let held = shop.push(held).await.order_id;
    let waits = shop.push_lines("1", &[("A", "1")]).await;
    let cancelled = shop.push_lines("2", &[("A", "1")]).await;
    let answered = shop.push_lines("3", &[("A", "1")]).await;
    shop.told(vec![allocated(&answered, &[(1, "0", "1")])]).await;
    assert!(stuck(&shop, &mut watch).await.is_empty(), "it is too early");

    shop.app.clock.advance(Duration::minutes(11));
    let late = shop.push_lines("4", &[("A", "1")]).await;
    let mut both = stuck(&shop, &mut watch).await;
    both.sort();
    let mut expected = vec![waits.clone(), cancelled.clone()];
    expected.sort();
    assert_eq!(both, expected);

    // A held order waits for a person, not for the warehouse, until it is confirmed.
    shop.try_cancel(&cancelled).await.unwrap();
    shop.try_confirm(&held).await.unwrap();
    assert_eq!(stuck(&shop, &mut watch).await, std::slice::from_ref(&waits));
    shop.app.clock.advance(Duration::minutes(11));
    shop.told(vec![allocated(&waits, &[(1, "1", "0")])]).await;
    assert_eq!(stuck(&shop, &mut watch).await, [held.clone(), late.clone()]);
    assert_eq!(stuck(&shop, &mut Watch::default()).await, [held, late], "after a restart it is the same");
    shop.app.run_job("orders_stuck").await.unwrap();
}
