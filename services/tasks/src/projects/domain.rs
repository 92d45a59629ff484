//! What a project is.

use time::OffsetDateTime;
use uuid::Uuid;

/// A numbered book of tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Id.
    pub id: Uuid,
    /// First part of every task key.
    pub key: String,
    /// Display name.
    pub name: String,
    /// What belongs here.
    pub description: String,
    /// Number of the newest task.
    pub last_number: i64,
    /// No new tasks.
    pub archived: bool,
    /// Optimistic lock.
    pub version: i64,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: OffsetDateTime,
}

/// Whether a project may have this key: `^[A-Z][A-Z0-9]{1,9}$`.
#[must_use]
pub fn is_key(text: &str) -> bool {
    (2..=10).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// Whether a code (workflow, state, type, rule) is lower snake case of at most `longest` characters.
#[must_use]
pub fn is_code(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_capital_words() {
        for good in ["WH", "ORD", "A1", "ABCDEFGHI9"] {
            assert!(is_key(good), "{good}");
        }
        for bad in ["", "W", "wh", "1A", "ABCDEFGHIJK", "W-H", "ЩИ", "W H"] {
            assert!(!is_key(bad), "{bad}");
        }
    }

    #[test]
    fn codes_are_lower_snake_case() {
        for good in ["open", "in_progress", "a1"] {
            assert!(is_code(good, 40), "{good}");
        }
        for bad in ["", "_a", "Open", "in-progress", "1a", "готово"] {
            assert!(!is_code(bad, 40), "{bad}");
        }
        assert!(!is_code("abc", 2));
    }
}
