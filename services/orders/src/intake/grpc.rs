//! The intake RPCs.

mod queue;

pub use queue::Queue;

use proto::orders::v1::{self as wire, intake_service_server::IntakeService};
use service::{Caller, Check, Deps, caller, status};
use tonic::{Request, Response, Status};

use super::{commands::Refusal, convert, domain::Draft};
use crate::channels;

/// The intake RPCs.
pub struct IntakeGrpc {
    deps: Deps,
    queue: Queue,
}

impl IntakeGrpc {
    /// In front of a queue.
    #[must_use]
    pub fn new(deps: Deps, queue: Queue) -> Self {
        Self { deps, queue }
    }

    fn read(&self, who: &Caller, request: &wire::PushOrderRequest) -> Result<Draft, wire::PushRefusal> {
        let draft = convert::draft(request, who.channel.as_deref(), self.deps.clock.now())
            .map_err(|violations| refusal(Refusal::Invalid(violations)))?;
        match &who.channel {
            Some(own) if *own != draft.channel => Err(wire::PushRefusal {
                reason: "CHANNEL_NOT_YOURS".to_owned(),
                message: format!("this key belongs to the channel {own}"),
                violations: Vec::new(),
            }),
            _ => Ok(draft),
        }
    }
}

/// A refusal as part of a batch's answer.
fn refusal(refusal: Refusal) -> wire::PushRefusal {
    let (reason, message, violations) = match refusal {
        Refusal::Invalid(violations) => ("INVALID", "the order is wrong", violations),
        Refusal::ExternalIdConflict => {
            ("EXTERNAL_ID_CONFLICT", "the external id belongs to an order with other content", Vec::new())
        }
        Refusal::IdempotencyConflict => {
            ("IDEMPOTENCY_CONFLICT", "the request id was used with other content", Vec::new())
        }
        Refusal::TryAgain => ("FAILED", "the order could not be stored now; push it again", Vec::new()),
    };
    let violation = |one: service::Violation| wire::PushViolation { field: one.field, description: one.description };
    wire::PushRefusal {
        reason: reason.to_owned(),
        message: message.to_owned(),
        violations: violations.into_iter().map(violation).collect(),
    }
}

/// A refusal as the whole answer.
fn refusal_status(refusal: wire::PushRefusal) -> Status {
    match refusal.reason.as_str() {
        "INVALID" => {
            let violation = |one: wire::PushViolation| service::Violation::new(one.field, one.description);
            status::invalid(refusal.violations.into_iter().map(violation).collect())
        }
        "CHANNEL_NOT_YOURS" => status::permission_denied("CHANNEL_NOT_YOURS", refusal.message),
        "FAILED" => status::unavailable(refusal.message),
        reason => status::already_exists(reason, refusal.message),
    }
}

#[tonic::async_trait]
impl IntakeService for IntakeGrpc {
    async fn push_order(
        &self,
        request: Request<wire::PushOrderRequest>,
    ) -> Result<Response<wire::PushOrderResponse>, Status> {
        let who = caller(&request)?;
        let draft = self.read(&who, request.get_ref()).map_err(refusal_status)?;
        let mut answers = self.queue.push(vec![draft])?;
        let answer = match answers.pop() {
            Some(answer) => answer.await?,
            None => Err(Refusal::TryAgain),
        };
        let taken = answer.map_err(|reason| refusal_status(refusal(reason)))?;
        Ok(Response::new(convert::answer(&taken)))
    }

    async fn push_orders(
        &self,
        request: Request<wire::PushOrdersRequest>,
    ) -> Result<Response<wire::PushOrdersResponse>, Status> {
        let (who, request) = (caller(&request)?, request.into_inner());
        let mut check = Check::new();
        check.len("orders", request.orders.len(), 1..=500);
        check.done().map_err(status::invalid)?;
        let mut drafts = Vec::with_capacity(request.orders.len());
        let read: Vec<_> =
            request.orders.iter().map(|order| self.read(&who, order).map(|draft| drafts.push(draft))).collect();
        let mut answers = self.queue.push(drafts)?.into_iter();
        let mut results = Vec::with_capacity(read.len());
        for (order, read) in request.orders.iter().zip(read) {
            use wire::push_result::Outcome;
            let outcome = match read {
                Err(refused) => Outcome::Refused(refused),
                Ok(()) => match answers.next() {
                    Some(answer) => answer.await.map_or_else(
                        |_| Outcome::Refused(refusal(Refusal::TryAgain)),
                        |answer| match answer {
                            Ok(taken) => Outcome::Accepted(convert::answer(&taken)),
                            Err(reason) => Outcome::Refused(refusal(reason)),
                        },
                    ),
                    None => Outcome::Refused(refusal(Refusal::TryAgain)),
                },
            };
            let order = order.order.as_ref();
            results.push(wire::PushResult {
                channel: order.map(|order| order.channel.clone()).unwrap_or_default(),
                external_id: order.map(|order| order.external_id.clone()).unwrap_or_default(),
                outcome: Some(outcome),
            });
        }
        Ok(Response::new(wire::PushOrdersResponse { results }))
    }

    async fn put_channel(
        &self,
        request: Request<wire::PutChannelRequest>,
    ) -> Result<Response<wire::PutChannelResponse>, Status> {
        channels::grpc::put(&self.deps, request.get_ref()).await.map(Response::new)
    }

    async fn list_channels(
        &self,
        request: Request<wire::ListChannelsRequest>,
    ) -> Result<Response<wire::ListChannelsResponse>, Status> {
        channels::grpc::list(&self.deps, request.get_ref()).await.map(Response::new)
    }
}
