//! Every panel of every dashboard, and every alert rule, against a real Prometheus and Postgres after real work.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod panels;
mod prometheus;

use std::sync::Arc;

use panels::{Panel, Source};
use prometheus::Prometheus;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use suite::up::UpArgs;
use suite::up::children::Children;
use suite::up::home::Home;
use suite::up::store::{READER, role};
use suite::up::suite::{Suite, listeners};
use suite::up::work;

/// A suite on throw-away servers and free ports, in a folder of its own.
async fn start(folder: &std::path::Path) -> (Suite, UpArgs) {
    let mut args = UpArgs::defaults();
    args.home = Some(folder.to_owned());
    (args.http_port, args.grpc_port, args.ops_port) = (0, 0, 0);
    args.once = true;
    let home = Home::open(folder).unwrap();
    let children = Children::throw_away().await.unwrap();
    let listeners = listeners(&args).await.unwrap();
    (Suite::over(home, children, listeners, &args).await.unwrap(), args)
}

/// Whether the query gives at least one row with something in it.
async fn rows(figures: &mut PgConnection, sql: &str) -> Result<bool, String> {
    let statement = format!("select to_jsonb(panel)::text from ({sql}) as panel");
    let rows: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(figures).await.map_err(|error| error.to_string())?;
    let something = |row: &String| {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        row.as_object().unwrap().values().any(|value| !value.is_null())
    };
    Ok(rows.iter().any(something))
}

async fn answer(panel: &Panel, prometheus: &Prometheus, figures: &mut PgConnection) -> Result<bool, String> {
    match &panel.query {
        Source::Prometheus(query) => prometheus.query(query).await.map(|answer| !answer.is_empty()),
        Source::Postgres(sql) => rows(figures, sql).await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_shows_something_and_every_rule_works() {
    let folder = std::env::temp_dir().join(format!("shopfloor-dashboards-{}", std::process::id()));
    let (mut suite, args) = start(&folder).await;
    let prometheus = Prometheus::start(&folder.join("prometheus"), suite.process.ops).await;
    assert!(work::main_job(&mut suite, &args).await.unwrap(), "the main job's figures fit together");
    refused_call(&suite).await;
    // A rate needs two looks.
    prometheus
        .has_seen("count_over_time(rpc_server_duration_seconds_count{rpc_grpc_status_code!=\"0\"}[5m]) > 1")
        .await;

    let url =
        suite.children.postgres.url_as(READER, &suite.home.secrets.reader_password, &role(suite::services::Name::Kpi));
    let mut figures = PgConnection::connect(&url).await.unwrap();
    let panels = panels::all();
    assert!(panels.len() >= 30, "the dashboards were not found");
    let mut empty = Vec::new();
    for panel in &panels {
        match answer(panel, &prometheus, &mut figures).await {
            Ok(true) => {}
            Ok(false) => empty.push(format!("{}: empty: {:?}", panel.name, panel.query)),
            Err(error) => empty.push(format!("{}: {error}: {:?}", panel.name, panel.query)),
        }
    }
    assert!(empty.is_empty(), "{} of {} queries:\n{}", empty.len(), panels.len(), empty.join("\n"));

    // What would be empty is seen to be empty, and what would be wrong to be wrong.
    assert!(prometheus.query("no_such_metric").await.unwrap().is_empty());
    assert!(prometheus.query("sum by (").await.is_err());
    assert!(!rows(&mut figures, "select null as nothing").await.unwrap());
    assert!(rows(&mut figures, "select * from no_such_table").await.is_err());
    // The dashboards' role reads figures and nothing else.
    assert!(rows(&mut figures, "delete from report.daily returning 1").await.is_err());

    assert_eq!(prometheus.unhealthy_rules().await, Vec::<String>::new());
    assert_eq!(prometheus.firing("page").await, Vec::<String>::new(), "nothing pages after ordinary work");
    figures.close().await.unwrap();
    documented_metrics_exist(&suite).await;
    suite.stop().await.unwrap();
    drop(prometheus);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A call without a token: an answer other than OK.
async fn refused_call(suite: &Suite) {
    let client = Arc::new(reqwest::Client::new());
    let body = serde_json::json!({});
    for path in ["/v1/orders", "/v1/tasks"] {
        let response = client.post(format!("{}{path}", suite.http())).json(&body).send().await.unwrap();
        assert!(response.status().is_client_error(), "{path}: {}", response.status());
    }
    let staff = suite.staff().unwrap();
    let request = proto::orders::v1::GetOrderRequest { order_id: "0197c1e0-0000-7000-8000-000000000000".to_owned() };
    let answer: Result<proto::orders::v1::GetOrderResponse, _> =
        staff.call("shopfloor.orders.v1.OrderService/GetOrder", &request).await;
    assert!(answer.is_err());
}

/// The metrics that docs/operations.md explains are there under these names.
async fn documented_metrics_exist(suite: &Suite) {
    let metrics = reqwest::get(format!("http://{}/metrics", suite.process.ops)).await.unwrap().text().await.unwrap();
    let manual = std::fs::read_to_string(panels::root().join("docs/operations.md")).unwrap();
    let names: Vec<&str> = manual
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter_map(|code| code.split_once('{').map(|(name, _)| name))
        .collect();
    assert!(names.len() >= 10);
    // What counts misfortunes appears with the first one.
    let only_when_it_happens = ["messaging_republished_total", "messaging_dead_letters_total", "gateway_refused_total"];
    for name in names.into_iter().filter(|name| !only_when_it_happens.contains(name)) {
        assert!(metrics.contains(name), "{name} is explained but not measured");
    }
}
