//! Checks that every SQL statement written in a crate fits the real schema.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sqlx::{AssertSqlSafe, Executor as _, SqlSafeStr as _};

use crate::TestService;

/// Prepares every statement found in `store*` and `queries*` files of a crate against the service's migrated database.
/// A statement is a string literal whose first line is `-- its_name`.
///
/// # Panics
/// When a statement does not fit, with its name and the database's words; or when none is found.
pub async fn sql_check(app: &TestService, manifest_dir: &str) {
    let mut files = Vec::new();
    sql_files(&Path::new(manifest_dir).join("src"), &mut files);
    let mut wrong = Vec::new();
    let mut checked = 0;
    for file in files {
        let source = fs::read_to_string(&file).expect("a source file is read");
        for statement in statements(&source) {
            checked += 1;
            let mut conn = app.db.acquire().await.expect("the database answers");
            if let Err(error) = conn.prepare(AssertSqlSafe(statement.clone()).into_sql_str()).await {
                let name = statement.lines().next().unwrap_or_default().to_owned();
                wrong.push(format!("{}: {name}: {error}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "statements that do not fit the schema:\n{}", wrong.join("\n"));
    assert!(checked > 0, "no statements found below {manifest_dir}");
}

fn sql_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a source folder is read") {
        let path = entry.expect("a folder entry is read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.is_dir() {
            sql_files(&path, found);
        } else if (path.to_string_lossy().contains("/store") || path.to_string_lossy().contains("/queries"))
            && name.ends_with(".rs")
        {
            found.push(path);
        }
    }
}

/// String literals that begin with `-- `, unescaped.
fn statements(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find("\"-- ") {
        let raw = rest[..start].ends_with("r#") || rest[..start].ends_with('r');
        let hashed = rest[..start].ends_with("r#");
        let body = &rest[start + 1..];
        let end = if hashed { body.find("\"#") } else { literal_end(body, raw) };
        let Some(end) = end else { break };
        let text = &body[..end];
        found.push(if raw { text.to_owned() } else { unescape(text) });
        rest = &body[end + 1..];
    }
    found
}

fn literal_end(body: &str, raw: bool) -> Option<usize> {
    let mut escaped = false;
    for (index, c) in body.char_indices() {
        match c {
            '\\' if !raw && !escaped => escaped = true,
            '"' if !escaped => return Some(index),
            _ => escaped = false,
        }
    }
    None
}

fn unescape(text: &str) -> String {
    // A backslash at a line's end swallows the break and the indentation after it.
    let mut joined = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\\n") {
        joined.push_str(&rest[..at]);
        rest = rest[at + 2..].trim_start();
    }
    joined.push_str(rest);
    joined.replace("\\n", "\n").replace("\\\"", "\"").replace("\\t", "\t").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_in_all_kinds_of_literals() {
        let source = "a(\"-- one\\nselect 1\") b(r\"-- two\nselect '\\d'\") c(r#\"-- three\nselect \"x\"\"#) d(\"-- four\n select \\\"y\\\"\") e(\"no\")";
        let found = statements(source);
        assert_eq!(
            found,
            ["-- one\nselect 1", "-- two\nselect '\\d'", "-- three\nselect \"x\"", "-- four\n select \"y\""]
        );
    }
}
