//! The payment RPCs.

use proto::orders::v1::{self as wire, payment_service_server::PaymentService};
use rust_decimal::{Decimal, dec};
use service::{Check, Deps, caller, idempotency, new_id, page::Page, status};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use types::{Currency, Money};
use uuid::Uuid;

use super::{
    commands::{self, Asked, Recorded},
    store::{self, PaymentRow},
};
use crate::{
    error::Error,
    life::{self, grpc::Hub},
};

/// No payment is larger.
const LARGEST: Decimal = dec!(1_000_000_000_000);

/// The payment RPCs.
pub struct PaymentGrpc {
    deps: Deps,
    hub: Hub,
}

impl PaymentGrpc {
    /// With the hub that tells watchers of changes.
    #[must_use]
    pub fn new(deps: Deps, hub: Hub) -> Self {
        Self { deps, hub }
    }
}

fn read(request: &wire::RecordRefundRequest, refund: bool, now: OffsetDateTime) -> Result<Asked, Error> {
    let mut check = Check::new();
    check.request_id(&request.request_id);
    let amount = check.money("amount", &request.amount);
    let sane = amount.amount > Decimal::ZERO && amount.amount <= LARGEST;
    check.require(sane, "amount.amount", "must be above zero and not absurd");
    let fits = amount.amount.normalize().scale() <= amount.currency.minor_digits();
    check.require(fits, "amount.amount", "has more decimals than the currency");
    let provider = check.optional_text("provider", &request.provider, 32);
    let provider_payment_id = check.optional_text("provider_payment_id", &request.provider_payment_id, 128);
    let named = provider_payment_id.is_empty() || !provider.is_empty();
    check.require(named, "provider", "is required with provider_payment_id");
    let asked = Asked {
        order_id: check.uuid("order_id", &request.order_id),
        payment_id: new_id(),
        method: check.text("method", &request.method, 1..=32),
        amount,
        refund,
        provider,
        provider_payment_id,
        reason: check.optional_text("reason", &request.reason, 200),
        paid_at: check.optional_timestamp("paid_at", &request.paid_at).unwrap_or(now),
    };
    check.done()?;
    Ok(asked)
}

fn payment(row: PaymentRow, currency: Currency) -> wire::Payment {
    wire::Payment {
        payment_id: row.id.to_string(),
        order_id: row.order_id.to_string(),
        method: row.method,
        amount: Some(Money::new(row.amount, currency).rounded().into()),
        provider: row.provider,
        provider_payment_id: row.provider_payment_id,
        reason: row.reason,
        paid_at: Some(proto::to_timestamp(row.paid_at)),
        recorded_by: row.recorded_by,
    }
}

fn answer(recorded: Recorded) -> wire::RecordRefundResponse {
    let currency = recorded.currency;
    wire::RecordRefundResponse {
        paid_total: Some(Money::new(recorded.row.paid_total, currency).rounded().into()),
        payment_state: recorded.row.payment_state.clone(),
        payment: Some(payment(recorded.row, currency)),
        duplicate: recorded.duplicate,
    }
}

#[tonic::async_trait]
impl PaymentService for PaymentGrpc {
    async fn record_payment(
        &self,
        request: Request<wire::RecordPaymentRequest>,
    ) -> Result<Response<wire::RecordPaymentResponse>, Status> {
        const METHOD: &str = "orders.RecordPayment";
        let (who, request) = (caller(&request)?, request.into_inner());
        let same = wire::RecordRefundRequest {
            order_id: request.order_id.clone(),
            request_id: request.request_id.clone(),
            method: request.method.clone(),
            amount: request.amount.clone(),
            provider: request.provider.clone(),
            provider_payment_id: request.provider_payment_id.clone(),
            paid_at: request.paid_at,
            reason: String::new(),
        };
        let now = self.deps.clock.now();
        let asked = read(&same, false, now)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let known: Option<wire::RecordPaymentResponse> =
            idempotency::begin(&mut tx, &who.id, METHOD, &request.request_id, &request).await?;
        if let Some(known) = known {
            return Ok(Response::new(wire::RecordPaymentResponse { duplicate: true, ..known }));
        }
        let done = answer(commands::record(&mut tx, &asked, &who.id, now).await?);
        let answer = wire::RecordPaymentResponse {
            payment: done.payment,
            paid_total: done.paid_total,
            payment_state: done.payment_state,
            duplicate: done.duplicate,
        };
        idempotency::finish(&mut tx, &who.id, METHOD, &request.request_id, &answer).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        self.hub.poke(&[asked.order_id]);
        Ok(Response::new(answer))
    }

    async fn record_refund(
        &self,
        request: Request<wire::RecordRefundRequest>,
    ) -> Result<Response<wire::RecordRefundResponse>, Status> {
        const METHOD: &str = "orders.RecordRefund";
        let (who, request) = (caller(&request)?, request.into_inner());
        let now = self.deps.clock.now();
        let asked = read(&request, true, now)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let known: Option<wire::RecordRefundResponse> =
            idempotency::begin(&mut tx, &who.id, METHOD, &request.request_id, &request).await?;
        if let Some(known) = known {
            return Ok(Response::new(wire::RecordRefundResponse { duplicate: true, ..known }));
        }
        let answer = answer(commands::record(&mut tx, &asked, &who.id, now).await?);
        idempotency::finish(&mut tx, &who.id, METHOD, &request.request_id, &answer).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        self.hub.poke(&[asked.order_id]);
        Ok(Response::new(answer))
    }

    async fn list_payments(
        &self,
        request: Request<wire::ListPaymentsRequest>,
    ) -> Result<Response<wire::ListPaymentsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<Uuid>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::new();
        let id = check.uuid("order_id", &request.order_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let order = life::store::load(&mut conn, id).await.map_err(status::from_sqlx)?;
        let currency = order.ok_or_else(|| Error::not_found("order", id))?.currency;
        let rows = store::list(&mut conn, id, page.after, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| row.id);
        let payments = rows.into_iter().map(|row| payment(row, currency)).collect();
        Ok(Response::new(wire::ListPaymentsResponse { payments, page: Some(info) }))
    }
}
