//! What deployment files and documentation name is there: settings, alerts' runbooks, files.

use std::collections::BTreeSet;

use crate::none;
use crate::source::{files, root, sources};

/// Variables of the reader's own shell in examples.
const EXAMPLES: [&str; 1] = ["SHOPFLOOR_KEY"];

/// Every `SHOPFLOOR_…` in a text.
fn settings(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("SHOPFLOOR_") {
        let name: String = text[at..]
            .chars()
            .take_while(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || *letter == '_')
            .collect();
        // `SHOPFLOOR_<SERVICE>_…` and `SHOPFLOOR_*` speak of many.
        if !name.ends_with('_') && !EXAMPLES.contains(&name.as_str()) {
            found.insert(name);
        }
    }
    found
}

fn known() -> BTreeSet<String> {
    let ours = sources().iter().filter(|source| !source.path.starts_with("tests/"));
    ours.flat_map(|source| source.literals.iter().flat_map(|literal| settings(&literal.text))).collect()
}

fn unknown_settings(files: &[(String, String)], known: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        found.extend(settings(text).difference(known).map(|name| format!("{path}: there is no setting {name}")));
    }
    found
}

fn deployment_files() -> Vec<(String, String)> {
    let kinds = ["yaml", "yml", "env", "md", "json", "conf"];
    let mut found: Vec<_> = ["deploy", "k8s", "docs"].iter().flat_map(|folder| files(folder, &kinds)).collect();
    for name in ["README.md", "ARCHITECTURE.md", "deploy/Dockerfile", "deploy/init", "Makefile"] {
        if let Ok(text) = std::fs::read_to_string(root().join(name)) {
            found.push((name.to_owned(), text));
        }
    }
    found
}

/// `file.md#heading` of each alert.
fn lost_runbooks(rules: &str, manual: &str) -> Vec<String> {
    let headings: BTreeSet<String> = manual
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .collect();
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let mut found = Vec::new();
    for alert in alerts {
        if !headings.contains(&alert.to_lowercase()) {
            found.push(format!("the alert {alert} has no section in docs/operations.md"));
        }
        if !rules.contains(&format!("runbook: docs/operations.md#{}", alert.to_lowercase())) {
            found.push(format!("the alert {alert} does not name its section"));
        }
    }
    found
}

#[test]
fn every_setting_that_is_named_exists() {
    let files = deployment_files();
    assert!(files.iter().any(|(path, _)| path == "deploy/compose.yaml"));
    none(unknown_settings(&files, &known()));
}

#[test]
fn every_alert_has_a_runbook() {
    let rules = std::fs::read_to_string(root().join("deploy/prometheus/rules/shopfloor.yml")).unwrap();
    let manual = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    assert!(rules.matches("- alert: ").count() >= 8);
    none(lost_runbooks(&rules, &manual));
}

#[test]
fn the_rules_on_deployment_can_fail() {
    let known = BTreeSet::from(["SHOPFLOOR_A".to_owned()]);
    let file = |text: &str| vec![("a.yaml".to_owned(), text.to_owned())];
    assert_eq!(unknown_settings(&file("SHOPFLOOR_A: 1\nSHOPFLOOR_B: 2\nSHOPFLOOR_<X>"), &known).len(), 1);
    let rules = "- alert: Down\n  runbook: docs/operations.md#down\n";
    assert_eq!(lost_runbooks(rules, "### Down\n").len(), 0);
    assert_eq!(lost_runbooks(rules, "### Up\n").len(), 1);
    assert_eq!(lost_runbooks("- alert: Down\n", "### Down\n").len(), 1);
}
