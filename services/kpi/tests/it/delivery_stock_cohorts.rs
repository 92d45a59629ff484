//! Deliveries, stock and cohorts.

use proto::common::v1::PageRequest;
use proto::kpi::v1::{
    DeliveryGroupBy, GetCohortReportRequest, GetDeliveryReportRequest, GetStockReportRequest, Period,
};
use time::{Duration, macros::datetime};
use tonic::Code;

use crate::{
    reports, start,
    world::{MONDAY, depleted, goods, order, product, received, replenished, rub},
};

fn period(from: &str, to: &str) -> Option<Period> {
    Some(Period { from: from.to_owned(), to: to.to_owned() })
}

#[tokio::test]
async fn shipments_are_told_by_what_became_of_them() {
    let app = start().await;
    let mut events = Vec::new();
    for number in 1..=4 {
        let mut order = order(number, MONDAY, vec![goods("A", "", "", 1, 10_000)]);
        order.region = if number < 4 { "RU-MOW" } else { "RU-SPE" }.to_owned();
        events.extend([order.placed(), order.shipped(MONDAY, number, &[(1, 1, 100)])]);
        match number {
            1 | 2 => {
                events.push(order.delivered(MONDAY + Duration::hours(10) * i32::try_from(number).unwrap(), number))
            }
            3 => events.push(order.failed(MONDAY + Duration::days(9), number, &[(1, 1, 100)])),
            _ => {}
        }
    }
    app.deliver(&events).await.unwrap();
    let mut client = reports(&app);
    let request = |group: DeliveryGroupBy, page| GetDeliveryReportRequest {
        page,
        period: period("2026-02-02", "2026-02-02"),
        group_by: group.into(),
        ..Default::default()
    };
    let by_region = client.get_delivery_report(request(DeliveryGroupBy::Region, None)).await.unwrap().into_inner();
    let [moscow, petersburg] = by_region.rows.as_slice() else { panic!("two regions") };
    assert_eq!((moscow.key.as_str(), moscow.shipments, moscow.delivered, moscow.not_collected), ("RU-MOW", 3, 2, 1));
    assert_eq!((moscow.delivered_percent.as_str(), moscow.failed_percent.as_str()), ("66.67", "33.33"));
    assert_eq!((moscow.median_seconds, moscow.p90_seconds), (Some(36_000), Some(72_000)));
    assert_eq!((petersburg.on_the_way, petersburg.median_seconds), (1, None));
    assert_eq!(by_region.totals.unwrap().shipments, 4);
    let by_carrier = client.get_delivery_report(request(DeliveryGroupBy::Carrier, None)).await.unwrap().into_inner();
    assert_eq!((by_carrier.rows[0].key.as_str(), by_carrier.rows[0].shipments), ("cdek", 4));

    let first = Some(PageRequest { page_size: 1, page_token: String::new() });
    let page = client.get_delivery_report(request(DeliveryGroupBy::Region, first)).await.unwrap().into_inner();
    let next = Some(PageRequest { page_size: 1, page_token: page.page.unwrap().next_page_token });
    let page = client.get_delivery_report(request(DeliveryGroupBy::Region, next)).await.unwrap().into_inner();
    assert_eq!((page.rows[0].key.as_str(), page.page.unwrap().next_page_token.as_str()), ("RU-SPE", ""));

    // On Sunday one shipment left for Petersburg and none for Moscow.
    let mut sunday = order(9, MONDAY, vec![goods("A", "", "", 1, 10_000)]);
    sunday.region = "RU-SPE".to_owned();
    app.deliver(&[sunday.placed(), sunday.shipped(MONDAY - Duration::days(1), 9, &[(1, 1, 100)])]).await.unwrap();
    let compared = GetDeliveryReportRequest { compare: vec![1], ..request(DeliveryGroupBy::Region, None) };
    let answer = client.get_delivery_report(compared).await.unwrap().into_inner();
    let moved = |row: &proto::kpi::v1::DeliveryRow| {
        let shipments = &row.comparisons[0].changes[0];
        (shipments.name.clone(), shipments.before.clone(), shipments.absolute.clone(), shipments.percent.clone())
    };
    let is = |before: &str, absolute: &str, percent: &str| {
        ("shipments".to_owned(), before.to_owned(), absolute.to_owned(), percent.to_owned())
    };
    assert_eq!(moved(&answer.rows[0]), is("0", "3", ""));
    assert_eq!(moved(&answer.rows[1]), is("1", "0", "0.00"));
    assert_eq!(moved(answer.totals.as_ref().unwrap()), is("1", "3", "300.00"));

    let wrong = client.get_delivery_report(request(DeliveryGroupBy::Unspecified, None)).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn stock_is_told_by_movements_and_by_the_time_nothing_was_there() {
    let app = start().await;
    let mut sold = order(1, MONDAY, vec![goods("A", "", "", 10, 10_000)]);
    let events = [
        sold.placed(),
        sold.shipped(MONDAY, 1, &[(1, 6, 600)]),
        sold.shipped(MONDAY + Duration::days(1), 2, &[(1, 4, 400)]),
        sold.failed(MONDAY + Duration::days(2), 2, &[(1, 4, 400)]),
        sold.stock_returned(MONDAY + Duration::days(3), 1, "write_off", &[(1, 2, 200)]),
        received(1, MONDAY, "A", 100, 10_000),
        product(1, 1, "A", "Джиг"),
        // Out from Monday noon to midnight and beyond; replenished on Tuesday at 06:00 of Moscow.
        depleted("A", 1, MONDAY),
        replenished("A", 2, datetime!(2026-02-03 06:00 +3)),
        depleted("B", 1, MONDAY),
    ];
    app.deliver(&events).await.unwrap();
    let mut client = reports(&app);
    let request = |from, to| GetStockReportRequest { period: period(from, to), ..Default::default() };
    let week = client.get_stock_report(request("2026-02-02", "2026-02-08")).await.unwrap().into_inner();
    let [a, b] = week.rows.as_slice() else { panic!("two products") };
    assert_eq!((a.sku.as_str(), a.name.as_str()), ("A", "Джиг"));
    assert_eq!((a.received_quantity.as_str(), a.received_cost.clone()), ("100", rub(10_000)));
    assert_eq!((a.shipped_quantity.as_str(), a.shipped_cost.clone(), a.days_with_shipments), ("10", rub(1_000), 2));
    assert_eq!(
        (a.back_quantity.as_str(), a.written_off_quantity.as_str(), a.written_off_cost.clone()),
        ("4", "2", rub(200))
    );
    assert_eq!((a.stock_outs, a.out_of_stock_seconds, a.out_of_stock), (1, 18 * 3_600, false));
    assert_eq!((b.name.as_str(), b.out_of_stock, b.shipped_quantity.as_str()), ("B", true, "0"));
    // On Tuesday alone it was out for six hours, and it did not fall out on that day.
    let tuesday = client.get_stock_report(request("2026-02-03", "2026-02-03")).await.unwrap().into_inner();
    assert_eq!((tuesday.rows[0].stock_outs, tuesday.rows[0].out_of_stock_seconds), (0, 6 * 3_600));
    // B is out since Monday; time that has not passed yet does not count. The test's clock stands at 2 March, 12:00.
    let march = client.get_stock_report(request("2026-03-02", "2026-03-31")).await.unwrap().into_inner();
    assert_eq!((march.rows[0].sku.as_str(), march.rows[0].out_of_stock_seconds), ("B", 12 * 3_600));
    let compared = GetStockReportRequest { compare: vec![1], ..request("2026-02-03", "2026-02-03") };
    let answer = client.get_stock_report(compared).await.unwrap().into_inner();
    let shipped =
        answer.rows[0].comparisons[0].changes.iter().find(|change| change.name == "shipped_quantity").unwrap();
    assert_eq!((shipped.before.as_str(), shipped.absolute.as_str(), shipped.percent.as_str()), ("6", "-2", "-33.33"));
    let only = GetStockReportRequest { skus: vec!["B".to_owned()], ..request("2026-02-02", "2026-02-08") };
    assert_eq!(client.get_stock_report(only).await.unwrap().into_inner().rows.len(), 1);
    let wrong = GetStockReportRequest { skus: vec![String::new()], ..request("2026-02-02", "2026-02-08") };
    assert_eq!(client.get_stock_report(wrong).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn cohorts_tell_who_came_again() {
    let app = start().await;
    let mut events = Vec::new();
    // Customers 1 and 2 come in January; 1 again in January and in March; 3 comes in March.
    let orders = [
        (1, 1, datetime!(2026-01-10 12:00 +3)),
        (2, 1, datetime!(2026-01-31 12:00 +3)),
        (3, 2, datetime!(2026-01-31 23:30 +3)),
        (4, 1, datetime!(2026-03-01 00:30 +3)),
        (5, 3, datetime!(2026-03-05 12:00 +3)),
    ];
    for (number, customer, at) in orders {
        let mut order = order(number, at, vec![goods("A", "", "", 1, 10_000)]);
        events.extend([order.placed(), order.identified(customer, i64::try_from(number).unwrap(), false)]);
    }
    app.deliver(&events).await.unwrap();
    let mut client = reports(&app);
    let request = GetCohortReportRequest { period: period("2026-01-01", "2026-12-31"), ..Default::default() };
    let answer = client.get_cohort_report(request.clone()).await.unwrap().into_inner();
    let [january, march] = answer.cohorts.as_slice() else { panic!("two cohorts") };
    assert_eq!((january.month.as_str(), january.customers), ("2026-01-01", 2));
    let months: Vec<_> = january
        .months
        .iter()
        .map(|month| (month.month, month.customers, month.retention_percent.as_str(), month.orders))
        .collect();
    assert_eq!(months, [(0, 2, "100.00", 3), (2, 1, "50.00", 1)]);
    assert_eq!((march.customers, march.months[0].revenue.clone()), (1, rub(10_000)));
    let short = GetCohortReportRequest { months: 1, ..request.clone() };
    assert_eq!(client.get_cohort_report(short).await.unwrap().into_inner().cohorts[0].months.len(), 1);
    let wrong = GetCohortReportRequest { months: 37, ..request };
    assert_eq!(client.get_cohort_report(wrong).await.unwrap_err().code(), Code::InvalidArgument);
}
