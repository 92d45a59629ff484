//! Pure rules, one clock, one place for transactions.

use crate::none;
use crate::source::{Source, closing, sources};

/// What `domain.rs` must not know.
const IMPURE: [&str; 17] = [
    "sqlx",
    "tonic",
    "tokio",
    "async_nats",
    "reqwest",
    "async",
    "rand",
    "f32",
    "f64",
    "now_utc",
    "Instant",
    "SystemTime",
    "new_id",
    "new_v4",
    "now_v7",
    "std::env",
    "std::fs",
];

/// Reading the clock, making random values and reading the environment.
const AMBIENT: [&str; 11] = [
    "now_utc",
    "now_local",
    "SystemTime::now",
    "Utc::now",
    "Timestamp::now",
    "Zoned::now",
    "new_v4",
    "now_v7",
    "rand::",
    "env::var",
    "env::vars",
];

/// Crates whose work it is.
const MAY_BE_AMBIENT: [&str; 5] =
    ["crates/service/", "crates/messaging/", "crates/backing/", "crates/testkit/", "services/suite/"];

/// Files that make secrets: unpredictable values are their whole purpose.
const MAKE_SECRETS: [&str; 1] = ["services/identity/src/secret.rs"];

/// Parts of a path that announce statistics.
const STATISTICAL: [&str; 5] = ["statistics", "scoring", "score", "search", "forecast"];

fn impure_domains(sources: &[Source]) -> Vec<String> {
    let domains = sources.iter().filter(|source| source.path.starts_with("services/") && source.room("domain"));
    let mut found = Vec::new();
    for source in domains {
        for word in IMPURE {
            // Scores are statistics; the rule on floats looks at them.
            if word.starts_with("f") && statistical(source) {
                continue;
            }
            found.extend(source.word(word).into_iter().map(|at| source.at(at, &format!("domain knows {word}"))));
        }
    }
    found
}

fn ambient(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let excused = MAY_BE_AMBIENT.iter().any(|part| source.path.starts_with(part))
            || MAKE_SECRETS.contains(&source.path.as_str());
        if excused || source.is_test() || source.path.starts_with("tests/") || source.path.ends_with("build.rs") {
            continue;
        }
        for word in AMBIENT {
            found.extend(
                source.word(word).into_iter().map(|at| source.at(at, &format!("{word} belongs in crates/service"))),
            );
        }
    }
    found
}

fn statistical(source: &Source) -> bool {
    source.parts().any(|part| STATISTICAL.iter().any(|word| part.contains(word)))
}

fn floats(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let money = |path: &str| {
        path.starts_with("crates/types/") || (path.starts_with("services/") && !path.starts_with("services/suite/"))
    };
    for source in sources.iter().filter(|source| money(&source.path) && !source.is_test()) {
        let uses: Vec<usize> = ["f32", "f64", "to_f64", "from_f64"].iter().flat_map(|word| source.word(word)).collect();
        let reason = source
            .text
            .lines()
            .take_while(|line| line.starts_with("//!") || line.starts_with("#![doc"))
            .any(|line| ["f64", "f32", "float"].iter().any(|word| line.contains(word)));
        // Gauges are floats; timers set them, and count no money.
        if ["job", "jobs"].iter().any(|room| source.room(room)) && source.code.contains("gauge!") {
            continue;
        }
        for at in uses {
            if !statistical(source) {
                found.push(source.at(at, "floats are for statistics, in modules named for them"));
            } else if !reason {
                found.push(source.at(at, "the module's documentation does not say why floats are right here"));
                break;
            }
        }
    }
    found
}

/// Files that begin and commit: calls from outside, timers, and the queue that groups calls.
fn may_begin(source: &Source) -> bool {
    ["grpc", "job", "jobs", "queue"].iter().any(|room| source.room(room)) || source.path.starts_with("crates/")
}

/// A service's `lib.rs` may make its timers in a function named for them.
fn in_timers(source: &Source, at: usize) -> bool {
    let timers = source.stem() == "lib" && source.path.starts_with("services/");
    let bodies = source.word("fn").into_iter().filter_map(|start| {
        let name: String =
            source.code[start + 2..].trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let open = source.code[start..].find('{')? + start;
        ["job", "sweep"].iter().any(|word| name.contains(word)).then_some(open..closing(&source.code, open)?)
    });
    timers && bodies.into_iter().any(|body| body.contains(&at))
}

fn transactions(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let looked_at = |source: &&Source| {
        source.path.starts_with("services/") && !source.path.starts_with("services/suite/") && !source.is_test()
    };
    for source in sources.iter().filter(looked_at).filter(|source| !may_begin(source)) {
        for call in [".begin()", ".commit()", ".rollback()"] {
            let places = source.word(call).into_iter().filter(|at| !in_timers(source, *at));
            found.extend(places.map(|at| source.at(at, "only grpc, jobs and queue rooms begin and commit")));
        }
    }
    found
}

#[test]
fn domains_are_pure() {
    none(impure_domains(sources()));
}

#[test]
fn clock_randomness_and_environment_are_read_in_one_place() {
    none(ambient(sources()));
}

#[test]
fn floats_are_for_statistics() {
    none(floats(sources()));
}

#[test]
fn who_begins_a_transaction_commits_it() {
    none(transactions(sources()));
}

#[test]
fn the_rules_on_purity_can_fail() {
    let one = |path: &str, text: &str| vec![Source::new(path, text)];
    assert_eq!(
        impure_domains(&one(
            "services/erp/src/stock/domain.rs",
            "use sqlx::Row; // tokio\nlet at = OffsetDateTime::now_utc();"
        ))
        .len(),
        2
    );
    assert_eq!(impure_domains(&one("services/erp/src/stock/domain.rs", "async fn x(a: f64) {}")).len(), 2);
    assert_eq!(impure_domains(&one("services/erp/src/stock/domain/lots.rs", "tokio::spawn(x)")).len(), 1);
    assert_eq!(impure_domains(&one("services/erp/src/stock/store.rs", "use sqlx::Row;")).len(), 0);
    assert_eq!(ambient(&one("services/erp/src/stock/grpc.rs", "let id = Uuid::now_v7();")).len(), 1);
    assert_eq!(ambient(&one("services/erp/src/stock/grpc.rs", "let name = std::env::var(\"X\");")).len(), 1);
    assert_eq!(ambient(&one("services/erp/tests/it/main.rs", "Uuid::now_v7()")).len(), 0);
    assert_eq!(floats(&one("services/erp/src/stock/convert.rs", "fn x() -> f64 {}")).len(), 1);
    assert_eq!(floats(&one("services/erp/src/jobs.rs", "metrics::gauge!(\"x\").set(count as f64)")).len(), 0);
    assert_eq!(floats(&one("services/erp/src/jobs.rs", "let price = count as f64;")).len(), 1);
    assert_eq!(floats(&one("services/crm/src/scoring/domain.rs", "//! Scores.\nfn x() -> f64 {}")).len(), 1);
    assert_eq!(
        floats(&one("services/crm/src/scoring/domain.rs", "//! Scores are f64: no money.\nfn x() -> f64 {}")).len(),
        0
    );
    assert_eq!(
        transactions(&one("services/erp/src/stock/commands.rs", "let tx = db.begin().await?; tx.commit().await?;"))
            .len(),
        2
    );
    assert_eq!(transactions(&one("services/erp/src/lib.rs", "fn jobs() { let tx = db.begin().await?; }")).len(), 0);
    assert_eq!(
        transactions(&one("services/erp/src/lib.rs", "fn jobs() {} fn other() { let tx = db.begin().await?; }")).len(),
        1
    );
    assert_eq!(transactions(&one("services/erp/src/stock/grpc.rs", "let tx = db.begin().await?;")).len(), 0);
}
