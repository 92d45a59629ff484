//! The request message of a route: body, path variables, query, idempotency key.

use prost_reflect::{DynamicMessage, FieldDescriptor, Value};

use super::{json, query};
use crate::problem::{Problem, Violation};
use crate::routing::{Body, Route, Rpc};

/// What came in.
#[derive(Debug, Default)]
pub(crate) struct Input<'a> {
    /// Decoded values of the path's variables.
    pub(crate) variables: &'a [String],
    /// Text after the question mark.
    pub(crate) query: &'a str,
    /// Body, decompressed.
    pub(crate) body: &'a [u8],
    /// `Idempotency-Key`.
    pub(crate) idempotency_key: Option<&'a str>,
    /// `Last-Event-ID`.
    pub(crate) last_event_id: Option<&'a str>,
}

/// Builds the request message.
pub(crate) fn message(route: &Route, input: &Input<'_>) -> Result<DynamicMessage, Problem> {
    let descriptor = &route.rpc.input;
    let blank = input.body.iter().all(u8::is_ascii_whitespace);
    let mut message = match &route.body {
        Body::Whole if blank => DynamicMessage::new(descriptor.clone()),
        Body::Whole => {
            no_query(input.query)?;
            json::from_json(descriptor, input.body)?
        }
        Body::None if !blank => return Err(Problem::malformed("this request takes no body")),
        Body::None | Body::Field(_) => {
            json::from_tree(descriptor, serde_json::Value::Object(query::tree(descriptor, input.query)?))?
        }
    };
    if let Body::Field(field) = &route.body
        && let Some(child) = field.kind().as_message()
        && !blank
    {
        message.set_field(field, Value::Message(json::from_json(child, input.body)?));
    }
    for (fields, text) in route.variables.iter().zip(input.variables) {
        set_variable(&mut message, fields, text)?;
    }
    if let (Some(field), Some(key)) = (&route.rpc.request_id, input.idempotency_key) {
        set_request_id(&mut message, field, key)?;
    }
    if let (Some((field, _)), Some(id)) = (&route.rpc.resume, input.last_event_id) {
        let id: i64 = id.trim().parse().map_err(|_| Problem::malformed("Last-Event-ID is not one of this stream"))?;
        message.set_field(field, Value::I64(id));
    }
    Ok(message)
}

/// How many requests this one counts as: the orders of a batch, else one.
pub(crate) fn weight(rpc: &Rpc, message: &DynamicMessage) -> u32 {
    let Some(field) = &rpc.batch else { return 1 };
    let items = message.get_field(field).as_list().map_or(0, <[Value]>::len);
    u32::try_from(items).unwrap_or(u32::MAX).max(1)
}

fn no_query(query: &str) -> Result<(), Problem> {
    match form_urlencoded::parse(query.as_bytes()).next() {
        None => Ok(()),
        Some((name, _)) => {
            let name: String = name.chars().take(200).collect();
            Err(Problem::invalid(vec![Violation::new(name, "belongs into the body, not into the query")]))
        }
    }
}

/// Puts a variable where it belongs. A body may repeat it, but not say otherwise.
fn set_variable(message: &mut DynamicMessage, fields: &[FieldDescriptor], text: &str) -> Result<(), Problem> {
    let Some((field, rest)) = fields.split_first() else { return Ok(()) };
    if !rest.is_empty() {
        return match message.get_field_mut(field) {
            Value::Message(child) => set_variable(child, rest, text),
            _ => Ok(()),
        };
    }
    let wrong = |description: &str| Problem::invalid(vec![Violation::new(field.name(), description)]);
    let mut tree = serde_json::Map::new();
    tree.insert(field.name().to_owned(), query::value(field, text));
    let parsed = json::from_tree(&field.parent_message().clone(), serde_json::Value::Object(tree))?;
    let value = parsed.get_field(field).into_owned();
    if message.has_field(field) && *message.get_field(field) != value {
        return Err(wrong("differs between path and body"));
    }
    message.set_field(field, value);
    Ok(())
}

fn set_request_id(message: &mut DynamicMessage, field: &FieldDescriptor, key: &str) -> Result<(), Problem> {
    let present = message.get_field(field).as_str().unwrap_or_default().to_owned();
    if present.is_empty() {
        message.set_field(field, Value::String(key.to_owned()));
    } else if present != key {
        let text = "differs from the Idempotency-Key header; give one of them, or the same";
        return Err(Problem::invalid(vec![Violation::new(field.name(), text)]));
    }
    Ok(())
}
