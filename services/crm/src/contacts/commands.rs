//! Writes down contacts.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::store;
use crate::config::Settings;
use crate::customers::store as customers;
use crate::error::Error;
use crate::scoring::commands::{Cause, Touch, rescore};

/// A contact to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The new id.
    pub record_id: Uuid,
    /// The customer.
    pub customer_id: Uuid,
    /// `call`, `letter`, `chat`, `visit` or `complaint`.
    pub kind: &'static str,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// What came of it.
    pub outcome: String,
    /// What was said.
    pub note: String,
    /// Order it was about.
    pub order_id: Option<Uuid>,
    /// Who writes it down.
    pub author: String,
    /// When it happened.
    pub happened_at: OffsetDateTime,
}

/// Writes a contact down and re-scores the customer.
///
/// # Errors
/// Unknown or erased customer; database errors.
pub async fn record(
    conn: &mut PgConnection,
    record: &Record,
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let customer =
        customers::lock(conn, record.customer_id).await?.ok_or(Error::CustomerUnknown(record.customer_id))?;
    if customer.erased_at.is_some() {
        return Err(Error::CustomerErased);
    }
    store::insert(conn, record).await?;
    let touch = Touch::because(Cause { kind: "contact_recorded".to_owned(), id: record.record_id.to_string() });
    rescore(conn, BTreeMap::from([(record.customer_id, touch)]), settings, now).await?;
    Ok(())
}
