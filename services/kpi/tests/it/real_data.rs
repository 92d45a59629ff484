//! A sample of the UCI Online Retail file as orders, recounted.

use std::{collections::BTreeMap, fs::File, path::PathBuf};

use proto::kpi::v1::{GetSalesReportRequest, GetSummaryRequest, GroupBy, Period};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};
use types::Currency;

use crate::{
    reports, start_with,
    world::{Order, goods, order},
};

/// Lines of the file that are read: about 900 invoices of the first ten days.
const LINES: usize = 20_000;

struct Sold {
    invoice: String,
    sku: String,
    quantity: i64,
    minor: i64,
    at: OffsetDateTime,
    customer: Option<u64>,
    country: String,
}

/// Positive lines of the file; `None` when it is not there.
fn sample() -> Option<Vec<Sold>> {
    let folder = std::env::var_os("SHOPFLOOR_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let file = File::open(folder.join("online_retail/online_retail.csv.gz")).ok()?;
    let mut rows = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let mut sold = Vec::new();
    for row in rows.records().take(LINES) {
        let row = row.unwrap();
        let quantity: i64 = row[3].parse().unwrap();
        let price: rust_decimal::Decimal = row[5].parse().unwrap();
        if quantity <= 0 || price <= rust_decimal::Decimal::ZERO {
            continue;
        }
        let total = types::round_half_away(price * rust_decimal::Decimal::from(quantity), 2);
        sold.push(Sold {
            invoice: row[0].to_owned(),
            sku: row[1].to_owned(),
            quantity,
            minor: total.mantissa().try_into().unwrap(),
            // London in winter is UTC.
            at: PrimitiveDateTime::parse(&row[4], format).unwrap().assume_utc(),
            customer: row[6].strip_suffix(".0").map(|id| id.parse().unwrap()),
            country: row[7].to_owned(),
        });
    }
    Some(sold)
}

fn pounds(report: &proto::kpi::v1::Figures) -> i64 {
    report.revenue.as_ref().unwrap().amount.replace('.', "").parse().unwrap()
}

#[tokio::test]
async fn a_sample_of_online_retail_is_counted_as_by_hand() {
    let Some(sold) = sample() else {
        println!("skipped: online_retail/online_retail.csv.gz is not in the folder SHOPFLOOR_DATA names");
        return;
    };
    let config = kpi::Config {
        kpi_currency: Currency::parse("GBP").unwrap(),
        kpi_time_zone: "Europe/London".to_owned(),
        ..kpi::Config::default()
    };
    let app = start_with(&config).await;
    let mut orders: BTreeMap<&str, (Order, Option<u64>)> = BTreeMap::new();
    for (line, number) in sold.iter().zip(0..) {
        let (order, _) = orders.entry(&line.invoice).or_insert_with(|| {
            let mut order = order(number, line.at, Vec::new());
            (order.region, order.currency) = (line.country.clone(), "GBP".to_owned());
            (order, line.customer)
        });
        order.lines.push(goods(&line.sku, "", "", line.quantity, line.minor));
    }
    let mut events = Vec::new();
    for (order, customer) in orders.values_mut() {
        events.push(order.placed());
        events.extend(customer.map(|customer| order.identified(customer, 1, false)));
    }
    for batch in events.chunks(500) {
        app.deliver(batch).await.unwrap();
    }

    let period = Some(Period { from: "2010-12-01".to_owned(), to: "2011-12-31".to_owned() });
    let mut client = reports(&app);
    let request = GetSummaryRequest { period: period.clone(), ..Default::default() };
    let summary = client.get_summary(request).await.unwrap().into_inner();
    let customers: std::collections::BTreeSet<_> = sold.iter().filter_map(|line| line.customer).collect();
    assert_eq!(summary.customers, i64::try_from(customers.len()).unwrap());
    let figures = summary.figures.unwrap();
    assert_eq!(figures.orders, i64::try_from(orders.len()).unwrap());
    assert_eq!(figures.lines, i64::try_from(sold.len()).unwrap());
    assert_eq!(figures.units, sold.iter().map(|line| line.quantity).sum::<i64>().to_string());
    assert_eq!(pounds(&figures), sold.iter().map(|line| line.minor).sum::<i64>());

    let by = |key: fn(&Sold) -> String| {
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        sold.iter().for_each(|line| *sums.entry(key(line)).or_default() += line.minor);
        sums
    };
    let recounted = [
        (GroupBy::Region, by(|line| line.country.clone())),
        (GroupBy::Day, by(|line| line.at.date().to_string())),
        (GroupBy::Product, by(|line| line.sku.clone())),
    ];
    for (group, expected) in recounted {
        let (mut found, mut page_token) = (BTreeMap::new(), String::new());
        loop {
            let page = Some(proto::common::v1::PageRequest { page_size: 500, page_token });
            let request =
                GetSalesReportRequest { page, period: period.clone(), group_by: group.into(), ..Default::default() };
            let answer = client.get_sales_report(request).await.unwrap().into_inner();
            found.extend(answer.rows.into_iter().map(|row| (row.key, pounds(row.figures.as_ref().unwrap()))));
            page_token = answer.page.unwrap().next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, expected, "{group:?}");
    }
}
