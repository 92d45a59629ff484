//! What the clients did: every operation is written down, with its key, before it is sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// One order.
    Push,
    /// Several orders in one call.
    PushBatch,
    /// A key that was answered, with another body: must be refused.
    OtherBody,
    /// Cancel the rest of an order.
    Cancel,
    /// Cancel parts of lines.
    CancelLines,
    /// Release a held order.
    Confirm,
    /// Money in.
    Pay,
    /// Money back.
    Refund,
    /// Goods back from the buyer.
    Return,
    /// Goods from a supplier.
    Receive,
    /// Stock to quarantine or back.
    Transfer,
    /// Stock spoiled.
    WriteOff,
    /// Begin a shipment.
    Pick,
    /// The goods were found.
    ConfirmPick,
    /// Close the parcels.
    Pack,
    /// Hand over one shipment.
    Ship,
    /// Pick, pack and ship whole orders.
    ShipOrders,
    /// The buyer has it.
    Deliver,
    /// The buyer did not take it.
    Fail,
    /// Change a product on top of a version.
    Product,
    /// Set prices.
    Price,
    /// A part of a file of products.
    Import,
    /// Open a task.
    TaskCreate,
    /// Move a task on top of a version.
    TaskMove,
    /// Comment on a task.
    Comment,
    /// Save a page on top of a version.
    PageSave,
    /// Read what was written just now.
    ReadOwn,
    /// Something no honest client sends.
    Malformed,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Acknowledged.
    Ok,
    /// Refused for good (4xx): nothing was done.
    Refused,
    /// No answer, or one that leaves it open (5xx).
    Unknown,
}

/// One sending of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// When it was sent, in ms since the start.
    pub(crate) sent_ms: u64,
    /// When it was answered or given up; `None` while it is under way.
    pub(crate) answered_ms: Option<u64>,
    /// HTTP status; 0 without one.
    pub(crate) status: u16,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// The answer or the problem document.
    pub(crate) answer: Value,
}

/// An operation: one key with one body, sent once or more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Op {
    /// Number in the order of writing down.
    pub(crate) id: u64,
    /// Who did it.
    pub(crate) client: u32,
    /// What it does.
    pub(crate) kind: Kind,
    /// Its idempotency key; empty where the API has none.
    pub(crate) key: String,
    /// The operation it repeats with another body, or reads.
    pub(crate) of: Option<u64>,
    /// HTTP method.
    pub(crate) verb: String,
    /// Path with query.
    pub(crate) path: String,
    /// JSON body; null for none.
    pub(crate) body: Value,
    /// Each sending.
    pub(crate) attempts: Vec<Attempt>,
}

impl Op {
    /// What is known of it: acknowledged once is acknowledged; refused only if nothing else ever happened.
    pub(crate) fn verdict(&self) -> Outcome {
        let any = |outcome| self.attempts.iter().any(|attempt| attempt.outcome == outcome);
        match (any(Outcome::Ok), any(Outcome::Unknown)) {
            (true, _) => Outcome::Ok,
            (false, false) if any(Outcome::Refused) => Outcome::Refused,
            _ => Outcome::Unknown,
        }
    }

    /// True when it was acknowledged.
    pub(crate) fn is_ok(&self) -> bool {
        self.verdict() == Outcome::Ok
    }

    /// All acknowledging answers.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &Value> {
        self.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Ok).map(|attempt| &attempt.answer)
    }

    /// The first acknowledging answer.
    pub(crate) fn answer(&self) -> Option<&Value> {
        self.answers().next()
    }

    /// For people: what it was.
    pub(crate) fn name(&self) -> String {
        format!("op {} {:?} {} {} {}", self.id, self.kind, self.key, self.verb, self.path)
    }
}

/// A fault done to the company.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FaultDone {
    /// Its number in the plan.
    pub(crate) number: u32,
    /// What it was.
    pub(crate) what: String,
    /// When it began, in ms since the start.
    pub(crate) began_ms: u64,
    /// When it ended: everything started or connected again.
    pub(crate) ended_ms: u64,
    /// When the whole chain worked again for a new order; `None` when it did not within the bound.
    pub(crate) recovered_ms: Option<u64>,
}

impl FaultDone {
    /// From its end to the first order that was stored, reserved, identified and counted.
    pub(crate) fn recovery_ms(&self) -> Option<u64> {
        self.recovered_ms.map(|at| at.saturating_sub(self.ended_ms))
    }
}

/// A look at the running company.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// When, in ms since the start.
    pub(crate) ms: u64,
    /// What was asked: `ledger`, `availability` or `import`.
    pub(crate) what: String,
    /// The answer.
    pub(crate) answer: Value,
}

/// Everything that was done, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct History {
    /// Operations by number.
    pub(crate) ops: BTreeMap<u64, Op>,
    /// Faults in the order they ended.
    pub(crate) faults: Vec<FaultDone>,
    /// Looks during the load.
    pub(crate) samples: Vec<Sample>,
    /// Ids of the poisoned events, which must end as dead letters.
    pub(crate) poison: Vec<String>,
}

/// A line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(crate) enum Line {
    Op { ms: u64, op: Op },
    Sent { ms: u64, op: u64 },
    Answered { ms: u64, op: u64, attempt: usize, status: u16, outcome: Outcome, answer: Value },
    FaultBegan { ms: u64, number: u32, what: String },
    Fault(FaultDone),
    Sample(Sample),
    Poison { ms: u64, event_id: String },
}

impl History {
    /// Operations of a kind.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Op> {
        self.ops.values().filter(move |op| op.kind == kind)
    }

    /// Takes a line of the log in.
    pub(crate) fn apply(&mut self, line: Line) {
        match line {
            Line::Op { op, .. } => {
                self.ops.insert(op.id, op);
            }
            Line::Sent { ms, op } => {
                if let Some(op) = self.ops.get_mut(&op) {
                    op.attempts.push(Attempt {
                        sent_ms: ms,
                        answered_ms: None,
                        status: 0,
                        outcome: Outcome::Unknown,
                        answer: Value::Null,
                    });
                }
            }
            Line::Answered { ms, op, attempt, status, outcome, answer } => {
                if let Some(attempt) = self.ops.get_mut(&op).and_then(|op| op.attempts.get_mut(attempt)) {
                    (attempt.answered_ms, attempt.status) = (Some(ms), status);
                    (attempt.outcome, attempt.answer) = (outcome, answer);
                }
            }
            Line::FaultBegan { .. } => {}
            Line::Fault(fault) => self.faults.push(fault),
            Line::Sample(sample) => self.samples.push(sample),
            Line::Poison { event_id, .. } => self.poison.push(event_id),
        }
    }

    /// Reads a log again, also one that broke off in the middle of a line.
    #[cfg(test)]
    pub(crate) fn read(path: &std::path::Path) -> std::io::Result<Self> {
        let mut history = Self::default();
        for line in std::fs::read_to_string(path)?.lines().map_while(|line| serde_json::from_str(line).ok()) {
            history.apply(line);
        }
        Ok(history)
    }
}
