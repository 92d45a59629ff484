//! Who is who: contacts in one spelling, and the same person under one customer.
//!
//! Uniqueness under concurrency: whoever gives contacts to customers first takes the advisory locks of all contacts
//! concerned, in order (see [`store::lock_contacts`]); the unique index is the last line of defence. Locks are taken in
//! the order contacts, order facts, customers.

pub mod commands;
pub mod domain;
pub mod store;
