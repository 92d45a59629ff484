//! Recalls before they are opened, and how their orders are told.

use uuid::Uuid;

use crate::traceability::domain::Selection;

/// Orders one fact names at most.
pub const ORDERS_A_PART: usize = 500;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// A flaw nobody is hurt by.
    Minor,
    /// The goods must not be used.
    Major,
    /// The goods may harm people.
    Critical,
}

impl Severity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Minor, Self::Major, Self::Critical];

    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }

    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.code() == code)
    }
}

/// A recall to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecall {
    /// Why.
    pub reason: String,
    /// How bad it is.
    pub severity: Severity,
    /// Which lots.
    pub selection: Selection,
}

impl NewRecall {
    /// The supplier's lot it is for; empty when lots were named.
    #[must_use]
    pub fn supplier_lot(&self) -> &str {
        match &self.selection {
            Selection::SupplierLot { number, .. } => number,
            Selection::Lots(_) => "",
        }
    }
}

/// The orders in parts of at most [`ORDERS_A_PART`]; without orders one empty part.
#[must_use]
pub fn parts(orders: &[Uuid]) -> Vec<&[Uuid]> {
    if orders.is_empty() { vec![&[]] } else { orders.chunks(ORDERS_A_PART).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn severities_are_read_as_they_are_stored() {
        assert!(Severity::ALL.into_iter().all(|one| Severity::parse(one.code()) == Some(one)));
        assert_eq!(Severity::parse("bad"), None);
    }

    proptest! {
        #[test]
        fn every_order_is_in_one_part_and_no_part_is_too_long(count in 0usize..1700) {
            let orders: Vec<_> = (0..count as u128).map(Uuid::from_u128).collect();
            let parts = parts(&orders);
            prop_assert_eq!(parts.len(), count.div_ceil(ORDERS_A_PART).max(1));
            prop_assert!(parts.iter().all(|part| part.len() <= ORDERS_A_PART));
            prop_assert_eq!(parts.concat(), orders);
        }
    }
}
