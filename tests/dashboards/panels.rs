//! The panels in deploy/grafana/dashboards.

use std::path::{Path, PathBuf};

/// What a panel asks, with Grafana's variables filled in.
#[derive(Debug)]
pub(crate) enum Source {
    Prometheus(String),
    Postgres(String),
}

/// One query of one panel.
pub(crate) struct Panel {
    pub(crate) name: String,
    pub(crate) query: Source,
}

/// The root of the tree.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All queries of all dashboards.
pub(crate) fn all() -> Vec<Panel> {
    let folder = std::fs::read_dir(root().join("deploy/grafana/dashboards")).unwrap();
    folder.flat_map(|file| of(&file.unwrap().path())).collect()
}

fn of(file: &Path) -> Vec<Panel> {
    let dashboard: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let title = dashboard["title"].as_str().unwrap();
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}: {} asks nothing", panel["title"]);
        for target in targets {
            let query = match target["datasource"]["uid"].as_str().unwrap() {
                "prometheus" => Source::Prometheus(target["expr"].as_str().unwrap().replace("$__rate_interval", "5m")),
                "figures" => Source::Postgres(without_filters(target["rawSql"].as_str().unwrap())),
                other => panic!("{title}: the data source {other} is not provisioned"),
            };
            found.push(Panel { name: format!("{title} / {}", panel["title"].as_str().unwrap()), query });
        }
    }
    found
}

/// `$__timeFilter(column)` as the last ten years.
fn without_filters(sql: &str) -> String {
    let mut parts = sql.split("$__timeFilter(");
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        let (column, rest) = part.split_once(')').unwrap();
        filled.push_str(&format!("{column} between now() - interval '10 years' and now() + interval '1 day'{rest}"));
    }
    assert!(!filled.contains("$__"), "a variable this test does not know: {filled}");
    filled
}
