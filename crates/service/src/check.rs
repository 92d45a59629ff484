//! Reads the fields of a request and collects everything that is wrong with them.

use std::ops::RangeInclusive;

use proto::common::v1 as wire;
use rust_decimal::Decimal;
use time::{Date, OffsetDateTime, macros::format_description};
use types::{Currency, Money, Quantity, Unit, parse_decimal};
use uuid::Uuid;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, for example `lines[2].quantity`.
    pub field: String,
    /// What is wrong, for people.
    pub description: String,
}

impl Violation {
    /// A violation of a field.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

/// Collects violations while a request is read. A reader of a wrong field returns a harmless default; call
/// [`Check::done`] before using any value.
#[derive(Debug, Default)]
pub struct Check {
    violations: Vec<Violation>,
}

/// More violations than this are not listed: nobody reads them, and a hostile request must not grow its answer.
const MOST: usize = 100;

impl Check {
    /// Nothing wrong so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that a field is wrong.
    pub fn wrong(&mut self, field: impl Into<String>, description: impl Into<String>) {
        if self.violations.len() < MOST {
            self.violations.push(Violation::new(field, description));
        }
    }

    /// Records that a field is wrong unless `holds`.
    pub fn require(&mut self, holds: bool, field: impl Into<String>, description: impl Into<String>) {
        if !holds {
            self.wrong(field, description);
        }
    }

    /// A text of that many characters after trimming, without control characters.
    pub fn text(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> String {
        let text = value.trim();
        let count = text.chars().count();
        if count == 0 && *length.start() > 0 {
            self.wrong(field, "is missing");
        } else if !length.contains(&count) {
            self.wrong(field, format!("must have {} to {} characters, has {count}", length.start(), length.end()));
        } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.wrong(field, "contains control characters");
        } else {
            return text.to_owned();
        }
        String::new()
    }

    /// As [`Check::text`], but may be empty.
    pub fn optional_text(&mut self, field: &str, value: &str, longest: usize) -> String {
        self.text(field, value, 0..=longest)
    }

    /// A key of 1 to 128 printable ASCII characters that makes a write repeatable.
    pub fn request_id(&mut self, value: &str) -> String {
        let good = (1..=128).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
        self.require(good, "request_id", "must be 1 to 128 printable ASCII characters without blanks");
        if good { value.to_owned() } else { String::new() }
    }

    /// A UUID.
    pub fn uuid(&mut self, field: &str, value: &str) -> Uuid {
        Uuid::try_parse(value).unwrap_or_else(|_| {
            self.wrong(field, if value.is_empty() { "is missing" } else { "is not a UUID" });
            Uuid::nil()
        })
    }

    /// A UUID, or nothing when empty.
    pub fn optional_uuid(&mut self, field: &str, value: &str) -> Option<Uuid> {
        (!value.is_empty()).then(|| self.uuid(field, value))
    }

    /// A plain decimal number.
    pub fn decimal(&mut self, field: &str, value: &str) -> Decimal {
        parse_decimal(value).unwrap_or_else(|| {
            self.wrong(field, if value.is_empty() { "is missing" } else { "is not a plain decimal number" });
            Decimal::ZERO
        })
    }

    /// An amount of money; must be given.
    pub fn money(&mut self, field: &str, value: &Option<wire::Money>) -> Money {
        let nothing = Money::zero(Currency::RUB);
        let Some(value) = value else {
            self.wrong(field, "is missing");
            return nothing;
        };
        Money::try_from(value).unwrap_or_else(|error| {
            self.wrong(field, error.to_string());
            nothing
        })
    }

    /// An amount of money, if given.
    pub fn optional_money(&mut self, field: &str, value: &Option<wire::Money>) -> Option<Money> {
        value.is_some().then(|| self.money(field, value))
    }

    /// A quantity; must be given. Its sign is for the caller to judge.
    pub fn quantity(&mut self, field: &str, value: &Option<wire::Quantity>) -> Quantity {
        let nothing = Quantity { value: Decimal::ZERO, unit: Unit::Piece };
        let Some(value) = value else {
            self.wrong(field, "is missing");
            return nothing;
        };
        Quantity::try_from(value).unwrap_or_else(|error| {
            self.wrong(field, error.to_string());
            nothing
        })
    }

    /// A quantity above zero.
    pub fn positive_quantity(&mut self, field: &str, value: &Option<wire::Quantity>) -> Quantity {
        let before = self.violations.len();
        let quantity = self.quantity(field, value);
        if self.violations.len() == before && quantity.value <= Decimal::ZERO {
            self.wrong(field, "must be above zero");
        }
        quantity
    }

    /// A moment; must be given.
    pub fn timestamp(&mut self, field: &str, value: &Option<prost_types::Timestamp>) -> OffsetDateTime {
        let Some(value) = value else {
            self.wrong(field, "is missing");
            return OffsetDateTime::UNIX_EPOCH;
        };
        proto::from_timestamp(value).unwrap_or_else(|| {
            self.wrong(field, "is not a moment in the years 1 to 9999");
            OffsetDateTime::UNIX_EPOCH
        })
    }

    /// A moment, if given.
    pub fn optional_timestamp(
        &mut self,
        field: &str,
        value: &Option<prost_types::Timestamp>,
    ) -> Option<OffsetDateTime> {
        value.is_some().then(|| self.timestamp(field, value))
    }

    /// A calendar date `YYYY-MM-DD`.
    pub fn date(&mut self, field: &str, value: &str) -> Date {
        Date::parse(value, format_description!("[year]-[month]-[day]")).unwrap_or_else(|_| {
            self.wrong(field, if value.is_empty() { "is missing" } else { "is not a date YYYY-MM-DD" });
            Date::MIN
        })
    }

    /// A calendar date, or nothing when empty.
    pub fn optional_date(&mut self, field: &str, value: &str) -> Option<Date> {
        (!value.is_empty()).then(|| self.date(field, value))
    }

    /// A number of items.
    pub fn len(&mut self, field: &str, count: usize, allowed: RangeInclusive<usize>) {
        if !allowed.contains(&count) {
            self.wrong(field, format!("must have {} to {} items, has {count}", allowed.start(), allowed.end()));
        }
    }

    /// True while nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Everything that was wrong.
    pub fn done(self) -> Result<(), Vec<Violation>> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.violations) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_told_at_once() {
        let mut check = Check::new();
        check.text("name", "  ", 1..=10);
        check.uuid("id", "42");
        check.money("price", &None);
        check.positive_quantity("quantity", &Some(wire::Quantity { value: "0".into(), unit: "pcs".into() }));
        check.date("day", "2026-02-30");
        check.request_id("with blank");
        let fields: Vec<_> = check.done().unwrap_err().into_iter().map(|violation| violation.field).collect();
        assert_eq!(fields, ["name", "id", "price", "quantity", "day", "request_id"]);
    }

    #[test]
    fn texts_are_trimmed_and_free_of_control_characters() {
        let mut check = Check::new();
        assert_eq!(check.text("name", " Жерлица ", 1..=7), "Жерлица");
        check.text("name", "a\0b", 1..=10);
        assert_eq!(check.done().unwrap_err().len(), 1);
    }

    #[test]
    fn a_hostile_request_does_not_grow_its_answer() {
        let mut check = Check::new();
        for line in 0..10_000 {
            check.wrong(format!("lines[{line}]"), "bad");
        }
        assert_eq!(check.done().unwrap_err().len(), MOST);
    }
}
