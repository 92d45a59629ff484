//! What a person means by a lot, and what the papers say of it.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    domain::{Facts, Selection},
    queries::{self, LotRef},
    store,
};
use crate::{error::Error, ledger::commands::lock};

/// Lots a supplier's lot number may stand for at most.
const MOST_OF_SUPPLIER: i64 = 100;

/// The lots a selection names, each once.
///
/// # Errors
/// [`Error::NotFound`] for the first lot there is none of; a field when a supplier's number stands for too many.
pub(crate) async fn selected(conn: &mut PgConnection, selection: &Selection) -> Result<Vec<LotRef>, Error> {
    match selection {
        Selection::Lots(keys) => {
            let found = queries::by_number(conn, keys).await?;
            let missing =
                keys.iter().find(|(sku, number)| !found.iter().any(|lot| lot.sku == *sku && lot.number == *number));
            match missing {
                Some((sku, number)) => Err(Error::NotFound("lot", format!("{number} of {sku}"))),
                None => Ok(found),
            }
        }
        Selection::SupplierLot { number, supplier } => {
            let found = queries::by_supplier_lot(conn, number, supplier, MOST_OF_SUPPLIER + 1).await?;
            if found.is_empty() {
                return Err(Error::NotFound("supplier's lot", number.clone()));
            }
            if found.len() as i64 > MOST_OF_SUPPLIER {
                return Err(Error::field("supplier_lot", "stands for more than 100 lots; name the supplier"));
            }
            Ok(found)
        }
    }
}

/// Sets what the papers say of a lot. Returns its id.
///
/// # Errors
/// [`Error::NotFound`].
pub(crate) async fn set_facts(
    conn: &mut PgConnection,
    (sku, number): (&str, &str),
    facts: &Facts,
) -> Result<Uuid, Error> {
    lock(conn, BTreeSet::from([sku.to_owned()]), false).await?;
    let key = Selection::Lots(vec![(sku.to_owned(), number.to_owned())]);
    let lot = selected(conn, &key).await?.pop().ok_or(Error::Inconsistent("a lot was found and is not there"))?;
    store::set_facts(conn, lot.id, facts).await?;
    Ok(lot.id)
}
