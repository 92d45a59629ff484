//! JSON Schemas of messages, as the JSON mapping writes them.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::comments::Comments;

/// Schemas collected while operations are described.
pub(super) struct Schemas<'a> {
    comments: &'a Comments,
    found: BTreeMap<String, Value>,
}

impl<'a> Schemas<'a> {
    /// None yet.
    pub(super) fn new(comments: &'a Comments) -> Self {
        Self { comments, found: BTreeMap::new() }
    }

    /// All that were referred to.
    pub(super) fn into_components(self) -> Map<String, Value> {
        self.found.into_iter().collect()
    }

    /// A reference to a message's schema, which is made when it is first asked for.
    pub(super) fn reference(&mut self, message: &MessageDescriptor) -> Value {
        if let Some(known) = well_known(message.full_name()) {
            return known;
        }
        let name = component(message.full_name());
        if !self.found.contains_key(&name) {
            self.found.insert(name.clone(), Value::Null);
            let schema = self.message(message);
            self.found.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    fn message(&mut self, message: &MessageDescriptor) -> Value {
        let mut properties = Map::new();
        for field in message.fields() {
            properties.insert(field.name().to_owned(), self.field(&field));
        }
        let mut description = self.comments.at(&message.parent_file(), message.path()).to_owned();
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let names: Vec<String> = oneof.fields().map(|field| format!("`{}`", field.name())).collect();
            description.push_str(&format!("\n\nAt most one of {}.", names.join(", ")));
        }
        json!({
            "type": "object", "description": description.trim(), "properties": properties, "additionalProperties": false
        })
    }

    /// The schema of a field with its comment.
    pub(super) fn field(&mut self, field: &FieldDescriptor) -> Value {
        let single = if field.is_map() {
            let Kind::Message(entry) = field.kind() else { return json!({}) };
            let value = self.kind(&entry.map_entry_value_field().kind());
            json!({"type": "object", "additionalProperties": value})
        } else if field.is_list() {
            json!({"type": "array", "items": self.kind(&field.kind())})
        } else {
            self.kind(&field.kind())
        };
        let comment = self.comments.at(&field.parent_message().parent_file(), field.path());
        described(single, comment)
    }

    fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Double | Kind::Float => json!({"type": "number"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "format": "int32", "minimum": 0}),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"})
            }
            Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Message(message) => self.reference(message),
            Kind::Enum(names) => self.names(names),
        }
    }

    fn names(&mut self, names: &EnumDescriptor) -> Value {
        let component = component(names.full_name());
        let mut description = self.comments.at(&names.parent_file(), names.path()).to_owned();
        let mut values = Vec::new();
        for value in names.values() {
            let text = self.comments.at(&names.parent_file(), value.path()).replace('\n', " ");
            description.push_str(&format!("\n- `{}`: {text}", value.name()));
            values.push(Value::from(value.name()));
        }
        let schema = json!({"type": "string", "enum": values, "description": description});
        self.found.entry(component.clone()).or_insert(schema);
        json!({"$ref": format!("#/components/schemas/{component}")})
    }
}

fn described(mut schema: Value, comment: &str) -> Value {
    if let Some(object) = schema.as_object_mut().filter(|_| !comment.is_empty()) {
        object.insert("description".to_owned(), comment.into());
    }
    schema
}

/// Name of a schema: the message's full name without the company.
fn component(full_name: &str) -> String {
    full_name.strip_prefix("shopfloor.").unwrap_or(full_name).to_owned()
}

fn well_known(full_name: &str) -> Option<Value> {
    Some(match full_name.strip_prefix("google.protobuf.")? {
        "Timestamp" => json!({"type": "string", "format": "date-time"}),
        "Duration" => json!({"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?s$"}),
        "FieldMask" | "StringValue" => json!({"type": "string"}),
        "BoolValue" => json!({"type": "boolean"}),
        "Int32Value" | "UInt32Value" => json!({"type": "integer"}),
        "Int64Value" | "UInt64Value" => json!({"type": "string", "format": "int64"}),
        "FloatValue" | "DoubleValue" => json!({"type": "number"}),
        "BytesValue" => json!({"type": "string", "contentEncoding": "base64"}),
        "Empty" | "Struct" | "Any" => json!({"type": "object"}),
        "ListValue" => json!({"type": "array"}),
        "Value" => json!({}),
        _ => return None,
    })
}
