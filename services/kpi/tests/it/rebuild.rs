//! Incremental, summed and rebuilt figures are the same to the byte, whatever order events come in.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use messaging::Event;
use prost::Message as _;
use proto::common::v1::Money;
use proto::erp::v1::{ErpEvent, erp_event::Event as Erp};
use proto::kpi::v1::{
    ComparisonKind, DeliveryGroupBy, ExportReportRequest, Filter, GetCohortReportRequest, GetDeliveryReportRequest,
    GetFactsStatusRequest, GetFunnelRequest, GetSalesReportRequest, GetStockReportRequest, GetSummaryRequest, GroupBy,
    Measure, Period, RebuildRequest, export_report_request::Report,
};
use proto::orders::v1::{LineKind, OrdersEvent, orders_event::Event as Orders};
use rust_decimal::Decimal;
use testkit::TestService;
use time::Duration;
use tonic::Code;

use crate::{
    maintenance, reports, start, start_with,
    world::{Chance, MONDAY, goods, interleave, order, random_streams},
};

fn period() -> Option<Period> {
    Some(Period { from: "2026-02-10".to_owned(), to: "2026-03-20".to_owned() })
}

fn both() -> Vec<i32> {
    vec![ComparisonKind::PreviousPeriod.into(), ComparisonKind::LastYear.into()]
}

fn page() -> Option<proto::common::v1::PageRequest> {
    Some(proto::common::v1::PageRequest { page_size: 500, page_token: String::new() })
}

const GROUPS: [(GroupBy, i32); 15] = [
    (GroupBy::Day, 0),
    (GroupBy::Week, 0),
    (GroupBy::Month, 0),
    (GroupBy::Channel, 0),
    (GroupBy::Region, 0),
    (GroupBy::Category, 0),
    (GroupBy::Category, 1),
    (GroupBy::Category, 2),
    (GroupBy::Category, 3),
    (GroupBy::Category, 4),
    (GroupBy::Brand, 0),
    (GroupBy::Product, 0),
    (GroupBy::Customer, 0),
    (GroupBy::DeliveryMethod, 0),
    (GroupBy::PaymentMethod, 0),
];

fn sales((group_by, category_level): (GroupBy, i32), currency: &str, filter: Option<Filter>) -> GetSalesReportRequest {
    GetSalesReportRequest {
        page: page(),
        period: period(),
        group_by: group_by.into(),
        category_level,
        filter,
        order_by: Measure::Margin.into(),
        compare: if matches!(group_by, GroupBy::Week | GroupBy::Product) { both() } else { Vec::new() },
        currency: currency.to_owned(),
        ..Default::default()
    }
}

/// Every report, as bytes with a name.
async fn snapshot(app: &TestService) -> Vec<(String, Vec<u8>)> {
    let mut client = reports(app);
    let mut taken = Vec::new();
    let filters = [
        None,
        Some(Filter { channels: vec!["web".to_owned(), "phone".to_owned()], ..Default::default() }),
        Some(Filter { category: "Fishing".to_owned(), discounted: 1, ..Default::default() }),
    ];
    let mut wanted: Vec<_> = GROUPS.map(|group| (group, "", filters[0].clone())).to_vec();
    wanted.extend(
        [GroupBy::Day, GroupBy::Region, GroupBy::Product, GroupBy::Customer]
            .map(|by| ((by, 0), "", filters[1].clone())),
    );
    wanted.extend([GroupBy::Month, GroupBy::Brand].map(|by| ((by, 0), "", filters[2].clone())));
    wanted.extend([GroupBy::Channel, GroupBy::Product].map(|by| ((by, 0), "KZT", None)));
    for (group, currency, filter) in wanted {
        let name = format!("{:?} {} {currency} {filter:?}", group.0, group.1);
        let request = sales(group, currency, filter);
        taken.push((name, client.get_sales_report(request).await.unwrap().into_inner().encode_to_vec()));
    }
    for filter in &filters {
        let request =
            GetSummaryRequest { period: period(), filter: filter.clone(), compare: both(), ..Default::default() };
        let answer = client.get_summary(request).await.unwrap().into_inner();
        taken.push((format!("summary {answer:?}"), answer.encode_to_vec()));
        let request =
            GetFunnelRequest { period: period(), filter: filter.clone(), compare: both(), ..Default::default() };
        taken.push(("funnel".to_owned(), client.get_funnel(request).await.unwrap().into_inner().encode_to_vec()));
    }
    let group_by = DeliveryGroupBy::Region.into();
    let request =
        GetDeliveryReportRequest { page: page(), period: period(), group_by, compare: both(), ..Default::default() };
    taken
        .push(("delivery".to_owned(), client.get_delivery_report(request).await.unwrap().into_inner().encode_to_vec()));
    let request = GetStockReportRequest { page: page(), period: period(), compare: both(), ..Default::default() };
    taken.push(("stock".to_owned(), client.get_stock_report(request).await.unwrap().into_inner().encode_to_vec()));
    let request = GetCohortReportRequest { period: period(), ..Default::default() };
    taken.push(("cohorts".to_owned(), client.get_cohort_report(request).await.unwrap().into_inner().encode_to_vec()));
    let report = Some(Report::Sales(sales((GroupBy::Product, 0), "", None)));
    let mut stream =
        client.export_report(ExportReportRequest { report, ..Default::default() }).await.unwrap().into_inner();
    let mut file = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        file.extend_from_slice(&piece.data);
    }
    taken.push(("export".to_owned(), file));
    taken
}

fn assert_same(one: &[(String, Vec<u8>)], other: &[(String, Vec<u8>)]) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        assert!(one.1 == other.1, "differs: {}\n{}", one.0, other.0);
    }
}

async fn deliver_in_batches(app: &TestService, seed: u64, events: &[Event]) {
    let mut chance = Chance::new(seed);
    let mut rest = events;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(rest.len().min(1 + chance.below(60) as usize));
        app.deliver(batch).await.unwrap();
        rest = after;
    }
}

async fn sum_days(app: &TestService) {
    app.clock.advance(Duration::hours(1));
    loop {
        app.run_job("kpi_sum_days").await.unwrap();
        let status = maintenance(app).get_facts_status(GetFactsStatusRequest {}).await.unwrap().into_inner();
        if status.days_to_sum == 0 {
            break;
        }
    }
    app.clock.set(testkit::START);
}

#[tokio::test]
async fn rebuilt_from_events_in_another_order_every_report_is_the_same_to_the_byte() {
    let app = start().await;
    let streams = random_streams(11, 90);
    deliver_in_batches(&app, 1, &interleave(1, &streams)).await;
    let first = snapshot(&app).await;
    assert!(first.iter().map(|report| report.1.len()).sum::<usize>() > 15_000, "the reports are not empty");

    let request = RebuildRequest { request_id: "rebuild-1".to_owned() };
    let answer = maintenance(&app).rebuild(request.clone()).await.unwrap().into_inner();
    assert_eq!((answer.generation, answer.sources.len()), (2, 4));
    let mut client = reports(&app);
    let empty = client.get_sales_report(sales((GroupBy::Day, 0), "", None)).await.unwrap().into_inner();
    assert!(empty.rows.is_empty());

    deliver_in_batches(&app, 2, &interleave(2, &streams)).await;
    assert_same(&first, &snapshot(&app).await);
    // The same request again empties nothing.
    assert_eq!(maintenance(&app).rebuild(request).await.unwrap().into_inner(), answer);
    let again = client.get_sales_report(sales((GroupBy::Day, 0), "", None)).await.unwrap().into_inner();
    assert!(!again.rows.is_empty());
}

#[tokio::test]
async fn summed_days_single_orders_and_a_mix_of_both_give_the_same_reports() {
    let app = start().await;
    let events = interleave(3, &random_streams(12, 90));
    let (before, after) = events.split_at(events.len() * 2 / 3);
    deliver_in_batches(&app, 3, before).await;
    let live = snapshot(&app).await;
    sum_days(&app).await;
    assert_same(&live, &snapshot(&app).await);

    // Some days are touched again: they are read from orders, the others from their sums.
    deliver_in_batches(&app, 4, after).await;
    let mixed = snapshot(&app).await;
    sum_days(&app).await;
    assert_same(&mixed, &snapshot(&app).await);

    // A filter that lets everything through leaves the sums aside.
    let everything = Filter { channels: ["web", "phone", "market"].map(str::to_owned).to_vec(), ..Default::default() };
    let mut client = reports(&app);
    for group in GROUPS {
        let summed = client.get_sales_report(sales(group, "", None)).await.unwrap().into_inner();
        let single = client.get_sales_report(sales(group, "", Some(everything.clone()))).await.unwrap().into_inner();
        assert_eq!(summed, single, "{group:?}");
        assert!(!summed.rows.is_empty(), "{group:?}");
    }
}

/// What a product's events say, added up without any of the service's code.
#[derive(Debug, Default, PartialEq, Eq)]
struct Recount {
    placed: Decimal,
    cancelled: Decimal,
    returned: Decimal,
    cost: Decimal,
    units: Decimal,
    orders: BTreeSet<String>,
}

fn recount(events: &[Event]) -> BTreeMap<String, Recount> {
    let amount = |money: &Option<Money>| money.as_ref().map_or(Decimal::ZERO, |money| money.amount.parse().unwrap());
    let mut currency: BTreeMap<String, String> = BTreeMap::new();
    let mut products: BTreeMap<String, Recount> = BTreeMap::new();
    for event in events.iter().filter(|event| event.name == "order_placed") {
        let Some(Orders::OrderPlaced(fact)) = event.decode::<OrdersEvent>().unwrap().event else { panic!("placed") };
        let code = &fact.total.as_ref().unwrap().currency;
        currency.insert(fact.order_id.clone(), code.clone());
        for line in fact.lines.iter().filter(|_| code == "RUB") {
            let product = products.entry(line.sku.clone()).or_default();
            product.placed += amount(&line.total);
            product.orders.insert(fact.order_id.clone());
            if line.kind() == LineKind::Goods {
                product.units += line.quantity.as_ref().unwrap().value.parse::<Decimal>().unwrap();
            }
        }
    }
    let roubles = |order: &str| currency[order] == "RUB";
    for event in events {
        if let Ok(OrdersEvent { event: Some(fact) }) = event.decode::<OrdersEvent>() {
            let (order, lines, back) = match fact {
                Orders::OrderCancelled(fact) => (fact.order_id, fact.lines, false),
                Orders::OrderLinesCancelled(fact) => (fact.order_id, fact.lines, false),
                Orders::OrderReturned(fact) => (fact.order_id, fact.lines, true),
                _ => continue,
            };
            for line in lines.iter().filter(|_| roubles(&order)) {
                let product = products.get_mut(&line.sku).unwrap();
                *(if back { &mut product.returned } else { &mut product.cancelled }) += amount(&line.amount);
            }
        } else if let Ok(ErpEvent { event: Some(fact) }) = event.decode::<ErpEvent>() {
            let (order, lines, sign) = match fact {
                Erp::ShipmentShipped(fact) => (fact.order_id, fact.lines, Decimal::ONE),
                Erp::ShipmentFailed(fact) => (fact.order_id, fact.lines, Decimal::NEGATIVE_ONE),
                Erp::StockReturned(fact) if fact.outcome != "write_off" => {
                    (fact.order_id, fact.lines, Decimal::NEGATIVE_ONE)
                }
                _ => continue,
            };
            for line in lines.iter().filter(|_| roubles(&order)) {
                products.get_mut(&line.sku).unwrap().cost += sign * amount(&line.cost);
            }
        }
    }
    products
}

#[tokio::test]
async fn the_figures_of_products_are_those_recounted_from_the_events() {
    let app = start().await;
    let events = interleave(7, &random_streams(14, 120));
    deliver_in_batches(&app, 7, &events).await;
    let wide = Some(Period { from: "2026-01-01".to_owned(), to: "2026-12-31".to_owned() });
    let request = GetSalesReportRequest { period: wide, compare: Vec::new(), ..sales((GroupBy::Product, 0), "", None) };
    let report = reports(&app).get_sales_report(request).await.unwrap().into_inner();
    let expected = recount(&events);
    assert_eq!(report.rows.len(), expected.len());
    for row in report.rows {
        let (figures, product) = (row.figures.unwrap(), &expected[&row.key]);
        let amount = |money: Option<Money>| money.unwrap().amount.parse::<Decimal>().unwrap();
        assert_eq!(amount(figures.placed), product.placed, "{}", row.key);
        assert_eq!(amount(figures.cancelled), product.cancelled, "{}", row.key);
        assert_eq!(amount(figures.returned), product.returned, "{}", row.key);
        assert_eq!(amount(figures.cost), product.cost, "{}", row.key);
        assert_eq!(figures.units.parse::<Decimal>().unwrap(), product.units, "{}", row.key);
        assert_eq!(usize::try_from(figures.orders).unwrap(), product.orders.len(), "{}", row.key);
    }
}

#[tokio::test]
async fn many_batches_at_once_give_the_same_facts_without_a_deadlock() {
    let alone = start().await;
    let events = interleave(5, &random_streams(13, 90));
    alone.deliver(&events).await.unwrap();

    // Every touched day is due at once, so days are summed while others write to them.
    let app = start_with(&kpi::Config { kpi_sum_quiet_seconds: 0, ..kpi::Config::default() }).await;
    let batches: Vec<Vec<Event>> = (0..6).map(|n| events.iter().skip(n).step_by(6).cloned().collect()).collect();
    let work = batches.iter().map(async |batch| {
        for part in batch.chunks(40) {
            app.deliver(part).await?;
        }
        anyhow::Ok(())
    });
    let sum = async {
        for _ in 0..3 {
            app.run_job("kpi_sum_days").await?;
        }
        anyhow::Ok(())
    };
    let (delivered, summed) = futures::join!(join_all(work), sum);
    summed.unwrap();
    for done in delivered {
        done.unwrap();
    }
    let expected = snapshot(&alone).await;
    assert_same(&expected, &snapshot(&app).await);
    sum_days(&app).await;
    assert_same(&expected, &snapshot(&app).await);
}

#[tokio::test]
async fn a_rebuild_in_the_midst_of_events_loses_and_doubles_nothing() {
    let quiet = start().await;
    let events = interleave(9, &random_streams(15, 60));
    quiet.deliver(&events).await.unwrap();

    let app = start().await;
    let deliver = async {
        for batch in events.chunks(15) {
            app.deliver(batch).await?;
        }
        anyhow::Ok(())
    };
    let rebuild = async {
        for number in 0..4 {
            let request = RebuildRequest { request_id: format!("rebuild-{number}") };
            maintenance(&app).rebuild(request).await?;
        }
        anyhow::Ok(())
    };
    let (delivered, rebuilt) = futures::join!(deliver, rebuild);
    delivered.unwrap();
    rebuilt.unwrap();
    // What the replay sends again; what was applied after the last rebuild is known to the inbox.
    app.deliver(&events).await.unwrap();
    assert_same(&snapshot(&quiet).await, &snapshot(&app).await);
}

#[tokio::test]
async fn a_day_touched_while_it_is_summed_stays_marked() {
    let app = start().await;
    app.deliver(&[order(1, MONDAY, vec![goods("A", "", "", 1, 100)]).placed()]).await.unwrap();
    // A consumer has written but not yet committed when the day is summed.
    let mut late = order(2, MONDAY, vec![goods("A", "", "", 1, 200)]);
    let mut open = app.db.begin().await.unwrap();
    let calendar = kpi::facts::domain::Calendar { zone: "Europe/Moscow".to_owned(), cutoff_hour: 0 };
    kpi::facts::commands::apply(&mut open, &[late.placed()], &calendar, testkit::START).await.unwrap();
    app.clock.advance(Duration::hours(1));
    app.run_job("kpi_sum_days").await.unwrap();
    open.commit().await.unwrap();

    let request = GetSummaryRequest {
        period: Some(Period { from: "2026-02-02".to_owned(), to: "2026-02-02".to_owned() }),
        ..Default::default()
    };
    let figures = reports(&app).get_summary(request).await.unwrap().into_inner().figures.unwrap();
    assert_eq!(figures.orders, 2);
    let status = maintenance(&app).get_facts_status(GetFactsStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.days_to_sum, 1);
}

#[tokio::test]
async fn a_rebuild_needs_a_key_and_a_permission() {
    let app = start().await;
    let refused = maintenance(&app).rebuild(RebuildRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let mut reader =
        proto::kpi::v1::maintenance_service_client::MaintenanceServiceClient::new(app.client(&["kpi.report.read"]));
    let refused = reader.rebuild(RebuildRequest { request_id: "1".to_owned() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let status = reader.get_facts_status(GetFactsStatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.generation, status.rebuilt_at, status.time_zone.as_str()), (1, None, "Europe/Moscow"));
}

#[tokio::test]
async fn a_day_that_keeps_changing_is_summed_after_the_longest_wait_and_marks_do_not_pile_up() {
    let app = start().await;
    for number in 0..20 {
        app.deliver(&[order(number, MONDAY, vec![goods("A", "", "", 1, 100)]).placed()]).await.unwrap();
        app.clock.advance(Duration::seconds(10));
        app.run_job("kpi_sum_days").await.unwrap();
        let marks: i64 = sqlx::query_scalar("select count(*) from day_mark").fetch_one(app.db.pool()).await.unwrap();
        assert!((1..=2).contains(&marks), "{marks} marks");
    }
    // The last change is ten seconds ago, so it is not quiet; the first is longer ago than days may wait.
    app.clock.advance(Duration::minutes(59));
    app.deliver(&[order(30, MONDAY, vec![goods("A", "", "", 1, 100)]).placed()]).await.unwrap();
    app.run_job("kpi_sum_days").await.unwrap();
    let summed: (i64, i64) =
        sqlx::query_as("select (select count(*) from day_mark), orders from day_figure where dimension = 'all'")
            .fetch_one(app.db.pool())
            .await
            .unwrap();
    assert_eq!(summed, (0, 21));
}
