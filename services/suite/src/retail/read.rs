#![doc = "Reads the file, plain or gzip, line by line; times are local London times and become UTC here."]

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context, bail};
use flate2::read::GzDecoder;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Deserialize;
use time::OffsetDateTime;

/// The zone of the times in the file: the shop is British and the file says nothing else.
pub const FILE_ZONE: &str = "Europe/London";

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// Number of the data line, from 1 (the heading is not counted).
    pub number: u32,
    /// Invoice number; starts with `C` for a credit note and `A` for a bookkeeping adjustment.
    pub invoice: String,
    /// Stock code, trimmed, case kept.
    pub code: String,
    /// Description, trimmed; may be empty.
    pub description: String,
    /// Pieces; negative on credit notes and stock adjustments.
    pub quantity: i64,
    /// Price of one piece in GBP, up to three digits after the point; may be zero or negative.
    pub price: Decimal,
    /// When the invoice was made.
    pub at: OffsetDateTime,
    /// Customer number; a quarter of the lines has none.
    pub customer: Option<u32>,
    /// Country of the customer.
    pub country: String,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(rename = "InvoiceNo")]
    invoice: &'a str,
    #[serde(rename = "StockCode")]
    code: &'a str,
    #[serde(rename = "Description")]
    description: &'a str,
    #[serde(rename = "Quantity")]
    quantity: &'a str,
    #[serde(rename = "InvoiceDate")]
    at: &'a str,
    #[serde(rename = "UnitPrice")]
    price: &'a str,
    #[serde(rename = "CustomerID")]
    customer: &'a str,
    #[serde(rename = "Country")]
    country: &'a str,
}

/// Reads the first `limit` lines (all when `None`) of a `.csv` or `.csv.gz` file.
pub fn read_file(path: &Path, limit: Option<usize>) -> anyhow::Result<Vec<FileLine>> {
    let file = File::open(path).with_context(|| format!("cannot open the order file {}", path.display()))?;
    let reader = BufReader::with_capacity(1 << 16, file);
    if path.extension().is_some_and(|e| e == "gz") { read(GzDecoder::new(reader), limit) } else { read(reader, limit) }
}

/// Reads lines from any source of CSV text with the heading of the data set.
pub fn read(source: impl Read, limit: Option<usize>) -> anyhow::Result<Vec<FileLine>> {
    let zone = TimeZone::get(FILE_ZONE).context("the time zone database lacks Europe/London")?;
    let mut csv = csv::Reader::from_reader(source);
    let headings = csv.headers()?.clone();
    let mut record = csv::StringRecord::new();
    let mut lines = Vec::new();
    while lines.len() < limit.unwrap_or(usize::MAX) && csv.read_record(&mut record)? {
        let number = u32::try_from(lines.len() + 1).context("the file has more than four billion lines")?;
        let row: Row<'_> = record
            .deserialize(Some(&headings))
            .with_context(|| format!("line {number} does not look like the Online Retail file"))?;
        lines.push(line(number, &row, &zone).with_context(|| format!("line {number} cannot be read"))?);
    }
    Ok(lines)
}

fn line(number: u32, row: &Row<'_>, zone: &TimeZone) -> anyhow::Result<FileLine> {
    let local: DateTime = row.at.parse().with_context(|| format!("`{}` is not a date and time", row.at))?;
    let instant = zone.to_ambiguous_timestamp(local).compatible()?;
    let customer = match row.customer.trim() {
        "" => None,
        text => Some(text.strip_suffix(".0").unwrap_or(text).parse().context("the customer is not a number")?),
    };
    let code = row.code.trim();
    if row.invoice.is_empty() || code.is_empty() {
        bail!("the invoice number or the stock code is empty");
    }
    Ok(FileLine {
        number,
        invoice: row.invoice.trim().to_owned(),
        code: code.to_owned(),
        description: row.description.split_whitespace().collect::<Vec<_>>().join(" "),
        quantity: row.quantity.trim().parse().context("the quantity is not a whole number")?,
        price: row.price.trim().parse().context("the price is not a decimal number")?,
        at: OffsetDateTime::from_unix_timestamp(instant.as_second())?,
        customer,
        country: row.country.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const HEADING: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    fn one(text: &str) -> anyhow::Result<FileLine> {
        Ok(read(format!("{HEADING}{text}\n").as_bytes(), None)?.remove(0))
    }

    #[test]
    fn a_summer_time_is_one_hour_behind_in_utc() {
        let line = one("1,85123A, HEART ,6,2011-07-01 08:26:00,2.55,17850.0,United Kingdom").unwrap();
        assert_eq!(line.at, datetime!(2011-07-01 07:26 UTC));
        assert_eq!((line.customer, line.description.as_str()), (Some(17850), "HEART"));
    }

    #[test]
    fn a_winter_time_is_utc_and_a_missing_customer_is_none() {
        let line = one("C1,m,,-6,2010-12-01 08:26:00,0.001,,EIRE").unwrap();
        assert_eq!(line.at, datetime!(2010-12-01 08:26 UTC));
        assert_eq!((line.customer, line.quantity, line.price), (None, -6, Decimal::new(1, 3)));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let error = one("1,85123A,X,six,2011-07-01 08:26:00,2.55,,EIRE").unwrap_err();
        assert!(format!("{error:#}").contains("line 1"), "{error:#}");
    }
}
