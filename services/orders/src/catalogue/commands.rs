//! Changes of the catalogue.

use messaging::{NewEvent, outbox};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    convert,
    domain::{Details, Patch, Product, patched},
    store,
};
use crate::error::Error;

/// Outbox rows appended by one statement at most.
const EVENTS_AT_ONCE: usize = 5_000;

/// Creates a product.
///
/// # Errors
/// `SKU_TAKEN`; database errors.
pub async fn create(
    conn: &mut PgConnection,
    id: Uuid,
    sku: String,
    details: Details,
    now: OffsetDateTime,
) -> Result<Product, Error> {
    store::stamp(conn).await?;
    let product = Product { id, sku, details, version: 1, updated_at: now };
    if store::insert(conn, &[&product]).await? == 0 {
        let message = format!("the sku {} is in use", product.sku);
        return Err(Error::Conflict { reason: "SKU_TAKEN", message });
    }
    publish(conn, &[&product]).await?;
    Ok(product)
}

/// Changes a product. The answer tells whether anything differed.
///
/// # Errors
/// Unknown sku, another version than `version` (when above 0), a rule of the catalogue; database errors.
pub async fn update(
    conn: &mut PgConnection,
    sku: &str,
    version: i64,
    patch: Patch,
    now: OffsetDateTime,
) -> Result<(Product, bool), Error> {
    store::stamp(conn).await?;
    let found = store::lock(conn, &[sku.to_owned()]).await?;
    let mut product = found.into_iter().next().ok_or_else(|| Error::not_found("product", sku))?;
    if version != 0 && version != product.version {
        return Err(Error::VersionMismatch(product.version));
    }
    let details = patched(&product.details, patch, false)?;
    if details == product.details {
        return Ok((product, false));
    }
    product = Product { details, version: product.version + 1, updated_at: now, ..product };
    store::update(conn, &[&product]).await?;
    publish(conn, &[&product]).await?;
    Ok((product, true))
}

/// Publishes `ProductChanged` for each product.
///
/// # Errors
/// Database errors.
pub async fn publish(conn: &mut PgConnection, products: &[&Product]) -> Result<(), Error> {
    for some in products.chunks(EVENTS_AT_ONCE) {
        let event = |product: &&Product| {
            NewEvent::of("product", product.id, product.version, product.updated_at, &convert::changed(product))
        };
        outbox::append(conn, &some.iter().map(event).collect::<Vec<_>>()).await?;
    }
    Ok(())
}
