//! Pickups in wire form.

use proto::erp::v1::{Pickup as Wire, PickupState};

use super::domain::Pickup;

/// A pickup in wire form.
pub(super) fn pickup(pickup: Pickup) -> Wire {
    Wire {
        shipment_id: pickup.shipment.to_string(),
        order_id: pickup.order.to_string(),
        attempts_left: pickup.left(),
        code: pickup.code,
        state: match pickup.state.as_str() {
            "waiting" => PickupState::Waiting,
            "collected" => PickupState::Collected,
            "expired" => PickupState::Expired,
            _ => PickupState::Cancelled,
        }
        .into(),
        issued_at: Some(proto::to_timestamp(pickup.issued_at)),
        expires_at: Some(proto::to_timestamp(pickup.expires_at)),
    }
}
