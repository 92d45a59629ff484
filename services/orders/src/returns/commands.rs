//! Recording returns.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use types::{Currency, Money};
use uuid::Uuid;

use super::{
    domain::take_back,
    store::{self, ReturnRow},
};
use crate::{
    error::Error,
    life::{
        self,
        convert::AskedPart,
        domain::{LineChange, Machine},
    },
};

/// A return as asked for.
pub(super) struct Asked {
    pub(super) order_id: Uuid,
    pub(super) return_id: Uuid,
    pub(super) parts: Vec<AskedPart>,
    pub(super) reason: String,
    pub(super) outcome: &'static str,
    pub(super) returned_at: OffsetDateTime,
}

/// A return as stored.
pub(super) struct Recorded {
    pub(super) row: ReturnRow,
    pub(super) lines: Vec<LineChange>,
    pub(super) currency: Currency,
    pub(super) fulfilment_state: &'static str,
}

/// Records a return.
///
/// # Errors
/// Unknown order, more than was shipped; database errors.
pub(super) async fn record(
    conn: &mut PgConnection,
    asked: &Asked,
    who: &str,
    now: OffsetDateTime,
) -> Result<Recorded, Error> {
    let mut order = life::commands::lock(conn, asked.order_id).await?;
    let parts = life::convert::fit(&order, &asked.parts)?;
    let mut cause = life::commands::cause("return_recorded", who, &asked.reason, now);
    cause.params.insert("outcome", asked.outcome.to_owned());
    let lines = take_back(&mut order, asked.return_id, &parts, asked.outcome, asked.returned_at, &cause)?;
    let zero = Money::zero(order.currency).amount;
    let amount = lines.iter().map(|line| line.worth.amount).fold(zero, |sum: Decimal, part| sum + part);
    let row = ReturnRow {
        id: asked.return_id,
        order_id: asked.order_id,
        reason: asked.reason.clone(),
        outcome: asked.outcome.to_owned(),
        amount,
        returned_at: asked.returned_at,
        recorded_by: who.to_owned(),
        booked_at: None,
    };
    store::insert(conn, &row, &lines, now).await?;
    let (currency, fulfilment_state) = (order.currency, order.fulfilment_state.code());
    life::store::save(conn, &mut [order]).await?;
    Ok(Recorded { row, lines, currency, fulfilment_state })
}
