//! The double-entry stock ledger every other capability posts to: movements, balances, totals, and the lock doctrine.
//!
//! Lock doctrine: items first (one statement, in sku order), then counts, then shipments by id, then demands by order id; a bin's
//! row is taken last and never waited for (migration 1007). Balances,
//! lots, needs and reservations of an item are written only under the lock of its row in `stock_item`. A transaction
//! takes each kind of lock once; that is why hundreds of them at a time neither oversell nor deadlock.

pub mod commands;
pub(crate) mod convert;
pub mod domain;
pub mod queries;
pub(crate) mod store;
