//! The query of a request as a tree of values, by the types of the fields its names lead to.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use crate::problem::{Problem, Violation};

/// Most parameters in one query.
const MOST: usize = 200;
/// Deepest dotted name.
const DEEPEST: usize = 8;

/// Reads `a=1&b.c=x&list=1&list=2`.
pub(super) fn tree(descriptor: &MessageDescriptor, query: &str) -> Result<Map<String, Value>, Problem> {
    let mut root = Map::new();
    for (count, (name, value)) in form_urlencoded::parse(query.as_bytes()).enumerate() {
        if count >= MOST {
            return Err(Problem::malformed("the query has more than 200 parameters"));
        }
        put(&mut root, descriptor, &name, &value)?;
    }
    Ok(root)
}

/// Puts one value where its dotted name leads.
fn put(root: &mut Map<String, Value>, descriptor: &MessageDescriptor, name: &str, text: &str) -> Result<(), Problem> {
    let wrong = |description: &str| {
        Problem::invalid(vec![Violation::new(name.chars().take(200).collect::<String>(), description)])
    };
    let parts: Vec<&str> = name.split('.').collect();
    if parts.len() > DEEPEST {
        return Err(wrong("there is no such field"));
    }
    let (mut map, mut message) = (root, descriptor.clone());
    for (depth, part) in parts.iter().enumerate() {
        let field = find(&message, part).ok_or_else(|| wrong("there is no such field"))?;
        let key = field.name().to_owned();
        if depth + 1 < parts.len() {
            let child = field.kind().as_message().cloned().filter(|_| !field.is_list() && !field.is_map());
            message = child.ok_or_else(|| wrong("there is no such field"))?;
            let slot = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
            map = slot.as_object_mut().ok_or_else(|| wrong("is given as a value and as a message"))?;
            continue;
        }
        if field.is_map() || (field.kind().as_message().is_some() && !is_text(&field)) {
            return Err(wrong("is a message; give its fields as name.field"));
        }
        let value = value(&field, text);
        if field.is_list() {
            let slot = map.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            slot.as_array_mut().ok_or_else(|| wrong("is given twice"))?.push(value);
        } else if map.insert(key, value).is_some() {
            return Err(wrong("is given twice"));
        }
    }
    Ok(())
}

fn find(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.get_field_by_name(name).or_else(|| message.get_field_by_json_name(name))
}

/// True for messages that JSON writes as a text.
fn is_text(field: &FieldDescriptor) -> bool {
    field.kind().as_message().is_some_and(|message| {
        matches!(
            message.full_name(),
            "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.FieldMask"
        )
    })
}

/// The value as JSON. Numbers stay texts, which the JSON mapping understands; what is wrong shows when the message is
/// read.
pub(super) fn value(field: &FieldDescriptor, text: &str) -> Value {
    match field.kind() {
        Kind::Bool => match text {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => Value::String(text.to_owned()),
        },
        Kind::Enum(_) => text.parse::<i32>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
        _ => Value::String(text.to_owned()),
    }
}
