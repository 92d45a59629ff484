//! What stock is worth: pools and layers of cost, dates and periods, corrections of the past and what follows from them.
//!
//! The book (`stock_move`) is the truth: the value of a movement is its own and that of all entries that correct it. Layers
//! (`cost_layer`) are what the fold over an item's movements leaves; they let the next movement be valued without the past.

pub(crate) mod commands;
pub(crate) mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
pub(crate) mod store_making;
pub mod store_past;
pub(crate) mod store_prices;
pub(crate) mod store_sales;
pub(crate) mod store_snapshots;
