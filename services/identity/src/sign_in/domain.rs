//! How long somebody who fails has to wait.
//!
//! Failures are counted in three ways. For one login from one source a few are free and then the wait doubles up to a
//! quarter of an hour. For a login from anywhere the wait stays short, so that nobody can lock somebody else out. For a
//! source the free number is larger: a whole office may sit behind one address.

use std::time::Duration;

use time::OffsetDateTime;

/// Failures older than this are forgotten.
pub(super) const MEMORY: time::Duration = time::Duration::hours(1);

/// What failures are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// One login, from anywhere.
    Login,
    /// One login from one source.
    LoginAndSource,
    /// One source, any login.
    Source,
}

impl Scope {
    /// Name in the database; also the order in which rows are locked.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginAndSource => "login_and_source",
            Self::Source => "source",
        }
    }

    /// From the name in the database.
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Login, Self::LoginAndSource, Self::Source].into_iter().find(|scope| scope.name() == name)
    }

    /// Failures without a wait.
    fn free(self) -> i32 {
        match self {
            Self::Login => 20,
            Self::LoginAndSource => 5,
            Self::Source => 50,
        }
    }

    /// Longest wait.
    fn longest(self) -> Duration {
        match self {
            Self::Login => Duration::from_secs(30),
            Self::LoginAndSource => Duration::from_secs(900),
            Self::Source => Duration::from_secs(300),
        }
    }

    /// The wait after so many failures.
    pub(super) fn delay(self, failures: i32) -> Duration {
        match u32::try_from(failures - self.free()) {
            Ok(0) | Err(_) => Duration::ZERO,
            Ok(beyond) => Duration::from_secs(1 << (beyond - 1).min(20)).min(self.longest()),
        }
    }
}

/// Failures counted so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    /// What for.
    pub(super) scope: Scope,
    /// How many.
    pub(super) failures: i32,
    /// When the last one was.
    pub(super) last_at: OffsetDateTime,
    /// Until when nothing is tried.
    pub(super) blocked_until: OffsetDateTime,
}

/// Counts one more attempt as failed (it is taken back if it succeeds), or says how long to wait. Counting first is
/// what stops a thousand guesses sent at once.
pub(super) fn attempt(counts: &[Count], now: OffsetDateTime) -> Result<Vec<Count>, Duration> {
    let wait = counts.iter().map(|count| count.blocked_until - now).max().unwrap_or_default();
    if wait.is_positive() {
        return Err(Duration::from_secs(u64::try_from(wait.whole_seconds()).unwrap_or(0) + 1));
    }
    Ok(counts
        .iter()
        .map(|count| {
            let before = if count.last_at + MEMORY < now { 0 } else { count.failures };
            let failures = before.saturating_add(1);
            Count { failures, last_at: now, blocked_until: now + count.scope.delay(failures), ..*count }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fresh(scope: Scope) -> Count {
        let at = OffsetDateTime::UNIX_EPOCH;
        Count { scope, failures: 0, last_at: at, blocked_until: at }
    }

    #[test]
    fn the_wait_doubles_after_the_free_failures_up_to_the_longest() {
        let waits: Vec<u64> = (4..12).map(|failures| Scope::LoginAndSource.delay(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32]);
        assert_eq!(Scope::LoginAndSource.delay(i32::MAX).as_secs(), 900);
        assert_eq!(Scope::Login.delay(1_000).as_secs(), 30);
    }

    #[test]
    fn an_hour_without_failures_forgets_them() {
        let mut count = fresh(Scope::LoginAndSource);
        count.failures = 40;
        let later = count.last_at + MEMORY + time::Duration::SECOND;
        assert_eq!(attempt(&[count], later).unwrap()[0].failures, 1);
    }

    proptest! {
        #[test]
        fn guessing_without_pause_gives_few_tries_an_hour(gap in 0_i64..5) {
            let mut count = fresh(Scope::LoginAndSource);
            let (mut now, mut tries) = (count.last_at, 0);
            let end = now + time::Duration::HOUR;
            while now < end {
                match attempt(&[count], now) {
                    Ok(next) => { count = next[0]; tries += 1; now += time::Duration::seconds(gap); }
                    Err(wait) => now += wait,
                }
            }
            prop_assert!(tries < 25, "{}", tries);
        }
    }
}
