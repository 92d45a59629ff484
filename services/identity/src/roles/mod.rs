//! Roles: named sets of permissions, checked against the permissions the RPCs ask for.

mod commands;
mod domain;
pub(crate) mod grpc;
pub(crate) mod store;

pub(crate) use domain::{Catalogue, Grantor};
