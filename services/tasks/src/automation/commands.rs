//! What automation does: rules that are changed, events that are heard, waits that are over.

mod apply;
mod rules;

pub(crate) use apply::{apply, open_waiting};
pub(super) use rules::{put, set_enabled};
