//! Small files, short functions, the same rooms everywhere.

use crate::none;
use crate::source::{Source, closing, sources};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;

fn long_files(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test() && !source.path.starts_with("tests/")) {
        // Lines of unit tests are blank here; so are comments, which do not make a file long to understand but do to read.
        let tests: usize = {
            let blanked = |code: &str| code.lines().map(|line| line.trim().is_empty()).collect::<Vec<_>>();
            let (with, without) = (blanked(&source.code_with_tests), blanked(&source.code));
            with.iter().zip(&without).filter(|(with, without)| !**with && **without).count()
        };
        let lines = source.text.lines().count() - tests;
        if lines >= FILE_LINES {
            found.push(format!("{}: {lines} lines, {FILE_LINES} are too many", source.path));
        }
    }
    found
}

fn long_functions(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test() && !source.path.starts_with("tests/")) {
        for at in source.word("fn") {
            let Some(body) = source.code[at..].find(['{', ';']).map(|offset| at + offset) else { continue };
            if source.code.as_bytes()[body] == b';' {
                continue;
            }
            let Some(end) = closing(&source.code, body) else { continue };
            // As clippy counts: lines of the body with code in them. Text of queries counts too.
            let inside = source.code[body + 1..end].lines().zip(source.text[body + 1..end].lines());
            let lines = inside
                .filter(|(code, text)| {
                    !code.trim().is_empty() || !(text.trim().is_empty() || text.trim().starts_with("//"))
                })
                .count();
            if lines >= FUNCTION_LINES {
                found.push(source.at(at, &format!("a function of {lines} lines, {FUNCTION_LINES} are too many")));
            }
        }
    }
    found
}

/// Rooms of a capability; a room may also be a folder, or carry a suffix (`store_lots.rs`).
const ROOMS: [&str; 10] = ["mod", "domain", "commands", "store", "queries", "grpc", "convert", "job", "jobs", "queue"];
/// Technical services and the binary are built otherwise.
const OWN_SHAPE: [&str; 2] = ["services/gateway/", "services/suite/"];

fn strange_rooms(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("services/") && !source.is_test()) {
        let parts: Vec<&str> = source.parts().collect();
        let inside_capability = parts.len() >= 5 && parts[2] == "src" && parts[3] != "consumers";
        if OWN_SHAPE.iter().any(|own| source.path.starts_with(own)) || !inside_capability {
            continue;
        }
        let room = parts[4].strip_suffix(".rs").unwrap_or(parts[4]);
        let known =
            ROOMS.iter().any(|name| room == *name || room.strip_prefix(name).is_some_and(|rest| rest.starts_with('_')));
        if !known && !room.contains("statistics") && !room.contains("tests") {
            found.push(format!("{}: no new kinds of room ({})", source.path, ROOMS.join(", ")));
        }
    }
    found
}

#[test]
fn files_are_small() {
    none(long_files(sources()));
}

#[test]
fn functions_are_short() {
    none(long_functions(sources()));
}

#[test]
fn capabilities_have_the_same_rooms() {
    none(strange_rooms(sources()));
}

#[test]
fn the_rules_on_size_can_fail() {
    let one = |path: &str, text: &str| vec![Source::new(path, text)];
    let lines = |count: usize| "    let a = 1;\n".repeat(count);
    assert_eq!(long_files(&one("services/a/src/b.rs", &lines(400))).len(), 1);
    assert_eq!(long_files(&one("services/a/src/b.rs", &lines(399))).len(), 0);
    assert_eq!(
        long_files(&one(
            "services/a/src/b.rs",
            &format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", lines(300), lines(300))
        ))
        .len(),
        0
    );
    assert_eq!(
        long_functions(&one("services/a/src/b.rs", &format!("fn a() {{\n{}}}\nfn b() {{}}", lines(70)))).len(),
        1
    );
    assert_eq!(long_functions(&one("services/a/src/b.rs", &format!("fn a() {{\n{}}}", lines(69)))).len(), 0);
    assert_eq!(strange_rooms(&one("services/erp/src/stock/manager.rs", "")).len(), 1);
    assert_eq!(strange_rooms(&one("services/erp/src/stock/store_lots.rs", "")).len(), 0);
    assert_eq!(strange_rooms(&one("services/erp/src/stock/commands/reserve.rs", "")).len(), 0);
}
