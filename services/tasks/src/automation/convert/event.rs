//! Reads any event by the descriptors, so that a rule can name any field of it without code.

use std::collections::BTreeSet;

use anyhow::Context as _;
use messaging::Event;
use prost::{
    DecodeError,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::super::domain::Fields;

/// The events rules may use, by service.
pub(crate) const HEARD: [(&str, &str, &[&str]); 2] =
    [("orders", "shopfloor.orders.v1.OrdersEvent", ORDERS), ("erp", "shopfloor.erp.v1.ErpEvent", ERP)];

/// Those of orders; all but the many `order_state_changed`, which follow from the others.
pub(crate) const ORDERS: &[&str] = &[
    "order_cancelled",
    "order_confirmed",
    "order_lines_cancelled",
    "order_placed",
    "order_returned",
    "payment_recorded",
    "product_changed",
];

/// Those of erp; all but the steps inside the warehouse.
pub(crate) const ERP: &[&str] = &[
    "goods_received",
    "item_moving_again",
    "item_slow_moving",
    "order_allocated",
    "recall_closed",
    "recall_opened",
    "reservation_released",
    "shipment_delivered",
    "shipment_failed",
    "shipment_shipped",
    "stock_below_reorder_point",
    "stock_depleted",
    "stock_recovered",
    "stock_replenished",
    "stock_returned",
];

const TIMESTAMP: &str = "google.protobuf.Timestamp";

fn envelope(source: &str, name: &str) -> Option<MessageDescriptor> {
    let (_, message, names) = HEARD.iter().find(|heard| heard.0 == source)?;
    names.contains(&name).then(|| proto::descriptor_pool().get_message_by_name(message)).flatten()
}

/// The fields of an event, with dots into nested messages; empty when it is not heard.
pub(crate) fn fields(source: &str, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let fact = envelope(source, name).and_then(|envelope| envelope.get_field_by_name(name));
    if let Some(Kind::Message(fact)) = fact.map(|field| field.kind()) {
        collect(&fact, "", 0, &mut found);
    }
    found
}

fn collect(message: &MessageDescriptor, prefix: &str, depth: u8, found: &mut BTreeSet<String>) {
    for field in message.fields() {
        let path = format!("{prefix}{}", field.name());
        match field.kind() {
            Kind::Message(inner) if inner.full_name() != TIMESTAMP => {
                if depth < 3 && !field.is_list() && !field.is_map() {
                    collect(&inner, &format!("{path}."), depth + 1, found);
                }
            }
            _ => {
                found.insert(path);
            }
        }
    }
}

/// An event that can be asked for its fields. Rules name few of them, so each is decoded when it is asked for.
pub(crate) struct Fact<'a> {
    /// The event.
    pub(crate) event: &'a Event,
    kind: MessageDescriptor,
    /// Number and bytes, tag included, of each field there is, in order.
    fields: Vec<(u32, &'a [u8])>,
}

/// Reads an event; `None` for one rules may not use, or which this version does not know.
pub(crate) fn read(event: &Event) -> anyhow::Result<Option<Fact<'_>>> {
    let field = envelope(&event.source, &event.name).and_then(|envelope| envelope.get_field_by_name(&event.name));
    let Some(field) = field else { return Ok(None) };
    let Kind::Message(kind) = field.kind() else { return Ok(None) };
    let malformed = || format!("event {} ({}) is malformed", event.id, event.name);
    let Some(bytes) = member(&event.payload, field.number()).with_context(malformed)? else { return Ok(None) };
    let fields = split(bytes).with_context(malformed)?;
    Ok(Some(Fact { event, kind, fields }))
}

/// The bytes of a message inside another.
fn member(mut rest: &[u8], number: u32) -> Result<Option<&[u8]>, DecodeError> {
    let mut found = None;
    while !rest.is_empty() {
        let (tag, wire_type) = decode_key(&mut rest)?;
        let before = rest;
        skip_field(wire_type, tag, &mut rest, DecodeContext::default())?;
        if tag == number && wire_type == WireType::LengthDelimited {
            let mut value = &before[..before.len() - rest.len()];
            decode_varint(&mut value)?;
            found = Some(value);
        }
    }
    Ok(found)
}

/// The fields of a message.
fn split(bytes: &[u8]) -> Result<Vec<(u32, &[u8])>, DecodeError> {
    let (mut fields, mut rest) = (Vec::with_capacity(20), bytes);
    while !rest.is_empty() {
        let start = bytes.len() - rest.len();
        let (tag, wire_type) = decode_key(&mut rest)?;
        skip_field(wire_type, tag, &mut rest, DecodeContext::default())?;
        fields.push((tag, &bytes[start..bytes.len() - rest.len()]));
    }
    Ok(fields)
}

impl Fields for Fact<'_> {
    fn get(&self, field: &str) -> Option<String> {
        let name = field.split('.').next()?;
        let descriptor = self.kind.get_field_by_name(name)?;
        // Lists of messages cannot be named: they are taken for empty.
        let listed = descriptor.is_list() && matches!(descriptor.kind(), Kind::Message(_));
        let named = self.fields.iter().filter(|(number, _)| *number == descriptor.number() && !listed);
        let bytes: Vec<u8> = named.flat_map(|(_, bytes)| bytes.iter().copied()).collect();
        let message = DynamicMessage::decode(self.kind.clone(), bytes.as_slice()).ok()?;
        value_at(&message, field)
    }
}

fn value_at(message: &DynamicMessage, path: &str) -> Option<String> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let field = message.descriptor().get_field_by_name(name)?;
    let value = message.get_field(&field);
    match (value.as_ref(), rest) {
        (Value::Message(inner), Some(rest)) => value_at(inner, rest),
        (value, None) => as_text(&field, value),
        _ => None,
    }
}

fn as_text(field: &FieldDescriptor, value: &Value) -> Option<String> {
    Some(match value {
        Value::Bool(value) => value.to_string(),
        Value::I32(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        Value::F32(value) => value.to_string(),
        Value::F64(value) => value.to_string(),
        Value::String(value) => value.clone(),
        Value::EnumNumber(number) => match field.kind() {
            Kind::Enum(kind) => kind.get_value(*number)?.name().to_owned(),
            _ => number.to_string(),
        },
        Value::Message(message) if message.descriptor().full_name() == TIMESTAMP => moment(message)?,
        Value::List(values) => {
            let texts: Vec<String> = values.iter().filter_map(|value| as_text(field, value)).collect();
            texts.join(", ")
        }
        Value::Message(_) | Value::Bytes(_) | Value::Map(_) => return None,
    })
}

fn moment(message: &DynamicMessage) -> Option<String> {
    let seconds = message.get_field_by_name("seconds")?.as_i64()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use proto::{
        common::v1::Money,
        orders::v1::{OrderLine, OrderPlaced, OrdersEvent, orders_event},
    };

    use super::*;

    #[test]
    fn every_event_that_is_heard_exists_and_has_fields() {
        for (source, _, names) in HEARD {
            for name in names {
                assert!(!fields(source, name).is_empty(), "{source} {name}");
            }
        }
        assert!(fields("orders", "order_state_changed").is_empty(), "not heard");
        assert!(fields("moon", "order_placed").is_empty());
    }

    #[test]
    fn a_fact_is_read_without_its_lines() {
        let placed = OrderPlaced {
            order_id: "o".to_owned(),
            hold_reasons: vec!["A".to_owned(), "B".to_owned()],
            total: Some(Money { currency: "RUB".to_owned(), amount: "12.50".to_owned() }),
            lines: vec![OrderLine { sku: "s".to_owned(), ..OrderLine::default() }; 3],
            ..OrderPlaced::default()
        };
        let envelope = OrdersEvent { event: Some(orders_event::Event::OrderPlaced(placed)) };
        let event = testkit::event("o", 1, &envelope);
        let fact = read(&event).unwrap().unwrap();
        let text = |field| fact.get(field).unwrap();
        assert_eq!(
            [text("order_id"), text("hold_reasons"), text("total.amount"), text("confirmed")],
            ["o", "A, B", "12.50", "false"]
        );
        assert_eq!(text("lines"), "");
        let mut broken = event.clone();
        broken.payload = broken.payload.slice(..broken.payload.len() - 1);
        assert!(read(&broken).is_err());
        let other = testkit::event(
            "o",
            1,
            &OrdersEvent { event: Some(orders_event::Event::OrderConfirmed(Default::default())) },
        );
        let misnamed = Event { name: event.name.clone(), ..other };
        assert!(read(&misnamed).unwrap().is_none(), "a fact that is not the one named");
    }

    #[test]
    fn fields_of_nested_messages_have_dots_and_lists_of_messages_are_left_out() {
        let known = fields("orders", "order_placed");
        for name in ["confirmed", "total.amount", "total.currency", "hold_reasons", "placed_at"] {
            assert!(known.contains(name), "{name}");
        }
        assert!(!known.iter().any(|name| name.starts_with("lines")));
    }
}
