//! Events open tasks, events close them: once for each cause, in whatever order they come.

use proto::tasks::v1::{self as wire, TasksEvent, tasks_event::Event};
use testkit::{START, TestService, event, event_at};
use time::Duration;

use crate::support::{
    allocated, cancelled, confirmed, depleted, get, of_rule, paid, placed, product, reason, recall_closed,
    recall_opened, released, replenished, shipped, start, tasks,
};

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

#[tokio::test]
async fn a_held_order_is_a_task_until_it_is_confirmed() {
    let app = start().await;
    let held = event("o1", 1, &placed("o1", "cod", false));
    app.deliver(std::slice::from_ref(&held)).await.unwrap();
    let tasks = of_rule(&app, "order_to_process").await;
    assert_eq!(tasks.len(), 1);
    let task = &tasks[0];
    assert_eq!(task.key, "ORD-1");
    assert_eq!(task.title, "Обработать заказ W-o1");
    assert_eq!(task.title_en, "Process order W-o1");
    assert_eq!(task.description, "Заказ ждёт подтверждения: TOTAL_MISMATCH, NO_PRICE.");
    assert_eq!(
        (task.subject_kind.as_str(), task.subject_id.as_str(), task.role.as_str()),
        ("order", "o1", "order_manager")
    );
    assert_eq!(task.due_at, Some(proto::to_timestamp(START + Duration::hours(4))));
    assert_eq!(task.creator_id, "automation");
    app.deliver(&[held, event("o2", 1, &placed("o2", "cod", true))]).await.unwrap();
    assert_eq!(states(&app, "order_to_process").await, [open()], "delivered twice; a confirmed order is no task");

    app.deliver(&[event("o1", 2, &confirmed("o1"))]).await.unwrap();
    assert_eq!(states(&app, "order_to_process").await, [gone("done")]);
    let facts = app.facts::<TasksEvent>("task_closed").await;
    let [TasksEvent { event: Some(Event::TaskClosed(fact)) }] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((fact.closed_by.as_str(), fact.state.as_str(), fact.subject_id.as_str()), ("cause_gone", "done", "o1"));
    let request = wire::ListTaskHistoryRequest { page: None, task_id: get(&app, "ORD-1").await.task_id };
    let history = crate::support::tasks(&app).list_task_history(request).await.unwrap().into_inner().changes;
    let rows: Vec<(&str, &str, &str)> =
        history.iter().map(|c| (c.field.as_str(), c.new_value.as_str(), c.actor_id.as_str())).collect();
    assert_eq!(rows, [("created", "open", "automation"), ("state", "done", "automation")]);
}

#[tokio::test]
async fn an_allocated_order_is_to_be_assembled_until_its_last_shipment() {
    let app = start().await;
    app.deliver(&[event("o1", 1, &placed("o1", "cod", true))]).await.unwrap();
    app.deliver(&[event("o1", 1, &allocated("o1", false))]).await.unwrap();
    assert!(of_rule(&app, "order_to_assemble").await.is_empty(), "not complete yet");
    app.deliver(&[event("o1", 2, &allocated("o1", true))]).await.unwrap();
    let task = of_rule(&app, "order_to_assemble").await.remove(0);
    assert_eq!(task.title, "Собрать заказ W-o1", "the number was learned from another service's event");
    app.deliver(&[event("o1", 3, &shipped("o1", false))]).await.unwrap();
    assert_eq!(states(&app, "order_to_assemble").await, [open()]);
    app.deliver(&[event("o1", 4, &shipped("o1", true))]).await.unwrap();
    assert_eq!(states(&app, "order_to_assemble").await, [gone("done")]);
    app.deliver(&[event("o1", 5, &allocated("o1", true))]).await.unwrap();
    assert_eq!(states(&app, "order_to_assemble").await, [gone("done")], "shipped is shipped");
}

#[tokio::test]
async fn a_cancellation_that_overtakes_the_allocation_leaves_no_zombie() {
    let app = start().await;
    app.deliver(&[event("o1", 2, &cancelled("o1"))]).await.unwrap();
    app.deliver(&[event("o1", 1, &allocated("o1", true))]).await.unwrap();
    assert!(of_rule(&app, "order_to_assemble").await.is_empty());
    app.deliver(&[event("o2", 1, &allocated("o2", true))]).await.unwrap();
    app.deliver(&[event("o2", 2, &cancelled("o2"))]).await.unwrap();
    assert_eq!(states(&app, "order_to_assemble").await, [gone("cancelled")]);
}

#[tokio::test]
async fn an_expired_reservation_closes_and_a_new_one_opens_again() {
    let app = start().await;
    for (version, message) in [(1, allocated("o1", true)), (2, released("o1", "expired")), (3, allocated("o1", true))] {
        app.deliver(&[event("o1", version, &message)]).await.unwrap();
    }
    assert_eq!(states(&app, "order_to_assemble").await, [open(), gone("cancelled")]);
    app.deliver(&[event("o1", 4, &released("o1", "order_cancelled"))]).await.unwrap();
    app.deliver(&[event("o1", 5, &allocated("o1", true))]).await.unwrap();
    assert_eq!(states(&app, "order_to_assemble").await, [gone("cancelled"), gone("cancelled")]);
}

#[tokio::test]
async fn a_product_that_runs_out_again_and_again_has_one_open_task_at_a_time() {
    let app = start().await;
    app.deliver(&[event("p", 1, &product("S-1", "Жерлица"))]).await.unwrap();
    for version in 1..=3 {
        app.deliver(&[event("S-1", version * 2 - 1, &depleted("S-1"))]).await.unwrap();
        let tasks = of_rule(&app, "product_out_of_stock").await;
        assert_eq!(tasks.iter().filter(|task| !task.closed).count(), 1);
        assert_eq!(tasks[0].title, "Пополнить товар S-1 · Жерлица");
        assert!(tasks[0].description.contains("7 pcs"), "{}", tasks[0].description);
        app.deliver(&[event("S-1", version * 2, &replenished("S-1"))]).await.unwrap();
    }
    assert_eq!(states(&app, "product_out_of_stock").await, [gone("done"), gone("done"), gone("done")]);
    app.deliver(&[event("S-1", 5, &depleted("S-1"))]).await.unwrap();
    assert_eq!(states(&app, "product_out_of_stock").await.len(), 3, "a late depletion is old news");
}

#[tokio::test]
async fn an_unpaid_order_is_a_task_after_a_day() {
    let app = start().await;
    app.deliver(&[
        event_at("o1", 1, START, &placed("o1", "card", true)),
        event_at("o2", 1, START, &placed("o2", "transfer", true)),
        event_at("o3", 1, START, &placed("o3", "cod", true)),
        event_at("o4", 1, START + Duration::hours(5), &placed("o4", "card", true)),
    ])
    .await
    .unwrap();
    app.run_job("tasks_waiting").await.unwrap();
    assert!(of_rule(&app, "payment_missing").await.is_empty(), "not yet");
    app.deliver(&[event("o1", 2, &paid("o1", "partially_paid")), event("o1", 3, &paid("o1", "paid"))]).await.unwrap();
    app.clock.advance(Duration::hours(24));
    let (first, second) = tokio::join!(app.run_job("tasks_waiting"), app.run_job("tasks_waiting"));
    first.and(second).unwrap();
    let tasks = of_rule(&app, "payment_missing").await;
    assert_eq!(tasks.len(), 1, "o1 is paid, o3 pays on delivery, o4 has time");
    assert_eq!((tasks[0].title.as_str(), tasks[0].key.as_str()), ("Нет оплаты заказа W-o2", "FIN-1"));
    assert_eq!(tasks[0].description, "Способ оплаты transfer, сумма 1490.00 RUB.");
    app.deliver(&[event("o2", 2, &paid("o2", "overpaid")), event("o4", 2, &cancelled("o4"))]).await.unwrap();
    app.clock.advance(Duration::hours(24));
    app.run_job("tasks_waiting").await.unwrap();
    assert_eq!(states(&app, "payment_missing").await, [gone("done")]);
}

#[tokio::test]
async fn a_waiting_rule_that_was_switched_off_opens_nothing() {
    let app = start().await;
    app.deliver(&[event("o1", 1, &placed("o1", "card", true))]).await.unwrap();
    let off = wire::SetRuleEnabledRequest { code: "payment_missing".into(), enabled: false };
    crate::support::rules(&app).set_rule_enabled(off).await.unwrap();
    app.clock.advance(Duration::hours(25));
    app.run_job("tasks_waiting").await.unwrap();
    assert!(of_rule(&app, "payment_missing").await.is_empty());
}

#[tokio::test]
async fn a_person_may_close_the_task_and_the_cause_opens_no_second_one() {
    let app = start().await;
    app.deliver(&[event("o1", 1, &allocated("o1", true))]).await.unwrap();
    let task = of_rule(&app, "order_to_assemble").await.remove(0);
    let step =
        |to: &str| wire::MoveTaskRequest { task_id: task.task_id.clone(), to_state: to.into(), ..Default::default() };
    tasks(&app).move_task(step("cancelled")).await.unwrap();
    app.deliver(&[event("o1", 2, &allocated("o1", true))]).await.unwrap();
    assert_eq!(states(&app, "order_to_assemble").await, [("cancelled".into(), "person".into())]);
    tasks(&app).move_task(step("open")).await.unwrap();
    app.deliver(&[event("o1", 3, &shipped("o1", true))]).await.unwrap();
    assert_eq!(states(&app, "order_to_assemble").await, [gone("done")], "a reopened task is closed by the cause too");
}

#[tokio::test]
async fn a_task_is_not_reopened_beside_another_of_its_cause() {
    let app = start().await;
    for (version, message) in [(1, depleted("S")), (2, replenished("S")), (3, depleted("S"))] {
        app.deliver(&[event("S", version, &message)]).await.unwrap();
    }
    let old = of_rule(&app, "product_out_of_stock").await.pop().unwrap();
    assert!(old.closed);
    let step = wire::MoveTaskRequest { task_id: old.task_id, to_state: "open".into(), ..Default::default() };
    let refused = tasks(&app).move_task(step).await.unwrap_err();
    assert_eq!(reason(&refused), "CAUSE_ALREADY_OPEN");
}

#[tokio::test]
async fn watchers_are_told_when_the_cause_is_gone() {
    let app = start().await;
    app.deliver(&[event("S", 1, &depleted("S"))]).await.unwrap();
    let task = of_rule(&app, "product_out_of_stock").await.remove(0);
    let give = wire::AssignTaskRequest { task_id: task.task_id, assignee_id: "boris".into(), version: 0 };
    tasks(&app).assign_task(give).await.unwrap();
    app.deliver(&[event("S", 2, &replenished("S"))]).await.unwrap();
    let list = crate::support::reminders_as(&app, "boris")
        .list_notifications(wire::ListNotificationsRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut kinds: Vec<&str> = list.notifications.iter().map(|n| n.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["assigned", "closed"]);
}

#[tokio::test]
async fn hundreds_of_orders_at_once_get_numbers_without_gaps() {
    let app = start().await;
    let events: Vec<_> = (0..400).map(|n| event(n, 1, &allocated(&format!("o{n}"), true))).collect();
    app.deliver(&events).await.unwrap();
    app.deliver(&events).await.unwrap();
    let mut numbers: Vec<i64> = of_rule(&app, "order_to_assemble")
        .await
        .iter()
        .map(|task| task.key.strip_prefix("WH-").unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=400).collect::<Vec<_>>());
    let closing: Vec<_> = (0..400).map(|n| event(n, 2, &shipped(&format!("o{n}"), true))).collect();
    app.deliver(&closing).await.unwrap();
    assert!(of_rule(&app, "order_to_assemble").await.iter().all(|task| task.state == "done"));
    let events = app.events().await;
    assert_eq!(events.len(), 800);
}

#[tokio::test]
async fn two_services_events_at_once_end_without_a_zombie_or_a_deadlock() {
    let app = start().await;
    let opening: Vec<_> = (0..100).map(|n| event(n, 1, &allocated(&format!("o{n}"), true))).collect();
    let closing: Vec<_> = (0..100).rev().map(|n| event(n, 2, &cancelled(&format!("o{n}")))).collect();
    let (a, b) = tokio::join!(
        async {
            for chunk in opening.chunks(10) {
                app.deliver(chunk).await.unwrap();
            }
        },
        async {
            for chunk in closing.chunks(7) {
                app.deliver(chunk).await.unwrap();
            }
        }
    );
    assert_eq!((a, b), ((), ()));
    let left = of_rule(&app, "order_to_assemble").await.into_iter().filter(|task| !task.closed).count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn events_nobody_has_a_rule_for_change_nothing() {
    let app = start().await;
    app.deliver(&[event("o1", 1, &paid("o1", "unpaid")), event("p1", 1, &product("S", "x"))]).await.unwrap();
    assert!(app.events().await.is_empty());
}

#[tokio::test]
async fn a_recall_is_one_task_and_one_for_each_part_of_its_orders_until_it_is_closed() {
    let app = start().await;
    let first = event("r", 1, &recall_opened("r", 1, 2, 500));
    app.deliver(std::slice::from_ref(&first)).await.unwrap();
    app.deliver(&[first, event("r", 2, &recall_opened("r", 2, 2, 20))]).await.unwrap();
    let task = of_rule(&app, "recall_to_run").await.remove(0);
    assert_eq!(task.title, "Отзыв 7: изъять и учесть товар");
    assert_eq!((task.subject_kind.as_str(), task.subject_id.as_str()), ("recall", "r"));
    assert!(task.description.contains("стекло в банке"), "{}", task.description);
    assert_eq!(states(&app, "recall_to_run").await, [open()], "told in parts, it is one recall");
    let titles: Vec<_> = of_rule(&app, "recall_buyers").await.into_iter().map(|task| task.title).collect();
    assert_eq!(
        titles,
        ["Отзыв 7: предупредить покупателей, часть 2 из 2", "Отзыв 7: предупредить покупателей, часть 1 из 2"]
    );
    app.deliver(&[event("r", 3, &recall_closed("r", 1, 2))]).await.unwrap();
    assert_eq!(states(&app, "recall_to_run").await, [gone("done")]);
    assert_eq!(states(&app, "recall_buyers").await, [open(), gone("done")]);
    app.deliver(&[event("r", 4, &recall_closed("r", 2, 2))]).await.unwrap();
    assert_eq!(states(&app, "recall_buyers").await, [gone("done"), gone("done")]);
}

#[tokio::test]
async fn a_recall_nobody_bought_from_needs_no_calls_and_one_closed_before_it_is_heard_of_no_task() {
    let app = start().await;
    app.deliver(&[event("r1", 1, &recall_opened("r1", 1, 1, 0))]).await.unwrap();
    assert_eq!(states(&app, "recall_to_run").await, [open()]);
    assert!(of_rule(&app, "recall_buyers").await.is_empty());
    app.deliver(&[event("r2", 2, &recall_closed("r2", 1, 1))]).await.unwrap();
    app.deliver(&[event("r2", 1, &recall_opened("r2", 1, 1, 3))]).await.unwrap();
    assert_eq!((of_rule(&app, "recall_to_run").await.len(), of_rule(&app, "recall_buyers").await.len()), (1, 0));
}
