//! Stock: movements per product, and how often and long it was out of stock.

pub mod convert;
pub mod queries;
