//! The promises, one by one: pure functions over what was done and what is there.
//!
//! Each says how much it looked at and what is wrong. Each is shown able to fail: `tests` takes a company in which all
//! is well, falsifies one record for each promise, and sees it caught.

mod documents;
mod edits;
mod events;
mod faults;
mod figures;
mod keys;
mod ledger;
mod states;
#[cfg(test)]
mod tests;
mod values;
mod whole;

use crate::history::History;
use crate::picture::logs::Logs;
use crate::picture::{KpiPicture, Picture};

/// What a full re-score said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rescore {
    /// Customers gone through.
    pub(crate) customers: i64,
    /// Customers whose figures were not the sums over their orders.
    pub(crate) corrected: i64,
    /// Customers whose score a second run at once after the first changed again.
    pub(crate) changed_again: i64,
}

/// Everything the checkers look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// What was done.
    pub(crate) history: History,
    /// What is there once all is quiet.
    pub(crate) quiet: Picture,
    /// The same after every event of every outbox was delivered again.
    pub(crate) replayed: Picture,
    /// The figures after they were thrown away and built again.
    pub(crate) rebuilt: KpiPicture,
    /// What a full re-score said.
    pub(crate) rescore: Rescore,
    /// What the processes wrote.
    pub(crate) logs: Logs,
    /// How long the way back to full function may take, in ms.
    pub(crate) recovery_bound_ms: u64,
}

/// What a checker found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How many things it looked at.
    pub(crate) checked: u64,
    /// What is wrong.
    pub(crate) violations: Vec<String>,
}

impl Finding {
    /// Looks at one thing.
    pub(crate) fn expect(&mut self, holds: bool, wrong: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.violations.push(wrong());
        }
    }

    /// Two things that must be equal.
    pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: impl FnOnce() -> String, left: T, right: T) {
        let holds = left == right;
        self.expect(holds, || format!("{}: {left:?} is not {right:?}", what()));
    }
}

/// A promise and the function that looks whether it was kept.
pub(crate) struct Check {
    /// Number in the list of invariants, or a name of the platform's list.
    pub(crate) number: &'static str,
    /// The promise.
    pub(crate) text: &'static str,
    /// The checker.
    pub(crate) run: fn(&Evidence) -> Finding,
}

const fn check(number: &'static str, text: &'static str, run: fn(&Evidence) -> Finding) -> Check {
    Check { number, text, run }
}

/// All promises that concern what is built.
pub(crate) const CHECKS: &[Check] = &[
    check("1", "every acknowledged write is readable", whole::acknowledged_is_readable),
    check("2", "every unknown write is wholly there or wholly absent, and stays so", whole::unknown_is_whole),
    check("3", "same key: same answer; other body: refused", keys::same_key_same_answer),
    check("4", "as many effects as distinct successful keys", keys::one_effect_a_key),
    check("5", "document numbers unique, gapless where promised", documents::numbers),
    check("6", "delivering every event again changes nothing", events::again_changes_nothing),
    check("7", "on hand = sum of movements", ledger::on_hand_is_the_sum_of_movements),
    check("8", "never below zero", ledger::never_below_zero),
    check("9", "free = on hand - reserved >= 0", ledger::free_is_what_is_not_reserved),
    check("10", "reserved = open needs; none for closed or cancelled", documents::reserved_is_needed),
    check("11", "each reservation ended once", documents::each_piece_has_one_fate),
    check("12", "a transfer's value and quantity out = in", ledger::transfers_keep_value),
    check("13", "stock value = layers; quantity 0 means value 0", ledger::value_of_layers),
    check("14", "pieces conserved", documents::pieces_are_conserved),
    check("15", "every shipped lot leads back to receipts", documents::lots_lead_to_receipts),
    check("16", "replaying the ledger gives the same balances and costs", ledger::replay_from_zero),
    check("20", "debits = credits", ledger::debits_are_credits),
    check("21", "order total = lines - discounts + tax + delivery; refunds <= paid", documents::totals),
    check("25", "states along arrows, times not back; nothing shipped without a movement", states::along_arrows),
    check("26", "every order has exactly one picture in ERP, CRM and KPI", states::one_picture),
    check("27", "KPI figures = recomputed from source; incremental = rebuilt", figures::recomputed_and_rebuilt),
    check("28", "scores and customer figures = recomputed", figures::customers),
    check("29", "no event lost, none out of order per aggregate", events::none_lost_none_out_of_order),
    check("30", "a client reads its own write", edits::reads_its_own_write),
    check("31", "no half-done process", states::nothing_half_done),
    check("32", "two edits of one version: one wins", edits::one_edit_wins),
    check("33", "article revisions 1..n, search exact", edits::revisions_and_search),
    check("34", "importing again changes nothing; never a mix", edits::imports_whole_or_not),
    check("35", "malformed input: no 5xx, no panic, nothing changed", faults::malformed),
    check("PLT-4", "full function again soon after each fault", faults::recovery),
    check("PLT-5", "orders are taken while what they do not need is away", faults::intake_goes_on),
];

/// Promises about parts that are not built yet.
pub(crate) const ABSENT: &[(&str, &str, &str)] = &[
    ("17", "consumed = recipe x (good + scrap)", "no production orders are built"),
    ("18", "planning is deterministic and fully pegged", "no planning is built"),
    (
        "19",
        "no cycle in recipes after concurrent edits",
        "not part of this load; erp's tests close rings from many sides",
    ),
    ("22", "coupon uses <= limit", "no coupons are built"),
    ("23", "gift cards: issued = spent + left + expired", "no gift cards are built"),
    ("24", "points = ledger >= 0", "no loyalty points are built"),
];

/// All of them.
pub(crate) fn all(evidence: &Evidence) -> Vec<(&'static Check, Finding)> {
    CHECKS.iter().map(|check| (check, (check.run)(evidence))).collect()
}
