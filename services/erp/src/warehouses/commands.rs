//! State changes of warehouses.

use sqlx::PgConnection;

use super::store;
use crate::error::Error;

/// Creates a warehouse or changes its name and rules. A longer least life takes effect with the next reservation.
pub(crate) async fn upsert(conn: &mut PgConnection, code: &str, name: &str, min_life_days: i32) -> Result<(), Error> {
    Ok(store::upsert(conn, service::new_id(), code, name, min_life_days).await?)
}
