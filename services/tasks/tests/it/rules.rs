//! Rules are data, and checked.

use proto::tasks::v1::{self as wire, ConditionOperator as Op};
use testkit::{TestService, event};
use tonic::Code;

use crate::support::{allocated, cancelled, depleted, fields, of_rule, placed, reason, replenished, rules, start};

fn condition(field: &str, operator: Op, values: &[&str]) -> wire::RuleCondition {
    wire::RuleCondition {
        field: field.into(),
        operator: operator.into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

fn big_order() -> wire::PutRuleRequest {
    let rule = wire::Rule {
        name_ru: "Крупный заказ".into(),
        name_en: "Big order".into(),
        enabled: true,
        source: "orders".into(),
        name: "order_placed".into(),
        conditions: vec![condition("total.amount", Op::AtLeast, &["1000"])],
        cause_key: "{order_id}".into(),
        project: "ORD".into(),
        task_type: "order_processing".into(),
        priority: wire::Priority::Urgent.into(),
        title_ru: "Позвонить по заказу {number} на {total.amount}".into(),
        title_en: "Call about order {number}".into(),
        subject_kind: "order".into(),
        subject_id: "{order_id}".into(),
        closing_events: vec![wire::ClosingEvent {
            source: "orders".into(),
            name: "order_cancelled".into(),
            conditions: vec![],
            state: "cancelled".into(),
            forever: true,
        }],
        ..Default::default()
    };
    wire::PutRuleRequest { code: "big_order".into(), rule: Some(rule), version: 0 }
}

fn changed(change: impl FnOnce(&mut wire::Rule)) -> wire::PutRuleRequest {
    let mut request = big_order();
    change(request.rule.as_mut().unwrap());
    request
}

async fn all(app: &TestService) -> Vec<wire::Rule> {
    rules(app).list_rules(wire::ListRulesRequest {}).await.unwrap().into_inner().rules
}

#[tokio::test]
async fn the_seeded_rules_pass_the_checks_rules_must_pass() {
    let app = start().await;
    let seeded = all(&app).await;
    let codes: Vec<&str> = seeded.iter().map(|rule| rule.code.as_str()).collect();
    let expected = [
        "item_slow_moving",
        "order_to_assemble",
        "order_to_process",
        "payment_missing",
        "product_out_of_stock",
        "recall_buyers",
        "recall_to_run",
        "stock_below_reorder_point",
    ];
    assert_eq!(codes, expected);
    for rule in seeded {
        let request = wire::PutRuleRequest { code: rule.code.clone(), version: rule.version, rule: Some(rule) };
        let stored = rules(&app).put_rule(request).await.unwrap().into_inner().rule.unwrap();
        assert_eq!(stored.version, 2);
    }
}

#[tokio::test]
async fn a_new_rule_works_without_code() {
    let app = start().await;
    let stored = rules(&app).put_rule(big_order()).await.unwrap().into_inner().rule.unwrap();
    assert!(all(&app).await.contains(&stored));
    app.deliver(&[event("o1", 1, &placed("o1", "cod", true))]).await.unwrap();
    let tasks = of_rule(&app, "big_order").await;
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].title, "Позвонить по заказу W-o1 на 1490.00");
    app.deliver(&[event("o1", 2, &cancelled("o1"))]).await.unwrap();
    assert_eq!(of_rule(&app, "big_order").await[0].state, "cancelled");
}

#[tokio::test]
async fn rules_that_do_not_fit_are_refused_and_say_where() {
    let app = start().await;
    let cases: Vec<(wire::PutRuleRequest, &str)> = vec![
        (wire::PutRuleRequest { rule: None, ..big_order() }, "rule"),
        (wire::PutRuleRequest { code: "Big".into(), ..big_order() }, "code"),
        (changed(|rule| rule.source = "moon".into()), "name"),
        (changed(|rule| rule.name = "order_state_changed".into()), "name"),
        (changed(|rule| rule.conditions[0].field = "weather".into()), "conditions[0].field"),
        (changed(|rule| rule.conditions[0].values = vec!["many".into()]), "conditions[0].values"),
        (changed(|rule| rule.conditions[0].operator = 0), "conditions[0].operator"),
        (changed(|rule| rule.cause_key = "all".into()), "cause_key"),
        (changed(|rule| rule.cause_key = "{sku}".into()), "cause_key"),
        (changed(|rule| rule.title_ru = "{number".into()), "title_ru"),
        (changed(|rule| rule.title_en = String::new()), "title_en"),
        (changed(|rule| rule.project = "NONE".into()), "project"),
        (changed(|rule| rule.task_type = "none".into()), "task_type"),
        (changed(|rule| rule.delay_seconds = -1), "delay_seconds"),
        (changed(|rule| rule.closing_events[0].state = "open".into()), "closing_events[0].state"),
        (changed(|rule| rule.closing_events[0].name = "product_changed".into()), "closing_events[0].name"),
        (changed(|rule| rule.priority = 99), "priority"),
        (changed(|rule| rule.subject_id = String::new()), "subject_id"),
    ];
    let before = all(&app).await;
    for (request, field) in cases {
        let status = rules(&app).put_rule(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{field}: {status:?}");
        assert!(fields(&status).contains(&field.to_owned()), "{field} not in {:?}", fields(&status));
    }
    assert_eq!(all(&app).await, before);
    let unknown = wire::PutRuleRequest { version: 7, ..big_order() };
    assert_eq!(rules(&app).put_rule(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn of_two_changes_of_one_version_one_wins() {
    let app = start().await;
    rules(&app).put_rule(big_order()).await.unwrap();
    let again = rules(&app).put_rule(big_order()).await.unwrap_err();
    assert_eq!((again.code(), reason(&again).as_str()), (Code::Aborted, "VERSION_CONFLICT"));
    rules(&app).put_rule(wire::PutRuleRequest { version: 1, ..big_order() }).await.unwrap();
    let late = rules(&app).put_rule(wire::PutRuleRequest { version: 1, ..big_order() }).await.unwrap_err();
    assert_eq!(reason(&late), "VERSION_CONFLICT");
}

#[tokio::test]
async fn a_rule_that_is_off_opens_nothing_but_still_closes() {
    let app = start().await;
    app.deliver(&[event("s1", 1, &depleted("S-1"))]).await.unwrap();
    let switch = |enabled| wire::SetRuleEnabledRequest { code: "product_out_of_stock".into(), enabled };
    let off = rules(&app).set_rule_enabled(switch(false)).await.unwrap().into_inner().rule.unwrap();
    assert!(!off.enabled);
    app.deliver(&[event("S-2", 1, &depleted("S-2")), event("s1", 2, &replenished("S-1"))]).await.unwrap();
    let tasks = of_rule(&app, "product_out_of_stock").await;
    assert_eq!(tasks.iter().map(|task| (task.subject_id.as_str(), task.closed)).collect::<Vec<_>>(), [("S-1", true)]);
    rules(&app).set_rule_enabled(switch(true)).await.unwrap();
    let same = rules(&app).set_rule_enabled(switch(true)).await.unwrap().into_inner().rule.unwrap();
    assert_eq!(same.version, 3, "switching on twice is one change");
    app.deliver(&[event("S-2", 3, &depleted("S-2"))]).await.unwrap();
    assert_eq!(of_rule(&app, "product_out_of_stock").await.len(), 2);
    let unknown = wire::SetRuleEnabledRequest { code: "none".into(), enabled: true };
    assert_eq!(rules(&app).set_rule_enabled(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn the_events_rules_may_use_are_listed_with_their_fields() {
    let app = start().await;
    let events = rules(&app).list_rule_events(wire::ListRuleEventsRequest {}).await.unwrap().into_inner().events;
    let placed = events.iter().find(|event| event.name == "order_placed").unwrap();
    assert!(placed.fields.contains(&"payment_method".to_owned()));
    assert!(events.iter().any(|event| event.source == "erp" && event.name == "stock_depleted"));
}

#[tokio::test]
async fn rules_need_permissions() {
    let app = start().await;
    let mut client = wire::rule_service_client::RuleServiceClient::new(app.client(&["tasks.rule.read"]));
    assert!(client.list_rules(wire::ListRulesRequest {}).await.is_ok());
    assert_eq!(client.put_rule(big_order()).await.unwrap_err().code(), Code::PermissionDenied);
    let switch = wire::SetRuleEnabledRequest { code: "order_to_process".into(), enabled: false };
    assert_eq!(client.set_rule_enabled(switch).await.unwrap_err().code(), Code::PermissionDenied);
    app.deliver(&[event("o", 1, &allocated("o", true))]).await.unwrap();
    assert_eq!(of_rule(&app, "order_to_assemble").await.len(), 1);
}
