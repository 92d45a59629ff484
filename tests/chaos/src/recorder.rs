//! Writes the history down while it happens, and keeps it at hand.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use serde_json::Value;

use crate::history::{FaultDone, History, Line, Op, Outcome, Sample};

struct Inner {
    file: File,
    history: History,
    next: u64,
}

/// Writes the log and keeps it at hand.
#[derive(Clone)]
pub(crate) struct Recorder {
    inner: Arc<Mutex<Inner>>,
    start: Instant,
}

impl Recorder {
    /// A new log.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let inner = Inner { file, history: History::default(), next: 1 };
        Ok(Self { inner: Arc::new(Mutex::new(inner)), start: Instant::now() })
    }

    /// Milliseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn write<T>(&self, make: impl FnOnce(&mut Inner) -> (Line, T)) -> anyhow::Result<T> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, result) = make(&mut inner);
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        inner.file.write_all(&text).context("the log cannot be written")?;
        inner.history.apply(line);
        Ok(result)
    }

    /// Writes an operation down that is about to be sent; returns its number.
    pub(crate) fn plan(&self, op: Op) -> anyhow::Result<u64> {
        let ms = self.now();
        self.write(|inner| {
            let id = inner.next;
            inner.next += 1;
            (Line::Op { ms, op: Op { id, attempts: Vec::new(), ..op } }, id)
        })
    }

    /// Says that it is being sent; returns the number of the attempt.
    pub(crate) fn sent(&self, op: u64) -> anyhow::Result<usize> {
        let ms = self.now();
        self.write(|inner| {
            let attempt = inner.history.ops.get(&op).map_or(0, |op| op.attempts.len());
            (Line::Sent { ms, op }, attempt)
        })
    }

    /// Says how it ended.
    pub(crate) fn answered(
        &self,
        op: u64,
        attempt: usize,
        status: u16,
        outcome: Outcome,
        answer: Value,
    ) -> anyhow::Result<()> {
        let ms = self.now();
        self.write(|_| (Line::Answered { ms, op, attempt, status, outcome, answer }, ()))
    }

    /// A fault begins.
    pub(crate) fn fault_began(&self, number: u32, what: &str) -> anyhow::Result<()> {
        let ms = self.now();
        self.write(|_| (Line::FaultBegan { ms, number, what: what.to_owned() }, ()))
    }

    /// A fault is over.
    pub(crate) fn fault(&self, fault: FaultDone) -> anyhow::Result<()> {
        self.write(|_| (Line::Fault(fault), ()))
    }

    /// Somebody looked.
    pub(crate) fn sample(&self, what: &str, answer: Value) -> anyhow::Result<()> {
        let ms = self.now();
        self.write(|_| (Line::Sample(Sample { ms, what: what.to_owned(), answer }), ()))
    }

    /// A poisoned event is on its way.
    pub(crate) fn poison(&self, event_id: &str) -> anyhow::Result<()> {
        let ms = self.now();
        self.write(|_| (Line::Poison { ms, event_id: event_id.to_owned() }, ()))
    }

    /// The history so far.
    pub(crate) fn history(&self) -> History {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).history.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::history::{Attempt, Kind};

    fn op() -> Op {
        Op {
            id: 0,
            client: 1,
            kind: Kind::Push,
            key: "k".to_owned(),
            of: None,
            verb: "POST".to_owned(),
            path: "/v1/orders".to_owned(),
            body: json!({"a": 1}),
            attempts: Vec::new(),
        }
    }

    #[test]
    fn what_is_read_back_is_what_was_written_and_a_torn_end_is_left_out() {
        let path = std::env::temp_dir().join(format!("chaos-history-{}", service::new_id()));
        let recorder = Recorder::create(&path).unwrap();
        let id = recorder.plan(op()).unwrap();
        let first = recorder.sent(id).unwrap();
        recorder.answered(id, first, 0, Outcome::Unknown, Value::Null).unwrap();
        let second = recorder.sent(id).unwrap();
        recorder.answered(id, second, 200, Outcome::Ok, json!({"order_id": "x"})).unwrap();
        recorder.poison("e").unwrap();
        recorder.sample("ledger", json!({"balanced": true})).unwrap();
        let fault =
            FaultDone { number: 1, what: "kill erp".to_owned(), began_ms: 1, ended_ms: 2, recovered_ms: Some(5) };
        recorder.fault(fault.clone()).unwrap();
        assert_eq!(fault.recovery_ms(), Some(3));
        assert_eq!(History::read(&path).unwrap(), recorder.history());
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 20]).unwrap();
        let torn = History::read(&path).unwrap();
        assert_eq!((torn.ops.len(), torn.faults.len(), torn.samples.len()), (1, 0, 1));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn the_key_is_on_disk_before_anything_is_sent() {
        let path = std::env::temp_dir().join(format!("chaos-history-{}", service::new_id()));
        let recorder = Recorder::create(&path).unwrap();
        recorder.plan(op()).unwrap();
        let history = History::read(&path).unwrap();
        assert_eq!(history.ops[&1].key, "k");
        assert_eq!(history.ops[&1].verdict(), Outcome::Unknown);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_refusal_counts_only_when_nothing_else_may_have_happened() {
        let with = |outcomes: &[Outcome]| {
            let attempt = |outcome: &Outcome| Attempt {
                sent_ms: 0,
                answered_ms: None,
                status: 0,
                outcome: *outcome,
                answer: Value::Null,
            };
            Op { attempts: outcomes.iter().map(attempt).collect(), ..op() }.verdict()
        };
        assert_eq!(with(&[]), Outcome::Unknown);
        assert_eq!(with(&[Outcome::Refused]), Outcome::Refused);
        assert_eq!(with(&[Outcome::Unknown, Outcome::Refused]), Outcome::Unknown);
        assert_eq!(with(&[Outcome::Unknown, Outcome::Ok]), Outcome::Ok);
    }
}
