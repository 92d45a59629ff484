//! SQL of lot facts.

use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Facts;

/// Writes what the papers say of a lot; its item is locked.
pub(super) async fn set_facts(conn: &mut PgConnection, lot: Uuid, facts: &Facts) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_lot_facts
        update lot set certificate = $2, certified_on = $3, country = $4, manufacturer = $5, made_on = $6 where id = $1",
    )
    .bind(lot)
    .bind(&facts.certificate)
    .bind(facts.certified_on)
    .bind(&facts.country)
    .bind(&facts.manufacturer)
    .bind(facts.made_on)
    .execute(conn)
    .await?;
    Ok(())
}
