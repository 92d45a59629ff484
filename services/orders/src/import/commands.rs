//! Staging and applying an import.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    domain::{File, Rejection, Row},
    store::{self, JobRow},
};
use crate::{
    catalogue::{
        self,
        domain::{PatchRefused, Product, blank, patched},
    },
    error::Error,
    prices::{self, store::NewPrice},
};

/// Products written by one statement at most.
const AT_ONCE: usize = 5_000;

/// A part of a file.
pub struct Part<'a> {
    /// Name of the import.
    pub job_id: &'a str,
    /// Its number, from 1.
    pub part: i32,
    /// How many there are.
    pub parts: i32,
    /// Price list of the price column; empty for none.
    pub price_list: &'a str,
    /// Digest of the bytes.
    pub content_hash: &'a [u8],
    /// The bytes.
    pub data: &'a [u8],
}

/// Where an import stands after a part came in.
pub enum Staged {
    /// Parts are missing.
    Waiting,
    /// All parts are in.
    Ready,
    /// It was finished before.
    Finished,
}

/// Stages a part.
///
/// # Errors
/// `IMPORT_CONFLICT` when the import or the part was sent with other content; database errors.
pub async fn stage(conn: &mut PgConnection, who: &str, part: &Part<'_>, now: OffsetDateTime) -> Result<Staged, Error> {
    store::begin(conn, part.job_id, who, part.parts, part.price_list, now).await?;
    let job = store::lock(conn, part.job_id).await?.ok_or_else(|| Error::not_found("import", part.job_id))?;
    if job.caller != who || job.parts != part.parts || job.price_list != part.price_list {
        return Err(conflict(format!("the import {} was begun differently", part.job_id)));
    }
    let hash = store::stage(conn, part.job_id, part.part, part.content_hash, part.data).await?;
    if hash != part.content_hash {
        return Err(conflict(format!("part {} of {} was sent with other content", part.part, part.job_id)));
    }
    if job.finished_at.is_some() {
        return Ok(Staged::Finished);
    }
    let staged = store::staged(conn, part.job_id).await?;
    Ok(if staged == i64::from(job.parts) { Staged::Ready } else { Staged::Waiting })
}

fn conflict(message: String) -> Error {
    Error::Conflict { reason: "IMPORT_CONFLICT", message }
}

/// Applies a file in the caller's one transaction, unless the import was finished in between.
///
/// # Errors
/// Unknown price list; database errors.
pub async fn apply(
    conn: &mut PgConnection,
    job_id: &str,
    file: File,
    vat_rate: Decimal,
    new_id: fn() -> Uuid,
    now: OffsetDateTime,
) -> Result<(), Error> {
    catalogue::store::stamp(conn).await?;
    let mut job = store::lock(conn, job_id).await?.ok_or_else(|| Error::not_found("import", job_id))?;
    if job.finished_at.is_some() {
        return Ok(());
    }
    if file.has_prices {
        let known = prices::store::price_list(conn, &job.price_list).await?.is_some();
        if !known {
            return Err(Error::invalid("price_list", "must name a price list, because there is a price column"));
        }
    }
    let mut plan = Plan::of(conn, &file.rows, vat_rate, new_id, now).await?;
    let mut rejections = file.rejections;
    let (mut ids, mut priced) = (Vec::with_capacity(file.rows.len()), Vec::new());
    for row in file.rows {
        match plan.take(&row) {
            Ok(id) => {
                ids.push(id);
                priced.extend(row.price.map(|price| (id, price)));
            }
            Err(refused) => rejections.push(Rejection {
                row_no: row.row_no,
                sku: row.sku,
                column: if refused == PatchRefused::UnitIsFixed { "unit" } else { "name_ru" }.to_owned(),
                reason: refused.to_string(),
            }),
        }
    }
    rejections.sort_by_key(|rejection| rejection.row_no);
    plan.write(conn).await?;
    job.prices = set_prices(conn, &job, &ids, priced, now).await?;
    job.finished_at = Some(now);
    job.rows = file.read.cast_signed();
    job.created = count(plan.created.len());
    job.changed = count(plan.changed.len());
    job.unchanged = plan.unchanged;
    job.rejected = count(rejections.len());
    store::finish(conn, job_id, &job, &rejections).await?;
    Ok(())
}

fn count(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

async fn set_prices(
    conn: &mut PgConnection,
    job: &JobRow,
    ids: &[Uuid],
    priced: Vec<(Uuid, Decimal)>,
    now: OffsetDateTime,
) -> Result<i64, Error> {
    if priced.is_empty() {
        return Ok(0);
    }
    let current: HashMap<_, _> = prices::store::current(conn, &job.price_list, ids, now).await?.into_iter().collect();
    let differing: Vec<_> = priced
        .into_iter()
        .filter(|(id, price)| current.get(id) != Some(price))
        .map(|(product_id, amount)| NewPrice { product_id, amount, valid_from: now, valid_to: None })
        .collect();
    let mut set = 0;
    for some in differing.chunks(AT_ONCE) {
        set += prices::store::set(conn, &job.price_list, some, &job.caller, now).await?;
    }
    Ok(set.cast_signed())
}

/// What an import makes of the catalogue.
struct Plan {
    known: HashMap<String, Product>,
    created: Vec<Product>,
    changed: Vec<Product>,
    unchanged: i64,
    vat_rate: Decimal,
    new_id: fn() -> Uuid,
    now: OffsetDateTime,
}

impl Plan {
    async fn of(
        conn: &mut PgConnection,
        rows: &[Row],
        vat_rate: Decimal,
        new_id: fn() -> Uuid,
        now: OffsetDateTime,
    ) -> Result<Self, Error> {
        let skus: Vec<_> = rows.iter().map(|row| row.sku.clone()).collect();
        let known = catalogue::store::lock(conn, &skus).await?;
        Ok(Self {
            known: known.into_iter().map(|product| (product.sku.clone(), product)).collect(),
            created: Vec::new(),
            changed: Vec::new(),
            unchanged: 0,
            vat_rate,
            new_id,
            now,
        })
    }

    fn take(&mut self, row: &Row) -> Result<Uuid, PatchRefused> {
        let Some(old) = self.known.get(&row.sku) else {
            let details = patched(&blank(self.vat_rate), row.patch.clone(), true)?;
            let id = (self.new_id)();
            self.created.push(Product { id, sku: row.sku.clone(), details, version: 1, updated_at: self.now });
            return Ok(id);
        };
        let details = patched(&old.details, row.patch.clone(), false)?;
        if details == old.details {
            self.unchanged += 1;
        } else {
            let (version, updated_at) = (old.version + 1, self.now);
            self.changed.push(Product { details, version, updated_at, ..old.clone() });
        }
        Ok(old.id)
    }

    async fn write(&self, conn: &mut PgConnection) -> Result<(), Error> {
        let created: Vec<_> = self.created.iter().collect();
        for some in created.chunks(AT_ONCE) {
            catalogue::store::insert(conn, some).await?;
        }
        let changed: Vec<_> = self.changed.iter().collect();
        for some in changed.chunks(AT_ONCE) {
            catalogue::store::update(conn, some).await?;
        }
        catalogue::commands::publish(conn, &created).await?;
        catalogue::commands::publish(conn, &changed).await
    }
}
