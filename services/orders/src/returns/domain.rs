//! What a return does to an order.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    fulfilment::domain::settle_return,
    life::domain::{Cause, Fact, LineChange, Order, Part, Refused},
};

/// Takes back shipped goods: quantities, money, fulfilment and payment machines.
///
/// # Errors
/// [`Refused::QuantityExceeded`] when more than was shipped and not yet returned, [`Refused::AmountExceeded`].
pub fn take_back(
    order: &mut Order,
    return_id: Uuid,
    parts: &[Part],
    outcome: &'static str,
    returned_at: OffsetDateTime,
    cause: &Cause,
) -> Result<Vec<LineChange>, Refused> {
    let lines = order.take_parts(parts, true)?;
    order.note(cause);
    order.tell(
        cause.at,
        Fact::Returned { returned_at, return_id, reason: cause.reason.clone(), outcome, lines: lines.clone() },
    );
    settle_return(order, &Cause { code: "state_changed", ..cause.clone() });
    Ok(lines)
}
