//! The three state machines as tables: which arrows there are, and nothing else.

/// A state of one of the machines.
pub trait Machine: Copy + Eq + Sized + 'static {
    /// Name of the machine as stored.
    const NAME: &'static str;
    /// All arrows: from a state to each state that may follow it.
    const ARROWS: &'static [(Self, &'static [Self])];

    /// Name of the state as stored and sent.
    fn code(self) -> &'static str;

    /// All states.
    fn all() -> Vec<Self> {
        Self::ARROWS.iter().map(|(from, _)| *from).collect()
    }

    /// Reads a stored name.
    fn parse(code: &str) -> Option<Self> {
        Self::ARROWS.iter().map(|(from, _)| *from).find(|state| state.code() == code)
    }

    /// Is there an arrow?
    fn may_become(self, to: Self) -> bool {
        Self::ARROWS.iter().any(|(from, targets)| *from == self && targets.contains(&to))
    }
}

/// Where the order as a deal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// Taken, waits for a person.
    New,
    /// May be fulfilled.
    Confirmed,
    /// Done.
    Completed,
    /// Called off before anything was shipped, or after all of it failed.
    Cancelled,
}

impl Machine for OrderState {
    const NAME: &'static str = "order";
    const ARROWS: &'static [(Self, &'static [Self])] = &[
        (Self::New, &[Self::Confirmed, Self::Cancelled]),
        (Self::Confirmed, &[Self::Completed, Self::Cancelled]),
        (Self::Completed, &[]),
        (Self::Cancelled, &[]),
    ];

    fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Where the money stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentState {
    /// Nothing came in.
    Unpaid,
    /// Less than is due.
    PartiallyPaid,
    /// What is due.
    Paid,
    /// More than is due, for example since lines were cancelled.
    Overpaid,
    /// Some of it went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
}

impl Machine for PaymentState {
    const NAME: &'static str = "payment";
    const ARROWS: &'static [(Self, &'static [Self])] = &[
        (Self::Unpaid, &[Self::PartiallyPaid, Self::Paid, Self::Overpaid]),
        (Self::PartiallyPaid, &[Self::Paid, Self::Overpaid, Self::PartiallyRefunded, Self::Refunded]),
        (Self::Paid, &[Self::Overpaid, Self::PartiallyRefunded, Self::Refunded]),
        (Self::Overpaid, &[Self::PartiallyRefunded, Self::Refunded]),
        (Self::PartiallyRefunded, &[Self::Refunded]),
        (Self::Refunded, &[Self::PartiallyRefunded]),
    ];

    fn code(self) -> &'static str {
        match self {
            Self::Unpaid => "unpaid",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::Overpaid => "overpaid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }
}

/// Where the goods stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FulfilmentState {
    /// The warehouse has said nothing yet, or there are no goods.
    None,
    /// All of it is held in stock.
    Reserved,
    /// Some of it is held in stock.
    PartiallyReserved,
    /// None of it is in stock.
    Backordered,
    /// Somebody is picking.
    Picking,
    /// Packed.
    Packed,
    /// Some of it left.
    PartiallyShipped,
    /// All of it left.
    Shipped,
    /// The buyer has it.
    Delivered,
    /// The buyer did not take it; it is back.
    NotCollected,
    /// All of it came back from the buyer.
    Returned,
    /// Will not be fulfilled.
    Cancelled,
}

impl Machine for FulfilmentState {
    const NAME: &'static str = "fulfilment";
    const ARROWS: &'static [(Self, &'static [Self])] = {
        use FulfilmentState as F;
        &[
            (
                F::None,
                &[
                    F::Reserved,
                    F::PartiallyReserved,
                    F::Backordered,
                    F::Picking,
                    F::PartiallyShipped,
                    F::Shipped,
                    F::Cancelled,
                ],
            ),
            (
                F::Reserved,
                &[
                    F::None,
                    F::PartiallyReserved,
                    F::Backordered,
                    F::Picking,
                    F::PartiallyShipped,
                    F::Shipped,
                    F::Cancelled,
                ],
            ),
            (
                F::PartiallyReserved,
                &[F::None, F::Reserved, F::Backordered, F::Picking, F::PartiallyShipped, F::Shipped, F::Cancelled],
            ),
            (
                F::Backordered,
                &[
                    F::None,
                    F::Reserved,
                    F::PartiallyReserved,
                    F::Picking,
                    F::PartiallyShipped,
                    F::Shipped,
                    F::Cancelled,
                ],
            ),
            (F::Picking, &[F::Packed, F::PartiallyShipped, F::Shipped, F::Cancelled]),
            (F::Packed, &[F::PartiallyShipped, F::Shipped, F::Cancelled]),
            (F::PartiallyShipped, &[F::Shipped, F::Returned, F::NotCollected]),
            (F::Shipped, &[F::Delivered, F::NotCollected, F::Returned]),
            (F::Delivered, &[F::Returned]),
            (F::NotCollected, &[F::Cancelled]),
            (F::Returned, &[]),
            (F::Cancelled, &[]),
        ]
    };

    fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Reserved => "reserved",
            Self::PartiallyReserved => "partially_reserved",
            Self::Backordered => "backordered",
            Self::Picking => "picking",
            Self::Packed => "packed",
            Self::PartiallyShipped => "partially_shipped",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::NotCollected => "not_collected",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows<M: Machine>() -> Vec<String> {
        M::ARROWS
            .iter()
            .flat_map(|(from, targets)| targets.iter().map(|to| format!("{}>{}", from.code(), to.code())))
            .collect()
    }

    #[test]
    fn every_state_reads_back_from_its_code_and_none_becomes_itself() {
        fn check<M: Machine + std::fmt::Debug>(states: usize) {
            assert_eq!(M::all().len(), states);
            for state in M::all() {
                assert_eq!(M::parse(state.code()), Some(state));
                assert!(!state.may_become(state));
            }
            assert_eq!(M::parse("nonsense"), None);
        }
        check::<OrderState>(4);
        check::<PaymentState>(6);
        check::<FulfilmentState>(12);
    }

    #[test]
    fn the_order_machine_has_these_arrows_and_no_others() {
        assert_eq!(
            arrows::<OrderState>(),
            ["new>confirmed", "new>cancelled", "confirmed>completed", "confirmed>cancelled"]
        );
    }

    #[test]
    fn nothing_leaves_a_final_state() {
        for to in FulfilmentState::all() {
            assert!(!FulfilmentState::Cancelled.may_become(to));
            assert!(!FulfilmentState::Returned.may_become(to));
        }
        for to in OrderState::all() {
            assert!(!OrderState::Completed.may_become(to));
            assert!(!OrderState::Cancelled.may_become(to));
        }
    }

    #[test]
    fn what_was_shipped_never_goes_back_to_the_shelf_by_a_state() {
        use FulfilmentState as F;
        for from in [F::PartiallyShipped, F::Shipped, F::Delivered] {
            for to in [F::None, F::Reserved, F::PartiallyReserved, F::Backordered, F::Picking, F::Packed, F::Cancelled]
            {
                assert!(!from.may_become(to), "{from:?} to {to:?}");
            }
        }
    }
}
