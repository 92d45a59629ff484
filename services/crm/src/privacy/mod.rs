//! The rights of the people whose data this is: all of it on demand, none of it any more, and who has looked.

pub mod commands;
pub mod grpc;
pub mod queries;
pub mod store;
