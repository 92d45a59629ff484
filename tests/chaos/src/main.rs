//! `make chaos`: faults into a running company, then every promise checked from outside.

fn main() {}
