#![doc = "What became of every line of the file: a CSV row for each part of a line, and a summary."]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::Context;
use rust_decimal::Decimal;

use super::plan::{Fate, Plan, What};
use super::push::Outcome;
use super::read::FileLine;
use crate::bulk::intake::Pushed;
use crate::say;

/// Figures of the whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Parts of lines, pieces and money, by what became of them.
    pub by_fate: BTreeMap<What, (u64, i64, Decimal)>,
    /// Lines of the file.
    pub lines: u64,
    /// Orders stored now.
    pub new_orders: u64,
    /// Orders that had been stored before.
    pub known_orders: u64,
    /// Cancellations and returns recorded now.
    pub new_reversals: u64,
    /// Cancellations and returns that had been recorded before.
    pub known_reversals: u64,
    /// Orders that wait for a person.
    pub held_orders: u64,
    /// Parts of lines that did not go as planned.
    pub failures: u64,
    /// The first of these failures, in words.
    pub first_failure: Option<String>,
    /// What all lines together are worth.
    pub revenue: Decimal,
}

/// Writes the report file and sums up.
pub fn report(path: &Path, lines: &[FileLine], plan: &Plan, outcome: &Outcome) -> anyhow::Result<Summary> {
    let mut summary = Summary { lines: lines.len() as u64, ..Summary::default() };
    for order in outcome.orders.iter().flatten() {
        if let Pushed::Taken(taken) = order {
            *if taken.duplicate { &mut summary.known_orders } else { &mut summary.new_orders } += 1;
            summary.held_orders += u64::from(!taken.hold_reasons.is_empty());
        }
    }
    for taken_back in outcome.reversals.iter().flatten().flatten() {
        *if taken_back.duplicate { &mut summary.known_reversals } else { &mut summary.new_reversals } += 1;
    }
    let mut fates: Vec<&Fate> = plan.fates.iter().collect();
    fates.sort_by_key(|fate| fate.line);
    let reversals = reversals_by_line(plan);
    let mut csv = csv::Writer::from_path(path).with_context(|| format!("cannot write {}", path.display()))?;
    csv.write_record([
        "line",
        "invoice",
        "code",
        "quantity",
        "price",
        "became",
        "order",
        "order_line",
        "pieces",
        "amount",
        "result",
    ])?;
    for fate in fates {
        let line = &lines[fate.line as usize - 1];
        let result = result(plan, outcome, &reversals, line, fate);
        let entry = summary.by_fate.entry(fate.what).or_default();
        *entry = (entry.0 + 1, entry.1 + fate.quantity, entry.2 + fate.amount);
        summary.revenue += fate.amount;
        if let Err(problem) = &result {
            summary.failures += 1;
            summary.first_failure.get_or_insert_with(|| format!("line {}: {problem}", fate.line));
        }
        csv.write_record([
            &fate.line.to_string(),
            &line.invoice,
            &line.code,
            &line.quantity.to_string(),
            &line.price.to_string(),
            fate.what.word(),
            &plan.orders[fate.order].external_id,
            &fate.line_no.to_string(),
            &fate.quantity.to_string(),
            &fate.amount.to_string(),
            result.as_ref().map_or_else(String::as_str, |()| "ok"),
        ])?;
    }
    csv.flush()?;
    Ok(summary)
}

type ReversalKey<'a> = (&'a str, usize, bool);

fn reversals_by_line(plan: &Plan) -> HashMap<ReversalKey<'_>, usize> {
    let keys = plan.reversals.iter().map(|r| (r.invoice.as_str(), r.order, r.shipped));
    keys.zip(0..).collect()
}

fn result(
    plan: &Plan,
    outcome: &Outcome,
    reversals: &HashMap<ReversalKey<'_>, usize>,
    line: &FileLine,
    fate: &Fate,
) -> Result<(), String> {
    let taken_back = matches!(fate.what, What::Cancelled | What::Returned);
    if taken_back {
        let key = (line.invoice.as_str(), fate.order, fate.what == What::Returned);
        let index = reversals.get(&key).ok_or("not planned")?;
        return match outcome.reversals[*index].as_ref() {
            Some(Ok(_)) => Ok(()),
            Some(Err(refusal)) => Err(refusal.clone()),
            None => Err("not carried out".to_owned()),
        };
    }
    match outcome.orders[fate.order].as_ref() {
        Some(Pushed::Taken(taken)) => {
            let planned: Decimal = plan.orders[fate.order].lines.iter().map(super::plan::PlannedLine::amount).sum();
            match taken.total.parse::<Decimal>() {
                Ok(total) if total == planned => Ok(()),
                _ => Err(format!("the order came to {} instead of {planned}", taken.total)),
            }
        }
        Some(Pushed::Refused(why)) => Err(why.clone()),
        None => Err("no answer".to_owned()),
    }
}

/// Prints the summary.
pub fn print(summary: &Summary, outcome: &Outcome, path: &Path) -> anyhow::Result<()> {
    let number = |n: u64| say::thousands(&n.to_string());
    let mut rows = vec![
        ("lines in the file".to_owned(), number(summary.lines)),
        ("orders stored".to_owned(), number(summary.new_orders)),
        ("orders known from before".to_owned(), number(summary.known_orders)),
        ("orders waiting for a person".to_owned(), number(summary.held_orders)),
        ("orders shipped now".to_owned(), number(outcome.shipped as u64)),
        ("orders shipped before".to_owned(), number(outcome.shipped_before as u64)),
        ("cancellations and returns recorded now".to_owned(), number(summary.new_reversals)),
        ("cancellations and returns known from before".to_owned(), number(summary.known_reversals)),
    ];
    for (reason, count) in &outcome.not_shipped {
        rows.push((format!("orders not shipped: {reason}"), number(*count as u64)));
    }
    for (what, (parts, pieces, amount)) in &summary.by_fate {
        let text = format!("{} parts, {} pieces, {amount} GBP", number(*parts), say::thousands(&pieces.to_string()));
        rows.push((format!("lines {}", what.word()), text));
    }
    rows.push(("revenue, line by line".to_owned(), format!("{} GBP", say::thousands(&summary.revenue.to_string()))));
    rows.push(("parts that failed".to_owned(), number(summary.failures)));
    say::table(&rows)?;
    if let Some(failure) = &summary.first_failure {
        say::line(&format!("First failure: {failure}"))?;
    }
    say::line(&format!("What became of each line: {}", path.display()))
}
