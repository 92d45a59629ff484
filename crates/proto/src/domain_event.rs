//! What the six event messages have in common: a service and a name.

use crate::{crm, erp, identity, knowledge, orders, tasks};

/// A service's event message: one oneof of facts.
pub trait DomainEvent: prost::Message + Default {
    /// The publishing service.
    const SERVICE: &'static str;

    /// Name of the fact, the oneof member in snake case; `None` for an empty message.
    fn name(&self) -> Option<&'static str>;
}

impl DomainEvent for orders::v1::OrdersEvent {
    const SERVICE: &'static str = "orders";

    fn name(&self) -> Option<&'static str> {
        use orders::v1::orders_event::Event as E;
        Some(match self.event.as_ref()? {
            E::ProductChanged(_) => "product_changed",
            E::OrderPlaced(_) => "order_placed",
            E::OrderConfirmed(_) => "order_confirmed",
            E::OrderCancelled(_) => "order_cancelled",
            E::OrderLinesCancelled(_) => "order_lines_cancelled",
            E::OrderStateChanged(_) => "order_state_changed",
            E::PaymentRecorded(_) => "payment_recorded",
            E::OrderReturned(_) => "order_returned",
            E::OrderCompleted(_) => "order_completed",
        })
    }
}

impl DomainEvent for erp::v1::ErpEvent {
    const SERVICE: &'static str = "erp";

    fn name(&self) -> Option<&'static str> {
        use erp::v1::erp_event::Event as E;
        Some(match self.event.as_ref()? {
            E::OrderAllocated(_) => "order_allocated",
            E::ReservationReleased(_) => "reservation_released",
            E::PickingStarted(_) => "picking_started",
            E::ShipmentPacked(_) => "shipment_packed",
            E::ShipmentShipped(_) => "shipment_shipped",
            E::ShipmentDelivered(_) => "shipment_delivered",
            E::ShipmentFailed(_) => "shipment_failed",
            E::StockReturned(_) => "stock_returned",
            E::GoodsReceived(_) => "goods_received",
            E::StockDepleted(_) => "stock_depleted",
            E::StockReplenished(_) => "stock_replenished",
            E::PromiseChanged(_) => "promise_changed",
        })
    }
}

impl DomainEvent for crm::v1::CrmEvent {
    const SERVICE: &'static str = "crm";

    fn name(&self) -> Option<&'static str> {
        use crm::v1::crm_event::Event as E;
        Some(match self.event.as_ref()? {
            E::CustomerCreated(_) => "customer_created",
            E::CustomerIdentified(_) => "customer_identified",
            E::CustomerScored(_) => "customer_scored",
            E::CustomerTagged(_) => "customer_tagged",
        })
    }
}

impl DomainEvent for tasks::v1::TasksEvent {
    const SERVICE: &'static str = "tasks";

    fn name(&self) -> Option<&'static str> {
        use tasks::v1::tasks_event::Event as E;
        Some(match self.event.as_ref()? {
            E::TaskOpened(_) => "task_opened",
            E::TaskMoved(_) => "task_moved",
            E::TaskClosed(_) => "task_closed",
        })
    }
}

impl DomainEvent for knowledge::v1::KnowledgeEvent {
    const SERVICE: &'static str = "knowledge";

    fn name(&self) -> Option<&'static str> {
        use knowledge::v1::knowledge_event::Event as E;
        Some(match self.event.as_ref()? {
            E::PageSaved(_) => "page_saved",
            E::PageDeleted(_) => "page_deleted",
        })
    }
}

impl DomainEvent for identity::v1::IdentityEvent {
    const SERVICE: &'static str = "identity";

    fn name(&self) -> Option<&'static str> {
        use identity::v1::identity_event::Event as E;
        Some(match self.event.as_ref()? {
            E::EmployeeChanged(_) => "employee_changed",
        })
    }
}

#[cfg(test)]
mod tests {
    /// The names above are typed by hand; the descriptors say what they must be.
    #[test]
    fn every_event_name_is_its_field_name_in_the_proto_file() {
        let source = include_str!("domain_event.rs");
        for (service, message) in [
            ("orders", "OrdersEvent"),
            ("erp", "ErpEvent"),
            ("crm", "CrmEvent"),
            ("tasks", "TasksEvent"),
            ("knowledge", "KnowledgeEvent"),
            ("identity", "IdentityEvent"),
        ] {
            let full = format!("shopfloor.{service}.v1.{message}");
            let message = crate::descriptor_pool().get_message_by_name(&full).unwrap();
            for field in message.fields() {
                let kind = field.kind().as_message().unwrap().name().to_owned();
                let arm = format!("E::{kind}(_) => \"{}\"", field.name());
                assert!(source.contains(&arm), "{arm}");
            }
        }
    }
}
