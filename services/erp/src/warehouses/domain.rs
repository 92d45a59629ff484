//! What a warehouse is to the other capabilities.

use uuid::Uuid;

use crate::ledger::domain::Place;

/// A warehouse with the places goods go to when nobody says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warehouse {
    /// Id.
    pub id: Uuid,
    /// Code.
    pub code: String,
    /// Default bin.
    pub bin: Place,
    /// Quarantine place.
    pub quarantine: Place,
}

/// Whether a text can be a warehouse code: 1 to 32 letters, digits, `-`, `_`.
#[must_use]
pub fn is_code(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_short_and_plain() {
        assert!(super::is_code("MAIN-2_b"));
        for bad in ["", "A/B", "склад", " A", &"A".repeat(33)] {
            assert!(!super::is_code(bad), "{bad:?}");
        }
    }
}
