//! Following one order as it happens.
//!
//! A watcher reads what is new, then waits for the hub. The hub may call a moment before the change is committed, so
//! after a call the watcher looks a few times in quick succession; without a call it looks every two seconds, which is
//! how changes made by other copies of the service arrive.

use std::{collections::VecDeque, pin::Pin, time::Duration};

use proto::orders::v1 as wire;
use service::{Check, Deps, status};
use tonic::Status;
use uuid::Uuid;

use super::hub::{Hub, Watcher};
use crate::{
    error::Error,
    life::{convert, queries},
};

/// Pauses after a call of the hub, then the slow poll.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(5), Duration::from_millis(50), Duration::from_millis(300), Duration::from_secs(2)];
/// Entries read at once.
const PAGE: i64 = 200;

/// What `WatchOrder` streams.
pub(super) type Stream = Pin<Box<dyn futures::Stream<Item = Result<wire::WatchOrderResponse, Status>> + Send>>;

struct Follow {
    deps: Deps,
    watcher: Watcher,
    order: Uuid,
    position: i64,
    follow_closed: bool,
    ready: VecDeque<wire::WatchOrderResponse>,
    closed: bool,
    pause: usize,
}

/// `WatchOrder`.
pub(super) async fn watch(deps: &Deps, hub: &Hub, request: &wire::WatchOrderRequest) -> Result<Stream, Status> {
    let mut check = Check::new();
    let order = check.uuid("order_id", &request.order_id);
    check.require(request.after_position >= 0, "after_position", "must not be negative");
    check.done().map_err(status::invalid)?;
    let watcher =
        hub.join(order).ok_or_else(|| status::exhausted("too many orders are watched", Duration::from_secs(5)))?;
    let mut follow = Follow {
        deps: deps.clone(),
        watcher,
        order,
        position: request.after_position,
        follow_closed: request.follow_closed,
        ready: VecDeque::new(),
        closed: false,
        pause: PAUSES.len() - 1,
    };
    // Also tells at once that there is no such order.
    follow.read().await?;
    let stream = futures::stream::unfold(Some(follow), |state| async move {
        let mut follow = state?;
        match follow.next().await {
            Ok(Some(response)) => Some((Ok(response), Some(follow))),
            Ok(None) => None,
            Err(status) => Some((Err(status), None)),
        }
    });
    Ok(Box::pin(stream))
}

impl Follow {
    async fn next(&mut self) -> Result<Option<wire::WatchOrderResponse>, Status> {
        loop {
            if let Some(response) = self.ready.pop_front() {
                return Ok(Some(response));
            }
            if self.closed && !self.follow_closed {
                return Ok(None);
            }
            tokio::select! {
                () = self.deps.cancel.cancelled() => return Ok(None),
                () = self.watcher.changed() => self.pause = 0,
                () = tokio::time::sleep(PAUSES[self.pause]) => self.pause = (self.pause + 1).min(PAUSES.len() - 1),
            }
            self.read().await?;
        }
    }

    /// Reads what is new.
    async fn read(&mut self) -> Result<(), Status> {
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let known = queries::timeline(&mut conn, self.order, self.position, PAGE).await.map_err(status::from_sqlx)?;
        let (states, rows) = known.ok_or_else(|| Error::not_found("order", self.order))?;
        let whole = rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        for row in rows {
            self.position = row.id;
            self.ready.push_back(wire::WatchOrderResponse {
                entry: Some(convert::entry(row)),
                state: states.state.clone(),
                payment_state: states.payment_state.clone(),
                fulfilment_state: states.fulfilment_state.clone(),
            });
        }
        self.closed = whole && matches!(states.state.as_str(), "completed" | "cancelled");
        if !whole {
            self.pause = 0;
        }
        Ok(())
    }
}
