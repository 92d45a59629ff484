//! The first lines of a real order file, pushed through the gateway and recounted by a program that shares no code.

use std::path::{Path, PathBuf};
use std::process::Command;

use rust_decimal::Decimal;
use service::InternalTokens;
use suite::retail::{plan, push, read, report};
use time::OffsetDateTime;

use crate::company::Company;

/// Lines of the file that a test has time for; the whole file is `shopfloor replay-orders`.
const LINES: usize = 8_000;

fn file() -> Option<PathBuf> {
    let folder = std::env::var_os("SHOPFLOOR_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")), PathBuf::from);
    let path = folder.join("online_retail/online_retail.csv.gz");
    if path.exists() {
        return Some(path);
    }
    println!("NOT CHECKED: {} is not there; set SHOPFLOOR_DATA to the folder that has it", path.display());
    None
}

/// The recount's verdict: whether file and services agree, and what it printed. The first token it is given is expired,
/// as one is that has lain for longer than the comparison takes.
fn recount(file: &Path, limit: usize, company: &Company, folder: &Path) -> (bool, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/recount/recount.py");
    let tokens = InternalTokens::new("recount", &company.suite.home.secrets.internal_secret);
    let now = OffsetDateTime::now_utc();
    for (name, at) in [("token-1", now - time::Duration::HOUR), ("token-2", now)] {
        std::fs::write(folder.join(name), tokens.token(&["*"], at).unwrap()).unwrap();
    }
    let folder = folder.display();
    let next = format!("sh -c 'cat {folder}/token-1 && mv {folder}/token-2 {folder}/token-1 2>&- || true'");
    let output = Command::new("python3")
        .args([script, "compare", "--limit", &limit.to_string(), "--url", &company.suite.http(), "--token-command"])
        .arg(next)
        .arg(file)
        .output()
        .expect("python3 is needed for the recount; `make setup` installs it");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_order_file_agrees_with_its_recount_and_pushed_again_changes_nothing() {
    let Some(file) = file() else { return };
    let company = Company::start("GBP").await;
    let lines = read::read_file(&file, Some(LINES)).unwrap();
    let plan = plan::plan(&lines);
    let options =
        push::Options { channel: "online-retail".to_owned(), cost_currency: "GBP".to_owned(), rate: Decimal::ONE };
    let folder = company.suite.home.path().to_owned();
    let rows = folder.join("report.csv");
    for round in 0..2 {
        let outcome = push::carry_out(&company.staff, &plan, &options, OffsetDateTime::now_utc()).await.unwrap();
        let summary = report::report(&rows, &lines, &plan, &outcome).unwrap();
        assert_eq!((summary.failures, summary.held_orders), (0, 0), "{:?}", summary.first_failure);
        let (new, known) = if round == 0 { (plan.orders.len(), 0) } else { (0, plan.orders.len()) };
        assert_eq!((summary.new_orders, summary.known_orders), (new as u64, known as u64));
        let changed = (outcome.shipped > 0, summary.new_reversals > 0);
        assert_eq!(changed, (round == 0, round == 0), "a repeat ships, cancels and takes back nothing");
        assert_eq!((outcome.shipped_before > 0, summary.known_reversals > 0), (round == 1, round == 1));
        let written = std::fs::read_to_string(&rows).unwrap();
        let reported: std::collections::HashSet<_> =
            written.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
        assert_eq!(reported.len(), LINES, "every line of the file is in the report");
        testkit::eventually("all contacts have gone to crm", async || {
            let kpi = company.customers_of("online-retail").await;
            kpi == plan.orders.iter().filter_map(|o| o.customer).collect::<std::collections::HashSet<_>>().len() as i64
        })
        .await;
        company.quiet().await;
        let (agrees, said) = recount(&file, LINES, &company, &folder);
        assert!(agrees, "{said}");
    }
    // The recount is able to disagree.
    let (agrees, said) = recount(&file, LINES - 100, &company, &folder);
    assert!(!agrees && said.contains("DIFFERS"), "{said}");
    company.stop().await;
}
