//! What an order is worth: recomputed from quantities and prices, compared with what the shop says.

mod draft;
mod pricing;

pub use draft::{
    Contact, DELIVERY_CODE, Discount, Draft, DraftLine, HoldReason, Policy, Priced, PricedLine, TaxRounding,
};
pub use pricing::price;
