//! The rules of ARCHITECTURE.md, checked over the source text, the manifests and the contracts.
//!
//! Each rule is a function from what it looks at to the list of violations, so that each is also proven able to fail.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod contracts;
mod deployment;
mod layers;
mod lints;
mod purity;
mod size;
mod source;
mod sql;

/// Fails with all violations, one a line.
fn none(violations: Vec<String>) {
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}
