//! The SQL of erasure.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Error;

/// Erases what names a person, the notes of the log included.
pub(crate) async fn erase(conn: &mut PgConnection, customer_id: Uuid, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query("-- erase_contacts\ndelete from customer_contact where customer_id = $1")
        .bind(customer_id)
        .execute(&mut *conn)
        .await?;
    sqlx::query("-- erase_notes\nupdate contact_record set note = '' where customer_id = $1 and note <> ''")
        .bind(customer_id)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "-- erase_name
        update customer set name = '', name_search = '', erased_at = $2, revision = revision + 1
        where customer_id = $1",
    )
    .bind(customer_id)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}
