//! Sales: figures of orders by day, channel, region, category, brand, product, customer and method, and how they moved.

pub mod convert;
pub mod domain;
pub mod queries;
