#![doc = "The demo company: a deterministic generator of goods, suppliers, customers and two years of orders."]
//!
//! Everything follows from the seed, the scale and the day the history ends: record `n` of a kind is a pure function
//! of its number, so any part can be made without the parts before it and the whole never has to be in memory.
//!
//! Reading order: [`chance`] (the random numbers), [`scale`] (how much of everything), [`words`] (names in Russian and
//! English), [`nutrition`] and [`tackle`] (goods), [`goods`] (both together, with lots), [`people`] (customers),
//! [`materials`] and [`recipes`] (what own production takes), [`history`] (orders and what became of them), [`paying`] (who
//! pays what and when), [`load`] with [`making`] (brings it all in through the public API).

pub mod chance;
pub mod command;
pub mod goods;
pub mod history;
pub mod load;
pub mod making;
pub mod materials;
pub mod nutrition;
pub mod paying;
pub mod people;
pub mod recipes;
pub mod scale;
pub mod tackle;
pub mod words;
