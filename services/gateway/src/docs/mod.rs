//! The API described: OpenAPI 3.1 from the descriptors with all their comments, and a page to read it on.

mod comments;
mod openapi;
mod pages;
mod schema;

pub(crate) use pages::routes;
