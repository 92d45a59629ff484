//! Personal data on its way to crm: kept until crm has it, then gone.

pub mod jobs;
mod store;
