//! Codes, attempts, and when the waiting ends.

use time::OffsetDateTime;
use uuid::Uuid;

/// Attempts a code allows: guessing it is as good as one in 200,000.
pub const ATTEMPTS: i32 = 5;

/// Why goods are not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another code.
    #[error("that is not the code; {0} attempts are left")]
    WrongCode(i32),
    /// No attempts are left.
    #[error("the code was wrong too often; issue another one")]
    TooManyAttempts,
    /// Nothing waits any more.
    #[error("the pickup is {0}")]
    Ended(String),
}

impl Refusal {
    /// The reason code.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::WrongCode(_) => "WRONG_CODE",
            Self::TooManyAttempts => "TOO_MANY_ATTEMPTS",
            Self::Ended(_) => "PICKUP_ENDED",
        }
    }
}

/// A parcel that waits for its buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pickup {
    /// Shipment.
    pub shipment: Uuid,
    /// Order.
    pub order: Uuid,
    /// Six digits.
    pub code: String,
    /// Wrong codes so far.
    pub attempts: i32,
    /// `waiting`, or how it ended.
    pub state: String,
    /// When the code was issued.
    pub issued_at: OffsetDateTime,
    /// End of the waiting.
    pub expires_at: OffsetDateTime,
}

impl Pickup {
    /// Attempts left.
    #[must_use]
    pub fn left(&self) -> i32 {
        (ATTEMPTS - self.attempts).max(0)
    }

    /// Checks a code. A wrong one is to be counted, which [`Refusal::WrongCode`] has already done in its figure.
    ///
    /// # Errors
    /// Why the goods are not handed over.
    pub fn check(&self, code: &str) -> Result<(), Refusal> {
        if self.state != "waiting" {
            return Err(Refusal::Ended(self.state.clone()));
        }
        match self.left() {
            0 => Err(Refusal::TooManyAttempts),
            _ if self.code == code => Ok(()),
            left => Err(Refusal::WrongCode(left - 1)),
        }
    }
}

/// Six digits of a random number.
#[must_use]
pub fn code(random: u128) -> String {
    format!("{:06}", random % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_right_code_is_no_help_once_the_attempts_are_used_up_or_the_waiting_is_over() {
        let at = datetime!(2026-01-01 0:00 UTC);
        let (shipment, order) = (Uuid::nil(), Uuid::nil());
        let mut pickup = Pickup {
            shipment,
            order,
            code: code(7),
            attempts: 0,
            state: "waiting".into(),
            issued_at: at,
            expires_at: at,
        };
        assert_eq!(pickup.check("000007"), Ok(()));
        for left in (0..ATTEMPTS).rev() {
            assert_eq!(pickup.check("7"), Err(Refusal::WrongCode(left)));
            pickup.attempts += 1;
        }
        assert_eq!(pickup.check("000007"), Err(Refusal::TooManyAttempts));
        pickup.state = "expired".into();
        assert_eq!(pickup.check("000007"), Err(Refusal::Ended("expired".into())));
    }

    #[test]
    fn codes_have_six_digits() {
        for random in [0, 999_999, 1_000_000, u128::MAX] {
            assert_eq!(code(random).len(), 6);
        }
    }
}
