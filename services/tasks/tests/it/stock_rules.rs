//! Tasks for goods that run low, and for goods that lie too long.

use proto::erp::v1::ErpEvent;
use testkit::{TestService, event};

use crate::support::{below, moving, of_rule, product, recovered, slow, start};

/// State and who closed, of the tasks of a rule, newest first.
async fn states(app: &TestService, rule: &str) -> Vec<(String, String)> {
    of_rule(app, rule).await.into_iter().map(|task| (task.state, task.closed_by)).collect()
}

fn open() -> (String, String) {
    ("open".into(), String::new())
}

fn gone(state: &str) -> (String, String) {
    (state.into(), "cause_gone".into())
}

async fn deliver(app: &TestService, aggregate: &str, version: i64, message: &ErpEvent) {
    app.deliver(&[event(aggregate, version, message)]).await.unwrap();
}

#[tokio::test]
async fn a_product_below_its_reorder_point_has_one_task_until_it_has_recovered() {
    let app = start().await;
    app.deliver(&[event("p", 1, &product("S-1", "Жерлица"))]).await.unwrap();
    let fell = event("level:S-1@", 1, &below("S-1", ""));
    app.deliver(std::slice::from_ref(&fell)).await.unwrap();
    app.deliver(&[fell]).await.unwrap();
    let tasks = of_rule(&app, "stock_below_reorder_point").await;
    assert_eq!(tasks.len(), 1, "delivered twice");
    assert_eq!(tasks[0].title, "Дозаказать товар S-1 · Жерлица");
    assert!(tasks[0].description.contains("5 pcs, точка заказа: 12, не хватает: 7"), "{}", tasks[0].description);
    deliver(&app, "level:S-1@SPB", 1, &below("S-1", "SPB")).await;
    assert_eq!(states(&app, "stock_below_reorder_point").await, [open(), open()], "a warehouse is a cause of its own");
    deliver(&app, "level:S-1@", 2, &recovered("S-1", "")).await;
    assert_eq!(states(&app, "stock_below_reorder_point").await, [open(), gone("done")]);
    deliver(&app, "level:S-1@", 3, &below("S-1", "")).await;
    assert_eq!(states(&app, "stock_below_reorder_point").await, [open(), open(), gone("done")], "it comes back");
}

#[tokio::test]
async fn a_recovery_that_overtakes_the_fall_leaves_no_task() {
    let app = start().await;
    deliver(&app, "level:S@", 2, &recovered("S", "")).await;
    deliver(&app, "level:S@", 1, &below("S", "")).await;
    assert!(of_rule(&app, "stock_below_reorder_point").await.is_empty());
    deliver(&app, "slow:S", 2, &moving("S")).await;
    deliver(&app, "slow:S", 1, &slow("S", true)).await;
    assert!(of_rule(&app, "item_slow_moving").await.is_empty());
}

#[tokio::test]
async fn a_slow_product_has_a_task_when_its_turn_comes_and_loses_it_with_the_turn() {
    let app = start().await;
    deliver(&app, "slow:S", 1, &slow("S", false)).await;
    assert!(of_rule(&app, "item_slow_moving").await.is_empty(), "not its turn");
    let turn = event("slow:S", 2, &slow("S", true));
    app.deliver(std::slice::from_ref(&turn)).await.unwrap();
    app.deliver(&[turn]).await.unwrap();
    let tasks = of_rule(&app, "item_slow_moving").await;
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].title, "Распродать товар S");
    assert!(tasks[0].description.contains("«Старше полугода»: 40 pcs, лежит 200 дн. Предлагаемая скидка: 25 %"));
    deliver(&app, "slow:S", 3, &slow("S", false)).await;
    assert_eq!(states(&app, "item_slow_moving").await, [gone("cancelled")]);
    deliver(&app, "slow:S", 4, &slow("S", true)).await;
    deliver(&app, "slow:S", 5, &moving("S")).await;
    assert_eq!(states(&app, "item_slow_moving").await, [gone("done"), gone("cancelled")]);
}
