//! Which RPC an HTTP request means: templates from the descriptors, compiled into a tree.

mod rpc;
mod table;
mod template;

pub(crate) use rpc::{Answer, Body, Route, Rpc, routes};
pub(crate) use table::{Found, Table};
