//! The whole suite on throw-away servers, from the HTTP push to the last consumer.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

mod company;
mod examples;
mod main_job;
mod online_retail;
mod trouble;
