//! Order facts from events, and the figures of customers.

use proto::common::v1::PageRequest;
use proto::crm::v1::{CustomerOrder, GetCustomerOrderRequest, ListCustomerOrdersRequest};
use testkit::{START, TestService};
use tonic::Code;
use uuid::Uuid;

use crate::support::*;

async fn fact(app: &TestService, order: Uuid) -> CustomerOrder {
    let request = GetCustomerOrderRequest { order_id: order.to_string() };
    orders(app).get_customer_order(request).await.unwrap().into_inner().order.unwrap()
}

async fn buyer(app: &TestService, order: Uuid) -> String {
    resolve(app, contact(order, "+79001234567", "")).await.customer_id
}

#[tokio::test]
async fn an_order_counts_for_its_customer_whichever_comes_first() {
    let app = start().await;
    let (known_before, known_after) = (order_id(1), order_id(2));
    let customer = buyer(&app, known_before).await;
    app.deliver(&[placed(known_before, days_ago(10), "1000.00")]).await.unwrap();
    app.deliver(&[placed(known_after, days_ago(2), "500.00")]).await.unwrap();
    assert_eq!(card(&app, &customer).await.figures.unwrap().orders, 1);
    buyer(&app, known_after).await;

    let card = card(&app, &customer).await;
    let figures = card.figures.unwrap();
    assert_eq!((figures.placed_orders, figures.orders), (2, 2));
    assert_eq!((figures.order_sum, figures.average_check), (rub("1500.00"), rub("750.00")));
    assert_eq!(figures.first_order_at, Some(proto::to_timestamp(days_ago(10))));
    assert_eq!(figures.last_order_at, Some(proto::to_timestamp(days_ago(2))));
    assert!(!card.score.is_empty() && !card.grade.is_empty());
}

#[tokio::test]
async fn the_life_of_an_order_is_followed_to_its_margin() {
    let app = start().await;
    let order = order_id(1);
    let customer = buyer(&app, order).await;
    let place = placed_with(order, START, "1200.00", |event| {
        event.tax = rub("200.00");
        event.gross = rub("1300.00");
        event.discount = rub("100.00");
    });
    app.deliver(&[place, lines_cancelled(order, 2, "200.00"), shipped(order, 1, "400.00")]).await.unwrap();
    let figures = card(&app, &customer).await.figures.unwrap();
    assert_eq!(figures.successful_orders, 0);
    assert_eq!((figures.order_sum, figures.discount_sum), (rub("1000.00"), rub("100.00")));
    assert_eq!(figures.margin_sum, rub("400.00"), "1000 less 200 VAT less 400 cost");

    app.deliver(&[completed(order, 3), returned(order, 4, "300.00", "defect"), stock_returned(order, 2, "100.00")])
        .await
        .unwrap();
    let figures = card(&app, &customer).await.figures.unwrap();
    assert_eq!((figures.successful_orders, figures.returns), (1, 1));
    assert_eq!((figures.order_sum, figures.returned_sum), (rub("700.00"), rub("300.00")));
    assert_eq!(figures.margin_sum, rub("200.00"), "700 less 200 VAT less 300 cost");

    let fact = fact(&app, order).await;
    assert_eq!((fact.state.as_str(), fact.shipments, fact.returns), ("completed", 1, 1));
    assert_eq!((fact.net, fact.cost), (rub("700.00"), rub("300.00")));
    assert_eq!((fact.customer_id, fact.resolved), (customer, true));
}

#[tokio::test]
async fn a_cancelled_order_leaves_the_figures() {
    let app = start().await;
    let order = order_id(1);
    let customer = buyer(&app, order).await;
    app.deliver(&[placed(order, START, "1000.00")]).await.unwrap();
    app.deliver(&[cancelled(order, 2, "1000.00")]).await.unwrap();
    let card = card(&app, &customer).await;
    let figures = card.figures.unwrap();
    assert_eq!((figures.placed_orders, figures.orders), (1, 0));
    assert_eq!((figures.order_sum, figures.last_order_at), (rub("0.00"), None));
    assert_eq!(card.region, "RU-MOW", "the region stays what was last known");
    assert_eq!(fact(&app, order).await.state, "cancelled");
}

#[tokio::test]
async fn an_order_that_was_not_collected_brings_no_money() {
    let app = start().await;
    let order = order_id(1);
    let customer = buyer(&app, order).await;
    app.deliver(&[placed(order, START, "1000.00"), shipped(order, 1, "400.00"), not_collected(order, 2, "400.00")])
        .await
        .unwrap();
    let figures = card(&app, &customer).await.figures.unwrap();
    assert_eq!((figures.orders, figures.not_collected_orders, figures.failed_shipments), (1, 1, 1));
    assert_eq!((figures.order_sum, figures.margin_sum), (rub("0.00"), rub("0.00")));
    assert_eq!(fact(&app, order).await.state, "not_collected");
}

#[tokio::test]
async fn events_delivered_twice_or_in_another_order_between_services_make_no_difference() {
    let app = start().await;
    let (straight, crossed) = (order_id(1), order_id(2));
    let events = |order| {
        vec![
            placed(order, days_ago(5), "900.00"),
            lines_cancelled(order, 2, "100.00"),
            shipped(order, 1, "300.00"),
            completed(order, 3),
            returned(order, 4, "200.00", "not_fitting"),
            stock_returned(order, 2, "50.00"),
        ]
    };
    let in_order = events(straight);
    app.deliver(&in_order).await.unwrap();
    app.deliver(&in_order).await.unwrap();
    let [place, lines, ship, complete, back, stock] = &events(crossed)[..] else { panic!("six events") };
    for event in [ship, stock, place, lines, complete, back] {
        app.deliver(std::slice::from_ref(event)).await.unwrap();
        app.deliver(std::slice::from_ref(event)).await.unwrap();
    }
    let same = |fact: CustomerOrder| CustomerOrder { order_id: String::new(), ..fact };
    let (one, two) = (same(fact(&app, straight).await), same(fact(&app, crossed).await));
    assert_eq!(one, two);
    assert_eq!((one.net, one.cost), (rub("600.00"), rub("250.00")));
}

#[tokio::test]
async fn other_currencies_are_counted_but_not_summed() {
    let app = start().await;
    let order = order_id(1);
    let customer = buyer(&app, order).await;
    let euros = proto::common::v1::Money { currency: "EUR".to_owned(), amount: "10.00".to_owned() };
    let event = placed_with(order, START, "10.00", |event| event.total = Some(euros.clone()));
    app.deliver(&[event]).await.unwrap();
    let figures = card(&app, &customer).await.figures.unwrap();
    assert_eq!((figures.orders, figures.other_currency_orders), (1, 1));
    assert_eq!(figures.order_sum, rub("0.00"));
    assert_eq!(fact(&app, order).await.total, Some(euros));
}

#[tokio::test]
async fn the_region_is_that_of_the_last_order_that_names_one() {
    let app = start().await;
    let customer = buyer(&app, order_id(1)).await;
    buyer(&app, order_id(2)).await;
    buyer(&app, order_id(3)).await;
    let from = |order, days, region: &str| {
        placed_with(order, days_ago(days), "10.00", |event| event.region = region.to_owned())
    };
    app.deliver(&[from(order_id(1), 1, "RU-SPE"), from(order_id(2), 3, "RU-MOW"), from(order_id(3), 0, "")])
        .await
        .unwrap();
    assert_eq!(card(&app, &customer).await.region, "RU-SPE");
}

#[tokio::test]
async fn many_orders_of_one_customer_at_once_are_all_counted() {
    let app = std::sync::Arc::new(start().await);
    let contacts = (0..60).map(|number| contact(order_id(number), "+79001234567", "")).collect();
    let customer = resolve_all(&app, contacts).await[0].customer_id.clone();
    let mut tasks = Vec::new();
    for number in 0..60 {
        let app = app.clone();
        tasks.push(tokio::spawn(async move {
            let order = order_id(number);
            app.deliver(&[placed(order, days_ago(1), "10.00")]).await?;
            app.deliver(&[shipped(order, 1, "4.00"), completed(order, 2)]).await
        }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let figures = card(&app, &customer).await.figures.unwrap();
    assert_eq!((figures.orders, figures.successful_orders), (60, 60));
    assert_eq!((figures.order_sum, figures.margin_sum), (rub("600.00"), rub("360.00")));
}

#[tokio::test]
async fn the_orders_of_a_customer_are_listed_newest_first() {
    let app = start().await;
    let contacts = (0..5).map(|number| contact(order_id(number), "+79001234567", "")).collect();
    let customer_id = resolve_all(&app, contacts).await[0].customer_id.clone();
    let events: Vec<_> =
        (0..4).map(|number| placed(order_id(number), days_ago(i64::try_from(number).unwrap()), "10.00")).collect();
    app.deliver(&events).await.unwrap();
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 3, page_token });
        let request = ListCustomerOrdersRequest { page, customer_id: customer_id.clone() };
        let answer = orders(&app).list_customer_orders(request).await.unwrap().into_inner();
        seen.extend(answer.orders.into_iter().map(|order| order.order_id));
        page_token = answer.page.unwrap().next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let expected: Vec<_> = (0..4).map(|number| order_id(number).to_string()).collect();
    assert_eq!(seen, expected, "the fifth order was never placed");
}

#[tokio::test]
async fn unknown_orders_and_bad_ids_are_refused() {
    let app = start().await;
    let get = |id: &str| GetCustomerOrderRequest { order_id: id.to_owned() };
    let refused = orders(&app).get_customer_order(get(&order_id(9).to_string())).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(fields(&orders(&app).get_customer_order(get("9")).await.unwrap_err()), ["order_id"]);
    let list = ListCustomerOrdersRequest { page: None, customer_id: order_id(9).to_string() };
    assert_eq!(orders(&app).list_customer_orders(list).await.unwrap_err().code(), Code::NotFound);
    let mut stranger = proto::crm::v1::customer_order_service_client::CustomerOrderServiceClient::new(app.client(&[]));
    assert_eq!(stranger.get_customer_order(get("9")).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_malformed_event_is_set_aside_and_hinders_no_other() {
    let app = start().await;
    let bad = placed_with(order_id(1), START, "10.00", |event| event.total = None);
    let good = placed(order_id(2), START, "10.00");
    assert!(app.deliver(&[bad, good]).await.is_err());
    assert_eq!(fact(&app, order_id(2)).await.total, rub("10.00"));
}
