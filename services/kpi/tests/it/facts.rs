//! From events to facts.

use proto::kpi::v1::{Figures, GetFactsStatusRequest, GetSummaryRequest, GetSummaryResponse, Period};
use proto::orders::v1::StateMachine;
use testkit::TestService;
use time::Duration;

use crate::{
    maintenance, reports, start,
    world::{MONDAY, Order, charge, customer_scored, goods, order, product, rub, task_closed, task_moved, task_opened},
};

fn february() -> Option<Period> {
    Some(Period { from: "2026-02-01".to_owned(), to: "2026-02-28".to_owned() })
}

async fn summary(app: &TestService) -> GetSummaryResponse {
    let request = GetSummaryRequest { period: february(), ..Default::default() };
    reports(app).get_summary(request).await.unwrap().into_inner()
}

async fn figures(app: &TestService) -> Figures {
    summary(app).await.figures.unwrap()
}

/// Ten pieces for 1,000.00 with 122.00 of VAT, and 300.00 for delivery.
fn ten_pieces() -> Order {
    let mut line = goods("A", "Fishing", "Orka", 10, 100_000);
    (line.tax, line.discount) = (12_200, 5_000);
    order(1, MONDAY, vec![line, charge("DELIVERY", 30_000)])
}

#[tokio::test]
async fn an_order_placed_is_in_every_figure_of_its_day() {
    let app = start().await;
    app.deliver(&[ten_pieces().placed()]).await.unwrap();
    let figures = figures(&app).await;
    assert_eq!((figures.orders, figures.effective_orders, figures.lines), (1, 1, 1));
    assert_eq!((figures.discounted_orders, figures.cancelled_orders), (1, 0));
    assert_eq!(figures.units, "10");
    assert_eq!(figures.gross, rub(135_000));
    assert_eq!(figures.discount, rub(5_000));
    assert_eq!(figures.placed, rub(130_000));
    assert_eq!(figures.revenue, rub(130_000));
    assert_eq!(figures.average_check, rub(130_000));
    assert_eq!((figures.shipped, figures.cost, figures.margin), (rub(0), rub(0), rub(0)));
    assert_eq!(figures.discount_percent, "3.70");
    assert_eq!(figures.margin_percent, "");
}

#[tokio::test]
async fn an_event_delivered_twice_counts_once() {
    let app = start().await;
    let mut order = ten_pieces();
    let events = [
        order.placed(),
        order.shipped(MONDAY, 1, &[(1, 10, 60_000)]),
        order.lines_cancelled(MONDAY, &[(2, 1, 30_000, 0)]),
        order.paid(MONDAY, 1, 100_000, "paid"),
    ];
    app.deliver(&events).await.unwrap();
    let once = summary(&app).await;
    app.deliver(&events).await.unwrap();
    app.deliver(&events[1..2]).await.unwrap();
    assert_eq!(summary(&app).await, once);
    assert_eq!(once.figures.unwrap().cost, rub(60_000));
    assert_eq!(once.received, rub(100_000));
}

#[tokio::test]
async fn what_was_shipped_to_whom_may_be_known_before_the_order_is() {
    let app = start().await;
    let mut order = ten_pieces();
    let placed = order.placed();
    let early = [
        order.identified(7, 1, true),
        order.allocated(MONDAY, true),
        order.shipped(MONDAY, 1, &[(1, 10, 60_000)]),
        order.lines_cancelled(MONDAY, &[(2, 1, 30_000, 0)]),
    ];
    app.deliver(&early).await.unwrap();
    assert_eq!(figures(&app).await.orders, 0);
    let mut status = maintenance(&app);
    let waiting = status.get_facts_status(GetFactsStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(waiting.orders_without_placement, 1);

    app.deliver(&[placed]).await.unwrap();
    let summary = summary(&app).await;
    let figures = summary.figures.unwrap();
    assert_eq!((summary.customers, summary.new_orders, summary.anonymous_orders), (1, 1, 0));
    assert_eq!((figures.cancelled, figures.revenue), (rub(30_000), rub(100_000)));
    // 1,000.00 less 122.00 of VAT less 600.00 of cost.
    assert_eq!((figures.net_sales, figures.margin), (rub(87_800), rub(27_800)));
    assert_eq!(figures.margin_percent, "31.66");
    let waiting = status.get_facts_status(GetFactsStatusRequest {}).await.unwrap().into_inner();
    assert_eq!((waiting.orders_without_placement, waiting.orders_with_wrong_total), (0, 0));
}

#[tokio::test]
async fn cancelling_piece_by_piece_and_then_the_rest_leaves_nothing() {
    let app = start().await;
    let mut order = ten_pieces();
    let events = [
        order.placed(),
        order.lines_cancelled(MONDAY, &[(1, 3, 30_000, 3_660)]),
        order.lines_cancelled(MONDAY, &[(1, 1, 10_000, 1_220)]),
        order.cancelled(MONDAY, &[(1, 6, 60_000, 7_320), (2, 1, 30_000, 0)]),
        order.moved(StateMachine::Order, "cancelled"),
    ];
    app.deliver(&events).await.unwrap();
    let summary = summary(&app).await;
    let figures = summary.figures.unwrap();
    assert_eq!((figures.orders, figures.effective_orders, figures.cancelled_orders), (1, 0, 1));
    assert_eq!((figures.cancelled, figures.revenue, figures.average_check), (rub(130_000), rub(0), None));
    assert_eq!(summary.order_states[0].state, "cancelled");
}

#[tokio::test]
async fn a_return_takes_revenue_margin_and_cost_back_but_written_off_goods_stay_a_cost() {
    let app = start().await;
    let mut order = ten_pieces();
    let events = [
        order.placed(),
        order.shipped(MONDAY, 1, &[(1, 10, 60_000)]),
        order.returned(MONDAY + Duration::days(40), 1, &[(1, 4, 40_000, 4_880)]),
        order.stock_returned(MONDAY + Duration::days(40), 1, "restock", &[(1, 3, 18_000)]),
        order.stock_returned(MONDAY + Duration::days(40), 1, "write_off", &[(1, 1, 6_000)]),
    ];
    app.deliver(&events).await.unwrap();
    let figures = figures(&app).await;
    assert_eq!((figures.returned, figures.revenue, figures.shipped), (rub(40_000), rub(90_000), rub(100_000)));
    // Six pieces without VAT are 526.80; seven pieces' cost stays.
    assert_eq!((figures.net_sales, figures.cost), (rub(52_680), rub(42_000)));
    assert_eq!(figures.returned_orders, 1);
}

#[tokio::test]
async fn goods_that_turn_out_dearer_cost_more_and_leave_less_margin_once_and_in_any_order() {
    let app = start().await;
    let mut order = ten_pieces();
    let (placed, shipped) = (order.placed(), order.shipped(MONDAY, 1, &[(1, 10, 60_000)]));
    let revised = order.cost_revised(MONDAY, &[(1, 5_000)]);
    let cheaper = order.cost_revised(MONDAY, &[(1, -1_000)]);
    app.deliver(std::slice::from_ref(&revised)).await.unwrap();
    app.deliver(&[placed, shipped]).await.unwrap();
    // 1,000.00 of goods less 122.00 of VAT less 650.00 of cost.
    let dearer = figures(&app).await;
    assert_eq!((dearer.cost.clone(), dearer.margin.clone()), (rub(65_000), rub(22_800)));
    app.deliver(&[revised]).await.unwrap();
    assert_eq!(figures(&app).await, dearer);
    app.deliver(&[cheaper]).await.unwrap();
    let after = figures(&app).await;
    assert_eq!((after.cost, after.units), (rub(64_000), dearer.units));
}

#[tokio::test]
async fn goods_nobody_collected_are_no_revenue_until_they_are_sent_again() {
    let app = start().await;
    let mut order = ten_pieces();
    let mut events = vec![
        order.placed(),
        order.shipped(MONDAY, 1, &[(1, 3, 18_000)]),
        order.shipped(MONDAY, 2, &[(1, 7, 42_000)]),
        order.failed(MONDAY, 2, &[(1, 7, 42_000)]),
    ];
    app.deliver(&events).await.unwrap();
    let failed = figures(&app).await;
    assert_eq!((failed.uncollected, failed.uncollected_orders), (rub(70_000), 1));
    assert_eq!((failed.revenue, failed.shipped, failed.cost), (rub(60_000), rub(30_000), rub(18_000)));
    events = vec![order.shipped(MONDAY, 3, &[(1, 7, 42_000)])];
    app.deliver(&events).await.unwrap();
    let again = figures(&app).await;
    assert_eq!((again.uncollected, again.uncollected_orders), (rub(0), 0));
    assert_eq!((again.revenue, again.shipped, again.cost), (rub(130_000), rub(100_000), rub(60_000)));
}

#[tokio::test]
async fn a_refusal_that_is_also_booked_as_a_return_is_subtracted_once() {
    let app = start().await;
    let mut order = ten_pieces();
    let events = [
        order.placed(),
        order.shipped(MONDAY, 1, &[(1, 10, 60_000)]),
        order.failed(MONDAY, 1, &[(1, 10, 60_000)]),
        order.returned(MONDAY, 1, &[(1, 10, 100_000, 12_200)]),
    ];
    app.deliver(&events).await.unwrap();
    let figures = figures(&app).await;
    assert_eq!((figures.returned, figures.uncollected, figures.revenue), (rub(100_000), rub(0), rub(30_000)));
    assert_eq!((figures.net_sales, figures.cost), (rub(0), rub(0)));
}

#[tokio::test]
async fn parts_of_a_line_add_up_to_the_line() {
    let app = start().await;
    let mut order = order(1, MONDAY, vec![goods("A", "", "", 3, 10_000)]);
    app.deliver(&[order.placed(), order.shipped(MONDAY, 1, &[(1, 1, 0)])]).await.unwrap();
    assert_eq!(figures(&app).await.shipped, rub(3_333));
    app.deliver(&[order.shipped(MONDAY, 2, &[(1, 1, 0)])]).await.unwrap();
    assert_eq!(figures(&app).await.shipped, rub(6_667));
    // The event says 33.34 for the cancelled piece; what is left is the rest and no kopeck more.
    app.deliver(&[order.lines_cancelled(MONDAY, &[(1, 1, 3_334, 0)])]).await.unwrap();
    let figures = figures(&app).await;
    assert_eq!((figures.shipped, figures.revenue), (rub(6_666), rub(6_666)));
}

#[tokio::test]
async fn the_highest_version_of_an_order_says_its_state() {
    let app = start().await;
    let mut order = ten_pieces();
    order.confirmed = false;
    let placed = order.placed();
    let confirmed = order.confirmed_at(MONDAY + Duration::minutes(90));
    let reserved = order.moved(StateMachine::Fulfilment, "reserved");
    let shipped = order.moved(StateMachine::Fulfilment, "shipped");
    let paid = order.paid(MONDAY, 1, 130_000, "paid");
    // Later ones first, as after a dead letter.
    app.deliver(&[shipped]).await.unwrap();
    app.deliver(&[confirmed, paid]).await.unwrap();
    app.deliver(&[placed, reserved]).await.unwrap();
    let summary = summary(&app).await;
    let state = |states: &[proto::kpi::v1::StateCount]| states[0].state.clone();
    assert_eq!(state(&summary.order_states), "confirmed");
    assert_eq!(state(&summary.payment_states), "paid");
    assert_eq!(state(&summary.fulfilment_states), "shipped");
    assert_eq!(summary.durations[0].median_seconds, Some(5_400));
}

#[tokio::test]
async fn the_latest_identification_says_whose_order_it_is() {
    let app = start().await;
    let mut order = ten_pieces();
    let late = order.identified_at(2, 1, false, MONDAY + Duration::hours(2));
    let early = order.identified_at(1, 1, true, MONDAY + Duration::hours(1));
    app.deliver(&[order.placed(), late]).await.unwrap();
    app.deliver(&[early]).await.unwrap();
    let summary = summary(&app).await;
    assert_eq!((summary.new_orders, summary.repeat_orders, summary.customers), (0, 1, 1));
}

#[tokio::test]
async fn a_customer_comes_with_the_order_that_made_him_known_and_an_older_score_changes_nothing() {
    let app = start().await;
    let order = ten_pieces();
    app.deliver(&[order.identified(7, 3, true)]).await.unwrap();
    app.deliver(&[customer_scored(7)]).await.unwrap();
    let row: (String, bool, String, i64) =
        sqlx::query_as("select region, created_at is not null, grade, score_version from customer_fact")
            .fetch_one(app.db.pool())
            .await
            .unwrap();
    assert_eq!(row, ("RU-MOW".to_owned(), true, "B".to_owned(), 3));
}

#[tokio::test]
async fn a_task_is_open_until_it_is_closed_and_again_when_somebody_takes_it_up() {
    let app = start().await;
    app.deliver(&[task_closed(1, 4, MONDAY), task_moved(2, 2, "doing")]).await.unwrap();
    app.deliver(&[task_opened(1, MONDAY), task_opened(2, MONDAY), task_moved(1, 3, "done")]).await.unwrap();
    let before = summary(&app).await;
    assert_eq!((before.tasks_opened, before.tasks_closed, before.tasks_open), (2, 1, 1));
    app.deliver(&[task_moved(1, 5, "doing")]).await.unwrap();
    let after = summary(&app).await;
    assert_eq!((after.tasks_closed, after.tasks_open), (0, 2));
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_set_aside_and_the_others_of_its_batch_count() {
    let app = start().await;
    let mut bad = ten_pieces().placed();
    bad.payload = vec![0x0a, 0xff].into();
    let mut good = order(2, MONDAY, vec![goods("B", "", "", 1, 100)]);
    let error = app.deliver(&[bad, good.placed(), product(1, 1, "B", "Name")]).await.unwrap_err();
    assert!(error.to_string().contains("order_placed was set aside"), "{error}");
    assert_eq!(figures(&app).await.orders, 1);
}
