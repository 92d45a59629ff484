//! Products between wire and domain.

use proto::orders::v1 as wire;
use rust_decimal::{Decimal, dec};
use service::Check;
use types::Unit;

use super::domain::{Details, Patch, Product, ProductStatus, blank, is_gtin, patched, tidy_category};
use crate::error::Error;

/// Barcodes a product may have.
const MOST_BARCODES: usize = 20;

/// The fact that a product changed.
pub(super) fn changed(product: &Product) -> wire::OrdersEvent {
    let details = &product.details;
    let fact = wire::ProductChanged {
        product_id: product.id.to_string(),
        sku: product.sku.clone(),
        name: details.name().to_owned(),
        category: details.category.clone(),
        brand: details.brand.clone(),
        unit: details.unit.code().to_owned(),
        vat_rate: details.vat_rate.normalize().to_string(),
        status: details.status.code().to_owned(),
        barcode: details.barcodes.first().cloned().unwrap_or_default(),
        weight_grams: weight(details),
    };
    wire::OrdersEvent { event: Some(wire::orders_event::Event::ProductChanged(fact)) }
}

fn weight(details: &Details) -> String {
    details.weight_grams.map(|weight| weight.normalize().to_string()).unwrap_or_default()
}

/// A product for the wire.
pub(super) fn product(product: &Product) -> wire::Product {
    let details = &product.details;
    wire::Product {
        product_id: product.id.to_string(),
        sku: product.sku.clone(),
        name_ru: details.name_ru.clone(),
        name_en: details.name_en.clone(),
        brand: details.brand.clone(),
        category: details.category.clone(),
        series: details.series.clone(),
        unit: details.unit.code().to_owned(),
        barcodes: details.barcodes.clone(),
        vat_rate: details.vat_rate.normalize().to_string(),
        weight_grams: weight(details),
        status: status_to_wire(details.status).into(),
        description: details.description.clone(),
        version: product.version,
        updated_at: Some(proto::to_timestamp(product.updated_at)),
    }
}

fn status_to_wire(status: ProductStatus) -> wire::ProductStatus {
    match status {
        ProductStatus::Draft => wire::ProductStatus::Draft,
        ProductStatus::Active => wire::ProductStatus::Active,
        ProductStatus::Discontinued => wire::ProductStatus::Discontinued,
    }
}

/// A status from the wire; `None` when not said.
pub(super) fn status(check: &mut Check, value: i32) -> Option<ProductStatus> {
    match wire::ProductStatus::try_from(value) {
        Ok(wire::ProductStatus::Unspecified) => None,
        Ok(wire::ProductStatus::Draft) => Some(ProductStatus::Draft),
        Ok(wire::ProductStatus::Active) => Some(ProductStatus::Active),
        Ok(wire::ProductStatus::Discontinued) => Some(ProductStatus::Discontinued),
        Err(_) => {
            check.wrong("status", "is not a known status");
            None
        }
    }
}

/// Reads one field after another of a product, from an RPC or a row of a file.
pub struct Reader<'a>(pub &'a mut Check);

impl Reader<'_> {
    /// Sku.
    pub fn sku(&mut self, value: &str) -> String {
        self.0.text("sku", value, 1..=64)
    }

    /// A name.
    pub fn name(&mut self, field: &str, value: &str) -> String {
        self.0.optional_text(field, value, 300)
    }

    /// Brand or series.
    pub fn label(&mut self, field: &str, value: &str) -> String {
        self.0.optional_text(field, value, 120)
    }

    /// Category path.
    pub fn category(&mut self, value: &str) -> String {
        tidy_category(&self.0.optional_text("category", value, 300))
    }

    /// Unit code; `pcs` when empty.
    pub fn unit(&mut self, value: &str) -> Unit {
        if value.is_empty() {
            return Unit::Piece;
        }
        Unit::parse(value).unwrap_or_else(|_| {
            self.0.wrong("unit", "is not a known unit of measure");
            Unit::Piece
        })
    }

    /// GTINs.
    pub fn barcodes<'v>(&mut self, values: impl IntoIterator<Item = &'v str>) -> Vec<String> {
        let mut gtins: Vec<String> = Vec::new();
        for value in values {
            if !is_gtin(value) {
                let shown: String = value.chars().take(20).collect();
                self.0.wrong("barcodes", format!("{shown} is not a GTIN with a right check digit"));
            } else if !gtins.iter().any(|known| known == value) {
                gtins.push(value.to_owned());
            }
        }
        self.0.len("barcodes", gtins.len(), 0..=MOST_BARCODES);
        gtins
    }

    /// VAT rate.
    pub fn vat_rate(&mut self, value: &str) -> Decimal {
        percentage(self.0, "vat_rate", value)
    }

    /// Weight; empty for unknown.
    pub fn weight(&mut self, value: &str) -> Option<Decimal> {
        if value.is_empty() {
            return None;
        }
        let weight = self.0.decimal("weight_grams", value);
        let good = weight > Decimal::ZERO && weight <= dec!(1_000_000_000);
        self.0.require(good, "weight_grams", "must be above zero and not absurd");
        Some(weight.normalize())
    }

    /// Description.
    pub fn description(&mut self, value: &str) -> String {
        self.0.optional_text("description", value, 20_000)
    }
}

/// A percentage from 0 to 100 with at most four decimals.
pub fn percentage(check: &mut Check, field: &str, value: &str) -> Decimal {
    let rate = check.decimal(field, value);
    let good = (Decimal::ZERO..=dec!(100)).contains(&rate) && rate.normalize().scale() <= 4;
    check.require(good, field, "must be 0 to 100 with at most four decimals");
    rate.normalize()
}

/// A new product.
pub(super) fn new_product(request: &wire::CreateProductRequest, vat_rate: Decimal) -> Result<(String, Details), Error> {
    let mut check = Check::new();
    check.request_id(&request.request_id);
    let status = status(&mut check, request.status);
    let mut read = Reader(&mut check);
    let sku = read.sku(&request.sku);
    let patch = Patch {
        name_ru: Some(read.name("name_ru", &request.name_ru)),
        name_en: Some(read.name("name_en", &request.name_en)),
        brand: Some(read.label("brand", &request.brand)),
        category: Some(read.category(&request.category)),
        series: Some(read.label("series", &request.series)),
        unit: Some(read.unit(&request.unit)),
        barcodes: Some(read.barcodes(request.barcodes.iter().map(String::as_str))),
        vat_rate: (!request.vat_rate.is_empty()).then(|| read.vat_rate(&request.vat_rate)),
        weight_grams: Some(read.weight(&request.weight_grams)),
        status,
        description: Some(read.description(&request.description)),
    };
    check.done()?;
    Ok((sku, patched(&blank(vat_rate), patch, true)?))
}

/// Changes to a product.
pub(super) fn patch(request: &wire::UpdateProductRequest) -> Result<Patch, Error> {
    let mut check = Check::new();
    check.request_id(&request.request_id);
    check.text("sku", &request.sku, 1..=64);
    check.require(request.version >= 0, "version", "must not be negative");
    let status = request.status.and_then(|value| status(&mut check, value));
    let mut read = Reader(&mut check);
    let patch = Patch {
        name_ru: request.name_ru.as_deref().map(|value| read.name("name_ru", value)),
        name_en: request.name_en.as_deref().map(|value| read.name("name_en", value)),
        brand: request.brand.as_deref().map(|value| read.label("brand", value)),
        category: request.category.as_deref().map(|value| read.category(value)),
        series: request.series.as_deref().map(|value| read.label("series", value)),
        unit: request.unit.as_deref().map(|value| read.unit(value)),
        barcodes: request.barcodes.as_ref().map(|list| read.barcodes(list.gtins.iter().map(String::as_str))),
        vat_rate: request.vat_rate.as_deref().map(|value| read.vat_rate(value)),
        weight_grams: request.weight_grams.as_deref().map(|value| read.weight(value)),
        status,
        description: request.description.as_deref().map(|value| read.description(value)),
    };
    check.done()?;
    Ok(patch)
}
