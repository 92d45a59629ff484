//! Figures and what is derived from them.

use rust_decimal::Decimal;
use types::round_half_away;

/// The figures of a set of order lines; see `kpi/v1/figures.proto` for what each one means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "defined one by one in kpi/v1/figures.proto")]
pub struct Figures {
    pub orders: i64,
    pub effective_orders: i64,
    pub discounted_orders: i64,
    pub cancelled_orders: i64,
    pub returned_orders: i64,
    pub uncollected_orders: i64,
    pub lines: i64,
    pub units: Decimal,
    pub gross: Decimal,
    pub discount: Decimal,
    pub placed: Decimal,
    pub cancelled: Decimal,
    pub returned: Decimal,
    pub uncollected: Decimal,
    pub revenue: Decimal,
    pub shipped: Decimal,
    pub net_sales: Decimal,
    pub cost: Decimal,
}

impl Figures {
    /// What the goods with the buyers brought over their cost.
    #[must_use]
    pub fn margin(&self) -> Decimal {
        self.net_sales - self.cost
    }

    /// Revenue per order that still counts.
    #[must_use]
    pub fn average_check(&self, digits: u32) -> Option<Decimal> {
        let check = self.revenue.checked_div(Decimal::from(self.effective_orders))?;
        Some(round_half_away(check, digits))
    }

    /// Discount in percent of the value before it.
    #[must_use]
    pub fn discount_percent(&self) -> Option<Decimal> {
        percent(self.discount, self.gross)
    }

    /// Margin in percent of net sales.
    #[must_use]
    pub fn margin_percent(&self) -> Option<Decimal> {
        percent(self.margin(), self.net_sales)
    }
}

/// `part` in percent of `whole`, two digits, half away from zero; nothing when `whole` is 0.
#[must_use]
pub fn percent(part: Decimal, whole: Decimal) -> Option<Decimal> {
    let share = part.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(whole)?;
    Some(round_half_away(share, 2))
}

macro_rules! measures {
    ($($name:ident $code:literal,)*) => {
        /// A figure that rows can be ordered by and periods compared in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "named as the fields of Figures")]
        pub enum Measure { $($name,)* }

        impl Measure {
            /// All, in the order of the wire's enum.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in queries.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

measures! {
    Orders "orders",
    EffectiveOrders "effective_orders",
    DiscountedOrders "discounted_orders",
    CancelledOrders "cancelled_orders",
    ReturnedOrders "returned_orders",
    UncollectedOrders "uncollected_orders",
    Lines "lines",
    Units "units",
    Gross "gross",
    Discount "discount",
    Placed "placed",
    Cancelled "cancelled",
    Returned "returned",
    Uncollected "uncollected",
    Revenue "revenue",
    Shipped "shipped",
    NetSales "net_sales",
    Cost "cost",
    Margin "margin",
    AverageCheck "average_check",
    DiscountPercent "discount_percent",
    MarginPercent "margin_percent",
}

impl Measure {
    /// True when it stands on cost, which is known in the company currency only.
    #[must_use]
    pub fn needs_cost(self) -> bool {
        matches!(self, Self::Cost | Self::Margin | Self::MarginPercent)
    }

    /// Its value; nothing when it is a ratio to 0.
    #[must_use]
    pub fn of(self, figures: &Figures, digits: u32) -> Option<Decimal> {
        match self {
            Self::Orders => Some(figures.orders.into()),
            Self::EffectiveOrders => Some(figures.effective_orders.into()),
            Self::DiscountedOrders => Some(figures.discounted_orders.into()),
            Self::CancelledOrders => Some(figures.cancelled_orders.into()),
            Self::ReturnedOrders => Some(figures.returned_orders.into()),
            Self::UncollectedOrders => Some(figures.uncollected_orders.into()),
            Self::Lines => Some(figures.lines.into()),
            Self::Units => Some(figures.units),
            Self::Gross => Some(figures.gross),
            Self::Discount => Some(figures.discount),
            Self::Placed => Some(figures.placed),
            Self::Cancelled => Some(figures.cancelled),
            Self::Returned => Some(figures.returned),
            Self::Uncollected => Some(figures.uncollected),
            Self::Revenue => Some(figures.revenue),
            Self::Shipped => Some(figures.shipped),
            Self::NetSales => Some(figures.net_sales),
            Self::Cost => Some(figures.cost),
            Self::Margin => Some(figures.margin()),
            Self::AverageCheck => figures.average_check(digits),
            Self::DiscountPercent => figures.discount_percent(),
            Self::MarginPercent => figures.margin_percent(),
        }
    }
}

/// How one figure moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub measure: Measure,
    /// Now less then.
    pub absolute: Decimal,
    /// That in percent of then, without its sign; nothing when then was 0.
    pub percent: Option<Decimal>,
}

/// How the figures moved from `then` to `now`; what has no value in either is left out.
#[must_use]
pub fn changes(now: &Figures, then: &Figures, digits: u32, costed: bool) -> Vec<Change> {
    let measures = Measure::ALL.iter().filter(|measure| costed || !measure.needs_cost());
    measures
        .filter_map(|measure| {
            let (now, then) = (measure.of(now, digits)?, measure.of(then, digits)?);
            let absolute = now - then;
            Some(Change { measure: *measure, absolute, percent: percent(absolute, then.abs()) })
        })
        .collect()
}

/// How a number that is no sales figure moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedChange {
    /// What it is.
    pub name: &'static str,
    /// What it was.
    pub before: Decimal,
    /// Now less then.
    pub absolute: Decimal,
    /// That in percent of then, without its sign; nothing when then was 0.
    pub percent: Option<Decimal>,
}

/// Numbers with their names, always the same names in the same order; some may have no value.
pub type Named = Vec<(&'static str, Option<Decimal>)>;

/// How numbers moved from `then` to `now`; what has no value in either is left out.
#[must_use]
pub fn named_changes(now: &Named, then: &Named) -> Vec<NamedChange> {
    let pairs = now.iter().zip(then);
    pairs
        .filter_map(|((name, now), (_, before))| {
            let (now, before) = ((*now)?, (*before)?);
            let absolute = now - before;
            Some(NamedChange { name, before, absolute, percent: percent(absolute, before.abs()) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn ratios_to_nothing_are_nothing_rather_than_zero() {
        let none = Figures::default();
        assert_eq!((none.average_check(2), none.discount_percent(), none.margin_percent()), (None, None, None));
    }

    #[test]
    fn a_check_is_rounded_to_the_minor_unit_and_a_percentage_to_two_digits() {
        let figures = Figures {
            effective_orders: 3,
            revenue: dec!(100),
            gross: dec!(300),
            discount: dec!(200),
            net_sales: dec!(80),
            cost: dec!(100),
            ..Figures::default()
        };
        assert_eq!(figures.average_check(2), Some(dec!(33.33)));
        assert_eq!(figures.average_check(0), Some(dec!(33)));
        assert_eq!(figures.discount_percent(), Some(dec!(66.67)));
        assert_eq!(figures.margin_percent(), Some(dec!(-25.00)));
    }

    #[test]
    fn a_change_is_told_in_percent_of_the_size_of_what_was_and_not_at_all_of_zero() {
        let now = Figures { orders: 3, net_sales: dec!(10), cost: dec!(5), ..Figures::default() };
        let then = Figures { net_sales: dec!(10), cost: dec!(30), ..Figures::default() };
        let moved = changes(&now, &then, 2, true);
        let of = |measure| moved.iter().find(|change| change.measure == measure).cloned().unwrap();
        assert_eq!((of(Measure::Orders).absolute, of(Measure::Orders).percent), (dec!(3), None));
        assert_eq!((of(Measure::Margin).absolute, of(Measure::Margin).percent), (dec!(25), Some(dec!(125.00))));
        assert!(changes(&now, &then, 2, false).iter().all(|change| !change.measure.needs_cost()));
    }
}
