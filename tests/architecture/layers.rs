//! Who may depend on whom.

use std::collections::HashMap;
use std::process::Command;

use crate::none;
use crate::source::root;

/// A package and what it needs.
struct Package {
    name: String,
    /// `crates`, `services` or `tests`.
    folder: String,
    /// Name and whether only its tests need it.
    needs: Vec<(String, bool)>,
}

fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let read = |package: &serde_json::Value| {
        let manifest = text(&package["manifest_path"]);
        let inside = manifest.strip_prefix(root().to_str().unwrap()).unwrap().trim_start_matches('/').to_owned();
        let needs = package["dependencies"].as_array().unwrap().iter();
        Package {
            name: text(&package["name"]),
            folder: inside.split('/').next().unwrap().to_owned(),
            needs: needs.map(|need| (text(&need["name"]), need["kind"] == "dev")).collect(),
        }
    };
    metadata["packages"].as_array().unwrap().iter().map(read).collect()
}

/// Which of our crates each foundation crate may use.
const FOUNDATION: [(&str, &[&str]); 6] = [
    ("types", &[]),
    ("proto", &["types"]),
    ("messaging", &["proto", "types"]),
    ("service", &["messaging", "proto", "types"]),
    ("backing", &[]),
    ("testkit", &["backing", "messaging", "proto", "service", "types"]),
];

/// Crates that know the broker's client.
const KNOW_NATS: [&str; 3] = ["messaging", "testkit", "backing"];

/// Names that say nothing.
const SHAPELESS: [&str; 8] = ["common", "utils", "util", "core", "shared", "helpers", "misc", "prelude"];

fn wrong_directions(packages: &[Package]) -> Vec<String> {
    let ours: HashMap<&str, &str> = packages.iter().map(|p| (p.name.as_str(), p.folder.as_str())).collect();
    let foundation: HashMap<&str, &[&str]> = FOUNDATION.into_iter().collect();
    let mut wrong = Vec::new();
    for package in packages {
        for (need, test_only) in &package.needs {
            let name = package.name.as_str();
            let to_service = ours.get(need.as_str()) == Some(&"services");
            let allowed = foundation.get(name);
            if to_service && package.folder != "tests" && name != "suite" {
                wrong.push(format!("{name} depends on the service {need}"));
            }
            if !test_only
                && ours.contains_key(need.as_str())
                && allowed.is_some_and(|allowed| !allowed.contains(&need.as_str()))
            {
                wrong.push(format!("{name} depends on {need}, which is not below it"));
            }
            if !test_only && need == "testkit" {
                wrong.push(format!("{name} depends on testkit outside its tests"));
            }
            if need == "async-nats" && !KNOW_NATS.contains(&name) {
                wrong.push(format!("{name} knows the broker's client"));
            }
            if need == "async-nats" && name == "backing" && !test_only {
                wrong.push("backing knows the broker's client outside its tests".to_owned());
            }
        }
    }
    wrong
}

fn shapeless_names(names: impl Iterator<Item = String>) -> Vec<String> {
    names
        .filter(|name| name.split(['/', '.']).any(|part| SHAPELESS.contains(&part)))
        .map(|name| format!("{name}: says nothing"))
        .collect()
}

#[test]
fn crates_depend_downwards_only() {
    none(wrong_directions(&packages()));
}

#[test]
fn nothing_is_named_common_or_utils() {
    let files = crate::source::sources().iter().map(|source| source.path.clone());
    none(shapeless_names(packages().into_iter().map(|package| package.name).chain(files)));
}

#[test]
fn the_rule_on_directions_can_fail() {
    let package = |name: &str, folder: &str, needs: &[(&str, bool)]| Package {
        name: name.to_owned(),
        folder: folder.to_owned(),
        needs: needs.iter().map(|(need, test)| ((*need).to_owned(), *test)).collect(),
    };
    let with = |one: Package| {
        wrong_directions(&[package("orders", "services", &[]), package("types", "crates", &[]), one]).len()
    };
    assert_eq!(with(package("suite", "services", &[("orders", false), ("testkit", true)])), 0);
    assert_eq!(with(package("erp", "services", &[("orders", false)])), 1);
    assert_eq!(with(package("erp", "services", &[("orders", true)])), 1);
    assert_eq!(with(package("erp", "services", &[("testkit", false)])), 1);
    assert_eq!(with(package("erp", "services", &[("async-nats", true)])), 1);
    assert_eq!(with(package("backing", "crates", &[("async-nats", false)])), 1);
    assert_eq!(with(package("proto", "crates", &[("orders", false)])), 2);
    assert_eq!(with(package("backing", "crates", &[("types", false)])), 1);
    assert_eq!(shapeless_names(["crates/x/src/utils.rs".to_owned(), "common_sense".to_owned()].into_iter()).len(), 1);
}
