//! The statements of order intake: each stores or reads for a whole group of orders.

mod catalogue;
mod rows;

pub use catalogue::{items, policies_data, ticket};
pub use rows::{Known, NewOrder, add_aliases, insert_contacts, insert_lines, insert_orders, known};
