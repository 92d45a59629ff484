//! Reports as CSV.

use proto::kpi::v1::{
    ComparisonKind, CsvSeparator, DeliveryGroupBy, ExportReportRequest, GetCohortReportRequest,
    GetDeliveryReportRequest, GetFunnelRequest, GetSalesReportRequest, GetStockReportRequest, GroupBy, Period,
    export_report_request::Report, report_service_client::ReportServiceClient,
};
use testkit::TestService;
use tonic::{Code, Status};

use crate::{
    reports, start, start_with,
    world::{MONDAY, goods, order, product},
};

fn monday() -> Option<Period> {
    Some(Period { from: "2026-02-02".to_owned(), to: "2026-02-02".to_owned() })
}

fn sales() -> GetSalesReportRequest {
    GetSalesReportRequest { period: monday(), group_by: GroupBy::Product.into(), ..Default::default() }
}

async fn export(app: &TestService, request: ExportReportRequest) -> Result<String, Status> {
    let mut stream = reports(app).export_report(request).await?.into_inner();
    let mut file = Vec::new();
    while let Some(piece) = stream.message().await? {
        assert_eq!(piece.file_name.is_empty(), !file.is_empty(), "the first piece has the name");
        assert!(piece.data.len() <= 64 * 1024);
        file.extend_from_slice(&piece.data);
    }
    Ok(String::from_utf8(file).unwrap())
}

fn whole(report: Report) -> ExportReportRequest {
    ExportReportRequest { report: Some(report), ..Default::default() }
}

#[tokio::test]
async fn a_sales_report_comes_as_a_file_that_a_spreadsheet_reads() {
    let app = start().await;
    let mut order = order(1, MONDAY, vec![goods("A;1", "Fishing", "Orka", 2, 20_050)]);
    app.deliver(&[order.placed(), product(1, 1, "A;1", "Say \"hi\"")]).await.unwrap();
    let file = export(&app, whole(Report::Sales(sales()))).await.unwrap();
    let lines: Vec<_> = file.split("\r\n").collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("key;label;orders;effective_orders;"), "{file}");
    assert!(lines[1].starts_with("\"A;1\";\"Say \"\"hi\"\"\";1;1;0;0;0;0;1;2;200.50;0.00;200.50;"), "{file}");
    assert_eq!(lines[0].split(';').count(), 24);

    let compare = vec![ComparisonKind::PreviousPeriod.into()];
    let request = ExportReportRequest {
        separator: CsvSeparator::Comma.into(),
        decimal_comma: true,
        byte_order_mark: true,
        ..whole(Report::Sales(GetSalesReportRequest { compare, ..sales() }))
    };
    let file = export(&app, request).await.unwrap();
    assert!(file.starts_with("\u{feff}key,label,orders,"), "{file}");
    assert!(file.contains(",\"200,50\",\"0,00\","), "{file}");
    assert!(file.contains(",previous_key,previous_orders,"), "{file}");
    assert!(file.contains(",previous_margin_percent_change_percent\r\n"), "{file}");
}

#[tokio::test]
async fn a_large_report_comes_whole_in_pieces_however_small_its_page() {
    let app = start().await;
    for batch in 0..3_u64 {
        let lines =
            |n: u64| vec![goods(&format!("SKU-{:05}", batch * 500 + n), "Some/Long/Category/Path", "Brand", 1, 10_000)];
        let events: Vec<_> = (0..500).map(|n| order(batch * 500 + n, MONDAY, lines(n)).placed()).collect();
        app.deliver(&events).await.unwrap();
    }
    let page = Some(proto::common::v1::PageRequest { page_size: 1, page_token: String::new() });
    let file = export(&app, whole(Report::Sales(GetSalesReportRequest { page, ..sales() }))).await.unwrap();
    assert!(file.len() > 64 * 1024);
    assert_eq!(file.lines().count(), 1_501);
    let mut keys: Vec<_> = file.lines().skip(1).map(|line| line.split(';').next().unwrap().to_owned()).collect();
    assert!(keys.is_sorted());
    keys.dedup();
    assert_eq!(keys.len(), 1_500);
}

#[tokio::test]
async fn every_report_can_be_exported() {
    let app = start().await;
    let mut order = order(1, MONDAY, vec![goods("A", "Fishing", "Orka", 2, 20_000)]);
    app.deliver(&[order.placed(), order.shipped(MONDAY, 1, &[(1, 2, 9_000)]), order.identified(1, 1, true)])
        .await
        .unwrap();
    let group_by = DeliveryGroupBy::Warehouse.into();
    let delivery =
        whole(Report::Delivery(GetDeliveryReportRequest { period: monday(), group_by, ..Default::default() }));
    let file = export(&app, delivery).await.unwrap();
    assert!(file.ends_with("p90_seconds\r\nMSK;1;0;0;0;1;0.00;0.00;;\r\n"), "{file}");
    let stock = whole(Report::Stock(GetStockReportRequest { period: monday(), ..Default::default() }));
    let file = export(&app, stock).await.unwrap();
    assert!(file.ends_with("out_of_stock\r\nA;A;0;0.00;2;90.00;0;0.00;0;0.00;1;0;0;no\r\n"), "{file}");
    let funnel = whole(Report::Funnel(GetFunnelRequest { period: monday(), ..Default::default() }));
    let file = export(&app, funnel).await.unwrap();
    assert!(file.starts_with("stage;orders;percent_of_placed;percent_of_previous;median_seconds;p90_seconds\r\nplaced;1;100.00;100.00;;\r\n"), "{file}");
    let stock = GetStockReportRequest { period: monday(), compare: vec![2], ..Default::default() };
    let file = export(&app, whole(Report::Stock(stock))).await.unwrap();
    assert!(
        file.contains(";out_of_stock;received_quantity_compared_1;received_quantity_compared_1_change_percent;"),
        "{file}"
    );
    let widths: Vec<_> = file.lines().map(|line| line.split(';').count()).collect();
    assert_eq!(widths, [14 + 22, 14 + 22]);
    let cohorts = whole(Report::Cohorts(GetCohortReportRequest { period: monday(), ..Default::default() }));
    let file = export(&app, cohorts).await.unwrap();
    assert!(file.ends_with("revenue\r\n2026-02-01;1;0;1;100.00;1;200.00\r\n"), "{file}");
}

#[tokio::test]
async fn a_report_with_more_rows_than_allowed_is_refused_rather_than_cut() {
    let app = start_with(&kpi::Config { kpi_export_rows: 2, ..kpi::Config::default() }).await;
    let line = |sku: &str| goods(sku, "", "", 1, 100);
    app.deliver(&[order(1, MONDAY, vec![line("A"), line("B")]).placed()]).await.unwrap();
    assert_eq!(export(&app, whole(Report::Sales(sales()))).await.unwrap().lines().count(), 3);
    app.deliver(&[order(2, MONDAY, vec![line("C")]).placed()]).await.unwrap();
    let refused = export(&app, whole(Report::Sales(sales()))).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("more than 2 rows"), "{refused}");
}

#[tokio::test]
async fn an_export_is_refused_as_its_report_would_be() {
    let app = start().await;
    let wrong = [
        ExportReportRequest::default(),
        whole(Report::Sales(GetSalesReportRequest::default())),
        whole(Report::Delivery(GetDeliveryReportRequest::default())),
        ExportReportRequest { separator: 9, ..whole(Report::Sales(sales())) },
    ];
    for request in wrong {
        assert_eq!(export(&app, request).await.unwrap_err().code(), Code::InvalidArgument);
    }
    let mut reader = ReportServiceClient::new(app.client(&["kpi.report.read"]));
    let refused = reader.export_report(whole(Report::Sales(sales()))).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
