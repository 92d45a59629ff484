//! Money: an exact decimal amount in a currency.

use std::fmt;

use rust_decimal::Decimal;

use crate::rounding::{parse_decimal, round_half_away};

/// An ISO 4217 currency. The number of minor-unit digits comes from the standard's table (two for RUB, none for JPY).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The Russian rouble.
    pub const RUB: Self = Self(iso_currency::Currency::RUB);

    /// Reads an alphabetic code such as `RUB`; upper case only.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] when ISO 4217 does not list the code or the currency has no minor unit.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(code)
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or(MoneyError::UnknownCurrency)
    }

    /// The alphabetic code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the separator in the minor unit.
    #[must_use]
    pub fn minor_digits(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of money. Not rounded by itself: unit prices may carry more digits than the minor unit; call
/// [`Money::rounded`] where the rules say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// The amount in major units (roubles, not kopecks).
    pub amount: Decimal,
    /// The currency.
    pub currency: Currency,
}

/// What can be wrong with money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The code is not in ISO 4217.
    #[error("unknown currency code")]
    UnknownCurrency,
    /// The text is not a plain decimal number within range.
    #[error("not a plain decimal number")]
    NotANumber,
    /// Two amounts of different currencies met.
    #[error("amounts in different currencies")]
    CurrencyMismatch,
    /// The result does not fit.
    #[error("amount out of range")]
    Overflow,
}

impl Money {
    /// An amount in a currency.
    #[must_use]
    pub fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, with the currency's minor-unit digits.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self { amount: Decimal::new(0, currency.minor_digits()), currency }
    }

    /// Reads the wire form: currency code and decimal text (see [`parse_decimal`]).
    ///
    /// # Errors
    /// When either part is malformed.
    pub fn parse(amount: &str, currency: &str) -> Result<Self, MoneyError> {
        let currency = Currency::parse(currency)?;
        let amount = parse_decimal(amount).ok_or(MoneyError::NotANumber)?;
        Ok(Self { amount, currency })
    }

    /// The sum.
    ///
    /// # Errors
    /// When the currencies differ or the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, Decimal::checked_add)
    }

    /// The difference.
    ///
    /// # Errors
    /// When the currencies differ or the difference does not fit.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, Decimal::checked_sub)
    }

    fn combine(self, other: Self, op: fn(Decimal, Decimal) -> Option<Decimal>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let amount = op(self.amount, other.amount).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }

    /// Rounded half away from zero to the minor unit.
    #[must_use]
    pub fn rounded(self) -> Self {
        Self { amount: round_half_away(self.amount, self.currency.minor_digits()), ..self }
    }

    /// Below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.amount.is_sign_negative() && !self.amount.is_zero()
    }

    /// Exactly zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn currencies_know_their_minor_unit() {
        assert_eq!(Currency::parse("RUB").map(Currency::minor_digits), Ok(2));
        assert_eq!(Currency::parse("JPY").map(Currency::minor_digits), Ok(0));
        assert_eq!(Currency::parse("KWD").map(Currency::minor_digits), Ok(3));
        for bad in ["rub", "XYZ", "", "RUBB", "XAU"] {
            assert!(Currency::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn amounts_of_different_currencies_do_not_add() {
        let roubles = Money::new(dec!(1), Currency::RUB);
        let yen = Money::parse("1", "JPY").unwrap();
        assert_eq!(roubles.checked_add(yen), Err(MoneyError::CurrencyMismatch));
        assert_eq!(roubles.checked_sub(roubles).map(Money::is_zero), Ok(true));
    }

    #[test]
    fn rounding_is_to_the_minor_unit_half_away_from_zero() {
        assert_eq!(Money::parse("3.855", "RUB").unwrap().rounded().to_string(), "3.86 RUB");
        assert_eq!(Money::parse("-0.5", "JPY").unwrap().rounded().to_string(), "-1 JPY");
    }
}
