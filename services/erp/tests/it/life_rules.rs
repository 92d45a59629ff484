//! Least remaining life by channel, delivery method and category.

use erp::Config;
use proto::{
    erp::v1::{ItemInput, LifeRule, ListLifeRulesRequest, PutLifeRulesRequest, UpsertItemsRequest},
    orders::v1::{OrderConfirmed, orders_event::Event as Fact},
};

use crate::kit::{Erp, In, event, fields, goods, key, line, order, placed};

fn rule(channel: &str, delivery_method: &str, category: &str, days: i32) -> LifeRule {
    let (channel, delivery_method, category) = (channel.into(), delivery_method.into(), category.into());
    LifeRule { channel, delivery_method, category, days }
}

async fn put(erp: &Erp, rules: Vec<LifeRule>) -> Vec<LifeRule> {
    erp.life_rules().put_life_rules(PutLifeRulesRequest { rules }).await.unwrap().into_inner().rules
}

#[tokio::test]
async fn s11_lots_with_too_little_life_left_for_the_channel_are_skipped_also_for_those_who_wait() {
    let erp = Erp::with(Config { min_life_days: 5, ..Config::default() }).await;
    erp.know(&["A"]).await;
    put(&erp, vec![rule("market", "", "", 30), rule("", "post", "", 60)]).await;
    let lot = |lot, quantity, expires_on| In { expires_on, ..goods("A", quantity, "10", lot) };
    // Today is 2026-03-02: the lots have 4, 20, 30 and 200 days left.
    erp.receive(&[
        lot("nobody", 9, "2026-03-06"),
        lot("shop", 4, "2026-03-22"),
        lot("market", 2, "2026-04-01"),
        lot("post", 1, "2026-09-18"),
    ])
    .await;
    let from = async |channel: &str, method: &str, seconds, quantity: i64| {
        let id = service::new_id();
        let mut one = order(id, seconds, vec![line(1, "A", quantity)]);
        (one.channel, one.delivery_method) = (channel.into(), method.into());
        erp.deliver(&[placed(one)]).await;
        id
    };
    let market = from("market", "courier", 1, 5).await;
    assert_eq!(erp.lots(market, 1).await, [("market".into(), "2".into()), ("post".into(), "1".into())]);
    assert_eq!(erp.reservation(market).await.lines[0].min_life_days, 30);
    let post = from("web", "post", 2, 1).await;
    assert_eq!(erp.has(post, 1).await, ("0".into(), "1".into()), "what it could have is gone");
    let shop = from("web", "courier", 3, 6).await;
    assert_eq!(erp.lots(shop, 1).await, [("shop".into(), "4".into())]);

    // Who waits longest gets nothing of what lives too short for him; the next does.
    erp.receive(&[lot("shop 2", 1, "2026-03-25")]).await;
    assert_eq!(erp.has(shop, 1).await, ("5".into(), "1".into()));
    erp.receive(&[lot("long", 4, "2027-01-01")]).await;
    assert_eq!(erp.has(market, 1).await, ("5".into(), "0".into()));
    assert_eq!((erp.has(post, 1).await.0, erp.has(shop, 1).await.0), ("1".into(), "6".into()));
    erp.balanced().await;
}

#[tokio::test]
async fn an_order_confirmed_later_is_judged_by_its_channel_and_category_too() {
    let erp = Erp::start().await;
    let item = ItemInput { sku: "A".into(), unit: "pcs".into(), category: "Food/Fish".into(), ..ItemInput::default() };
    erp.items().upsert_items(UpsertItemsRequest { request_id: key(), items: vec![item] }).await.unwrap();
    put(&erp, vec![rule("market", "", "Food", 30)]).await;
    erp.receive(&[In { expires_on: "2026-03-22", ..goods("A", 5, "10", "L") }]).await;
    let id = service::new_id();
    let confirmed = OrderConfirmed {
        order_id: id.to_string(),
        lines: vec![line(1, "A", 3)],
        channel: "market".into(),
        ..OrderConfirmed::default()
    };
    erp.deliver(&[event(id, Fact::OrderConfirmed(confirmed))]).await;
    assert_eq!(erp.has(id, 1).await, ("0".into(), "3".into()));
    assert_eq!(erp.reservation(id).await.channel, "market");
    let other = erp.place(2, vec![line(1, "A", 3)]).await;
    assert_eq!(erp.has(other, 1).await.0, "3");
}

#[tokio::test]
async fn rules_are_set_changed_forgotten_and_refused_whole() {
    let erp = Erp::start().await;
    let both = vec![rule("", "post", "", 20), rule("market", "", "Food", 30)];
    assert_eq!(put(&erp, both.clone()).await, both);
    assert_eq!(put(&erp, both.clone()).await, both, "the same again is the same");
    let left = put(&erp, vec![rule("", "post", "", 0), rule("market", "", "Food", 40)]).await;
    assert_eq!(left, [rule("market", "", "Food", 40)]);
    let bad = vec![rule("a", "", "", 10), rule("a", "", "", 11)];
    let refused = erp.life_rules().put_life_rules(PutLifeRulesRequest { rules: bad }).await.unwrap_err();
    assert_eq!(fields(&refused), ["rules"]);
    let bad = vec![rule("b", "", "", 3651)];
    let refused = erp.life_rules().put_life_rules(PutLifeRulesRequest { rules: bad }).await.unwrap_err();
    assert_eq!(fields(&refused), ["rules[0].days"]);
    assert_eq!(erp.life_rules().list_life_rules(ListLifeRulesRequest {}).await.unwrap().into_inner().rules, left);
}
