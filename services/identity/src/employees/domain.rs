//! What an employee is and which logins and passwords are acceptable.

use service::Violation;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::violation;

/// Shortest password an employee may choose.
const SHORTEST: usize = 12;
/// Longest password taken, in bytes; hashing time grows with it.
pub(crate) const LONGEST: usize = 256;
/// Most roles one employee can hold.
pub(crate) const MOST_ROLES: usize = 50;

/// An employee without the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Employee {
    /// Id.
    pub(crate) id: Uuid,
    /// Login, lower case.
    pub(crate) login: String,
    /// Name.
    pub(crate) display_name: String,
    /// Language.
    pub(crate) locale: String,
    /// May sign in.
    pub(crate) active: bool,
    /// Has a one-time password.
    pub(crate) must_change_password: bool,
    /// Version, also of the events.
    pub(crate) version: i64,
    /// When created.
    pub(crate) created_at: OffsetDateTime,
    /// When last signed in.
    pub(crate) last_sign_in_at: Option<OffsetDateTime>,
    /// Role codes, sorted.
    pub(crate) roles: Vec<String>,
}

/// A login in its one form: trimmed and lower case.
pub(crate) fn normalised_login(login: &str) -> String {
    login.trim().to_lowercase()
}

/// True for 2 to 64 of `a-z 0-9 . _ - @ +`, a letter or digit first.
pub(crate) fn is_login(login: &str) -> bool {
    (2..=64).contains(&login.len())
        && login.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && login.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'@' | b'+')
        })
}

/// Refuses passwords that are too easy to guess to be worth hashing.
pub(crate) fn check_password(login: &str, old: &str, new: &str) -> Result<(), Vec<Violation>> {
    let lower = new.to_lowercase();
    let distinct = new.chars().collect::<std::collections::BTreeSet<_>>().len();
    let refused = if new.chars().count() < SHORTEST {
        Some("must have at least 12 characters")
    } else if new.len() > LONGEST {
        Some("must have at most 256 bytes")
    } else if new == old {
        Some("must differ from the old one")
    } else if lower.contains(login) {
        Some("must not contain the login")
    } else if distinct < 5 {
        Some("must have at least 5 different characters")
    } else {
        None
    };
    refused.map_or(Ok(()), |text| Err(vec![violation("new_password", text)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_have_one_form() {
        assert_eq!(normalised_login(" Anna@Shop.RU "), "anna@shop.ru");
        assert!(is_login("anna@shop.ru"));
        for bad in ["", "a", "-anna", "анна", "an na", "an\0na", &"a".repeat(65)] {
            assert!(!is_login(bad), "{bad:?}");
        }
    }

    #[test]
    fn weak_passwords_are_refused() {
        assert!(check_password("anna", "old", "correct horse battery").is_ok());
        assert!(check_password("anna", "old", "пароль из трёх слов").is_ok());
        for bad in ["short", "Anna is my name", "aaaaaaaaaaaaaaaa", "same same same", &"x1y2z3".repeat(50)] {
            assert!(check_password("anna", "same same same", bad).is_err(), "{bad}");
        }
    }
}
