//! Who is calling, as far as limits need to know, and the limits.
//!
//! Whether a caller may run an RPC is not decided here: the services check the token and its permissions themselves.
//! What is certain to be refused for want of a good credential is refused here, before a body is read.

mod api_keys;
mod caller;
mod limits;
mod subjects;

pub(crate) use api_keys::ApiKeys;
pub(crate) use caller::{Access, Client, Credential, credential};
pub(crate) use limits::{Limits, Slot};
pub(crate) use subjects::Subjects;
