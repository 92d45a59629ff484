//! Setting rules, and what they mean for demands that are made.

use sqlx::PgConnection;

use super::{
    domain::{Rule, least_life},
    store,
};
use crate::{config::Stamp, demand::domain::NewDemand, error::Error};

/// Sets rules, and forgets those of 0 days.
///
/// # Errors
/// A wrong field when there would be too many.
pub(crate) async fn put(conn: &mut PgConnection, rules: &[Rule], stamp: &Stamp<'_>) -> Result<(), Error> {
    store::lock(conn).await?;
    if store::put(conn, rules, stamp.by, stamp.now).await? > store::MOST {
        return Err(Error::field("rules", format!("there can be no more than {}", store::MOST)));
    }
    Ok(())
}

/// Writes into new demands how long lots must live for each line.
pub(crate) async fn apply(conn: &mut PgConnection, demands: &mut [NewDemand]) -> Result<(), Error> {
    if demands.is_empty() {
        return Ok(());
    }
    let rules = store::all(conn).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let skus: Vec<_> = demands.iter().flat_map(|demand| demand.lines.iter().map(|line| line.sku.as_str())).collect();
    let categories = store::categories(conn, &skus).await?;
    for demand in demands {
        for line in &mut demand.lines {
            let category = categories.get(&line.sku).map_or("", String::as_str);
            line.min_life_days = least_life(&rules, &demand.channel, &demand.delivery_method, category);
        }
    }
    Ok(())
}
