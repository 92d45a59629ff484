//! 35, PLT-4 and PLT-5: malformed input, recovery, and orders taken while others are away.

use super::values::pushed;
use super::{Evidence, Finding};
use crate::history::{Kind, Outcome};
use crate::nemesis::plan::NOT_NEEDED_FOR_INTAKE;

/// 35.
pub(super) fn malformed(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let by_key = evidence.quiet.by_external_id();
    for op in evidence.history.of_kind(Kind::Malformed) {
        finding.expect(op.answer().is_none(), || format!("{} was taken: {:?}", op.name(), op.answer()));
        for attempt in &op.attempts {
            // 503 and 504 say that a service was away, which it was now and then.
            finding.expect(!matches!(attempt.status, 500..=502), || {
                format!("{}: {} {}", op.name(), attempt.status, attempt.answer)
            });
        }
        finding.expect(!by_key.contains_key(op.key.as_str()), || format!("{} left an order behind", op.name()));
    }
    for line in &evidence.logs.panics {
        finding.expect(false, || line.clone());
    }
    finding.checked += evidence.logs.files as u64;
    finding
}

/// PLT-4: full function within seconds, after each fault.
pub(super) fn recovery(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    for fault in &evidence.history.faults {
        let within = fault.recovery_ms().is_some_and(|ms| ms <= evidence.recovery_bound_ms);
        finding.expect(within, || {
            format!("{}. {}: works again after {:?} ms", fault.number, fault.what, fault.recovery_ms())
        });
    }
    finding
}

/// How long after the beginning of an outage connections may still be falling over.
const SETTLED_MS: u64 = 2_000;
/// Shorter ones say nothing.
const LONG_MS: u64 = 8_000;

/// PLT-5: during each long outage of something orders do not need, orders are acknowledged, each of them.
pub(super) fn intake_goes_on(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let pushed = pushed(&evidence.history);
    let pushes: Vec<_> = pushed.iter().filter(|push| matches!(push.op.kind, Kind::Push | Kind::PushBatch)).collect();
    for fault in &evidence.history.faults {
        let not_needed = NOT_NEEDED_FOR_INTAKE.iter().any(|name| fault.what.starts_with(&format!("outage of {name}")));
        if !not_needed || fault.ended_ms < fault.began_ms + LONG_MS {
            continue;
        }
        let during = |ms: u64| (fault.began_ms + SETTLED_MS..fault.ended_ms).contains(&ms);
        let mut taken = 0;
        for push in &pushes {
            for attempt in push.op.attempts.iter().filter(|attempt| during(attempt.sent_ms)) {
                taken += u64::from(attempt.outcome == Outcome::Ok);
                finding.expect(
                    attempt.outcome != Outcome::Unknown || attempt.answered_ms.is_none_or(|at| !during(at)),
                    || format!("during {}: {} got {} {}", fault.what, push.op.name(), attempt.status, attempt.answer),
                );
            }
        }
        finding.expect(taken > 0, || format!("no order was taken during {}", fault.what));
    }
    finding
}
