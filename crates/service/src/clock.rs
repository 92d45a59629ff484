//! The one place that knows the time and makes ids.

use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Tells the time, to the microsecond (what Postgres stores). Tests may set it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    set: Option<Arc<Mutex<OffsetDateTime>>>,
}

impl Clock {
    /// The machine's clock, in UTC.
    #[must_use]
    pub fn system() -> Self {
        Self { set: None }
    }

    /// A clock that stands still until it is set or advanced. For tests.
    #[must_use]
    pub fn fixed(at: OffsetDateTime) -> Self {
        Self { set: Some(Arc::new(Mutex::new(at))) }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        let now = match &self.set {
            None => OffsetDateTime::now_utc(),
            Some(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        };
        now.replace_nanosecond(now.nanosecond() / 1000 * 1000).unwrap_or(now)
    }

    /// Moves a fixed clock; does nothing to the system's.
    pub fn set(&self, at: OffsetDateTime) {
        if let Some(set) = &self.set {
            *set.lock().unwrap_or_else(PoisonError::into_inner) = at;
        }
    }

    /// Moves a fixed clock on; does nothing to the system's.
    pub fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }
}

/// A new id: UUID version 7, so that ids made later sort later (RFC 9562).
#[must_use]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
