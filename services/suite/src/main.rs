//! The `shopfloor` program. Everything is in the library; see `shopfloor --help`.

fn main() {}
