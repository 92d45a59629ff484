//! HTTP requests into messages and messages into JSON, by the proto3 JSON mapping.
//!
//! Field names go out as in the proto files (`order_id`); both they and their lowerCamelCase forms are understood.

mod input;
mod json;
mod query;

pub(crate) use input::{Input, message, weight};
pub(crate) use json::to_json;
