//! What the codes that a hand-held scanner reads mean.

use sqlx::PgConnection;

use crate::{
    bins::{
        domain::Refusal,
        queries::{self, BinView},
    },
    error::Error,
    ledger::domain::{Place, PlaceKind},
    stock::store::{self as stock, Lot},
};

impl BinView {
    /// As movements name it.
    pub(crate) fn as_place(&self) -> Place {
        Place { id: self.id, kind: PlaceKind::parse(&self.kind) }
    }

    /// That goods may be put into it.
    pub(crate) fn takes_goods(&self) -> Result<(), Refusal> {
        if self.put_away_block.is_empty() {
            return Ok(());
        }
        Err(Refusal::Blocked { place: self.place.clone(), reason: self.put_away_block.clone() })
    }
}

/// The bin of a barcode or place code.
///
/// # Errors
/// [`Error::UnknownPlace`].
pub(crate) async fn bin(conn: &mut PgConnection, text: &str) -> Result<BinView, Error> {
    queries::by_scan(conn, text).await?.ok_or_else(|| Error::UnknownPlace(text.to_owned()))
}

/// The item of a sku or barcode.
///
/// # Errors
/// [`Error::UnknownSku`], [`Refusal::AmbiguousBarcode`].
pub(crate) async fn item(conn: &mut PgConnection, text: &str) -> Result<String, Error> {
    let mut found = queries::items_by_scan(conn, text).await?;
    match found.as_slice() {
        [] => Err(Error::UnknownSku(text.to_owned())),
        [first, ..] if found.len() == 1 || first == text => Ok(found.swap_remove(0)),
        _ => Err(Refusal::AmbiguousBarcode(text.to_owned()).into()),
    }
}

/// The lot of an item: as named, else the only one that lies in the place, else the only one there is.
///
/// # Errors
/// [`Error::NotFound`], [`Refusal::LotNeeded`].
pub(crate) async fn lot(conn: &mut PgConnection, sku: &str, number: &str, place: i64) -> Result<Lot, Error> {
    let mut number = number.to_owned();
    if number.is_empty() {
        let mut found = queries::lots_by_scan(conn, sku, place).await?;
        if found.len() != 1 {
            return Err(Refusal::LotNeeded(sku.to_owned()).into());
        }
        number = found.swap_remove(0);
    }
    let key = (sku.to_owned(), number);
    let found = stock::lots(conn, &[(&key.0, &key.1)]).await?.remove(&key);
    found.ok_or_else(|| Error::NotFound("lot", format!("{} of {sku}", key.1)))
}
