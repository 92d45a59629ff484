//! A real Prometheus with the rules of deploy/, looking at the suite under test.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::panels::root;

/// Ends with the test.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts it and waits until it has looked at the suite once.
    pub(crate) async fn start(folder: &Path, target: SocketAddr) -> Prometheus {
        std::fs::create_dir_all(folder).unwrap();
        let rules = root().join("deploy/prometheus/rules/*.yml");
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\nscrape_configs:\n\
             - {{job_name: shopfloor, honor_labels: true, static_configs: [{{targets: ['{target}']}}]}}\n",
            rules.display()
        );
        std::fs::write(folder.join("prometheus.yml"), config).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let own = root().join(".tools/bin/prometheus");
        let program = if own.exists() { own } else { "prometheus".into() };
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program)
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus runs; `make setup-dev` brings it");
        let prometheus = Prometheus { child, address };
        prometheus.has_seen("up{job=\"shopfloor\"} == 1").await;
        prometheus
    }

    /// Waits until a query has an answer.
    pub(crate) async fn has_seen(&self, query: &str) {
        let begun = Instant::now();
        while !self.query(query).await.is_ok_and(|answer| !answer.is_empty()) {
            assert!(begun.elapsed() < Duration::from_secs(30), "Prometheus never saw {query}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The answer now, or what is wrong with the query.
    pub(crate) async fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let url = format!("http://{}/api/v1/query", self.address);
        // The percent-encoding that queries need.
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let response = reqwest::get(format!("{url}?query={encoded}")).await.map_err(|error| error.to_string())?;
        let answer: Value = response.json().await.map_err(|error| error.to_string())?;
        if answer["status"] != "success" {
            return Err(answer["error"].to_string());
        }
        let mut series = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        series.retain(|one| one["value"][1] != "NaN");
        Ok(series)
    }

    async fn rules(&self) -> Vec<Value> {
        let answer: Value =
            reqwest::get(format!("http://{}/api/v1/rules", self.address)).await.unwrap().json().await.unwrap();
        let groups = answer["data"]["groups"].as_array().unwrap();
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
    }

    /// Rules that cannot be computed.
    pub(crate) async fn unhealthy_rules(&self) -> Vec<String> {
        let rules = self.rules().await;
        assert!(rules.len() >= 8, "the rules were not loaded");
        rules
            .iter()
            .filter(|rule| rule["health"] != "ok")
            .map(|rule| format!("{}: {}", rule["name"], rule["lastError"]))
            .collect()
    }

    /// Alerts of a severity that ring.
    pub(crate) async fn firing(&self, severity: &str) -> Vec<String> {
        let query = format!("ALERTS{{alertstate=\"firing\", severity=\"{severity}\"}}");
        self.query(&query).await.unwrap().iter().map(|alert| alert["metric"].to_string()).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
