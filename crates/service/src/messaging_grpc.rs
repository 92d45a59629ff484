//! `shopfloor.messaging.v1.MessagingService` for all services of this process.

use std::collections::HashMap;

use messaging::{Bus, Subscription, admin, outbox::ReplayFilter};
use proto::messaging::v1::{
    ConsumerStatus, DeadLetter, GetStatusRequest, GetStatusResponse, ListDeadLettersRequest, ListDeadLettersResponse,
    ReplayRequest, ReplayResponse, RetryDeadLettersRequest, RetryDeadLettersResponse,
    messaging_service_server::{MessagingService, MessagingServiceServer},
};
use tonic::{Request, Response, Status, service::Routes};

use crate::{Check, Clock, Db, page::Page, status};

/// One hosted service.
pub(crate) struct Hosted {
    pub(crate) db: Db,
    pub(crate) subscriptions: Vec<Subscription>,
}

/// The routes of a service that runs without a broker, as in tests, and the RPCs about its events.
#[must_use]
pub fn with_messaging(routes: Routes, name: &'static str, db: Db, consumers: &[Subscription], clock: Clock) -> Routes {
    let hosted = HashMap::from([(name, Hosted { db, subscriptions: consumers.to_vec() })]);
    routes.add_service(MessagingServiceServer::new(MessagingGrpc { hosted, bus: None, clock }))
}

pub(crate) struct MessagingGrpc {
    pub(crate) hosted: HashMap<&'static str, Hosted>,
    pub(crate) bus: Option<Bus>,
    pub(crate) clock: Clock,
}

impl MessagingGrpc {
    fn hosted(&self, service: &str) -> Result<&Hosted, Status> {
        self.hosted.get(service).ok_or_else(|| status::not_found("service in this process", service))
    }
}

#[tonic::async_trait]
impl MessagingService for MessagingGrpc {
    async fn get_status(&self, request: Request<GetStatusRequest>) -> Result<Response<GetStatusResponse>, Status> {
        let hosted = self.hosted(&request.get_ref().service)?;
        let mut conn = hosted.db.acquire().await.map_err(status::from_sqlx)?;
        let waiting = admin::outbox_waiting(&mut conn).await.map_err(status::from_sqlx)?;
        drop(conn);
        let mut consumers = Vec::new();
        for subscription in &hosted.subscriptions {
            let Some(bus) = &self.bus else { break };
            let state = admin::consumer_status(hosted.db.pool(), bus, subscription).await.map_err(status::from_sqlx)?;
            consumers.push(ConsumerStatus {
                consumer: state.consumer.to_owned(),
                source: state.source.to_owned(),
                pending: state.pending.unwrap_or(-1),
                parked: state.parked,
                dead: state.dead,
            });
        }
        Ok(Response::new(GetStatusResponse {
            outbox_pending: waiting.count,
            outbox_age_ms: waiting.age_ms,
            consumers,
            broker_connected: self.bus.as_ref().is_some_and(Bus::is_connected),
        }))
    }

    async fn list_dead_letters(
        &self,
        request: Request<ListDeadLettersRequest>,
    ) -> Result<Response<ListDeadLettersResponse>, Status> {
        let request = request.into_inner();
        let hosted = self.hosted(&request.service)?;
        let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
        let mut conn = hosted.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = admin::dead_letters(&mut conn, &request.consumer, page.after.unwrap_or(0), page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| row.dead_letter_id);
        let dead_letters = rows
            .into_iter()
            .map(|row| DeadLetter {
                dead_letter_id: row.dead_letter_id,
                consumer: row.consumer,
                event_id: row.event_id.to_string(),
                event_type: format!("shopfloor.{}.v1.{}", row.source, row.event_name),
                aggregate_id: row.aggregate_id,
                state: row.state,
                attempts: row.attempts,
                error: row.error,
                created_at: Some(proto::to_timestamp(row.created_at)),
            })
            .collect();
        Ok(Response::new(ListDeadLettersResponse { dead_letters, page: Some(info) }))
    }

    async fn retry_dead_letters(
        &self,
        request: Request<RetryDeadLettersRequest>,
    ) -> Result<Response<RetryDeadLettersResponse>, Status> {
        let request = request.into_inner();
        let hosted = self.hosted(&request.service)?;
        let mut check = Check::new();
        check.len("dead_letter_ids", request.dead_letter_ids.len(), 0..=500);
        check.done().map_err(status::invalid)?;
        let mut tx = hosted.db.begin().await.map_err(status::from_sqlx)?;
        let retried = admin::retry_dead_letters(&mut tx, &request.dead_letter_ids, self.clock.now())
            .await
            .map_err(status::from_sqlx)?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(RetryDeadLettersResponse { retried: i64::try_from(retried).unwrap_or(i64::MAX) }))
    }

    async fn replay(&self, request: Request<ReplayRequest>) -> Result<Response<ReplayResponse>, Status> {
        let request = request.into_inner();
        let hosted = self.hosted(&request.service)?;
        let mut check = Check::new();
        let filter = ReplayFilter {
            since: check.optional_timestamp("since", &request.since),
            until: check.optional_timestamp("until", &request.until),
            event_name: Some(check.optional_text("event_name", &request.event_name, 100))
                .filter(|name| !name.is_empty()),
            aggregate_id: Some(check.optional_text("aggregate_id", &request.aggregate_id, 200))
                .filter(|id| !id.is_empty()),
        };
        check.require(filter != ReplayFilter::default(), "since", "say which events: give at least one condition");
        check.done().map_err(status::invalid)?;
        let mut tx = hosted.db.begin().await.map_err(status::from_sqlx)?;
        let events = messaging::outbox::replay(&mut tx, &filter).await.map_err(status::from_sqlx)?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(ReplayResponse { events: i64::try_from(events).unwrap_or(i64::MAX) }))
    }
}
