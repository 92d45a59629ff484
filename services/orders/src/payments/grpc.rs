//! The payment RPCs.

use proto::orders::v1::{self as wire, payment_result::Outcome, payment_service_server::PaymentService};
use rust_decimal::{Decimal, dec};
use service::{Check, Deps, caller, idempotency, new_id, page::Page, status};
use sqlx::PgConnection;
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
    life::{self, domain::Refused, grpc::Hub},
};

/// No payment is larger.
const LARGEST: Decimal = dec!(1_000_000_000_000);

/// Payments of a register at most.
const BATCH: usize = 500;

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

fn read(check: &mut Check, at: &str, entry: &wire::PaymentEntry, now: OffsetDateTime) -> Asked {
    let at = |field: &str| format!("{at}{field}");
    let amount = check.money(&at("amount"), &entry.amount);
    let sane = amount.amount > Decimal::ZERO && amount.amount <= LARGEST;
    check.require(sane, at("amount.amount"), "must be above zero and not absurd");
    let fits = amount.amount.normalize().scale() <= amount.currency.minor_digits();
    check.require(fits, at("amount.amount"), "has more decimals than the currency");
    let provider = check.optional_text(&at("provider"), &entry.provider, 32);
    let provider_payment_id = check.optional_text(&at("provider_payment_id"), &entry.provider_payment_id, 128);
    let named = provider_payment_id.is_empty() || !provider.is_empty();
    check.require(named, at("provider"), "is required with provider_payment_id");
    Asked {
        order_id: check.uuid(&at("order_id"), &entry.order_id),
        payment_id: new_id(),
        method: check.text(&at("method"), &entry.method, 1..=32),
        amount,
        refund: entry.refund,
        provider,
        provider_payment_id,
        reason: check.optional_text(&at("reason"), &entry.reason, 200),
        paid_at: check.optional_timestamp(&at("paid_at"), &entry.paid_at).unwrap_or(now),
    }
}

/// Reads a request for one payment or refund.
fn read_one(request_id: &str, entry: &wire::PaymentEntry, now: OffsetDateTime) -> Result<Asked, Error> {
    let mut check = Check::new();
    check.request_id(request_id);
    let asked = read(&mut check, "", entry, now);
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

fn answer(recorded: Recorded) -> wire::RecordPaymentResponse {
    let currency = recorded.currency;
    wire::RecordPaymentResponse {
        paid_total: Some(Money::new(recorded.row.paid_total, currency).rounded().into()),
        payment_state: recorded.row.payment_state.clone(),
        payment: Some(payment(recorded.row, currency)),
        duplicate: recorded.duplicate,
    }
}

/// What became of an entry; an error that is no refusal ends the whole register.
fn result(order_id: String, recorded: Result<Recorded, Error>) -> Result<wire::PaymentResult, Status> {
    let outcome = match recorded {
        Ok(recorded) => Outcome::Recorded(answer(recorded)),
        Err(error) => {
            let reason = match &error {
                Error::NotFound { .. } => "NOT_FOUND",
                Error::Refused(Refused::OtherCurrency(_)) => "OTHER_CURRENCY",
                Error::Refused(Refused::RefundExceedsPaid { .. }) => "REFUND_EXCEEDS_PAID",
                Error::Conflict { reason, .. } => reason,
                _ => return Err(error.into()),
            };
            Outcome::Refused(wire::PaymentRefusal { reason: reason.to_owned(), message: error.to_string() })
        }
    };
    Ok(wire::PaymentResult { order_id, outcome: Some(outcome) })
}

async fn record_one(
    conn: &mut PgConnection,
    asked: Asked,
    who: &str,
    now: OffsetDateTime,
) -> Result<wire::RecordPaymentResponse, Error> {
    let nothing = || Error::not_found("order", asked.order_id);
    let mut results = commands::record(conn, std::slice::from_ref(&asked), who, now).await?;
    Ok(answer(results.pop().ok_or_else(nothing)??))
}

#[tonic::async_trait]
impl PaymentService for PaymentGrpc {
    async fn record_payment(
        &self,
        request: Request<wire::RecordPaymentRequest>,
    ) -> Result<Response<wire::RecordPaymentResponse>, Status> {
        const METHOD: &str = "orders.RecordPayment";
        let (who, request) = (caller(&request)?, request.into_inner());
        let entry = wire::PaymentEntry {
            order_id: request.order_id.clone(),
            method: request.method.clone(),
            amount: request.amount.clone(),
            refund: false,
            provider: request.provider.clone(),
            provider_payment_id: request.provider_payment_id.clone(),
            paid_at: request.paid_at,
            reason: String::new(),
        };
        let now = self.deps.clock.now();
        let asked = read_one(&request.request_id, &entry, now)?;
        let order_id = asked.order_id;
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            Ok(record_one(tx, asked, &who.id, now).await?)
        })
        .await?;
        self.hub.poke(&[order_id]);
        let duplicate = done.repeated || done.answer.duplicate;
        Ok(Response::new(wire::RecordPaymentResponse { duplicate, ..done.answer }))
    }

    async fn record_refund(
        &self,
        request: Request<wire::RecordRefundRequest>,
    ) -> Result<Response<wire::RecordRefundResponse>, Status> {
        const METHOD: &str = "orders.RecordRefund";
        let (who, request) = (caller(&request)?, request.into_inner());
        let now = self.deps.clock.now();
        let entry = wire::PaymentEntry {
            order_id: request.order_id.clone(),
            method: request.method.clone(),
            amount: request.amount.clone(),
            refund: true,
            provider: request.provider.clone(),
            provider_payment_id: request.provider_payment_id.clone(),
            paid_at: request.paid_at,
            reason: request.reason.clone(),
        };
        let asked = read_one(&request.request_id, &entry, now)?;
        let order_id = asked.order_id;
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            let recorded = record_one(tx, asked, &who.id, now).await?;
            Ok(wire::RecordRefundResponse {
                payment: recorded.payment,
                paid_total: recorded.paid_total,
                payment_state: recorded.payment_state,
                duplicate: recorded.duplicate,
            })
        })
        .await?;
        self.hub.poke(&[order_id]);
        let duplicate = done.repeated || done.answer.duplicate;
        Ok(Response::new(wire::RecordRefundResponse { duplicate, ..done.answer }))
    }

    async fn record_payments(
        &self,
        request: Request<wire::RecordPaymentsRequest>,
    ) -> Result<Response<wire::RecordPaymentsResponse>, Status> {
        const METHOD: &str = "orders.RecordPayments";
        let (who, request) = (caller(&request)?, request.into_inner());
        let now = self.deps.clock.now();
        let mut check = Check::new();
        check.request_id(&request.request_id);
        check.len("entries", request.entries.len(), 1..=BATCH);
        let entries = request.entries.iter().take(BATCH).enumerate();
        let asked: Vec<_> =
            entries.map(|(index, entry)| read(&mut check, &format!("entries[{index}]."), entry, now)).collect();
        check.done().map_err(status::invalid)?;
        if asked.iter().any(|one| one.refund) && !who.may("orders.payment.refund") {
            return Err(status::permission_denied("PERMISSION_DENIED", "refunds need orders.payment.refund"));
        }
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            let results = commands::record(tx, &asked, &who.id, now).await?;
            let order_ids = request.entries.iter().map(|entry| entry.order_id.clone());
            let results = order_ids.zip(results).map(|(order_id, recorded)| result(order_id, recorded));
            Ok(wire::RecordPaymentsResponse { results: results.collect::<Result<_, _>>()? })
        })
        .await?;
        self.hub.poke(&asked.iter().map(|one| one.order_id).collect::<Vec<_>>());
        Ok(done.into_response())
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
