//! Pushing orders: exactly once, whoever else is pushing.

use futures::future::join_all;
use orders::Config;
use proto::{
    common::v1::Quantity,
    orders::v1::{self as wire, orders_event::Event, push_result::Outcome},
};
use testkit::START;
use time::Duration;
use tonic::Code;

use crate::support::{Shop, amount, invalid, line, money, order, pieces, refused, start, start_with};

async fn placed(shop: &Shop) -> Vec<wire::OrderPlaced> {
    let facts = shop.app.facts::<wire::OrdersEvent>("order_placed").await;
    facts
        .into_iter()
        .map(|fact| match fact.event {
            Some(Event::OrderPlaced(placed)) => placed,
            other => panic!("not an order: {other:?}"),
        })
        .collect()
}

async fn count(shop: &Shop, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(sql).fetch_one(shop.app.db.pool()).await.unwrap()
}

fn requests(orders: Vec<wire::OrderInput>) -> wire::PushOrdersRequest {
    let one = |order| wire::PushOrderRequest { order: Some(order), request_id: String::new() };
    wire::PushOrdersRequest { orders: orders.into_iter().map(one).collect() }
}

fn outcomes(results: &[wire::PushResult]) -> Vec<String> {
    results
        .iter()
        .map(|result| match result.outcome.as_ref().unwrap() {
            Outcome::Accepted(taken) if taken.duplicate => "duplicate".to_owned(),
            Outcome::Accepted(_) => "accepted".to_owned(),
            Outcome::Refused(refused) => refused.reason.clone(),
        })
        .collect()
}

#[tokio::test]
async fn a_pushed_order_is_stored_published_and_read_back() {
    let shop = start().await;
    let discounted = wire::OrderLineInput { discount: money("5.00"), ..line("A", "2", "100.00") };
    let pushed = shop
        .push(wire::OrderInput {
            delivery: Some(wire::DeliveryInput {
                method: "courier".into(),
                region: "RU-MOW".into(),
                charge: money("300.00"),
                tax_rate: "0".into(),
                ..Default::default()
            }),
            payment_method: "card".into(),
            expected_total: money("495.00"),
            warehouse: "MSK".into(),
            hold_id: "018f0000-0000-7000-8000-000000000001".into(),
            priority: 5,
            comment: "leave at the door".into(),
            ..order("1", vec![discounted])
        })
        .await;
    assert_eq!((pushed.state.as_str(), pushed.number.as_str()), ("confirmed", "W-000000001"));
    assert_eq!(
        [&pushed.gross, &pushed.discount, &pushed.tax, &pushed.total].map(amount),
        ["500.00", "5.00", "35.16", "495.00"]
    );

    let [fact] = placed(&shop).await.try_into().unwrap();
    assert_eq!((fact.order_id.as_str(), fact.confirmed, fact.has_contact), (pushed.order_id.as_str(), true, false));
    assert_eq!((fact.region.as_str(), fact.priority, fact.warehouse.as_str()), ("RU-MOW", 5, "MSK"));
    assert_eq!(fact.hold_id, "018f0000-0000-7000-8000-000000000001");
    let lines: Vec<_> = fact.lines.iter().map(|line| (line.sku.as_str(), line.kind(), amount(&line.total))).collect();
    assert_eq!(lines, [("A", wire::LineKind::Goods, "195.00"), ("DELIVERY", wire::LineKind::Charge, "300.00")]);
    assert_eq!((fact.lines[0].category.as_str(), fact.lines[0].brand.as_str()), ("Fishing/Lures", "Rapala"));

    let read = shop.get(&pushed.order_id).await;
    let by_external = wire::GetOrderByExternalIdRequest { channel: "web".into(), external_id: "1".into() };
    let found = shop.orders().get_order_by_external_id(by_external).await.unwrap().into_inner();
    assert_eq!(found.order.unwrap(), read);
    let head = read.summary.unwrap();
    assert_eq!(
        (amount(&head.total), amount(&head.balance), head.comment.as_str()),
        ("495.00", "495.00", "leave at the door")
    );
    let [entry] = shop.timeline(&pushed.order_id).await.try_into().unwrap();
    assert_eq!(
        (entry.code.as_str(), entry.to_state.as_str(), entry.actor.as_str()),
        ("order_placed", "confirmed", "web")
    );
}

#[tokio::test]
async fn an_order_pushed_twice_is_one_order_even_when_prices_have_changed() {
    let shop = start().await;
    let body = order("1", vec![line("A", "1", "100.00")]);
    let first = shop.push(body.clone()).await;
    let draft = wire::UpdateProductRequest {
        request_id: "u".into(),
        sku: "A".into(),
        vat_rate: Some("0".into()),
        ..Default::default()
    };
    shop.products().update_product(draft).await.unwrap();
    let again = shop.push(body).await;
    assert_eq!(again, wire::PushOrderResponse { duplicate: true, ..first });
    assert_eq!((placed(&shop).await.len(), count(&shop, "order_line").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_pushes_of_one_key_at_once_are_one_order() {
    let shop = start().await;
    let body = order("same", vec![line("A", "1", "100.00"), line("B", "2", "50.00")]);
    let answers = join_all((0..200).map(|at| {
        let mut intake = shop.intake();
        let request_id = if at % 2 == 0 { "key".to_owned() } else { String::new() };
        let request = wire::PushOrderRequest { order: Some(body.clone()), request_id };
        async move { intake.push_order(request).await.unwrap().into_inner() }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| !answer.duplicate).count(), 1);
    assert!(answers.iter().all(|answer| answer.order_id == answers[0].order_id && answer.number == answers[0].number));
    assert_eq!((count(&shop, "orders").await, count(&shop, "order_line").await, placed(&shop).await.len()), (1, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_orders_pushed_at_once_from_all_sides_are_all_there_once() {
    let shop = start().await;
    // Each order is pushed by three callers, in batches that overlap in different orders.
    let order_of = |id: usize| order(&format!("{id:04}"), vec![line("A", "1", "100.00"), line("B", "1", "10.00")]);
    let pushes = (0..12).map(|caller| {
        let mut ids: Vec<usize> = (0..400).filter(|id| (id + caller) % 4 != 0).collect();
        if caller % 2 == 0 {
            ids.reverse();
        }
        let batches: Vec<_> =
            ids.chunks(75).map(|ids| requests(ids.iter().map(|id| order_of(*id)).collect())).collect();
        let mut intake = shop.intake();
        async move {
            let mut accepted = 0;
            for batch in batches {
                let results = intake.push_orders(batch).await.unwrap().into_inner().results;
                let outcomes = outcomes(&results);
                assert!(outcomes.iter().all(|outcome| outcome == "accepted" || outcome == "duplicate"), "{outcomes:?}");
                accepted += outcomes.iter().filter(|outcome| *outcome == "accepted").count();
            }
            accepted
        }
    });
    let accepted: usize = join_all(pushes).await.into_iter().sum();
    assert_eq!(accepted, 400);
    let placed = placed(&shop).await;
    let numbers: std::collections::HashSet<_> = placed.iter().map(|order| order.number.clone()).collect();
    assert_eq!((placed.len(), numbers.len(), count(&shop, "order_line").await), (400, 400, 800));
}

#[tokio::test]
async fn each_order_of_a_batch_has_its_own_result() {
    let shop = start().await;
    shop.push(order("old", vec![line("A", "1", "1.00")])).await;
    let batch = vec![
        order("1", vec![line("A", "1", "1.00")]),
        order("old", vec![line("A", "1", "1.00")]),
        order("old", vec![line("A", "2", "1.00")]),
        order("2", vec![line("nope", "1", "1.00")]),
        order("", vec![line("A", "1", "1.00")]),
        order("1", vec![line("A", "1", "1.00")]),
        order("3", vec![line("B", "1", "1.00")]),
    ];
    let results = shop.intake().push_orders(requests(batch)).await.unwrap().into_inner().results;
    let expected = ["accepted", "duplicate", "EXTERNAL_ID_CONFLICT", "INVALID", "INVALID", "duplicate", "accepted"];
    assert_eq!(outcomes(&results), expected);
    let Some(Outcome::Refused(unknown)) = &results[3].outcome else { panic!("{:?}", results[3]) };
    assert_eq!(unknown.violations[0].field, "order.lines[0].sku");
    assert_eq!(results[4].external_id, "");
    let many = requests(vec![order("x", vec![line("A", "1", "1.00")]); 501]);
    invalid(shop.intake().push_orders(many).await, &["orders"]);
}

#[tokio::test]
async fn a_poisonous_order_does_not_harm_its_companions() {
    let shop = start().await;
    // Something only the database minds, as a bug here would look.
    for sql in [
        "create function poison() returns trigger language plpgsql as $$ begin
            if new.external_id like 'poison%' then raise exception 'poison'; end if; return new; end $$",
        "create trigger poison before insert on orders for each row execute function poison()",
    ] {
        sqlx::query(sql).execute(shop.app.db.pool()).await.unwrap();
    }
    let mut batch: Vec<_> = (0..20).map(|id| order(&format!("good-{id}"), vec![line("A", "1", "1.00")])).collect();
    batch.insert(10, order("poison", vec![line("A", "1", "1.00")]));
    let results = shop.intake().push_orders(requests(batch)).await.unwrap().into_inner().results;
    let outcomes = outcomes(&results);
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "accepted").count(), 20, "{outcomes:?}");
    assert_eq!(outcomes[10], "FAILED");
    assert_eq!((count(&shop, "orders").await, placed(&shop).await.len()), (20, 20));
}

#[tokio::test]
async fn a_full_queue_asks_to_come_back_and_takes_nothing() {
    let config = Config { orders_intake_queue: 3, ..Config::default() };
    let shop = start_with(config).await;
    let four: Vec<_> = (0..4).map(|id| order(&id.to_string(), vec![line("A", "1", "1.00")])).collect();
    let refused = shop.intake().push_orders(requests(four.clone())).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.metadata().get("retry-after").unwrap(), "1");
    assert_eq!(count(&shop, "orders").await, 0);
    let three = requests(four[..3].to_vec());
    let results = shop.intake().push_orders(three).await.unwrap().into_inner().results;
    assert_eq!(outcomes(&results), ["accepted"; 3]);
}

#[tokio::test]
async fn enormous_orders_fill_the_queue_sooner() {
    let shop = start_with(Config { orders_intake_queue: 3, orders_intake_writers: 1, ..Config::default() }).await;
    let wide = |id: &str| order(id, vec![line("A", "1", "1.00"); 20]);
    let mut lock = shop.app.db.begin().await.unwrap();
    sqlx::query("lock table orders in exclusive mode").execute(&mut *lock).await.unwrap();
    let waiting = tokio::spawn({
        let mut intake = shop.intake();
        let request = requests(vec![wide("1")]);
        async move { intake.push_orders(request).await.unwrap().into_inner().results }
    });
    testkit::eventually("the writer waits for the table", async || {
        let sql = "select count(*) from pg_locks where not granted and relation = 'orders'::regclass";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(shop.app.db.pool()).await.unwrap() > 0
    })
    .await;
    let refused = shop.try_push(wide("2")).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "twenty of twenty-four lines are taken");
    lock.commit().await.unwrap();
    assert_eq!(outcomes(&waiting.await.unwrap()), ["accepted"]);
    assert!(!shop.push(wide("2")).await.duplicate);
    let widest = order("3", vec![line("A", "1", "1.00"); 999]);
    assert!(!shop.push(widest).await.duplicate, "an order larger than the room has all of it");
}

#[tokio::test]
async fn a_caller_who_leaves_is_no_harm() {
    let shop = start().await;
    // The writers wait for this lock, so the caller is gone before his order is stored.
    let mut lock = shop.app.db.begin().await.unwrap();
    sqlx::query("lock table orders in exclusive mode").execute(&mut *lock).await.unwrap();
    let leaving = tokio::spawn({
        let (mut intake, body) = (shop.intake(), order("left", vec![line("A", "1", "1.00")]));
        async move { intake.push_order(wire::PushOrderRequest { order: Some(body), request_id: String::new() }).await }
    });
    testkit::eventually("the writer waits for the table", async || {
        let waiting: i64 =
            sqlx::query_scalar("select count(*) from pg_locks where not granted and relation = 'orders'::regclass")
                .fetch_one(shop.app.db.pool())
                .await
                .unwrap();
        waiting > 0
    })
    .await;
    leaving.abort();
    lock.commit().await.unwrap();
    shop.push(order("next", vec![line("A", "1", "1.00")])).await;
    let again = shop.push(order("left", vec![line("A", "1", "1.00")])).await;
    assert!(again.duplicate, "stored all the same");
}

#[tokio::test]
async fn a_total_that_differs_holds_the_order() {
    let shop = start().await;
    let body = order("1", vec![line("A", "3", "33.33")]);
    let held = shop.push(wire::OrderInput { expected_total: money("100.00"), ..body.clone() }).await;
    assert_eq!((held.state.as_str(), held.hold_reasons.as_slice()), ("new", ["TOTAL_MISMATCH".to_owned()].as_slice()));
    assert_eq!(amount(&held.total), "99.99", "our own figure");
    let [fact] = placed(&shop).await.try_into().unwrap();
    assert_eq!((fact.confirmed, fact.hold_reasons), (false, vec!["TOTAL_MISMATCH".to_owned()]));
    let clean = wire::OrderInput { external_id: "2".into(), expected_total: money("99.99"), ..body };
    assert_eq!(shop.push(clean).await.state, "confirmed");
}

#[tokio::test]
async fn a_channels_own_rules_count() {
    let shop = start().await;
    let channel = wire::PutChannelRequest { code: "web".into(), tolerance: "0.05".into(), ..Default::default() };
    shop.intake().put_channel(channel.clone()).await.unwrap();
    let body = |id: &str, total: &str| wire::OrderInput {
        expected_total: money(total),
        ..order(id, vec![line("A", "1", "100.00")])
    };
    // Without VAT inside: 122.00.
    assert_eq!(shop.push(body("1", "122.05")).await.state, "confirmed");
    assert_eq!(shop.push(body("2", "122.06")).await.state, "new");
    let unknown = wire::PutChannelRequest { price_list: "nope".into(), ..channel.clone() };
    invalid(shop.intake().put_channel(unknown).await, &["price_list"]);
    let absurd = wire::PutChannelRequest { tolerance: "-1".into(), tax_rounding: 9, ..channel };
    invalid(shop.intake().put_channel(absurd).await, &["tolerance", "tax_rounding"]);
    let listed = shop.intake().list_channels(wire::ListChannelsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.channels.iter().map(|one| one.tolerance.as_str()).collect::<Vec<_>>(), ["0.05"]);
}

#[tokio::test]
async fn a_product_in_preparation_holds_the_order() {
    let shop = start().await;
    let draft =
        wire::CreateProductRequest { status: wire::ProductStatus::Draft.into(), ..crate::support::product("DRAFT") };
    shop.products().create_product(draft).await.unwrap();
    let held = shop.push(order("1", vec![line("DRAFT", "1", "1.00")])).await;
    assert_eq!(held.hold_reasons, ["PRODUCT_NOT_ACTIVE"]);
}

#[tokio::test]
async fn orders_of_the_past_and_foreign_currencies_are_taken_and_the_far_future_is_not() {
    let shop = start().await;
    let at = |days| Some(proto::to_timestamp(START + Duration::days(days)));
    let body = |id: &str, days| wire::OrderInput { placed_at: at(days), ..order(id, vec![line("A", "1", "1.00")]) };
    let old = shop.push(body("1", -5000)).await;
    assert_eq!(shop.get(&old.order_id).await.summary.unwrap().placed_at, at(-5000));
    invalid(shop.try_push(body("2", 2)).await, &["order.placed_at"]);
    let pounds = |amount: &str| Some(proto::common::v1::Money { currency: "GBP".into(), amount: amount.into() });
    let mut foreign = order("3", vec![line("A", "1", "1.00")]);
    foreign.currency = "GBP".into();
    invalid(shop.try_push(foreign.clone()).await, &["order.lines[0].unit_price.currency"]);
    foreign.lines[0].unit_price = pounds("2.955");
    assert_eq!(amount(&shop.push(foreign).await.total), "2.96");
}

#[tokio::test]
async fn malformed_orders_name_every_wrong_field_and_leave_nothing() {
    let shop = start().await;
    let good = order("1", vec![line("A", "1", "1.00")]);
    let with = |change: &dyn Fn(&mut wire::OrderInput)| {
        let mut order = good.clone();
        change(&mut order);
        order
    };
    let cases: Vec<(wire::OrderInput, &[&str])> = vec![
        (with(&|order| order.lines.clear()), &["order.lines"]),
        (with(&|order| order.lines = vec![line("A", "1", "1.00"); 1000]), &["order.lines"]),
        (with(&|order| order.currency = "rub".into()), &["order.currency"]),
        (with(&|order| order.channel = " ".into()), &["order.channel"]),
        (with(&|order| order.external_id = "x".repeat(65)), &["order.external_id"]),
        (with(&|order| order.external_id = "a\u{0}b".into()), &["order.external_id"]),
        (with(&|order| order.lines[0].quantity = pieces("0")), &["order.lines[0].quantity.value"]),
        (with(&|order| order.lines[0].quantity = pieces("-1")), &["order.lines[0].quantity.value"]),
        (with(&|order| order.lines[0].quantity = pieces("1e3")), &["order.lines[0].quantity.value"]),
        (with(&|order| order.lines[0].quantity = pieces("0.5")), &["order.lines[0].quantity.value"]),
        (with(&|order| order.lines[0].quantity = pieces("10000001")), &["order.lines[0].quantity.value"]),
        (with(&|order| order.lines[0].quantity = None), &["order.lines[0].quantity"]),
        (
            with(&|order| order.lines[0].quantity = Some(Quantity { value: "1".into(), unit: "kg".into() })),
            &["order.lines[0].quantity.unit"],
        ),
        (with(&|order| order.lines[0].unit_price = money("-1")), &["order.lines[0].unit_price"]),
        (with(&|order| order.lines[0].unit_price = money("1.00001")), &["order.lines[0].unit_price"]),
        (with(&|order| order.lines[0].unit_price = money("99999999999")), &["order.lines[0].unit_price"]),
        (with(&|order| order.lines[0].unit_price = money("NaN")), &["order.lines[0].unit_price"]),
        (with(&|order| order.lines[0].unit_price = None), &["order.lines[0].unit_price"]),
        (with(&|order| order.lines[0].discount = money("1.01")), &["order.lines[0].discount"]),
        (with(&|order| order.lines[0].discount = money("0.001")), &["order.lines[0].discount.amount"]),
        (with(&|order| order.lines[0].discount_percent = "101".into()), &["order.lines[0].discount_percent"]),
        (with(&|order| order.lines[0].kind = 77), &["order.lines[0].kind"]),
        (with(&|order| order.lines[0].tax_rate = "-3".into()), &["order.lines[0].tax_rate"]),
        (with(&|order| order.discount = money("1.01")), &["order.discount"]),
        (with(&|order| order.priority = 101), &["order.priority"]),
        (with(&|order| order.hold_id = "cart".into()), &["order.hold_id"]),
        (with(&|order| order.comment = "x".repeat(1001)), &["order.comment"]),
        (
            with(&|order| {
                order.placed_at = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 });
            }),
            &["order.placed_at"],
        ),
        (
            with(&|order| {
                let charge = line("DELIVERY", "1", "1.00");
                order.lines.push(wire::OrderLineInput { kind: wire::LineKind::Charge.into(), ..charge });
            }),
            &["order.lines[1].sku"],
        ),
    ];
    for (order, wrong) in cases {
        invalid(shop.try_push(order).await, wrong);
    }
    let nothing = wire::PushOrderRequest { order: None, request_id: "with blank".into() };
    let refused = shop.intake().push_order(nothing).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!((count(&shop, "orders").await, placed(&shop).await.len()), (0, 0));
    shop.push(good).await;
}

#[tokio::test]
async fn goods_by_weight_and_credits_and_pure_charges_are_orders_too() {
    let shop = start().await;
    let kilos = shop.push(order("1", vec![line("K", "0.375", "1200.00")])).await;
    assert_eq!(amount(&kilos.total), "450.00");
    let charge =
        |sku: &str, price: &str| wire::OrderLineInput { kind: wire::LineKind::Charge.into(), ..line(sku, "1", price) };
    let credited = shop.push(order("2", vec![line("A", "1", "100.00"), charge("MANUAL", "-40.00")])).await;
    assert_eq!(amount(&credited.total), "60.00");
    refused(
        shop.try_push(order("3", vec![line("A", "1", "10.00"), charge("MANUAL", "-40.00")])).await,
        Code::InvalidArgument,
        "INVALID_ARGUMENT",
    );
    let credit = shop.push(order("4", vec![charge("ADJUST", "-11062.06")])).await;
    assert_eq!(amount(&credit.total), "-11062.06");
    assert_eq!(shop.states(&credit.order_id).await, ["confirmed", "paid", "none"]);
    let free = shop.push(order("5", vec![line("A", "1", "0")])).await;
    assert_eq!(shop.states(&free.order_id).await[1], "paid", "nothing to pay");
}

#[tokio::test]
async fn an_order_refused_for_its_content_may_come_again_put_right() {
    let shop = start().await;
    invalid(shop.try_push(order("1", vec![line("LATE", "1", "1.00")])).await, &["order.lines[0].sku"]);
    shop.products().create_product(crate::support::product("LATE")).await.unwrap();
    assert!(!shop.push(order("1", vec![line("LATE", "1", "1.00")])).await.duplicate);
}
