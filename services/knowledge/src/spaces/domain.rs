//! What a space is and what its readers may do.

use time::OffsetDateTime;
use uuid::Uuid;

/// The permission that is admin of every space.
pub const ADMIN: &str = "knowledge.space.admin";

/// The role everybody holds.
pub const EVERYBODY: &str = "*";

/// What somebody may do, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing, not even know of it.
    None,
    /// Read.
    Read,
    /// Read and write.
    Write,
    /// Everything.
    Admin,
}

impl Level {
    /// From what is stored.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Read,
            2 => Self::Write,
            3 => Self::Admin,
            _ => Self::None,
        }
    }

    /// As stored.
    #[must_use]
    pub fn number(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Read => 1,
            Self::Write => 2,
            Self::Admin => 3,
        }
    }
}

/// As whom somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Employee id.
    pub id: String,
    /// Roles held, [`EVERYBODY`] among them.
    pub roles: Vec<String>,
    /// Admin of every space.
    pub admin: bool,
}

/// A space, with what the reader may do there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Id.
    pub id: Uuid,
    /// Key.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Optimistic lock.
    pub version: i64,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// What the reader may do.
    pub level: Level,
}

/// Whether a space may have this key: `^[A-Z][A-Z0-9]{1,19}$`.
#[must_use]
pub fn is_key(text: &str) -> bool {
    (2..=20).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_rise_and_survive_storage() {
        assert!(Level::None < Level::Read && Level::Read < Level::Write && Level::Write < Level::Admin);
        for level in [Level::None, Level::Read, Level::Write, Level::Admin] {
            assert_eq!(Level::from_number(level.number().into()), level);
        }
    }

    #[test]
    fn keys_are_short_capital_words() {
        assert!(is_key("WH") && is_key("SALES2026"));
        assert!(!is_key("W") && !is_key("wh") && !is_key("1W") && !is_key("ОТДЕЛ") && !is_key(&"A".repeat(21)));
    }
}
