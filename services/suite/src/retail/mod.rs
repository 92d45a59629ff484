#![doc = "A real order file, the UCI \"Online Retail\" data set, as work for the suite: read, planned, pushed, reported."]
//!
//! Reading order: [`read`] turns the file into lines, [`plan`] decides without any input or output what each line
//! becomes, [`matching`] ties credit notes to sales, [`push`] carries the plan out through the gateway, [`report`]
//! writes down what became of every line.

pub mod command;
pub mod matching;
pub mod plan;
pub mod push;
pub mod read;
pub mod report;
