//! The summary and the funnel.

use proto::kpi::v1::{ComparisonKind, Filter, GetFunnelRequest, GetSummaryRequest, Period};
use proto::orders::v1::StateMachine;
use testkit::TestService;
use time::Duration;
use tonic::Code;

use crate::{
    reports, start,
    world::{MONDAY, goods, order, rub},
};

fn monday() -> Option<Period> {
    Some(Period { from: "2026-02-02".to_owned(), to: "2026-02-02".to_owned() })
}

/// Four orders of Monday: delivered, shipped, cancelled, held.
async fn four_orders(app: &TestService) {
    let hour = Duration::hours(1);
    let mut events = Vec::new();
    for number in 1..=2 {
        let mut order = order(number, MONDAY, vec![goods("A", "Fishing", "Orka", 1, 10_000)]);
        let number_hours = hour * i32::try_from(number).unwrap();
        events.push(order.placed());
        events.push(order.allocated(MONDAY + number_hours, true));
        events.push(order.picking(MONDAY + number_hours * 2, number));
        events.push(order.packed(MONDAY + number_hours * 3, number));
        events.push(order.shipped(MONDAY + number_hours * 4, number, &[(1, 1, 6_000)]));
        events.push(order.moved(StateMachine::Fulfilment, "shipped"));
        if number == 1 {
            events.push(order.delivered(MONDAY + hour * 30, number));
            events.push(order.paid(MONDAY + hour * 3, 1, 15_000, "overpaid"));
            events.push(order.paid(MONDAY + hour * 4, 2, -5_000, "paid"));
        }
        events.push(order.identified(1, i64::try_from(number).unwrap(), number == 1));
    }
    let mut third = order(3, MONDAY, vec![goods("B", "Sport", "", 1, 5_000)]);
    events.extend([
        third.placed(),
        third.cancelled(MONDAY, &[(1, 1, 5_000, 0)]),
        third.moved(StateMachine::Order, "cancelled"),
    ]);
    let mut fourth = order(4, MONDAY, vec![goods("B", "Sport", "", 1, 5_000)]);
    (fourth.confirmed, fourth.channel) = (false, "phone".to_owned());
    events.push(fourth.placed());
    app.deliver(&events).await.unwrap();
}

#[tokio::test]
async fn the_summary_tells_the_day_in_one_call() {
    let app = start().await;
    four_orders(&app).await;
    let request =
        GetSummaryRequest { period: monday(), compare: vec![ComparisonKind::LastYear.into()], ..Default::default() };
    let summary = reports(&app).get_summary(request).await.unwrap().into_inner();
    let figures = summary.figures.unwrap();
    assert_eq!((figures.orders, figures.effective_orders, figures.revenue), (4, 3, rub(25_000)));
    assert_eq!((figures.average_check, figures.margin), (rub(8_333), rub(8_000)));
    assert_eq!((summary.customers, summary.new_orders, summary.repeat_orders, summary.anonymous_orders), (1, 1, 1, 2));
    assert_eq!((summary.received, summary.refunded), (rub(15_000), rub(5_000)));
    let count = |states: &[proto::kpi::v1::StateCount]| {
        states.iter().map(|state| format!("{} {}", state.state, state.orders)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(count(&summary.order_states), "confirmed 2, cancelled 1, new 1");
    assert_eq!(count(&summary.fulfilment_states), "none 2, shipped 2");
    assert_eq!(count(&summary.payment_states), "unpaid 3, paid 1");
    let to_shipped = summary.durations.iter().find(|time| time.from == "placed" && time.to == "shipped").unwrap();
    assert_eq!((to_shipped.orders, to_shipped.median_seconds, to_shipped.p90_seconds), (2, Some(14_400), Some(28_800)));
    assert_eq!((summary.comparisons.len(), summary.comparisons[0].from.as_str()), (1, "2025-02-02"));
    let [counts] = summary.count_comparisons.as_slice() else { panic!("one comparison") };
    assert_eq!((counts.from.as_str(), counts.changes.len()), ("2025-02-02", 8));
    let received = counts.changes.iter().find(|change| change.name == "received").unwrap();
    assert_eq!((received.before.as_str(), received.absolute.as_str(), received.percent.as_str()), ("0", "150", ""));
}

#[tokio::test]
async fn the_funnel_tells_how_far_orders_came_and_how_long_each_step_took() {
    let app = start().await;
    four_orders(&app).await;
    let request = GetFunnelRequest { period: monday(), ..Default::default() };
    let funnel = reports(&app).get_funnel(request).await.unwrap().into_inner();
    let stages: Vec<_> = funnel
        .stages
        .iter()
        .map(|stage| {
            let median = stage.since_previous.as_ref().and_then(|time| time.median_seconds);
            (stage.stage.as_str(), stage.orders, stage.percent_of_previous.as_str(), median)
        })
        .collect();
    let expected = [
        ("placed", 4, "100.00", None),
        ("confirmed", 3, "75.00", Some(0)),
        ("reserved", 2, "66.67", Some(3_600)),
        ("picking", 2, "100.00", Some(3_600)),
        ("packed", 2, "100.00", Some(3_600)),
        ("shipped", 2, "100.00", Some(3_600)),
        ("delivered", 1, "50.00", Some(26 * 3_600)),
    ];
    assert_eq!(stages, expected);
    assert_eq!((funnel.paid, funnel.cancelled, funnel.uncollected, funnel.returned), (1, 1, 0, 0));

    let sport = Some(Filter { category: "Sport".to_owned(), ..Default::default() });
    let request = GetFunnelRequest { period: monday(), filter: sport, ..Default::default() };
    let funnel = reports(&app).get_funnel(request).await.unwrap().into_inner();
    assert_eq!((funnel.stages[0].orders, funnel.stages[2].orders), (2, 0));
    assert_eq!(funnel.stages[3].percent_of_previous, "");
    let phone = Some(Filter { channels: vec!["phone".to_owned()], ..Default::default() });
    let funnel = reports(&app)
        .get_funnel(GetFunnelRequest { period: monday(), filter: phone, ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((funnel.stages[0].orders, funnel.stages[1].orders), (1, 0));
}

#[tokio::test]
async fn a_funnel_is_compared_stage_by_stage() {
    let app = start().await;
    four_orders(&app).await;
    let mut before = order(9, MONDAY - Duration::days(1), vec![goods("A", "", "", 1, 100)]);
    let mut more = order(10, MONDAY - Duration::days(1), vec![goods("A", "", "", 1, 100)]);
    app.deliver(&[before.placed(), more.placed(), before.allocated(MONDAY, true)]).await.unwrap();
    let compare = vec![ComparisonKind::PreviousPeriod.into(), ComparisonKind::LastYear.into()];
    let request = GetFunnelRequest { period: monday(), compare, ..Default::default() };
    let funnel = reports(&app).get_funnel(request).await.unwrap().into_inner();
    let [sunday, year] = funnel.comparisons.as_slice() else { panic!("two comparisons") };
    assert_eq!((sunday.from.as_str(), year.to.as_str()), ("2026-02-01", "2025-02-02"));
    let moved: Vec<_> = sunday.changes[..3]
        .iter()
        .map(|change| (change.name.as_str(), change.before.as_str(), change.absolute.as_str(), change.percent.as_str()))
        .collect();
    let expected = [("placed", "2", "2", "100.00"), ("confirmed", "2", "1", "50.00"), ("reserved", "1", "1", "100.00")];
    assert_eq!(moved, expected);
    assert_eq!(year.changes[0].percent, "");
}

#[tokio::test]
async fn wrong_requests_and_strangers_are_refused() {
    let app = start().await;
    let mut client = reports(&app);
    let summary = client.get_summary(GetSummaryRequest { compare: vec![9], ..Default::default() }).await.unwrap_err();
    let funnel = client.get_funnel(GetFunnelRequest::default()).await.unwrap_err();
    assert_eq!((summary.code(), funnel.code()), (Code::InvalidArgument, Code::InvalidArgument));
    let mut stranger = proto::kpi::v1::report_service_client::ReportServiceClient::new(app.client(&[]));
    let summary = stranger.get_summary(GetSummaryRequest { period: monday(), ..Default::default() }).await.unwrap_err();
    let funnel = stranger.get_funnel(GetFunnelRequest { period: monday(), ..Default::default() }).await.unwrap_err();
    assert_eq!((summary.code(), funnel.code()), (Code::PermissionDenied, Code::PermissionDenied));
}
