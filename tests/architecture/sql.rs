//! SQL is text one can grep, in the rooms for it, with a name; migrations only grow and name what they promise.

use std::collections::HashMap;

use crate::none;
use crate::source::{Source, files, sources};

const CALLS: [&str; 5] = ["query", "query_as", "query_scalar", "raw_sql", "query_with"];

/// Where a statement is given to sqlx: the call, and the literal if its text is one.
fn calls(source: &Source) -> Vec<(usize, Option<&str>)> {
    let mut found = Vec::new();
    for call in CALLS {
        for at in source.word(call) {
            let after = &source.code[at + call.len()..];
            let generics = after.starts_with("::<");
            let Some(open) = after.find('(').map(|offset| at + call.len() + offset) else { continue };
            // A call of sqlx: `sqlx::query(`, or `query_as::<_, Row>(`; not a function of ours called query().
            if !source.code[..at].ends_with("sqlx::") && !generics {
                continue;
            }
            let start = open + 1 + source.text[open + 1..].len() - source.text[open + 1..].trim_start().len();
            let literal =
                source.literals.iter().find(|literal| literal.start == start).map(|literal| literal.text.as_str());
            found.push((at, literal));
        }
    }
    found
}

fn checked(source: &Source) -> bool {
    let ours = ["services/", "crates/messaging/src/", "crates/service/src/"];
    ours.iter().any(|folder| source.path.starts_with(folder))
        && !source.is_test()
        && !source.path.starts_with("services/suite/")
}

fn sql_outside_its_rooms(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| checked(source) && source.path.starts_with("services/")) {
        if !source.room("store") && !source.room("queries") {
            found.extend(
                calls(source).into_iter().map(|(at, _)| source.at(at, "SQL belongs in a store or queries room")),
            );
        }
    }
    found
}

/// The name in the first line: `-- snake_name`.
fn name(literal: &str) -> Option<&str> {
    let first = literal.trim_start().lines().next()?.trim_end().trim_end_matches("\\n").trim_end_matches('\\');
    let name = first.split("\\n").next()?.strip_prefix("-- ")?.trim();
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'))
        .then_some(name)
}

fn nameless_statements(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let mut names: HashMap<(String, String), String> = HashMap::new();
    for source in sources.iter().filter(|source| checked(source)) {
        let package: String = source.parts().take(2).collect::<Vec<_>>().join("/");
        for (at, literal) in calls(source) {
            // Constants and generated text are found by their own rule: the test that prepares every statement.
            let Some(literal) = literal else { continue };
            let here = source.at(at, "");
            match name(literal) {
                None => found.push(source.at(at, "a statement begins with `-- its_name`")),
                Some(name) => {
                    if let Some(other) = names.insert((package.clone(), name.to_owned()), here) {
                        found.push(source.at(at, &format!("the name {name} is taken by {other}")));
                    }
                }
            }
        }
    }
    found
}

fn offsets(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| checked(source)) {
        for (at, literal) in calls(source) {
            let words = literal.unwrap_or_default().to_lowercase();
            let words: Vec<&str> = words.split_whitespace().collect();
            if words
                .windows(2)
                .any(|pair| pair[0] == "offset" && (pair[1].starts_with('$') || pair[1].parse::<u32>().is_ok()))
            {
                found.push(source.at(at, "pages go by key, never by offset"));
            }
        }
    }
    found
}

fn bad_migrations(files: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut numbers: HashMap<(String, u32), String> = HashMap::new();
    for (path, text) in files {
        let (folder, file) = path.rsplit_once('/').unwrap_or_default();
        let number = file.split_once('_').and_then(|(number, _)| number.parse::<u32>().ok());
        let snake = file
            .strip_suffix(".sql")
            .is_some_and(|stem| stem.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        match number.filter(|_| snake) {
            None => found.push(format!("{path}: a migration is called 1001_what_it_does.sql")),
            Some(number) => {
                if path.starts_with("services/") && number < 1001 {
                    found.push(format!("{path}: numbers below 1001 belong to the foundation"));
                }
                if let Some(other) = numbers.insert((folder.to_owned(), number), path.clone()) {
                    found.push(format!("{path}: {other} has the same number"));
                }
            }
        }
        found.extend(
            nameless_constraints(text)
                .into_iter()
                .map(|line| format!("{path}:{line}: a check or unique constraint without a name")),
        );
    }
    found
}

/// Lines with `check (…)` or `unique` in a table that no `constraint name` stands before.
fn nameless_constraints(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut before = [String::new(), String::new(), String::new()];
    for (number, line) in text.lines().enumerate() {
        let line = line.split("--").next().unwrap_or_default().to_lowercase();
        let line = line.replace('(', " ( ").replace(',', " , ");
        for word in line.split_whitespace() {
            let named = before[1] == "constraint";
            // `create unique index`, `check option` and `unique nulls` of an index are none.
            if (word == "unique" && !named && before[2] != "create")
                || (word == "(" && before[2] == "check" && before[0] != "constraint")
            {
                found.push(number + 1);
            }
            before.rotate_left(1);
            before[2] = word.to_owned();
        }
    }
    found
}

fn migrations() -> Vec<(String, String)> {
    ["crates", "services"]
        .iter()
        .flat_map(|folder| files(folder, &["sql"]))
        .filter(|(path, _)| path.contains("/migrations/"))
        .collect()
}

#[test]
fn sql_stands_in_store_and_queries_rooms() {
    none(sql_outside_its_rooms(sources()));
}

#[test]
fn every_statement_has_a_name_of_its_own() {
    none(nameless_statements(sources()));
}

#[test]
fn pages_go_by_key() {
    none(offsets(sources()));
}

#[test]
fn migrations_are_numbered_and_their_constraints_named() {
    let migrations = migrations();
    assert!(migrations.len() >= 5, "the migrations were not found");
    none(bad_migrations(&migrations));
}

#[test]
fn the_rules_on_sql_can_fail() {
    let one = |path: &str, text: &str| vec![Source::new(path, text)];
    let named = "sqlx::query(\n    \"-- take_lot\n select 1\")";
    assert_eq!(sql_outside_its_rooms(&one("services/erp/src/stock/commands.rs", named)).len(), 1);
    assert_eq!(sql_outside_its_rooms(&one("services/erp/src/stock/store_lots.rs", named)).len(), 0);
    assert_eq!(nameless_statements(&one("services/erp/src/stock/store.rs", named)).len(), 0);
    assert_eq!(nameless_statements(&one("services/erp/src/stock/store.rs", &format!("{named};{named}"))).len(), 1);
    assert_eq!(
        nameless_statements(&one("services/erp/src/stock/store.rs", "sqlx::query_as::<_, Row>(\"select 1\")")).len(),
        1
    );
    assert_eq!(
        nameless_statements(&one("services/erp/src/stock/store.rs", "sqlx::query(r\"-- Big Name\n select 1\")")).len(),
        1
    );
    assert_eq!(
        offsets(&one("services/erp/src/stock/queries.rs", "sqlx::query(\"-- a\n select 1 limit 5 offset $1\")")).len(),
        1
    );
    let migration = |path: &str, text: &str| bad_migrations(&[(path.to_owned(), text.to_owned())]).len();
    assert_eq!(
        migration(
            "services/erp/migrations/1001_stock.sql",
            "n int constraint n_positive check (n > 0), constraint u unique (n)"
        ),
        0
    );
    assert_eq!(migration("services/erp/migrations/1001_stock.sql", "n int check (n > 0)"), 1);
    assert_eq!(migration("services/erp/migrations/1001_stock.sql", "n int unique"), 1);
    assert_eq!(migration("services/erp/migrations/1001_stock.sql", "create unique index a on b (c)"), 0);
    assert_eq!(migration("services/erp/migrations/12_stock.sql", ""), 1);
    assert_eq!(migration("services/erp/migrations/1001_Stock.sql", ""), 1);
    let twice = ["1001_a", "1001_b"].map(|name| (format!("services/erp/migrations/{name}.sql"), String::new()));
    assert_eq!(bad_migrations(&twice).len(), 1);
}
