//! What people see at the end: the load, the faults, the promises.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use crate::check::{ABSENT, Check, Evidence, Finding};
use crate::history::{History, Kind, Outcome};

/// Violations shown for each promise.
const SHOWN: usize = 5;

/// The commit that is checked out, with a mark when files differ from it.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    if changed { format!("{commit}+changes") } else { commit }
}

/// The whole report.
pub(crate) fn whole(evidence: &Evidence, findings: &[(&Check, Finding)]) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = load(&mut text, &evidence.history);
    let _ = faults(&mut text, evidence);
    let _ = promises(&mut text, findings);
    let _ = logs(&mut text, evidence);
    text
}

fn load(text: &mut String, history: &History) -> std::fmt::Result {
    let mut counts: BTreeMap<Kind, [u64; 4]> = BTreeMap::new();
    for op in history.ops.values() {
        let row = counts.entry(op.kind).or_default();
        row[match op.verdict() {
            Outcome::Ok => 0,
            Outcome::Refused => 1,
            Outcome::Unknown => 2,
        }] += 1;
        row[3] += op.attempts.len() as u64;
    }
    writeln!(text, "\nWhat the clients did:")?;
    writeln!(text, "  {:<14} {:>7} {:>8} {:>8} {:>9}", "operation", "ok", "refused", "unknown", "sent")?;
    let mut all = [0; 4];
    for (kind, row) in &counts {
        writeln!(text, "  {:<14} {:>7} {:>8} {:>8} {:>9}", format!("{kind:?}"), row[0], row[1], row[2], row[3])?;
        for (sum, count) in all.iter_mut().zip(row) {
            *sum += count;
        }
    }
    writeln!(text, "  {:<14} {:>7} {:>8} {:>8} {:>9}", "all", all[0], all[1], all[2], all[3])?;
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    for attempt in history.ops.values().flat_map(|op| &op.attempts) {
        *statuses.entry(attempt.status).or_default() += 1;
    }
    let statuses: Vec<String> = statuses
        .iter()
        .map(|(status, count)| {
            format!("{} {count}", if *status == 0 { "no answer".to_owned() } else { status.to_string() })
        })
        .collect();
    writeln!(text, "  answers: {}", statuses.join(", "))
}

fn faults(text: &mut String, evidence: &Evidence) -> std::fmt::Result {
    writeln!(text, "\nFaults, and how long until a new order was stored, reserved, identified and counted again:")?;
    let mut times = Vec::new();
    for fault in &evidence.history.faults {
        let recovery = fault.recovery_ms();
        times.extend(recovery);
        let shown = recovery.map_or("never".to_owned(), |ms| format!("{ms} ms"));
        writeln!(
            text,
            "  {:>3} {:>7.1} s to {:>7.1} s  {:<52} {shown:>9}",
            fault.number,
            fault.began_ms as f64 / 1000.0,
            fault.ended_ms as f64 / 1000.0,
            fault.what
        )?;
    }
    times.sort_unstable();
    if let (Some(median), Some(longest)) = (times.get(times.len() / 2), times.last()) {
        writeln!(text, "  {} faults; recovery: half within {median} ms, all within {longest} ms", times.len())?;
    }
    Ok(())
}

fn promises(text: &mut String, findings: &[(&Check, Finding)]) -> std::fmt::Result {
    writeln!(text, "\nPromises:")?;
    let mut row = |number: &str, what: &str, finding: &Finding| -> std::fmt::Result {
        let state = if finding.violations.is_empty() { "ok" } else { "VIOLATED" };
        writeln!(text, "  {number:<6} {what:<80} {:>8} looked at  {state}", finding.checked)?;
        for violation in finding.violations.iter().take(SHOWN) {
            writeln!(text, "           {}", violation.chars().take(600).collect::<String>())?;
        }
        if finding.violations.len() > SHOWN {
            writeln!(text, "           and {} more", finding.violations.len() - SHOWN)?;
        }
        Ok(())
    };
    for (check, finding) in findings {
        row(check.number, check.text, finding)?;
    }
    for (number, what, why) in ABSENT {
        writeln!(text, "  {number:<6} {what:<80} absent: {why}")?;
    }
    Ok(())
}

fn logs(text: &mut String, evidence: &Evidence) -> std::fmt::Result {
    let internal = evidence.history.ops.values().flat_map(|op| &op.attempts).filter(|attempt| attempt.status == 500);
    writeln!(
        text,
        "\nAlso seen: {} answers 500, {} deadlocks broken by Postgres, {} events poisoned, {} samples during the load.",
        internal.count(),
        evidence.logs.deadlocks.len(),
        evidence.history.poison.len(),
        evidence.history.samples.len()
    )
}
