//! Every checker is shown able to fail: in a company in which all is well one record is falsified, and it is caught.

mod company;
mod falsified;

use std::collections::BTreeSet;

use super::*;

#[test]
fn a_company_in_which_all_is_well_keeps_every_promise() {
    for (check, finding) in all(&company::good()) {
        assert_eq!(finding.violations, Vec::<String>::new(), "{} {}", check.number, check.text);
        assert!(finding.checked > 0, "{} looked at nothing", check.number);
    }
}

#[test]
fn every_checker_catches_a_falsified_record() {
    let mut caught = BTreeSet::new();
    for (number, what, falsify) in falsified::ALL {
        let mut evidence = company::good();
        falsify(&mut evidence);
        let check = CHECKS.iter().find(|check| check.number == *number).unwrap();
        let finding = (check.run)(&evidence);
        assert!(!finding.violations.is_empty(), "{number} does not see: {what}");
        caught.insert(*number);
    }
    for check in CHECKS {
        assert!(caught.contains(check.number), "nothing shows that {} can fail", check.number);
    }
}

#[test]
fn every_invariant_is_checked_or_said_to_be_absent() {
    let numbers: BTreeSet<&str> =
        CHECKS.iter().map(|check| check.number).chain(ABSENT.iter().map(|absent| absent.0)).collect();
    for number in 1..=35 {
        assert!(numbers.contains(number.to_string().as_str()), "invariant {number}");
    }
}
