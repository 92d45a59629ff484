//! Exceptions have reasons, modules are documented, nothing names the machine it was written on.

use crate::none;
use crate::source::{Source, closing, files, sources};

fn silent_exceptions(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let code = &source.code_with_tests;
        for start in ["#[", "#!["] {
            for (at, _) in code.match_indices(start) {
                let Some(end) = closing(code, at + start.len() - 1) else { continue };
                let inside = code[at + start.len()..end].trim_start();
                if inside.starts_with("allow(") || inside.contains(", allow(") {
                    found.push(source.at(at, "allow: use expect with a reason"));
                }
                if inside.starts_with("expect(") && !inside.contains("reason") {
                    found.push(source.at(at, "expect without a reason"));
                }
            }
        }
    }
    found
}

fn undocumented(sources: &[Source]) -> Vec<String> {
    let said = |source: &Source| ["//!", "#![doc"].iter().any(|start| source.text.trim_start().starts_with(start));
    let bare = |source: &&Source| !said(source) && !source.is_test();
    sources
        .iter()
        .filter(bare)
        .map(|source| format!("{}: no documentation that says what it is for", source.path))
        .collect()
}

/// Folders that exist on one machine only. Written in pieces, so that this file does not name them itself.
fn machine_paths() -> [String; 3] {
    [["/work", "/"].concat(), ["/tmp", "/sf"].concat(), ["/root", "/"].concat()]
}

fn named_machines(files: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        for machine in machine_paths() {
            for (number, line) in text.lines().enumerate() {
                let mut places = line.match_indices(&machine).map(|(at, _)| at);
                let own = |at: usize| at == 0 || !line.as_bytes()[at - 1].is_ascii_alphanumeric();
                if places.any(own) {
                    found.push(format!("{path}:{}: names {machine}", number + 1));
                }
            }
        }
    }
    found
}

#[test]
fn every_lint_exception_is_an_expect_with_a_reason() {
    none(silent_exceptions(sources()));
}

#[test]
fn every_module_says_what_it_is_for() {
    none(undocumented(sources()));
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let kinds = ["rs", "toml", "md", "yaml", "yml", "json", "sql", "proto", "txt", "sh", "py"];
    let folders = ["crates", "services", "tests", "proto", "deploy", "k8s", "scripts", "docs", "README.md"];
    let files: Vec<_> = folders.iter().flat_map(|folder| files(folder, &kinds)).collect();
    assert!(files.len() > 50);
    none(named_machines(&files));
}

#[test]
fn the_rules_on_exceptions_can_fail() {
    let one = |text: &str| vec![Source::new("services/a/src/b.rs", text)];
    assert_eq!(silent_exceptions(&one("#[allow(dead_code)]\nfn x() {}")).len(), 1);
    assert_eq!(silent_exceptions(&one("#![allow(dead_code)]")).len(), 1);
    assert_eq!(silent_exceptions(&one("#[cfg_attr(test, allow(dead_code))]")).len(), 1);
    assert_eq!(silent_exceptions(&one("#[expect(dead_code)]")).len(), 1);
    assert_eq!(silent_exceptions(&one("#[expect(dead_code, reason = \"later\")]")).len(), 0);
    assert_eq!(undocumented(&one("use x;")).len(), 1);
    assert_eq!(undocumented(&one("//! Says.\nuse x;")).len(), 0);
    let file = |text: String| vec![("a.md".to_owned(), text)];
    assert_eq!(named_machines(&file(format!("see {}main", machine_paths()[0]))).len(), 1);
    assert_eq!(named_machines(&file("a framework/x and net/work/y".to_owned())).len(), 0);
}
