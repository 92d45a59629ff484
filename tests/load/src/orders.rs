//! Orders as the shop sends them: three lines of common and rare goods, at the catalogue's prices, by one of many buyers.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::company::CHANNEL;
use crate::goods::{self, Goods};
use crate::zipf::Zipf;

/// Lines of an order.
const LINES: usize = 3;
/// How uneven the demand is.
const EXPONENT: f64 = 1.1;

/// Where orders come from. Clones share the numbering, each draws by itself.
pub struct Orders {
    prefix: Arc<str>,
    numbers: Arc<AtomicU64>,
    buyers: u64,
    zipf: Arc<Zipf>,
    /// The JSON of a line of each good, one piece at its price.
    lines: Arc<Vec<String>>,
    random: StdRng,
    seed: u64,
    clones: Arc<AtomicU64>,
}

/// Names an order that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number(pub u64);

impl Clone for Orders {
    fn clone(&self) -> Self {
        let clone = self.clones.fetch_add(1, Ordering::Relaxed) + 1;
        Self {
            prefix: self.prefix.clone(),
            numbers: self.numbers.clone(),
            buyers: self.buyers,
            zipf: self.zipf.clone(),
            lines: self.lines.clone(),
            random: StdRng::seed_from_u64(self.seed ^ clone.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            seed: self.seed,
            clones: self.clones.clone(),
        }
    }
}

impl Orders {
    /// Orders for so many goods by so many buyers; `prefix` sets the external ids of one run apart from those of others.
    pub fn new(prefix: &str, goods: usize, buyers: u64, seed: u64) -> Self {
        let lines = (0..goods).map(|n| {
            format!(
                r#"{{"kind":"LINE_KIND_GOODS","sku":"{}","quantity":{{"value":"1","unit":"pcs"}},"unit_price":{{"currency":"{}","amount":"{}"}}}}"#,
                Goods::sku(n),
                goods::CURRENCY,
                goods::amount(Goods::price(n)),
            )
        });
        Self {
            prefix: prefix.into(),
            numbers: Arc::new(AtomicU64::new(0)),
            buyers,
            zipf: Arc::new(Zipf::new(goods, EXPONENT)),
            lines: Arc::new(lines.collect()),
            random: StdRng::seed_from_u64(seed),
            seed,
            clones: Arc::new(AtomicU64::new(0)),
        }
    }

    /// How many were made.
    pub fn made(&self) -> u64 {
        self.numbers.load(Ordering::Relaxed)
    }

    /// The external id of an order.
    pub fn external_id(&self, number: Number) -> String {
        format!("{}-{}", self.prefix, number.0)
    }

    /// Its idempotency key.
    pub fn request_id(&self, number: Number) -> String {
        format!("push-{}-{}", self.prefix, number.0)
    }

    /// The number of an order by its external id.
    pub fn number(&self, external_id: &str) -> Option<Number> {
        let (prefix, number) = external_id.rsplit_once('-')?;
        (prefix == &*self.prefix).then(|| number.parse().ok().map(Number))?
    }

    /// Writes the next order as the body of `POST /v1/orders`, its idempotency key included.
    pub fn write(&mut self, out: &mut String) -> Number {
        let number = Number(self.numbers.fetch_add(1, Ordering::Relaxed));
        let buyer = self.random.random_range(0..self.buyers);
        let _ = write!(
            out,
            r#"{{"order":{{"channel":"{CHANNEL}","external_id":"{}-{}","currency":"{}","prices_include_tax":true,"payment_method":"card","lines":["#,
            self.prefix,
            number.0,
            goods::CURRENCY
        );
        let mut total = 0;
        for line in 0..LINES {
            let good = self.zipf.draw(&mut self.random);
            total += Goods::price(good);
            if line > 0 {
                out.push(',');
            }
            out.push_str(&self.lines[good]);
        }
        let _ = write!(
            out,
            r#"],"buyer":{{"name":"Покупатель {buyer}","phone":"+7916{buyer:07}","email":"buyer{buyer}@example.com","external_customer_id":"c{buyer}"}},"delivery":{{"method":"courier","region":"Москва","address":"ул. Ленина, {}"}},"expected_total":{{"currency":"{}","amount":"{}"}}}},"request_id":"push-{}-{}"}}"#,
            buyer % 200 + 1,
            goods::CURRENCY,
            goods::amount(total),
            self.prefix,
            number.0
        );
        number
    }

    /// Writes the next `count` orders as the body of `POST /v1/orders:batch`.
    pub fn write_batch(&mut self, count: usize, out: &mut String) -> Vec<Number> {
        out.push_str(r#"{"orders":["#);
        let numbers = (0..count)
            .map(|at| {
                if at > 0 {
                    out.push(',');
                }
                self.write(out)
            })
            .collect();
        out.push_str("]}");
        numbers
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn an_order_adds_up_and_is_told_apart_from_every_other() {
        let mut orders = Orders::new("t", 100, 50, 7);
        let mut other = orders.clone();
        let mut ids = HashSet::new();
        for n in 0..200 {
            let mut body = String::new();
            let source = if n % 2 == 0 { &mut orders } else { &mut other };
            let number = source.write(&mut body);
            let body: Value = serde_json::from_str(&body).unwrap();
            let order = &body["order"];
            assert_eq!(order["external_id"], source.external_id(number));
            assert_eq!(body["request_id"], source.request_id(number));
            assert_eq!(source.number(order["external_id"].as_str().unwrap()), Some(number));
            let cents = |value: &Value| value["amount"].as_str().unwrap().replace('.', "").parse::<u64>().unwrap();
            let lines = order["lines"].as_array().unwrap();
            assert_eq!(lines.len(), LINES);
            assert_eq!(
                lines.iter().map(|line| cents(&line["unit_price"])).sum::<u64>(),
                cents(&order["expected_total"])
            );
            assert!(ids.insert(order["external_id"].as_str().unwrap().to_owned()));
        }
        assert_eq!(orders.made(), 200);
    }

    #[test]
    fn clones_do_not_draw_the_same() {
        let orders = Orders::new("t", 1000, 1_000_000, 7);
        let draw = |mut orders: Orders| {
            let mut body = String::new();
            orders.write(&mut body);
            let body: Value = serde_json::from_str(&body).unwrap();
            body["order"]["buyer"]["name"].clone()
        };
        assert_ne!(draw(orders.clone()), draw(orders.clone()));
    }

    #[test]
    fn a_batch_is_a_list_of_orders() {
        let mut body = String::new();
        let numbers = Orders::new("t", 10, 10, 1).write_batch(50, &mut body);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((numbers.len(), body["orders"].as_array().unwrap().len()), (50, 50));
    }
}
