#![doc = "How much of everything a demo company has."]

use clap::ValueEnum;

/// Size of the demo company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// 720 goods, 500 customers, 1,500 orders: ready in seconds.
    Small,
    /// 25,220 goods, 80,000 customers, 200,000 orders.
    Medium,
    /// 250,220 goods, 250,000 customers, 1,000,000 orders.
    Large,
}

/// The numbers behind a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Bought fishing tackle, SKUs (the 220 goods of own production come on top).
    pub tackle: u64,
    /// Suppliers.
    pub suppliers: u64,
    /// Customers.
    pub customers: u64,
    /// Orders over two years.
    pub orders: u64,
}

impl Scale {
    /// The numbers.
    pub const fn sizes(self) -> Sizes {
        let (tackle, customers, orders) = match self {
            Self::Small => (500, 500, 1_500),
            Self::Medium => (25_000, 80_000, 200_000),
            Self::Large => (250_000, 250_000, 1_000_000),
        };
        Sizes { tackle, suppliers: 1_000, customers, orders }
    }

    /// Word used on the command line and in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}
