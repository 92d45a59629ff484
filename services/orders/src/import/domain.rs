//! Reading a file of products: what each row says, and what is wrong with the others.

use std::collections::HashMap;

use csv::ByteRecord;
use rust_decimal::Decimal;
use service::Check;

use crate::{
    catalogue::{
        convert::Reader,
        domain::{Patch, ProductStatus},
    },
    prices,
};

/// Columns a file may have.
const COLUMNS: [&str; 13] = [
    "sku",
    "name_ru",
    "name_en",
    "brand",
    "category",
    "series",
    "unit",
    "barcodes",
    "vat_rate",
    "weight_grams",
    "status",
    "description",
    "price",
];

/// A row that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Line in the file.
    pub row_no: u64,
    /// Sku.
    pub sku: String,
    /// What it says of the product.
    pub patch: Patch,
    /// What it says of the price.
    pub price: Option<Decimal>,
}

/// A row that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Line in the file.
    pub row_no: u64,
    /// Sku as read.
    pub sku: String,
    /// Column at fault.
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

/// A file as read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Number of data rows.
    pub read: u64,
    /// Those that can be used.
    pub rows: Vec<Row>,
    /// Those that cannot.
    pub rejections: Vec<Rejection>,
    /// There is a price column.
    pub has_prices: bool,
}

/// Reads a file.
///
/// # Errors
/// What is wrong with the file as a whole: no header, unknown or missing columns.
pub fn parse(bytes: &[u8]) -> Result<File, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter(bytes)).trim(csv::Trim::All).flexible(true).from_reader(bytes);
    let columns = header(reader.byte_headers().map_err(|error| error.to_string())?)?;
    let mut file = File { has_prices: columns.contains(&"price"), ..File::default() };
    let mut first_row: HashMap<String, u64> = HashMap::new();
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(file),
            Ok(true) => {}
            Err(error) => return Err(error.to_string()),
        }
        file.read += 1;
        let row_no = record.position().map_or(0, csv::Position::line);
        match read_row(row_no, &columns, &record) {
            Err(rejection) => file.rejections.push(rejection),
            Ok(row) => match first_row.get(&row.sku) {
                Some(first) => file.rejections.push(Rejection {
                    row_no,
                    sku: row.sku,
                    column: "sku".to_owned(),
                    reason: format!("is in row {first} already"),
                }),
                None => {
                    first_row.insert(row.sku.clone(), row_no);
                    file.rows.push(row);
                }
            },
        }
    }
}

/// The separator the first line has most of.
fn delimiter(bytes: &[u8]) -> u8 {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |separator: u8| line.iter().filter(|byte| **byte == separator).count();
    // On a tie the last of these wins.
    [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

fn header(record: &ByteRecord) -> Result<Vec<&'static str>, String> {
    let mut columns = Vec::with_capacity(record.len());
    for name in record {
        let name = String::from_utf8_lossy(name).to_lowercase();
        let known = COLUMNS.into_iter().find(|column| *column == name);
        let known = known.ok_or_else(|| format!("unknown column {:?}", name.chars().take(40).collect::<String>()))?;
        if columns.contains(&known) {
            return Err(format!("the column {known} is there twice"));
        }
        columns.push(known);
    }
    if columns.contains(&"sku") { Ok(columns) } else { Err("the column sku is missing".to_owned()) }
}

fn read_row(row_no: u64, columns: &[&'static str], record: &ByteRecord) -> Result<Row, Rejection> {
    let shown = |at: usize| String::from_utf8_lossy(record.get(at).unwrap_or_default()).chars().take(64).collect();
    let sku_at = columns.iter().position(|column| *column == "sku").unwrap_or_default();
    let reject =
        |column: &str, reason: String| Rejection { row_no, sku: shown(sku_at), column: column.to_owned(), reason };
    if record.len() != columns.len() {
        return Err(reject("", format!("has {} fields instead of {}", record.len(), columns.len())));
    }
    let mut check = Check::new();
    let mut row = Row { row_no, sku: String::new(), patch: Patch::default(), price: None };
    for (column, bytes) in columns.iter().zip(record) {
        let text = std::str::from_utf8(bytes).map_err(|_| reject(column, "is not UTF-8".to_owned()))?;
        read_field(&mut check, &mut row, column, text);
    }
    match check.done() {
        Ok(()) => Ok(row),
        Err(violations) => {
            let (column, reason) =
                violations.into_iter().next().map(|first| (first.field, first.description)).unwrap_or_default();
            Err(reject(&column, reason))
        }
    }
}

fn read_field(check: &mut Check, row: &mut Row, column: &str, text: &str) {
    let mut read = Reader(check);
    let patch = &mut row.patch;
    match column {
        "sku" => row.sku = read.sku(text),
        "name_ru" => patch.name_ru = Some(read.name(column, text)),
        "name_en" => patch.name_en = Some(read.name(column, text)),
        "brand" => patch.brand = Some(read.label(column, text)),
        "category" => patch.category = Some(read.category(text)),
        "series" => patch.series = Some(read.label(column, text)),
        "unit" => patch.unit = Some(read.unit(text)),
        "barcodes" => {
            patch.barcodes = Some(read.barcodes(text.split('|').map(str::trim).filter(|one| !one.is_empty())))
        }
        "vat_rate" if !text.is_empty() => patch.vat_rate = Some(read.vat_rate(text)),
        "weight_grams" => patch.weight_grams = Some(read.weight(text)),
        "status" if !text.is_empty() => {
            patch.status = ProductStatus::parse(text);
            check.require(patch.status.is_some(), column, "must be draft, active or discontinued");
        }
        "description" => patch.description = Some(read.description(text)),
        "price" if !text.is_empty() => {
            let price = check.decimal(column, text);
            check.require(price >= Decimal::ZERO, column, "must not be negative");
            prices::unit_price(check, column, price);
            row.price = Some(price);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn rows_are_read_whatever_the_separator_and_a_byte_order_mark() {
        for text in [
            "sku,name_ru,price\nA,Жерлица,10.5\n",
            "\u{feff}sku;name_ru;price\r\nA;Жерлица;10.5",
            "sku\tname_ru\tprice\nA\tЖерлица\t10.5\n",
        ] {
            let file = parse(text.as_bytes()).unwrap();
            assert_eq!(file.read, 1, "{text:?}");
            assert_eq!(file.rows[0].sku, "A");
            assert_eq!(file.rows[0].patch.name_ru.as_deref(), Some("Жерлица"));
            assert_eq!(file.rows[0].price, Some(dec!(10.5)));
            assert_eq!(file.rows[0].patch.brand, None, "a missing column says nothing");
        }
    }

    #[test]
    fn each_wrong_row_is_told_with_its_line_column_and_reason() {
        let text = "sku,name_ru,barcodes,vat_rate\n\
            ,nameless,,20\nA,a,4006381333930,20\nB,b,,abc\nC,c\nD,d,,20\nD,again,,20\n\"E\nE\",e,,200\n";
        let file = parse(text.as_bytes()).unwrap();
        let told: Vec<_> = file.rejections.iter().map(|r| (r.row_no, r.sku.as_str(), r.column.as_str())).collect();
        assert_eq!(
            told,
            [
                (2, "", "sku"),
                (3, "A", "barcodes"),
                (4, "B", "vat_rate"),
                (5, "C", ""),
                (7, "D", "sku"),
                (8, "E\nE", "vat_rate")
            ]
        );
        assert_eq!((file.read, file.rows.len()), (7, 1));
    }

    #[test]
    fn bytes_that_are_not_utf8_reject_their_row_only() {
        let file = parse(b"sku,name_ru\nA,\xff\xfe\nB,b\n").unwrap();
        assert_eq!((file.rejections.len(), file.rows.len()), (1, 1));
    }

    #[test]
    fn a_file_without_its_columns_is_refused_as_a_whole() {
        for bad in ["", "name_ru\nA\n", "sku,colour\nA,red\n", "sku,sku\nA,A\n"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
