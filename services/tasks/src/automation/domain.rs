//! The rules of automation: when a rule speaks, what it says, and what becomes of a cause.

mod cause;
mod template;

pub use cause::{Cause, Outcome, Phase, Signal, Stamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
pub use template::{fields_of, render};
use time::OffsetDateTime;

/// The fields of an event, by name, as text.
pub trait Fields {
    /// A field's value; `None` when the event has no such field.
    fn get(&self, field: &str) -> Option<String>;
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// One of the values.
    In,
    /// None of the values.
    NotIn,
    /// Not below the value.
    AtLeast,
    /// Not above the value.
    AtMost,
}

/// A condition on a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Field.
    pub field: String,
    /// Comparison.
    pub op: Operator,
    /// With what.
    pub values: Vec<String>,
}

impl Condition {
    /// Whether an event meets it. A missing field or one that is no number meets nothing but `NotIn`.
    #[must_use]
    pub fn holds(&self, fields: &dyn Fields) -> bool {
        let value = fields.get(&self.field);
        let number = |text: &str| text.parse::<Decimal>().ok();
        let limit = || self.values.first().and_then(|limit| number(limit));
        let value_number = || value.as_deref().and_then(number);
        match self.op {
            Operator::In => value.is_some_and(|value| self.values.contains(&value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(&value)),
            Operator::AtLeast => value_number().zip(limit()).is_some_and(|(value, limit)| value >= limit),
            Operator::AtMost => value_number().zip(limit()).is_some_and(|(value, limit)| value <= limit),
        }
    }
}

/// An event that closes a rule's task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Publishing service.
    pub source: String,
    /// Name of the event.
    pub name: String,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// State the task goes to.
    pub state: String,
    /// The cause never comes back.
    pub forever: bool,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Code.
    pub code: String,
    /// Russian name.
    pub name_ru: String,
    /// English name.
    pub name_en: String,
    /// Opens tasks.
    pub enabled: bool,
    /// Service of the opening event.
    pub source: String,
    /// Name of the opening event.
    pub name: String,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Template of the cause.
    pub cause_key: String,
    /// Wait before opening.
    pub delay_seconds: i64,
    /// Project key.
    pub project: String,
    /// Task type.
    pub task_type: String,
    /// 1 low to 4 urgent.
    pub priority: i16,
    /// Whose members should take it.
    pub role: String,
    /// Due that long after it is opened; 0 for never.
    pub due_after_seconds: i64,
    /// Title template.
    pub title_ru: String,
    /// Title template.
    pub title_en: String,
    /// Description template.
    pub description_ru: String,
    /// Description template.
    pub description_en: String,
    /// Kind of the subject.
    pub subject_kind: String,
    /// Template of the subject's id.
    pub subject_id: String,
    /// What closes it.
    pub closings: Vec<Closing>,
    /// Optimistic lock.
    pub version: i64,
    /// When it changed.
    pub updated_at: OffsetDateTime,
}

impl Rule {
    /// Whether an event opens a task.
    #[must_use]
    pub fn opens(&self, source: &str, name: &str, fields: &dyn Fields) -> bool {
        self.enabled
            && self.source == source
            && self.name == name
            && self.conditions.iter().all(|condition| condition.holds(fields))
    }

    /// The first closing an event meets.
    #[must_use]
    pub fn closes(&self, source: &str, name: &str, fields: &dyn Fields) -> Option<&Closing> {
        self.closings.iter().find(|closing| {
            closing.source == source
                && closing.name == name
                && closing.conditions.iter().all(|condition| condition.holds(fields))
        })
    }

    /// Whether the rule listens to an event at all.
    #[must_use]
    pub fn hears(&self, source: &str, name: &str) -> bool {
        (self.enabled && self.source == source && self.name == name)
            || self.closings.iter().any(|closing| closing.source == source && closing.name == name)
    }

    /// The cause of an event, unique over all rules; `None` when its fields are empty.
    #[must_use]
    pub fn cause(&self, fields: &dyn Fields) -> Option<String> {
        let key = render(&self.cause_key, fields);
        let short = (1..=200).contains(&key.chars().count());
        short.then(|| format!("{}:{key}", self.code))
    }

    /// Whether a text of the task asks for the subject's name.
    #[must_use]
    pub fn wants_subject_name(&self) -> bool {
        let texts = [&self.title_ru, &self.title_en, &self.description_ru, &self.description_en];
        texts.iter().any(|text| text.contains("{subject}"))
    }

    /// Id of what an event's task is about; may be empty.
    #[must_use]
    pub fn subject_of(&self, fields: &dyn Fields) -> String {
        shortened(&render(&self.subject_id, fields), 128)
    }

    /// The texts of the task an event opens; `name` is the subject's.
    #[must_use]
    pub fn draft(&self, fields: &dyn Fields, name: Option<&str>) -> Draft {
        let subject_id = self.subject_of(fields);
        let whole = self.subject_kind.is_empty() || subject_id.is_empty();
        let with_name = Named { fields, name: name.unwrap_or(&subject_id) };
        Draft {
            title_ru: shortened(&render(&self.title_ru, &with_name), 300),
            title_en: shortened(&render(&self.title_en, &with_name), 300),
            description_ru: shortened(&render(&self.description_ru, &with_name), 20_000),
            description_en: shortened(&render(&self.description_en, &with_name), 20_000),
            subject_kind: if whole { String::new() } else { self.subject_kind.clone() },
            subject_id: if whole { String::new() } else { subject_id },
        }
    }
}

struct Named<'a> {
    fields: &'a dyn Fields,
    name: &'a str,
}

impl Fields for Named<'_> {
    fn get(&self, field: &str) -> Option<String> {
        if field == "subject" { Some(self.name.to_owned()) } else { self.fields.get(field) }
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}

/// The texts of a task to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Title.
    pub title_ru: String,
    /// Title.
    pub title_en: String,
    /// Description.
    pub description_ru: String,
    /// Description.
    pub description_en: String,
    /// Kind of the subject.
    pub subject_kind: String,
    /// Id of the subject.
    pub subject_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Map(&'static [(&'static str, &'static str)]);

    impl Fields for Map {
        fn get(&self, field: &str) -> Option<String> {
            self.0.iter().find(|(name, _)| *name == field).map(|(_, value)| (*value).to_owned())
        }
    }

    fn condition(op: Operator, values: &[&str]) -> Condition {
        Condition { field: "f".into(), op, values: values.iter().map(|v| (*v).to_owned()).collect() }
    }

    #[test]
    fn conditions_compare_text_and_numbers() {
        let f = |value| Map(Box::leak(Box::new([("f", value)])));
        assert!(condition(Operator::In, &["a", "b"]).holds(&f("b")));
        assert!(!condition(Operator::In, &["a"]).holds(&f("b")));
        assert!(condition(Operator::NotIn, &["a"]).holds(&f("b")));
        assert!(condition(Operator::AtLeast, &["9"]).holds(&f("10.0")), "as numbers, not as text");
        assert!(!condition(Operator::AtMost, &["9"]).holds(&f("10")));
        assert!(!condition(Operator::AtLeast, &["9"]).holds(&f("much")));
        assert!(!condition(Operator::In, &[""]).holds(&Map(&[])), "a missing field is not an empty one");
        assert!(condition(Operator::NotIn, &["a"]).holds(&Map(&[])));
    }

    #[test]
    fn long_texts_are_cut_with_a_sign() {
        assert_eq!(shortened("абвгд", 5), "абвгд");
        assert_eq!(shortened("абвгде", 5), "абвг…");
    }
}
