//! What a report is asked for, and which of the three sources can answer it.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Bucket, Measure};

/// What the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Everything in one row.
    All,
    /// Days, weeks or months.
    Time(Bucket),
    /// Channels.
    Channel,
    /// Regions.
    Region,
    /// Categories, cut to so many parts of the path; 0 for all of it.
    Category(u8),
    /// Brands.
    Brand,
    /// Products.
    Product,
    /// Customers.
    Customer,
    /// Delivery methods.
    DeliveryMethod,
    /// Payment methods.
    PaymentMethod,
}

impl Group {
    /// Name of the dimension in queries.
    #[must_use]
    pub fn dimension(self) -> &'static str {
        match self {
            Self::All | Self::Time(_) => "all",
            Self::Channel => "channel",
            Self::Region => "region",
            Self::Category(1) => "category_1",
            Self::Category(2) => "category_2",
            Self::Category(3) => "category_3",
            Self::Category(_) => "category",
            Self::Brand => "brand",
            Self::Product => "product",
            Self::Customer => "customer",
            Self::DeliveryMethod => "delivery_method",
            Self::PaymentMethod => "payment_method",
        }
    }

    /// How the key of a row is made: of the dimension's value or of the day.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Time(Bucket::Day) => "day",
            Self::Time(Bucket::Week) => "week",
            Self::Time(Bucket::Month) => "month",
            _ => "value",
        }
    }

    /// Parts of the category path; 0 for all of it.
    #[must_use]
    pub fn category_level(self) -> i32 {
        if let Self::Category(level) = self { level.into() } else { 0 }
    }

    /// True when a row is about lines rather than whole orders.
    #[must_use]
    pub fn of_lines(self) -> bool {
        matches!(self, Self::Category(_) | Self::Brand | Self::Product)
    }
}

/// Narrows a report; a list that is not there lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each list holds the values let through of what it is named for")]
pub struct Filter {
    pub channels: Option<Vec<String>>,
    pub regions: Option<Vec<String>>,
    pub delivery_methods: Option<Vec<String>>,
    pub payment_methods: Option<Vec<String>>,
    pub category: Option<String>,
    pub brands: Option<Vec<String>>,
    pub skus: Option<Vec<String>>,
    pub customers: Option<Vec<Uuid>>,
    pub discounted: Option<bool>,
}

impl Filter {
    /// True when lines are chosen, not whole orders.
    #[must_use]
    pub fn of_lines(&self) -> bool {
        self.category.is_some() || self.brands.is_some() || self.skus.is_some()
    }
}

/// Where figures are read from. All give the same numbers; the first is by far the fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Daily figures.
    Days,
    /// Single orders.
    Orders,
    /// Single lines.
    Lines,
}

impl Source {
    /// The fastest that can answer.
    #[must_use]
    pub fn of(group: Group, filter: &Filter) -> Self {
        if filter.of_lines() || matches!(group, Group::Category(4..)) {
            Self::Lines
        } else if *filter == Filter::default() && group != Group::Customer {
            Self::Days
        } else if group.of_lines() {
            Self::Lines
        } else {
            Self::Orders
        }
    }

    /// Its name in queries.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Orders => "orders",
            Self::Lines => "lines",
        }
    }
}

/// Which rows come, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Figure to order by, largest first; nothing means by key.
    pub by: Option<Measure>,
    /// The other way round.
    pub reverse: bool,
    /// Rank and key of the last row seen.
    pub after: Option<(Decimal, String)>,
    /// Only these keys.
    pub keys: Option<Vec<String>>,
    /// At most so many rows.
    pub limit: i64,
}
