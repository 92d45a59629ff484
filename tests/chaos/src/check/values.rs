//! Numbers and texts out of messages and JSON.

use proto::common::v1::{Money, Quantity};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::history::{History, Kind, Op, Outcome};

/// A decimal; what is none is a number that nothing sensible equals.
pub(super) fn dec(text: &str) -> Decimal {
    types::parse_decimal(text).unwrap_or(Decimal::MIN)
}

/// An amount; none is zero.
pub(super) fn amount(money: &Option<Money>) -> Decimal {
    money.as_ref().map_or(Decimal::ZERO, |money| dec(&money.amount))
}

/// A quantity; none is zero.
pub(super) fn quantity(quantity: &Option<Quantity>) -> Decimal {
    quantity.as_ref().map_or(Decimal::ZERO, |quantity| dec(&quantity.value))
}

/// A text of a JSON value; empty when it is none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The elements of a JSON array.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A decimal of a JSON string.
pub(super) fn number(value: &Value) -> Decimal {
    dec(text(value))
}

/// The order that a path is about: `/v1/orders/{order_id}...`.
pub(super) fn order_of(op: &Op) -> &str {
    op.path.split(['/', ':', '?']).nth(3).unwrap_or_default()
}

/// One order pushed, alone or in a batch.
pub(super) struct Pushed<'a> {
    /// The operation.
    pub(super) op: &'a Op,
    /// Key and external id.
    pub(super) key: &'a str,
    /// The order as sent.
    pub(super) order: &'a Value,
    /// What is known of it.
    pub(super) verdict: Outcome,
    /// Acknowledging answers.
    pub(super) answers: Vec<&'a Value>,
}

/// All orders pushed.
pub(super) fn pushed(history: &History) -> Vec<Pushed<'_>> {
    let mut all: Vec<Pushed<'_>> = history
        .of_kind(Kind::Push)
        .map(|op| Pushed {
            op,
            key: &op.key,
            order: &op.body["order"],
            verdict: op.verdict(),
            answers: op.answers().collect(),
        })
        .collect();
    for op in history.of_kind(Kind::PushBatch) {
        all.extend(list(&op.body["orders"]).enumerate().map(|(index, order)| of_batch(op, index, order)));
    }
    all
}

fn of_batch<'a>(op: &'a Op, index: usize, order: &'a Value) -> Pushed<'a> {
    let (mut answers, mut refused, mut open) = (Vec::new(), false, op.attempts.is_empty());
    for attempt in &op.attempts {
        let result = &attempt.answer["results"][index];
        match attempt.outcome {
            Outcome::Ok if result["accepted"].is_object() => answers.push(&result["accepted"]),
            Outcome::Ok if result["refused"].is_object() && result["refused"]["reason"] != "FAILED" => refused = true,
            Outcome::Refused => refused = true,
            _ => open = true,
        }
    }
    let verdict = match (answers.is_empty(), open) {
        (false, _) => Outcome::Ok,
        (true, false) if refused => Outcome::Refused,
        _ => Outcome::Unknown,
    };
    Pushed { op, key: text(&order["request_id"]), order: &order["order"], verdict, answers }
}

/// Without what may differ between a first answer and its repetition.
pub(super) fn without_duplicate(answer: &Value) -> Value {
    match answer {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| *name != "duplicate")
            .map(|(name, value)| (name.clone(), without_duplicate(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_duplicate).collect(),
        other => other.clone(),
    }
}
