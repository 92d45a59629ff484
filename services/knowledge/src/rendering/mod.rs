//! Markdown to safe HTML, and to plain words.

pub mod domain;
