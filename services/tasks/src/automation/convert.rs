//! Wire form of rules; reading of events is in `convert/event.rs`.

pub(crate) mod event;

use std::collections::BTreeSet;

use proto::tasks::v1 as wire;
use service::Check;
use time::OffsetDateTime;

use super::domain::{Closing, Condition, Operator, Rule, fields_of};
use crate::{
    projects::domain::{is_code, is_key},
    tasks::convert::{encode_priority, priority},
};

/// Longest wait or due distance: a year, in seconds.
const LONGEST: i64 = 366 * 24 * 3600;

/// Which fields an event has; empty when it is not heard.
type Known = BTreeSet<String>;

fn condition(check: &mut Check, field: &str, known: &Known, wire: &wire::RuleCondition) -> Condition {
    check.require(known.contains(&wire.field), format!("{field}.field"), "the event has no such field");
    let op = match wire.operator() {
        wire::ConditionOperator::In => Operator::In,
        wire::ConditionOperator::NotIn => Operator::NotIn,
        wire::ConditionOperator::AtLeast => Operator::AtLeast,
        wire::ConditionOperator::AtMost => Operator::AtMost,
        wire::ConditionOperator::Unspecified => {
            check.wrong(format!("{field}.operator"), "is missing or unknown");
            Operator::In
        }
    };
    check.len(&format!("{field}.values"), wire.values.len(), 1..=50);
    for value in wire.values.iter().take(50) {
        check.optional_text(&format!("{field}.values"), value, 200);
    }
    if matches!(op, Operator::AtLeast | Operator::AtMost) {
        let one_number = wire.values.len() == 1 && wire.values[0].parse::<rust_decimal::Decimal>().is_ok();
        check.require(one_number, format!("{field}.values"), "exactly one number");
    }
    Condition { field: wire.field.clone(), op, values: wire.values.clone() }
}

fn conditions(check: &mut Check, field: &str, known: &Known, list: &[wire::RuleCondition]) -> Vec<Condition> {
    check.len(field, list.len(), 0..=10);
    let each = list.iter().take(10).enumerate();
    each.map(|(index, wire)| condition(check, &format!("{field}[{index}]"), known, wire)).collect()
}

fn heard(check: &mut Check, prefix: &str, source: &str, name: &str) -> Known {
    let known = event::fields(source, name);
    check.require(!known.is_empty(), format!("{prefix}name"), "the service does not hear such an event");
    known
}

fn template(check: &mut Check, field: &str, known: &Known, text: &str, longest: usize, needed: bool) -> String {
    let text = check.text(field, text, usize::from(needed)..=longest);
    match fields_of(&text) {
        Err(problem) => check.wrong(field, problem),
        Ok(fields) => {
            for name in fields.iter().filter(|name| *name != "subject" && !known.contains(*name)) {
                check.wrong(field, format!("the event has no field {name}"));
            }
        }
    }
    text
}

fn key_template(check: &mut Check, field: &str, known: &Known, text: &str, needed: bool) -> String {
    let text = template(check, field, known, text, 200, needed);
    let fields = fields_of(&text).unwrap_or_default();
    check.require(!fields.is_empty() || !needed, field, "must hold a field of the event");
    check.require(!fields.iter().any(|name| name == "subject"), field, "{subject} is for texts");
    text
}

fn closing(check: &mut Check, index: usize, cause: &str, wire: &wire::ClosingEvent) -> Closing {
    let prefix = format!("closing_events[{index}].");
    let known = heard(check, &prefix, &wire.source, &wire.name);
    for name in fields_of(cause).unwrap_or_default() {
        let missing = format!("the event has no field {name} of the cause key");
        check.require(known.contains(&name), format!("{prefix}name"), missing);
    }
    check.require(is_code(&wire.state, 40), format!("{prefix}state"), "the code of a final state");
    Closing {
        source: wire.source.clone(),
        name: wire.name.clone(),
        conditions: conditions(check, &format!("{prefix}conditions"), &known, &wire.conditions),
        state: wire.state.clone(),
        forever: wire.forever,
    }
}

/// Reads a rule; what needs the database is checked by the command.
pub(super) fn rule(check: &mut Check, request: &wire::PutRuleRequest, now: OffsetDateTime) -> Rule {
    let nothing = wire::Rule::default();
    check.require(request.rule.is_some(), "rule", "is missing");
    let wire = request.rule.as_ref().unwrap_or(&nothing);
    check.require(is_code(&request.code, 60), "code", "lower snake case, 1 to 60 characters");
    check.require(request.version >= 0, "version", "must be the version seen, or 0 to create");
    let known = heard(check, "", &wire.source, &wire.name);
    check.require((0..=LONGEST).contains(&wire.delay_seconds), "delay_seconds", "0 to a year");
    check.require((0..=LONGEST).contains(&wire.due_after_seconds), "due_after_seconds", "0 to a year");
    check.require(is_key(&wire.project), "project", "the key of a project");
    check.require(is_code(&wire.task_type, 40), "task_type", "the code of a task type");
    let kind = &wire.subject_kind;
    check.require(kind.is_empty() || is_code(kind, 40), "subject_kind", "lower snake case, at most 40 characters");
    check.require(kind.is_empty() == wire.subject_id.is_empty(), "subject_id", "kind and id, or neither");
    check.len("closing_events", wire.closing_events.len(), 0..=20);
    let cause_key = key_template(check, "cause_key", &known, &wire.cause_key, true);
    let closings = wire.closing_events.iter().take(20).enumerate();
    let closings = closings.map(|(index, wire)| closing(check, index, &cause_key, wire)).collect();
    Rule {
        code: request.code.clone(),
        name_ru: check.text("name_ru", &wire.name_ru, 1..=200),
        name_en: check.text("name_en", &wire.name_en, 1..=200),
        enabled: wire.enabled,
        source: wire.source.clone(),
        name: wire.name.clone(),
        conditions: conditions(check, "conditions", &known, &wire.conditions),
        delay_seconds: wire.delay_seconds,
        project: wire.project.clone(),
        task_type: wire.task_type.clone(),
        priority: priority(check, wire.priority),
        role: check.optional_text("role", &wire.role, 100),
        due_after_seconds: wire.due_after_seconds,
        title_ru: template(check, "title_ru", &known, &wire.title_ru, 300, true),
        title_en: template(check, "title_en", &known, &wire.title_en, 300, true),
        description_ru: template(check, "description_ru", &known, &wire.description_ru, 5_000, false),
        description_en: template(check, "description_en", &known, &wire.description_en, 5_000, false),
        subject_kind: kind.clone(),
        subject_id: key_template(check, "subject_id", &known, &wire.subject_id, !kind.is_empty()),
        cause_key,
        closings,
        version: request.version,
        updated_at: now,
    }
}

fn encode_condition(condition: Condition) -> wire::RuleCondition {
    let operator = match condition.op {
        Operator::In => wire::ConditionOperator::In,
        Operator::NotIn => wire::ConditionOperator::NotIn,
        Operator::AtLeast => wire::ConditionOperator::AtLeast,
        Operator::AtMost => wire::ConditionOperator::AtMost,
    };
    wire::RuleCondition { field: condition.field, operator: operator.into(), values: condition.values }
}

fn encode_closing(closing: Closing) -> wire::ClosingEvent {
    wire::ClosingEvent {
        source: closing.source,
        name: closing.name,
        conditions: closing.conditions.into_iter().map(encode_condition).collect(),
        state: closing.state,
        forever: closing.forever,
    }
}

pub(super) fn encode(rule: Rule) -> wire::Rule {
    wire::Rule {
        code: rule.code,
        name_ru: rule.name_ru,
        name_en: rule.name_en,
        enabled: rule.enabled,
        source: rule.source,
        name: rule.name,
        conditions: rule.conditions.into_iter().map(encode_condition).collect(),
        cause_key: rule.cause_key,
        delay_seconds: rule.delay_seconds,
        project: rule.project,
        task_type: rule.task_type,
        priority: encode_priority(rule.priority),
        role: rule.role,
        due_after_seconds: rule.due_after_seconds,
        title_ru: rule.title_ru,
        title_en: rule.title_en,
        description_ru: rule.description_ru,
        description_en: rule.description_en,
        subject_kind: rule.subject_kind,
        subject_id: rule.subject_id,
        closing_events: rule.closings.into_iter().map(encode_closing).collect(),
        version: rule.version,
        updated_at: Some(proto::to_timestamp(rule.updated_at)),
    }
}
