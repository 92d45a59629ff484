//! What a task is, and what changes in it are written down.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// The actor of everything automation does.
pub const AUTOMATION: &str = "automation";

/// Closed by somebody.
pub const BY_PERSON: &str = "person";

/// Closed because what it was about is settled.
pub const BY_CAUSE: &str = "cause_gone";

/// Most employees that watch one task.
pub const MOST_WATCHERS: usize = 200;

/// A piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Id.
    pub id: Uuid,
    /// Key of the project.
    pub project: String,
    /// Human key.
    pub key: String,
    /// Type code.
    pub task_type: String,
    /// State code.
    pub state: String,
    /// Title.
    pub title: String,
    /// English title of a rule's task.
    pub title_en: String,
    /// Markdown.
    pub description: String,
    /// English description of a rule's task.
    pub description_en: String,
    /// 1 low to 4 urgent.
    pub priority: i16,
    /// Who has it.
    pub assignee_id: Option<String>,
    /// Whose members should take it.
    pub role: String,
    /// Who opened it.
    pub creator_id: String,
    /// When it should be done.
    pub due_at: Option<OffsetDateTime>,
    /// Sorted.
    pub labels: Vec<String>,
    /// What it is about.
    pub subject_kind: String,
    /// Id of that.
    pub subject_id: String,
    /// Rule that opened it.
    pub rule: String,
    /// Its cause, for tasks of rules.
    pub cause_key: Option<String>,
    /// Optimistic lock.
    pub version: i64,
    /// Version of its newest event.
    pub event_version: i64,
    /// When it was opened.
    pub opened_at: OffsetDateTime,
    /// When it changed.
    pub updated_at: OffsetDateTime,
    /// When it was closed.
    pub closed_at: Option<OffsetDateTime>,
    /// By whom: see the constants; empty while open.
    pub closed_by: String,
}

/// One change of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Field.
    pub field: &'static str,
    /// Before.
    pub old: String,
    /// After.
    pub new: String,
}

fn moment(at: Option<OffsetDateTime>) -> String {
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

/// What a person may have changed between two pictures of a task, field by field.
#[must_use]
pub fn changes(before: &Task, after: &Task) -> Vec<FieldChange> {
    let fields = [
        ("state", before.state.clone(), after.state.clone()),
        ("title", before.title.clone(), after.title.clone()),
        ("description", before.description.clone(), after.description.clone()),
        ("priority", before.priority.to_string(), after.priority.to_string()),
        ("assignee", before.assignee_id.clone().unwrap_or_default(), after.assignee_id.clone().unwrap_or_default()),
        ("role", before.role.clone(), after.role.clone()),
        ("due", moment(before.due_at), moment(after.due_at)),
        ("labels", before.labels.join(", "), after.labels.join(", ")),
    ];
    fields
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(field, old, new)| FieldChange { field, old, new })
        .collect()
}

/// Sorts labels and drops repeated ones.
#[must_use]
pub fn tidy(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words.dedup();
    words
}

/// Employee ids mentioned in a text as `@id`, sorted: letters, digits, `-`, `_` and inner dots. An `@` inside a word (an
/// e-mail address) mentions nobody.
#[must_use]
pub fn mentions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = ' ';
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '@' && !(before.is_alphanumeric() || matches!(before, '_' | '.' | '-' | '@' | '+')) {
            let end =
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(rest.len());
            let id = rest[..end].trim_end_matches(['.', '-', '_']);
            if (1..=64).contains(&id.len()) {
                found.push(id.to_owned());
            }
        }
        before = c;
    }
    tidy(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mentions_are_found_where_people_write_them() {
        let text = "@anna, спроси @0193-ab и (@boris.p). Пиши на shop@example.com, @@nobody, @ , @anna!";
        assert_eq!(mentions(text), ["0193-ab", "anna", "boris.p"]);
        assert!(mentions("a@b @").is_empty());
    }

    #[test]
    fn labels_are_a_sorted_set() {
        assert_eq!(tidy(vec!["b".into(), "a".into(), "b".into()]), ["a", "b"]);
    }

    proptest! {
        #[test]
        fn whoever_is_mentioned_between_spaces_is_found(ids in prop::collection::btree_set("[a-z][a-z0-9]{0,20}", 0..6), noise in "[^@]*") {
            let text = format!("{noise} {} {noise}", ids.iter().map(|id| format!("@{id}")).collect::<Vec<_>>().join(" "));
            prop_assert_eq!(mentions(&text), ids.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn any_text_is_read_without_fault(text in "\\PC*") {
            for id in mentions(&text) {
                prop_assert!(text.contains(&format!("@{id}")), "{} not in {}", id, text);
            }
        }
    }
}
