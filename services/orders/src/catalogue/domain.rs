//! What makes a product a product.

use rust_decimal::Decimal;
use time::OffsetDateTime;
use types::{Currency, Unit};
use uuid::Uuid;

/// Whether a product can be sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductStatus {
    /// Being prepared.
    Draft,
    /// On sale.
    Active,
    /// Sold while stock lasts.
    Discontinued,
}

impl ProductStatus {
    /// Name as stored and sent.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Discontinued => "discontinued",
        }
    }

    /// Reads a stored name.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Draft, Self::Active, Self::Discontinued].into_iter().find(|status| status.code() == code)
    }
}

/// What people say about a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Russian name.
    pub name_ru: String,
    /// English name.
    pub name_en: String,
    /// Brand.
    pub brand: String,
    /// Category path.
    pub category: String,
    /// Series.
    pub series: String,
    /// Unit.
    pub unit: Unit,
    /// GTINs.
    pub barcodes: Vec<String>,
    /// VAT rate in percent.
    pub vat_rate: Decimal,
    /// Weight of one in grams.
    pub weight_grams: Option<Decimal>,
    /// Whether it can be sold.
    pub status: ProductStatus,
    /// Description.
    pub description: String,
}

impl Details {
    /// Display name: the Russian one if there is one.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.name_ru.is_empty() { &self.name_en } else { &self.name_ru }
    }
}

/// A product as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Id.
    pub id: Uuid,
    /// Sku.
    pub sku: String,
    /// What people say about it.
    pub details: Details,
    /// Number of changes.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// Changes to a product; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Russian name.
    pub name_ru: Option<String>,
    /// English name.
    pub name_en: Option<String>,
    /// Brand.
    pub brand: Option<String>,
    /// Category path.
    pub category: Option<String>,
    /// Series.
    pub series: Option<String>,
    /// Unit.
    pub unit: Option<Unit>,
    /// GTINs.
    pub barcodes: Option<Vec<String>>,
    /// VAT rate.
    pub vat_rate: Option<Decimal>,
    /// Weight.
    pub weight_grams: Option<Option<Decimal>>,
    /// Status.
    pub status: Option<ProductStatus>,
    /// Description.
    pub description: Option<String>,
}

/// Why a change of a product is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchRefused {
    /// Stock and orders already count in the unit.
    #[error("the unit of a product that is no longer a draft is fixed")]
    UnitIsFixed,
    /// Both names would be empty.
    #[error("a product needs a name")]
    NoName,
}

/// What a new product is when nobody says otherwise.
#[must_use]
pub fn blank(vat_rate: Decimal) -> Details {
    Details {
        name_ru: String::new(),
        name_en: String::new(),
        brand: String::new(),
        category: String::new(),
        series: String::new(),
        unit: Unit::Piece,
        barcodes: Vec::new(),
        vat_rate,
        weight_grams: None,
        status: ProductStatus::Active,
        description: String::new(),
    }
}

/// The details with the changes; `fresh` for a product that is being made.
///
/// # Errors
/// When a rule forbids the change.
pub fn patched(old: &Details, patch: Patch, fresh: bool) -> Result<Details, PatchRefused> {
    if !fresh && old.status != ProductStatus::Draft && patch.unit.is_some_and(|unit| unit != old.unit) {
        return Err(PatchRefused::UnitIsFixed);
    }
    let old = old.clone();
    let new = Details {
        name_ru: patch.name_ru.unwrap_or(old.name_ru),
        name_en: patch.name_en.unwrap_or(old.name_en),
        brand: patch.brand.unwrap_or(old.brand),
        category: patch.category.unwrap_or(old.category),
        series: patch.series.unwrap_or(old.series),
        unit: patch.unit.unwrap_or(old.unit),
        barcodes: patch.barcodes.unwrap_or(old.barcodes),
        vat_rate: patch.vat_rate.unwrap_or(old.vat_rate),
        weight_grams: patch.weight_grams.unwrap_or(old.weight_grams),
        status: patch.status.unwrap_or(old.status),
        description: patch.description.unwrap_or(old.description),
    };
    if new.name().is_empty() { Err(PatchRefused::NoName) } else { Ok(new) }
}

/// A price and when it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricePeriod {
    /// Code of the list.
    pub price_list: String,
    /// Price of one.
    pub amount: Decimal,
    /// First moment it holds.
    pub valid_from: OffsetDateTime,
    /// First moment it no longer holds.
    pub valid_to: Option<OffsetDateTime>,
}

/// A price list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceList {
    /// Code.
    pub code: String,
    /// Display name.
    pub name: String,
    /// Currency.
    pub currency: Currency,
    /// Prices contain VAT.
    pub vat_included: bool,
}

/// What order intake needs of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Id.
    pub product_id: Uuid,
    /// Sku.
    pub sku: String,
    /// Unit.
    pub unit: Unit,
    /// VAT rate in percent.
    pub vat_rate: Decimal,
    /// Category path.
    pub category: String,
    /// Brand.
    pub brand: String,
    /// Whether it can be sold.
    pub status: ProductStatus,
    /// All its prices, in all lists.
    pub prices: Vec<PricePeriod>,
}

impl Item {
    /// The price in a list at a moment: of the periods that hold then, the one that began last.
    #[must_use]
    pub fn price_at(&self, list: &str, at: OffsetDateTime) -> Option<Decimal> {
        self.prices
            .iter()
            .filter(|price| {
                price.price_list == list && price.valid_from <= at && price.valid_to.is_none_or(|to| at < to)
            })
            .max_by_key(|price| price.valid_from)
            .map(|price| price.amount)
    }
}

/// Is it a GTIN (EAN-8, UPC-A, EAN-13, GTIN-14) with the right check digit?
///
/// Source: GS1 General Specifications, section 7.9: weights 3 and 1 from the right, modulo 10.
#[must_use]
pub fn is_gtin(text: &str) -> bool {
    if !matches!(text.len(), 8 | 12 | 13 | 14) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = text
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| u32::from(byte - b'0') * if place % 2 == 1 { 3 } else { 1 })
        .sum();
    sum.is_multiple_of(10)
}

/// A category path without blanks around its parts and without empty parts.
#[must_use]
pub fn tidy_category(path: &str) -> String {
    path.split('/').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;
    use time::Duration;

    #[test]
    fn gtins_of_all_lengths_are_told_from_wrong_ones() {
        for good in ["4006381333931", "036000291452", "96385074", "10012345678902", "0036000291452"] {
            assert!(is_gtin(good), "{good}");
        }
        for bad in ["4006381333930", "", "123", "400638133393A", "40063813339310", "٤٠٠٦٣٨١٣٣٣٩٣١", "036000291453"]
        {
            assert!(!is_gtin(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_always_noticed(digits in "[0-9]{12}", place in 0usize..13, add in 1u8..10) {
            let check = (0..10).map(|d| format!("{digits}{d}")).find(|text| is_gtin(text)).unwrap();
            let mut bytes = check.into_bytes();
            bytes[place] = b'0' + (bytes[place] - b'0' + add) % 10;
            prop_assert!(!is_gtin(std::str::from_utf8(&bytes).unwrap()));
        }
    }

    #[test]
    fn of_the_prices_that_hold_the_one_that_began_last_counts() {
        let t0 = OffsetDateTime::UNIX_EPOCH;
        let period = |amount, from: i64, to: Option<i64>| PricePeriod {
            price_list: "retail".to_owned(),
            amount,
            valid_from: t0 + Duration::days(from),
            valid_to: to.map(|to| t0 + Duration::days(to)),
        };
        let item = Item {
            product_id: Uuid::nil(),
            sku: "A".to_owned(),
            unit: Unit::Piece,
            vat_rate: dec!(22),
            category: String::new(),
            brand: String::new(),
            status: ProductStatus::Active,
            prices: vec![period(dec!(100), 0, None), period(dec!(80), 10, Some(20)), period(dec!(110), 30, None)],
        };
        let at = |day: i64| item.price_at("retail", t0 + Duration::days(day));
        assert_eq!(
            [at(-1), at(0), at(10), at(19), at(20), at(30)],
            [None, Some(dec!(100)), Some(dec!(80)), Some(dec!(80)), Some(dec!(100)), Some(dec!(110))]
        );
        assert_eq!(item.price_at("wholesale", t0), None);
    }

    #[test]
    fn the_unit_is_fixed_once_a_product_is_on_sale() {
        let draft = Details { status: ProductStatus::Draft, name_ru: "Жерлица".to_owned(), ..blank(dec!(22)) };
        let patch = Patch { unit: Some(Unit::Pack), ..Patch::default() };
        assert_eq!(patched(&draft, patch.clone(), false).map(|new| new.unit), Ok(Unit::Pack));
        let active = Details { status: ProductStatus::Active, ..draft };
        assert_eq!(patched(&active, patch, false), Err(PatchRefused::UnitIsFixed));
        let nameless = Patch { name_ru: Some(String::new()), ..Patch::default() };
        assert_eq!(patched(&active, nameless, false), Err(PatchRefused::NoName));
    }
}
