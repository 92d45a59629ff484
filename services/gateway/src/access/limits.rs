//! Bounds on what one caller and all callers together may ask for. Everything here is counted, nothing is queued: who
//! is over a bound is told so at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Client;
use crate::config::Config;
use crate::problem::Problem;

const UNDER_WAY: &str = "requests under way";

/// The limits.
pub(crate) struct Limits {
    known: DefaultKeyedRateLimiter<Arc<str>>,
    burst: u32,
    addresses: DefaultKeyedRateLimiter<std::net::IpAddr>,
    anonymous_burst: u32,
    clock: DefaultClock,
    receiving: Counted,
    requests: Counted,
    streams: Counted,
    body_memory: Arc<Semaphore>,
}

/// Something of which there are so many, and so many for each client.
struct Counted {
    all: Arc<Semaphore>,
    each: Arc<Counters<Client>>,
    most: u32,
}

/// How many each one has. Entries vanish with the last one, so the map is no larger than what is under way.
struct Counters<K> {
    counts: Mutex<HashMap<K, u32>>,
}

/// A place taken; given back when dropped.
pub(crate) struct Slot {
    client: Client,
    each: Arc<Counters<Client>>,
    _all: OwnedSemaphorePermit,
}

impl Limits {
    /// As the settings say.
    pub(crate) fn new(config: &Config) -> Self {
        let counted = |all, most| Counted {
            all: Arc::new(Semaphore::new(all)),
            each: Arc::new(Counters { counts: Mutex::new(HashMap::new()) }),
            most,
        };
        Self {
            known: DefaultKeyedRateLimiter::dashmap(quota(config.rate, config.burst)),
            burst: config.burst,
            addresses: DefaultKeyedRateLimiter::dashmap(quota(config.anonymous_rate, config.anonymous_burst)),
            anonymous_burst: config.anonymous_burst,
            clock: DefaultClock::default(),
            receiving: counted(config.max_connections, config.key_concurrency),
            requests: counted(config.concurrency, config.key_concurrency),
            streams: counted(config.streams, config.key_streams),
            body_memory: Arc::new(Semaphore::new(config.body_memory / 1024)),
        }
    }

    /// Counts so many requests. More than a whole burst at once counts as a burst.
    pub(crate) fn rate(&self, client: &Client, weight: u32) -> Result<(), Problem> {
        let wait = match client {
            Client::Known(id) => self.wait(&self.known, id, weight.min(self.burst)),
            Client::Address(address) => self.wait(&self.addresses, address, weight.min(self.anonymous_burst)),
        };
        match wait {
            None => Ok(()),
            Some(wait) => {
                metrics::counter!("gateway_refused_total", "limit" => "rate").increment(1);
                Err(Problem::too_many("RATE_LIMITED", "too many requests a second", wait))
            }
        }
    }

    fn wait<K: Clone + Eq + Hash>(
        &self,
        limiter: &DefaultKeyedRateLimiter<K>,
        key: &K,
        weight: u32,
    ) -> Option<Duration> {
        let weight = NonZeroU32::new(weight)?;
        match limiter.check_key_n(key, weight) {
            Ok(Ok(())) => None,
            Ok(Err(not_until)) => Some(not_until.wait_time_from(self.clock.now())),
            Err(_) => Some(Duration::from_secs(1)),
        }
    }

    /// A place for a request whose body is still on its way. Slow senders take these and not the places of others.
    pub(crate) fn receiving(&self, client: &Client) -> Result<Slot, Problem> {
        self.receiving.take(client, "requests on their way")
    }

    /// Refuses a request that would have no place now, before anything is spent on it. The place itself is taken later.
    pub(crate) fn look(&self, client: &Client) -> Result<(), Problem> {
        self.requests.look(client, UNDER_WAY)
    }

    /// A place for a request.
    pub(crate) fn request(&self, client: &Client) -> Result<Slot, Problem> {
        self.requests.take(client, UNDER_WAY)
    }

    /// A place for an event stream.
    pub(crate) fn stream(&self, client: &Client) -> Result<Slot, Problem> {
        self.streams.take(client, "event streams open")
    }

    /// Room for so many bytes of a body.
    pub(crate) fn body_memory(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let kilobytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        Arc::clone(&self.body_memory).try_acquire_many_owned(kilobytes).map_err(|_| {
            metrics::counter!("gateway_refused_total", "limit" => "body_memory").increment(1);
            Problem::overloaded("too many large requests at the moment")
        })
    }

    /// Forgets clients that have been quiet. Called now and then.
    pub(crate) fn forget(&self) {
        self.known.retain_recent();
        self.addresses.retain_recent();
        self.known.shrink_to_fit();
        self.addresses.shrink_to_fit();
    }
}

fn quota(rate: u32, burst: u32) -> Quota {
    let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst))
}

impl Counted {
    fn look(&self, client: &Client, what: &'static str) -> Result<(), Problem> {
        if self.all.available_permits() == 0 {
            return Err(Self::full(what));
        }
        let counts = self.each.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get(client) {
            Some(count) if *count >= self.most => Err(self.enough(what)),
            _ => Ok(()),
        }
    }

    fn take(&self, client: &Client, what: &'static str) -> Result<Slot, Problem> {
        let all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Self::full(what))?;
        let mut counts = self.each.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client.clone()).or_insert(0);
        if *count >= self.most {
            return Err(self.enough(what));
        }
        *count += 1;
        drop(counts);
        Ok(Slot { client: client.clone(), each: Arc::clone(&self.each), _all: all })
    }

    fn full(what: &str) -> Problem {
        metrics::counter!("gateway_refused_total", "limit" => "concurrency").increment(1);
        Problem::overloaded(format!("too many {what} at the moment"))
    }

    fn enough(&self, what: &str) -> Problem {
        metrics::counter!("gateway_refused_total", "limit" => "key_concurrency").increment(1);
        let detail = format!("you have too many {what} ({} at most)", self.most);
        Problem::too_many("TOO_MANY_CONCURRENT", detail, Duration::from_secs(1))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.each.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str) -> Client {
        Client::Known(name.into())
    }

    #[test]
    fn one_client_at_its_bound_leaves_room_for_others() {
        let limits = Limits::new(&Config { concurrency: 4, key_concurrency: 2, ..Config::default() });
        let first = limits.request(&client("a")).unwrap();
        let _second = limits.request(&client("a")).unwrap();
        let Err(refused) = limits.request(&client("a")) else { panic!() };
        assert_eq!((refused.status.as_u16(), refused.reason.as_str()), (429, "TOO_MANY_CONCURRENT"));
        assert_eq!(limits.look(&client("a")).unwrap_err(), refused);
        limits.look(&client("b")).unwrap();
        let _other = limits.request(&client("b")).unwrap();
        drop(first);
        let _again = limits.request(&client("a")).unwrap();
        let _last = limits.request(&client("c")).unwrap();
        let Err(refused) = limits.request(&client("d")) else { panic!() };
        assert_eq!((refused.status.as_u16(), refused.retry_after.is_some()), (503, true));
        assert_eq!(limits.look(&client("d")).unwrap_err(), refused);
    }

    #[test]
    fn nothing_is_remembered_of_clients_without_requests() {
        let limits = Limits::new(&Config::default());
        drop(limits.request(&client("a")).unwrap());
        assert!(limits.requests.each.counts.lock().unwrap().is_empty());
    }

    #[test]
    fn a_batch_counts_by_its_orders() {
        let limits = Limits::new(&Config { rate: 10, burst: 10, ..Config::default() });
        limits.rate(&client("a"), 8).unwrap();
        let refused = limits.rate(&client("a"), 8).unwrap_err();
        assert_eq!(refused.status.as_u16(), 429);
        assert!(refused.retry_after.unwrap() <= Duration::from_secs(1));
        limits.rate(&client("b"), 1_000_000).unwrap();
        assert!(limits.rate(&client("b"), 1).is_err());
    }

    #[test]
    fn bodies_share_a_bounded_memory() {
        let limits = Limits::new(&Config { body_memory: 10 * 1024, ..Config::default() });
        let held = limits.body_memory(9 * 1024 + 1).unwrap();
        assert_eq!(limits.body_memory(1).unwrap_err().status.as_u16(), 503);
        drop(held);
        drop(limits.body_memory(10 * 1024).unwrap());
    }
}
