//! Stock that lies too long: found by rules, told once, with a promotion proposed.

use proto::{
    common::v1::PageRequest,
    erp::v1::{
        DeleteSlowMoverRuleRequest, DiscountStep, EvaluateSlowMoversRequest, EvaluateSlowMoversResponse, ItemInput,
        ListSlowMoverRulesRequest, ListSlowMoversRequest, PutSlowMoverRuleRequest, SlowMover, SlowMoverRule,
        SummarizeSlowMoversRequest, UpsertItemsRequest, erp_event::Event,
        slow_mover_service_client::SlowMoverServiceClient,
    },
};
use testkit::{START, TestChannel};
use time::Duration;
use tonic::{Code, Status};

use crate::kit::{Erp, amount, fields, goods, key, line, reason, rub, value};

fn client(erp: &Erp) -> SlowMoverServiceClient<TestChannel> {
    SlowMoverServiceClient::new(erp.app.client(&["erp.replenishment.*", "erp.valuation.read"]))
}

fn rule(code: &str) -> SlowMoverRule {
    let step = |min_age_days, discount: &str| DiscountStep {
        min_age_days,
        min_cover_days: 0,
        discount_percent: discount.into(),
    };
    SlowMoverRule {
        code: code.into(),
        name: "Старше полугода".into(),
        enabled: true,
        min_age_days: 180,
        steps: vec![step(180, "12.5"), step(365, "40")],
        max_tasks: 1,
        ..SlowMoverRule::default()
    }
}

async fn put(erp: &Erp, rule: SlowMoverRule) -> Result<SlowMoverRule, Status> {
    let request = PutSlowMoverRuleRequest { request_id: key(), rule: Some(rule) };
    client(erp).put_slow_mover_rule(request).await.map(|answer| answer.into_inner().rule.unwrap())
}

async fn evaluate(erp: &Erp) -> (i32, i32, i32) {
    let request = EvaluateSlowMoversRequest { request_id: key() };
    let EvaluateSlowMoversResponse { slow, became_slow, moving_again } =
        client(erp).evaluate_slow_movers(request).await.unwrap().into_inner();
    (slow, became_slow, moving_again)
}

async fn list(erp: &Erp) -> Vec<SlowMover> {
    client(erp).list_slow_movers(ListSlowMoversRequest::default()).await.unwrap().into_inner().items
}

async fn know(erp: &Erp, items: &[(&str, &str)]) {
    let item = |(sku, category): &(&str, &str)| ItemInput {
        sku: (*sku).into(),
        unit: "pcs".into(),
        category: (*category).into(),
        ..ItemInput::default()
    };
    let request = UpsertItemsRequest { request_id: key(), items: items.iter().map(item).collect() };
    erp.items().upsert_items(request).await.unwrap();
}

#[tokio::test]
async fn old_lots_are_found_with_quantity_value_discount_and_floor() {
    let erp = Erp::start().await;
    know(&erp, &[("OLD", "Fishing/Lures"), ("MIX", "Fishing"), ("OTHER", "Fishingrods"), ("NEW", "Fishing")]).await;
    erp.receive(&[goods("OLD", 3, "3.335", "o"), goods("MIX", 4, "10", "a"), goods("OTHER", 1, "1", "x")]).await;
    erp.app.clock.set(START + Duration::days(185));
    erp.receive(&[goods("MIX", 6, "10", "b"), goods("NEW", 5, "1", "n")]).await;
    put(&erp, SlowMoverRule { categories: vec!["Fishing".into()], ..rule("old") }).await.unwrap();
    assert_eq!(evaluate(&erp).await, (2, 2, 0));
    let found = list(&erp).await;
    let [mix, old] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((mix.sku.as_str(), mix.quantity.as_str(), amount(&mix.value).as_str()), ("MIX", "4", "40.00"));
    assert_eq!((mix.lots.len(), mix.lots[0].lot.as_str(), mix.lots[0].age_days), (1, "a", 185), "not the new lot");
    assert_eq!((old.rule.as_str(), old.age_days, old.cover_days.as_str()), ("old", 185, ""), "nobody wants it");
    assert_eq!((old.discount_percent.as_str(), amount(&old.floor_price).as_str()), ("12.5", "3.34"), "10.01 for 3");
    assert!(mix.with_task && !old.with_task, "one task, for the most valuable");
    assert_eq!(erp.told("slow:OLD").await, ["item_slow_moving"]);
    let facts = erp.facts("item_slow_moving").await;
    let [Event::ItemSlowMoving(fact), _] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((fact.sku.as_str(), fact.with_task, value(&fact.quantity).as_str()), ("MIX", true, "4"));
    assert_eq!((fact.discount_percent.as_str(), fact.rule_name.as_str()), ("12.5", "Старше полугода"));
    assert_eq!(evaluate(&erp).await, (2, 0, 0));
    assert_eq!(erp.facts("item_slow_moving").await.len(), 2, "told once");
}

#[tokio::test]
async fn what_sells_moves_again_and_the_next_gets_its_task() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    erp.receive(&[goods("A", 10, "5", "L"), goods("B", 10, "1", "L")]).await;
    erp.app.clock.set(START + Duration::days(200));
    put(&erp, rule("old")).await.unwrap();
    erp.app.run_job("erp_slow_movers").await.unwrap();
    assert_eq!(list(&erp).await.len(), 2);
    let order = erp.place(1, vec![line(1, "A", 10)]).await;
    erp.ship(order).await;
    erp.app.run_job("erp_slow_movers").await.unwrap();
    assert_eq!(list(&erp).await.len(), 2, "once a day");
    // Midnight in Moscow is 21:00 UTC, in twelve hours.
    erp.app.clock.advance(Duration::hours(12));
    erp.app.run_job("erp_slow_movers").await.unwrap();
    assert_eq!(erp.told("slow:A").await, ["item_slow_moving", "item_moving_again"]);
    let facts = erp.facts("item_slow_moving").await;
    let tasks: Vec<_> = facts
        .iter()
        .map(|fact| match fact {
            Event::ItemSlowMoving(fact) => (fact.sku.as_str(), fact.with_task),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(tasks, [("A", true), ("B", false), ("B", true)]);
    let left = list(&erp).await;
    assert_eq!((left.len(), left[0].sku.as_str(), left[0].age_days), (1, "B", 201));
    assert_eq!(left[0].since, Some(proto::to_timestamp(START + Duration::days(200))));
    let request = DeleteSlowMoverRuleRequest { code: "old".into() };
    for _ in 0..2 {
        client(&erp).delete_slow_mover_rule(request.clone()).await.unwrap();
    }
    assert_eq!(evaluate(&erp).await, (0, 0, 1));
    assert_eq!(erp.told("slow:B").await, ["item_slow_moving", "item_slow_moving", "item_moving_again"]);
}

#[tokio::test]
async fn cover_counts_only_days_on_which_the_item_could_be_had() {
    let erp = Erp::start().await;
    erp.know(&["dead", "brisk", "scarce"]).await;
    erp.receive(&[goods("dead", 100, "1", "L"), goods("brisk", 100, "1", "L"), goods("scarce", 10, "1", "L")]).await;
    for day in 0..100 {
        erp.app.clock.set(START + Duration::days(day));
        if day == 90 {
            erp.receive(&[goods("scarce", 100, "1", "M")]).await;
        }
        let mut lines = Vec::new();
        if day % 10 == 0 {
            lines.push(line(1, "brisk", 10));
        }
        if !(10..90).contains(&day) {
            lines.push(line(2, "scarce", 1));
        }
        if !lines.is_empty() {
            // Placed now: `after_seconds` counts from the day before the first.
            erp.place((day + 1) * 86_400, lines).await;
        }
        erp.app.run_job("erp_watch_stock").await.unwrap();
    }
    erp.app.clock.set(START + Duration::days(100));
    let cover = SlowMoverRule { min_age_days: 0, min_cover_days: 150, steps: Vec::new(), ..rule("cover") };
    put(&erp, SlowMoverRule { demand_days: 100, ..cover }).await.unwrap();
    assert_eq!(evaluate(&erp).await.0, 1, "{:?}", list(&erp).await);
    let found = list(&erp).await;
    // Nothing was shipped yet. Brisk: 100 there, 1 a day. Scarce: 110 there, 20 wanted on the 20 days on which it could be
    // had; were the other 80 counted as days without demand, it would last 550 days.
    let skus: Vec<_> = found.iter().map(|one| (one.sku.as_str(), one.cover_days.as_str())).collect();
    assert_eq!(skus, [("dead", "")]);
}

#[tokio::test]
async fn the_rule_of_the_highest_priority_counts_and_every_condition_must_hold() {
    let erp = Erp::start().await;
    erp.know(&["cheap", "dear"]).await;
    erp.receive(&[goods("cheap", 100, "1", "L"), goods("dear", 2, "1000", "L")]).await;
    erp.app.clock.set(START + Duration::days(400));
    put(&erp, rule("any")).await.unwrap();
    put(&erp, SlowMoverRule { priority: 5, min_value: rub("500"), below_cost: true, ..rule("value") }).await.unwrap();
    put(&erp, SlowMoverRule { priority: 9, max_unit_cost: rub("0.99"), ..rule("penny") }).await.unwrap();
    put(&erp, SlowMoverRule { priority: 9, enabled: false, ..rule("off") }).await.unwrap();
    evaluate(&erp).await;
    let found = list(&erp).await;
    let seen: Vec<_> =
        found.iter().map(|one| (one.sku.as_str(), one.rule.as_str(), one.discount_percent.as_str())).collect();
    assert_eq!(seen, [("cheap", "any", "40"), ("dear", "value", "40")]);
    assert_eq!(found[1].floor_price, None, "may be sold below cost");
    let only = ListSlowMoversRequest { rule: "value".into(), ..ListSlowMoversRequest::default() };
    assert_eq!(client(&erp).list_slow_movers(only).await.unwrap().into_inner().items.len(), 1);
    let known = client(&erp).list_slow_mover_rules(ListSlowMoverRulesRequest {}).await.unwrap().into_inner().rules;
    let codes: Vec<_> = known.iter().map(|rule| rule.code.as_str()).collect();
    assert_eq!(codes, ["off", "penny", "value", "any"]);
    let stronger = SlowMoverRule { priority: 10, ..known[3].clone() };
    put(&erp, stronger.clone()).await.unwrap();
    assert_eq!(reason(&put(&erp, stronger).await.unwrap_err()), "VERSION_CONFLICT");
    assert_eq!(evaluate(&erp).await, (2, 0, 0));
    assert_eq!(erp.told("slow:dear").await.len(), 2, "another rule is a change");
}

#[tokio::test]
async fn values_are_shown_to_those_who_may_see_them() {
    let erp = Erp::start().await;
    know(&erp, &[("A", "X"), ("B", "X/Y"), ("C", "Z")]).await;
    erp.receive(&[goods("A", 1, "10", "L"), goods("B", 2, "10", "L"), goods("C", 3, "10", "L")]).await;
    erp.app.clock.set(START + Duration::days(200));
    put(&erp, rule("old")).await.unwrap();
    evaluate(&erp).await;
    let request = SummarizeSlowMoversRequest {};
    let sums = client(&erp).summarize_slow_movers(request).await.unwrap().into_inner();
    assert_eq!((sums.items, amount(&sums.value).as_str(), sums.evaluated_on.as_str()), (3, "60.00", "2026-09-18"));
    let rows: Vec<_> = sums.totals.iter().map(|one| (one.category.as_str(), one.items, amount(&one.value))).collect();
    assert_eq!(rows, [("X", 1, "10.00".into()), ("X/Y", 1, "20.00".into()), ("Z", 1, "30.00".into())]);
    let mut blind = SlowMoverServiceClient::new(erp.app.client(&["erp.replenishment.read"]));
    let sums = blind.summarize_slow_movers(request).await.unwrap().into_inner();
    assert!(sums.value.is_none() && sums.totals.iter().all(|one| one.value.is_none()));
    let page = Some(PageRequest { page_size: 1, page_token: String::new() });
    let request = ListSlowMoversRequest { page, rule: String::new(), category: "X".into() };
    let first = blind.list_slow_movers(request.clone()).await.unwrap().into_inner();
    let item = &first.items[0];
    assert!(item.value.is_none() && item.floor_price.is_none() && item.lots[0].value.is_none());
    let page = Some(PageRequest { page_size: 1, page_token: first.page.unwrap().next_page_token });
    let second = blind.list_slow_movers(ListSlowMoversRequest { page, ..request }).await.unwrap().into_inner();
    assert_eq!((second.items[0].sku.as_str(), second.page.unwrap().next_page_token.as_str()), ("B", ""));
    let refused = blind.put_slow_mover_rule(PutSlowMoverRuleRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused() {
    let erp = Erp::start().await;
    let step = |discount: &str| DiscountStep { discount_percent: discount.into(), ..DiscountStep::default() };
    for (rule, field) in [
        (rule("Bad code"), "rule.code"),
        (SlowMoverRule { name: String::new(), ..rule("a") }, "rule.name"),
        (SlowMoverRule { priority: -1, ..rule("a") }, "rule.priority"),
        (SlowMoverRule { min_age_days: -1, ..rule("a") }, "rule.min_age_days"),
        (SlowMoverRule { demand_days: 1, ..rule("a") }, "rule.demand_days"),
        (SlowMoverRule { categories: vec![String::new()], ..rule("a") }, "rule.categories[0]"),
        (SlowMoverRule { steps: vec![step("100.5")], ..rule("a") }, "rule.steps[0].discount_percent"),
        (SlowMoverRule { steps: vec![step("0")], ..rule("a") }, "rule.steps[0].discount_percent"),
        (SlowMoverRule { max_tasks: 501, ..rule("a") }, "rule.max_tasks"),
        (SlowMoverRule { min_value: rub("-1"), ..rule("a") }, "rule.min_value"),
    ] {
        assert_eq!(fields(&put(&erp, rule).await.unwrap_err()), [field]);
    }
    let none = PutSlowMoverRuleRequest { request_id: key(), rule: None };
    assert!(fields(&client(&erp).put_slow_mover_rule(none).await.unwrap_err()).contains(&"rule".to_owned()));
    let bad = DeleteSlowMoverRuleRequest { code: "?".into() };
    assert_eq!(fields(&client(&erp).delete_slow_mover_rule(bad).await.unwrap_err()), ["code"]);
    let request = PutSlowMoverRuleRequest { request_id: key(), rule: Some(rule("a")) };
    let first = client(&erp).put_slow_mover_rule(request.clone()).await.unwrap().into_inner();
    assert_eq!(
        client(&erp).put_slow_mover_rule(request).await.unwrap().into_inner(),
        first,
        "the same key is one rule"
    );
    for n in 1..100 {
        put(&erp, rule(&format!("r{n}"))).await.unwrap();
    }
    assert_eq!(reason(&put(&erp, rule("one_more")).await.unwrap_err()), "TOO_MANY_RULES");
}
