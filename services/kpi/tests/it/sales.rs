//! Sales reports.

use std::collections::BTreeMap;

use proto::common::v1::PageRequest;
use proto::kpi::v1::{
    ComparisonKind, Filter, GetSalesReportRequest, GetSalesReportResponse, GroupBy, Measure, Period,
    report_service_client::ReportServiceClient,
};
use testkit::TestService;
use time::{Date, Duration, OffsetDateTime, macros::datetime};
use tonic::Code;

use crate::{
    reports, start, start_with,
    world::{Chance, MONDAY, Order, charge, goods, order, product, rub},
};

fn period(from: &str, to: &str) -> Option<Period> {
    Some(Period { from: from.to_owned(), to: to.to_owned() })
}

fn asked(group_by: GroupBy) -> GetSalesReportRequest {
    GetSalesReportRequest {
        period: period("2026-02-01", "2026-02-28"),
        group_by: group_by.into(),
        ..Default::default()
    }
}

async fn report(app: &TestService, request: GetSalesReportRequest) -> GetSalesReportResponse {
    reports(app).get_sales_report(request).await.unwrap().into_inner()
}

fn keys(report: &GetSalesReportResponse) -> Vec<&str> {
    report.rows.iter().map(|row| row.key.as_str()).collect()
}

fn on_day(number: u64, days: i64, lines: Vec<crate::world::Line>) -> Order {
    order(number, MONDAY + Duration::days(days), lines)
}

/// Three orders: two on Monday 2 February, one on Tuesday.
async fn a_small_shop(app: &TestService) {
    let mut first = on_day(1, 0, vec![goods("A", "Fishing/Lures/Jigs", "Orka", 2, 20_000), charge("POST", 5_000)]);
    let mut second = on_day(
        2,
        0,
        vec![goods("A", "Fishing/Lures/Jigs", "Orka", 1, 10_000), goods("B", "Fishing/Rods", "", 1, 40_000)],
    );
    (second.channel, second.region, second.payment) = ("phone".to_owned(), String::new(), "cod".to_owned());
    let mut third = on_day(3, 1, vec![goods("C", "Sport", "Shelf", 5, 25_000)]);
    third.lines[0].discount = 5_000;
    third.delivery = "pickup".to_owned();
    let events = [
        first.placed(),
        second.placed(),
        third.placed(),
        first.identified(1, 1, true),
        third.identified(1, 2, false),
        product(1, 1, "A", "Джиг"),
    ];
    app.deliver(&events).await.unwrap();
}

#[tokio::test]
async fn rows_are_what_was_asked_for_and_totals_count_each_order_once() {
    let app = start().await;
    a_small_shop(&app).await;
    let of = async |group, level| {
        let report = report(&app, GetSalesReportRequest { category_level: level, ..asked(group) }).await;
        let totals = report.totals.as_ref().unwrap();
        assert_eq!((totals.orders, totals.placed.clone()), (3, rub(100_000)), "{group:?}");
        let rows = report.rows.iter().map(|row| {
            let figures = row.figures.as_ref().unwrap();
            (row.key.clone(), figures.orders, figures.revenue.as_ref().unwrap().amount.clone())
        });
        rows.collect::<Vec<_>>()
    };
    let row = |key: &str, orders: i64, revenue: &str| (key.to_owned(), orders, revenue.to_owned());
    assert_eq!(of(GroupBy::Day, 0).await, [row("2026-02-02", 2, "750.00"), row("2026-02-03", 1, "250.00")]);
    assert_eq!(of(GroupBy::Week, 0).await, [row("2026-02-02", 3, "1000.00")]);
    assert_eq!(of(GroupBy::Month, 0).await, [row("2026-02-01", 3, "1000.00")]);
    assert_eq!(of(GroupBy::Channel, 0).await, [row("phone", 1, "500.00"), row("web", 2, "500.00")]);
    assert_eq!(of(GroupBy::Region, 0).await, [row("", 1, "500.00"), row("RU-MOW", 2, "500.00")]);
    assert_eq!(of(GroupBy::DeliveryMethod, 0).await, [row("courier", 2, "750.00"), row("pickup", 1, "250.00")]);
    assert_eq!(of(GroupBy::PaymentMethod, 0).await, [row("card", 2, "500.00"), row("cod", 1, "500.00")]);
    assert_eq!(
        of(GroupBy::Category, 1).await,
        [row("", 1, "50.00"), row("Fishing", 2, "700.00"), row("Sport", 1, "250.00")]
    );
    assert_eq!(
        of(GroupBy::Category, 2).await,
        [
            row("", 1, "50.00"),
            row("Fishing/Lures", 2, "300.00"),
            row("Fishing/Rods", 1, "400.00"),
            row("Sport", 1, "250.00")
        ]
    );
    assert_eq!(of(GroupBy::Category, 9).await, of(GroupBy::Category, 0).await);
    assert_eq!(
        of(GroupBy::Brand, 0).await,
        [row("", 2, "450.00"), row("Orka", 2, "300.00"), row("Shelf", 1, "250.00")]
    );
    let products = [row("A", 2, "300.00"), row("B", 1, "400.00"), row("C", 1, "250.00"), row("POST", 1, "50.00")];
    assert_eq!(of(GroupBy::Product, 0).await, products);
    let customer = crate::world::id(5, 1).to_string();
    assert_eq!(of(GroupBy::Customer, 0).await, [row("", 1, "500.00"), row(&customer, 2, "500.00")]);
}

#[tokio::test]
async fn products_are_named_and_charges_are_no_units() {
    let app = start().await;
    a_small_shop(&app).await;
    let report = report(&app, asked(GroupBy::Product)).await;
    let labels: Vec<_> = report.rows.iter().map(|row| row.label.as_str()).collect();
    assert_eq!(labels, ["Джиг", "B", "C", "POST"]);
    let post = report.rows[3].figures.as_ref().unwrap();
    assert_eq!((post.lines, post.units.as_str()), (0, "0"));
}

#[tokio::test]
async fn filters_narrow_orders_or_lines() {
    let app = start().await;
    a_small_shop(&app).await;
    let total = async |filter: Filter| {
        let report = report(&app, GetSalesReportRequest { filter: Some(filter), ..asked(GroupBy::Channel) }).await;
        let totals = report.totals.unwrap();
        (totals.orders, totals.revenue.unwrap().amount)
    };
    let is = |orders: i64, revenue: &str| (orders, revenue.to_owned());
    let some = |value: &str| vec![value.to_owned()];
    assert_eq!(total(Filter { channels: some("web"), ..Default::default() }).await, is(2, "500.00"));
    assert_eq!(total(Filter { regions: some(""), ..Default::default() }).await, is(1, "500.00"));
    assert_eq!(total(Filter { delivery_methods: some("pickup"), ..Default::default() }).await, is(1, "250.00"));
    assert_eq!(total(Filter { payment_methods: some("cod"), ..Default::default() }).await, is(1, "500.00"));
    assert_eq!(total(Filter { category: "Fishing".to_owned(), ..Default::default() }).await, is(2, "700.00"));
    assert_eq!(total(Filter { category: "Fish".to_owned(), ..Default::default() }).await, is(0, "0.00"));
    assert_eq!(total(Filter { brands: some("Orka"), ..Default::default() }).await, is(2, "300.00"));
    assert_eq!(total(Filter { skus: some("B"), channels: some("phone"), ..Default::default() }).await, is(1, "400.00"));
    assert_eq!(total(Filter { skus: some("B"), channels: some("web"), ..Default::default() }).await, is(0, "0.00"));
    let customer_ids = vec![crate::world::id(5, 1).to_string()];
    assert_eq!(total(Filter { customer_ids, ..Default::default() }).await, is(2, "500.00"));
    assert_eq!(total(Filter { discounted: 1, ..Default::default() }).await, is(1, "250.00"));
    assert_eq!(total(Filter { discounted: 2, ..Default::default() }).await, is(2, "750.00"));
}

#[tokio::test]
async fn rows_come_by_the_figure_asked_for_and_pages_leave_none_out() {
    let app = start().await;
    a_small_shop(&app).await;
    let by = async |order_by: Measure, reverse| {
        let request = GetSalesReportRequest { order_by: order_by.into(), reverse, ..asked(GroupBy::Product) };
        keys(&report(&app, request).await).join(" ")
    };
    assert_eq!(by(Measure::Revenue, false).await, "B A C POST");
    assert_eq!(by(Measure::Revenue, true).await, "POST C A B");
    assert_eq!(by(Measure::Units, false).await, "C A B POST");
    assert_eq!(by(Measure::DiscountPercent, false).await, "C A B POST");
    assert_eq!(by(Measure::Orders, false).await, "A B C POST");
    assert_eq!(by(Measure::Unspecified, true).await, "POST C B A");

    for (order_by, reverse) in [(Measure::Orders, false), (Measure::Unspecified, true), (Measure::AverageCheck, true)] {
        let whole = by(order_by, reverse).await;
        let (mut walked, mut page_token) = (Vec::new(), String::new());
        loop {
            let page = Some(PageRequest { page_size: 1, page_token });
            let request = GetSalesReportRequest { page, order_by: order_by.into(), reverse, ..asked(GroupBy::Product) };
            let answer = report(&app, request).await;
            assert_eq!(answer.totals.unwrap().orders, 3);
            walked.extend(answer.rows.into_iter().map(|row| row.key));
            page_token = answer.page.unwrap().next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(walked.join(" "), whole);
    }
}

#[tokio::test]
async fn figures_are_compared_with_the_period_before_and_the_year_before() {
    let app = start().await;
    let mut orders = [
        on_day(1, 0, vec![goods("A", "", "", 1, 30_000)]),
        on_day(2, 8, vec![goods("B", "", "", 1, 10_000)]),
        on_day(3, -10, vec![goods("A", "", "", 1, 20_000)]),
        on_day(4, -365, vec![goods("A", "", "", 1, 40_000)]),
    ];
    let events: Vec<_> = orders.iter_mut().map(Order::placed).collect();
    app.deliver(&events).await.unwrap();
    let request = GetSalesReportRequest {
        period: period("2026-02-02", "2026-02-15"),
        compare: vec![ComparisonKind::PreviousPeriod.into(), ComparisonKind::LastYear.into()],
        ..asked(GroupBy::Product)
    };
    let answer = report(&app, request).await;
    let [before, year] = answer.comparisons.as_slice() else { panic!("two comparisons") };
    assert_eq!((before.from.as_str(), before.to.as_str()), ("2026-01-19", "2026-02-01"));
    assert_eq!((year.from.as_str(), year.to.as_str()), ("2025-02-02", "2025-02-15"));
    let change = |comparison: &proto::kpi::v1::Comparison, measure: Measure| {
        let change = comparison.changes.iter().find(|change| change.measure() == measure).unwrap();
        (change.absolute.clone(), change.percent.clone())
    };
    assert_eq!(change(before, Measure::Revenue), ("200".to_owned(), "100.00".to_owned()));
    assert_eq!(change(year, Measure::Revenue), ("0".to_owned(), "0.00".to_owned()));
    assert_eq!(change(year, Measure::Orders), ("1".to_owned(), "100.00".to_owned()));
    let [a, b] = answer.rows.as_slice() else { panic!("two rows") };
    assert_eq!(change(&a.comparisons[0], Measure::Revenue), ("100".to_owned(), "50.00".to_owned()));
    // Nothing was sold of B before: the change is told, but not in percent.
    assert_eq!(change(&b.comparisons[0], Measure::Revenue), ("100".to_owned(), String::new()));
    assert_eq!(b.comparisons[1].figures.as_ref().unwrap().revenue, rub(0));
}

#[tokio::test]
async fn days_are_compared_by_position_and_weekdays_with_weekdays_when_aligned() {
    let app = start().await;
    let mut orders = [
        on_day(1, 2, vec![goods("A", "", "", 1, 30_000)]),
        on_day(2, -5, vec![goods("A", "", "", 1, 10_000)]),
        on_day(3, -3, vec![goods("A", "", "", 1, 20_000)]),
    ];
    let events: Vec<_> = orders.iter_mut().map(Order::placed).collect();
    app.deliver(&events).await.unwrap();
    // Monday to Friday; the order is on Wednesday 4 February.
    let request = GetSalesReportRequest {
        period: period("2026-02-02", "2026-02-06"),
        compare: vec![ComparisonKind::PreviousPeriod.into()],
        ..asked(GroupBy::Day)
    };
    let plain = report(&app, request.clone()).await;
    let then = &plain.rows[0].comparisons[0];
    assert_eq!((then.from.as_str(), then.key.as_str()), ("2026-01-28", "2026-01-30"));
    assert_eq!(then.figures.as_ref().unwrap().revenue, rub(20_000));
    let aligned = report(&app, GetSalesReportRequest { align_weekdays: true, ..request }).await;
    let then = &aligned.rows[0].comparisons[0];
    assert_eq!((then.from.as_str(), then.key.as_str()), ("2026-01-26", "2026-01-28"));
    assert_eq!(then.figures.as_ref().unwrap().revenue, rub(10_000));
}

#[tokio::test]
async fn currencies_are_never_added_up_and_cost_is_known_in_the_companys_only() {
    let app = start().await;
    let mut roubles = on_day(1, 0, vec![goods("A", "", "", 1, 30_000)]);
    let mut tenge = on_day(2, 0, vec![goods("A", "", "", 1, 70_000)]);
    tenge.currency = "KZT".to_owned();
    app.deliver(&[roubles.placed(), tenge.placed(), tenge.shipped(MONDAY, 1, &[(1, 1, 5_000)])]).await.unwrap();
    let own = report(&app, asked(GroupBy::Product)).await.totals.unwrap();
    assert_eq!((own.orders, own.revenue, own.cost), (1, rub(30_000), rub(0)));
    let other = GetSalesReportRequest {
        currency: "KZT".to_owned(),
        compare: vec![ComparisonKind::LastYear.into()],
        ..asked(GroupBy::Product)
    };
    let answer = report(&app, other).await;
    let other = answer.totals.unwrap();
    assert_eq!(other.revenue, crate::world::money(70_000, "KZT"));
    assert_eq!((other.cost, other.margin, other.margin_percent.as_str()), (None, None, ""));
    assert!(answer.comparisons[0].changes.iter().all(|change| change.measure() != Measure::Margin));
}

#[tokio::test]
async fn a_wrong_request_is_refused_with_every_field_that_is_wrong() {
    let app = start().await;
    let mut client = reports(&app);
    let mut refused = async |request| client.get_sales_report(request).await.unwrap_err();
    let good = || asked(GroupBy::Day);
    let wrong = [
        GetSalesReportRequest::default(),
        GetSalesReportRequest { period: None, ..good() },
        GetSalesReportRequest { period: period("2026-02-02", "2026-02-01"), ..good() },
        GetSalesReportRequest { period: period("2026-02-30", "2026-03-01"), ..good() },
        GetSalesReportRequest { period: period("0001-01-01", "0001-02-01"), ..good() },
        GetSalesReportRequest { period: period("1990-01-01", "2026-02-01"), ..good() },
        GetSalesReportRequest { group_by: 99, ..good() },
        GetSalesReportRequest { category_level: 2, ..good() },
        GetSalesReportRequest { category_level: 10, ..asked(GroupBy::Category) },
        GetSalesReportRequest { order_by: 23, ..good() },
        GetSalesReportRequest { order_by: -1, ..good() },
        GetSalesReportRequest { currency: "rub".to_owned(), ..good() },
        GetSalesReportRequest { compare: vec![0], ..good() },
        GetSalesReportRequest { compare: vec![1, 1], ..good() },
        GetSalesReportRequest { compare: vec![1, 2, 1], ..good() },
        GetSalesReportRequest {
            filter: Some(Filter { customer_ids: vec!["me".to_owned()], ..Default::default() }),
            ..good()
        },
        GetSalesReportRequest {
            filter: Some(Filter { skus: vec!["a\0b".to_owned()], ..Default::default() }),
            ..good()
        },
        GetSalesReportRequest {
            filter: Some(Filter { brands: vec![String::new(); 201], ..Default::default() }),
            ..good()
        },
        GetSalesReportRequest { filter: Some(Filter { discounted: 7, ..Default::default() }), ..good() },
        GetSalesReportRequest { page: Some(PageRequest { page_size: 501, page_token: String::new() }), ..good() },
        GetSalesReportRequest { page: Some(PageRequest { page_size: 5, page_token: "bm9wZQ".to_owned() }), ..good() },
        // ["1","a\u0000"] as a token: Postgres could not compare with it.
        GetSalesReportRequest {
            page: Some(PageRequest { page_size: 5, page_token: "WyIxIiwiYVx1MDAwMCJd".to_owned() }),
            ..good()
        },
    ];
    for request in wrong {
        let status = refused(request.clone()).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{request:?}: {status}");
    }
    let mut stranger = ReportServiceClient::new(app.client(&["crm.customer.read"]));
    assert_eq!(stranger.get_sales_report(good()).await.unwrap_err().code(), Code::PermissionDenied);
    let mut nobody = ReportServiceClient::new(app.anonymous());
    assert_eq!(nobody.get_sales_report(good()).await.unwrap_err().code(), Code::Unauthenticated);
}

/// Orders at awkward moments: around midnight, the cut-off, changes of the clock and the leap day.
fn awkward_orders(seed: u64) -> Vec<Order> {
    let moments: [OffsetDateTime; 6] = [
        datetime!(2024-02-28 20:00 UTC),
        datetime!(2024-02-29 20:00 UTC),
        datetime!(2024-03-10 04:00 UTC),
        datetime!(2024-11-03 03:00 UTC),
        datetime!(2023-12-31 22:00 UTC),
        datetime!(2024-12-31 22:00 UTC),
    ];
    let mut chance = Chance::new(seed);
    let orders = (0..60).map(|number| {
        let at = moments[chance.below(6) as usize] + Duration::minutes(chance.below(60 * 30) as i64);
        order(number, at, vec![goods("A", "", "", 1, 1 + chance.below(100_000) as i64)])
    });
    orders.collect()
}

#[tokio::test]
async fn a3_the_sum_over_days_equals_the_total_across_clock_changes_leap_days_and_cut_offs() {
    for (seed, zone, cutoff) in
        [(1, "America/New_York", 0), (2, "America/New_York", 2), (3, "Europe/Moscow", 6), (4, "Asia/Kolkata", 23)]
    {
        let config = kpi::Config { kpi_time_zone: zone.to_owned(), kpi_cutoff_hour: cutoff, ..kpi::Config::default() };
        let app = start_with(&config).await;
        let mut orders = awkward_orders(seed);
        let events: Vec<_> = orders.iter_mut().map(Order::placed).collect();
        app.deliver(&events).await.unwrap();

        // Recounted by hand: the local clock less the cut-off, cut to the day.
        let mut expected: BTreeMap<String, i64> = BTreeMap::new();
        let tz = jiff::tz::TimeZone::get(zone).unwrap();
        for order in &orders {
            let local =
                jiff::Timestamp::from_second(order.at.unix_timestamp()).unwrap().to_zoned(tz.clone()).datetime();
            let day = local.checked_sub(jiff::Span::new().hours(i64::from(cutoff))).unwrap().date();
            *expected.entry(day.to_string()).or_default() += order.lines[0].total;
        }
        let wide = GetSalesReportRequest { period: period("2023-12-01", "2025-01-31"), ..asked(GroupBy::Day) };
        let answer = report(&app, wide.clone()).await;
        let days: BTreeMap<String, i64> =
            answer.rows.iter().map(|row| (row.key.clone(), minor(row.figures.as_ref()))).collect();
        assert_eq!(days, expected, "{zone} {cutoff}");
        let total = minor(answer.totals.as_ref());
        assert_eq!(total, orders.iter().map(|order| order.lines[0].total).sum::<i64>());
        for group in [GroupBy::Week, GroupBy::Month] {
            let answer = report(&app, GetSalesReportRequest { group_by: group.into(), ..wide.clone() }).await;
            assert_eq!(answer.rows.iter().map(|row| minor(row.figures.as_ref())).sum::<i64>(), total, "{group:?}");
        }
        // Any two neighbouring periods share no day and miss none.
        let mut split = 0;
        let middle = Date::from_calendar_date(2024, time::Month::February, 29).unwrap();
        for (from, to) in [
            ("2023-12-01".to_owned(), middle.to_string()),
            ((middle + Duration::days(1)).to_string(), "2025-01-31".to_owned()),
        ] {
            let answer = report(&app, GetSalesReportRequest { period: period(&from, &to), ..wide.clone() }).await;
            split += minor(answer.totals.as_ref());
        }
        assert_eq!(split, total);
    }
}

fn minor(figures: Option<&proto::kpi::v1::Figures>) -> i64 {
    figures.unwrap().revenue.as_ref().unwrap().amount.replace('.', "").parse().unwrap()
}
