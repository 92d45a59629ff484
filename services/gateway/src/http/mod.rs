//! HTTP itself: connections, bodies, one request from end to end, streams.

mod body;
mod context;
mod handler;
mod metadata;
mod patience;
mod serve;
mod stream;

pub(crate) use handler::handle;
pub use serve::{Peer, serve};
