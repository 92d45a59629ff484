//! What goes wrong: a [`plan`] from the seed, the [`deeds`] themselves, [`poison`] in the streams, and the [`probe`]
//! that says when everything works again.

pub(crate) mod deeds;
pub(crate) mod plan;
pub(crate) mod poison;
pub(crate) mod probe;
