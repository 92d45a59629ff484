//! The `shopfloor` program.

fn main() {}
