//! What the connections of a load do: push orders one by one or in batches, post documents, read by id.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::company::Company;
use crate::drive::Script;
use crate::goods::CURRENCY;
use crate::http::{Answer, Head};
use crate::orders::{Number, Orders};

/// The address of the company's first gateway, past the forwarder.
pub fn door(company: &Company) -> anyhow::Result<SocketAddr> {
    let http = company.http();
    Ok(http.first().and_then(|url| url.strip_prefix("http://")).context("there is no gateway")?.parse()?)
}

/// Pushes orders one by one with the shop's key.
pub struct PushOne {
    orders: Orders,
    head: Head,
    body: String,
    under_way: Number,
    /// Orders the shop was told are stored, and when each was meant to be sent.
    pub stored: Vec<(Number, Instant)>,
    /// Orders of which the shop was told nothing.
    pub unknown: Vec<Number>,
}

impl PushOne {
    /// So many of them, numbering their orders together.
    pub fn many(count: usize, company: &Company, orders: &Orders) -> Vec<Self> {
        let head = Head::new("POST", "/v1/orders", &format!("x-api-key: {}", company.shop_key()));
        let one = |_| Self {
            orders: orders.clone(),
            head: head.clone(),
            body: String::new(),
            under_way: Number(0),
            stored: Vec::new(),
            unknown: Vec::new(),
        };
        (0..count).map(one).collect()
    }
}

impl Script for PushOne {
    fn write(&mut self, request: &mut Vec<u8>) {
        self.body.clear();
        self.under_way = self.orders.write(&mut self.body);
        self.head.write(&self.body, request);
    }

    fn read(&mut self, answer: Answer<'_>, begun: Instant) -> u64 {
        if answer.status == 200 {
            self.stored.push((self.under_way, begun));
        } else if answer.status >= 500 {
            self.unknown.push(self.under_way);
        }
        u64::from(answer.status == 200)
    }

    fn lost(&mut self) {
        self.unknown.push(self.under_way);
    }
}

/// Pushes orders in batches with the shop's key.
pub struct PushBatch {
    orders: Orders,
    head: Head,
    size: usize,
    body: String,
    under_way: Vec<Number>,
    /// Orders the shop was told are stored.
    pub stored: Vec<Number>,
    /// Orders of which the shop was told nothing, or that were refused.
    pub unknown: Vec<Number>,
}

impl PushBatch {
    /// So many of them, with batches of `size`.
    pub fn many(count: usize, size: usize, company: &Company, orders: &Orders) -> Vec<Self> {
        let head = Head::new("POST", "/v1/orders:batch", &format!("x-api-key: {}", company.shop_key()));
        let one = |_| Self {
            orders: orders.clone(),
            head: head.clone(),
            size,
            body: String::new(),
            under_way: Vec::new(),
            stored: Vec::new(),
            unknown: Vec::new(),
        };
        (0..count).map(one).collect()
    }
}

impl Script for PushBatch {
    fn write(&mut self, request: &mut Vec<u8>) {
        self.body.clear();
        self.under_way = self.orders.write_batch(self.size, &mut self.body);
        self.head.write(&self.body, request);
    }

    fn read(&mut self, answer: Answer<'_>, _: Instant) -> u64 {
        // Every order of the batch has its own result; refusals are the exception and are looked for by their name.
        let accepted = if answer.status == 200 { count(answer.body, b"\"accepted\":") } else { 0 };
        if accepted == self.under_way.len() {
            self.stored.append(&mut self.under_way);
        } else {
            self.lost();
        }
        accepted as u64
    }

    fn lost(&mut self) {
        self.unknown.append(&mut self.under_way);
    }
}

/// Posts receipts of many lines, each of different goods.
pub struct PostDocument {
    head: Head,
    skus: Arc<Vec<String>>,
    lines: usize,
    random: StdRng,
    body: String,
    /// Receipts the warehouse was told are posted.
    pub posted: u64,
    /// Receipts of which the warehouse was told nothing.
    pub unknown: u64,
}

impl PostDocument {
    /// So many of them, with documents of `lines` lines over these goods.
    pub fn many(count: usize, lines: usize, skus: &[String], authorization: &str) -> Vec<Self> {
        let (head, skus) = (Head::new("POST", "/v1/erp/receipts", authorization), Arc::new(skus.to_vec()));
        let one = |n| Self {
            head: head.clone(),
            skus: skus.clone(),
            lines,
            random: StdRng::seed_from_u64(n as u64),
            body: String::new(),
            posted: 0,
            unknown: 0,
        };
        (0..count).map(one).collect()
    }
}

impl Script for PostDocument {
    fn write(&mut self, request: &mut Vec<u8>) {
        let goods = rand::seq::index::sample(&mut self.random, self.skus.len(), self.lines);
        let line = |n: usize| {
            let cost = format!(r#"{{"currency":"{CURRENCY}","amount":"10.00"}}"#);
            format!(r#"{{"sku":"{}","quantity":{{"value":"24","unit":"pcs"}},"unitCost":{cost}}}"#, self.skus[n])
        };
        let lines: Vec<_> = goods.into_iter().map(line).collect();
        let key: u64 = self.random.random();
        self.body = format!(r#"{{"requestId":"document-{key}","supplier":"documents","lines":[{}]}}"#, lines.join(","));
        self.head.write(&self.body, request);
    }

    fn read(&mut self, answer: Answer<'_>, _: Instant) -> u64 {
        self.posted += u64::from(answer.status == 200);
        self.unknown += u64::from(answer.status >= 500);
        if answer.status == 200 { self.lines as u64 } else { 0 }
    }

    fn lost(&mut self) {
        self.unknown += 1;
    }
}

/// How often a word stands in a text.
fn count(text: &[u8], word: &[u8]) -> usize {
    text.windows(word.len()).filter(|window| *window == word).count()
}

/// Reads things by id, one after the other in random order.
pub struct Read {
    heads: Arc<Vec<Head>>,
    random: StdRng,
}

impl Read {
    /// So many of them, reading these paths.
    pub fn many(count: usize, paths: &[String], authorization: &str) -> Vec<Self> {
        let heads: Vec<_> = paths.iter().map(|path| Head::new("GET", path, authorization)).collect();
        let heads = Arc::new(heads);
        (0..count).map(|n| Self { heads: heads.clone(), random: StdRng::seed_from_u64(n as u64) }).collect()
    }
}

impl Script for Read {
    fn write(&mut self, request: &mut Vec<u8>) {
        self.heads[self.random.random_range(0..self.heads.len())].write("", request);
    }

    fn read(&mut self, answer: Answer<'_>, _: Instant) -> u64 {
        u64::from(answer.status == 200)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted() {
        assert_eq!(count(br#"{"results":[{"accepted":{}},{"refused":{}},{"accepted":{}}]}"#, b"\"accepted\":"), 2);
    }
}
