//! Changes of channels.

use sqlx::PgConnection;

use super::store::{self, ChannelRow};
use crate::{catalogue, error::Error, prices};

/// Lists a channel or changes it.
///
/// # Errors
/// Unknown price list; database errors.
pub async fn put(conn: &mut PgConnection, channel: &ChannelRow) -> Result<(), Error> {
    catalogue::store::stamp(conn).await?;
    if let Some(code) = &channel.price_list
        && prices::store::price_list(conn, code).await?.is_none()
    {
        return Err(Error::invalid("price_list", format!("there is no price list {code}")));
    }
    store::put(conn, channel).await?;
    Ok(())
}
