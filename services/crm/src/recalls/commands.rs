//! Takes what erp tells of recalls into the book.

use messaging::Event;
use proto::erp::v1::ErpEvent;
use sqlx::PgConnection;

use super::{convert, store};

/// Applies the events that are about recalls, in the order given. Each may come again, and a closing before its opening.
///
/// # Errors
/// Malformed events, database errors.
pub(crate) async fn apply(conn: &mut PgConnection, events: &[Event]) -> anyhow::Result<()> {
    for event in events {
        if !matches!(event.name.as_str(), "recall_opened" | "recall_closed") {
            continue;
        }
        match convert::change(event.decode::<ErpEvent>()?, event.time)? {
            Some(convert::Change::Opened(recall, orders)) => {
                store::open(conn, &recall).await?;
                store::add_orders(conn, recall.id, &orders).await?;
            }
            Some(convert::Change::Closed { recall, number, at }) => store::close(conn, recall, number, at).await?,
            None => {}
        }
    }
    Ok(())
}
