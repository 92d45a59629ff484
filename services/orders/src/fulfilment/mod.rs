//! What the warehouse tells: reserved, picked, packed, shipped, delivered, failed, back in the books.

pub mod commands;
pub mod domain;
