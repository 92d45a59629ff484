//! JSON text and messages.

use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};

use crate::problem::{Problem, Violation};

/// Deepest nesting that is read.
const DEEPEST: usize = 64;

/// A message as JSON: names as in the proto files, 64-bit integers as strings, fields without a value included.
pub(crate) fn to_json(message: &DynamicMessage) -> serde_json::Result<Vec<u8>> {
    let options = SerializeOptions::new().use_proto_field_name(true).skip_default_fields(false);
    let mut out = serde_json::Serializer::new(Vec::with_capacity(512));
    message.serialize_with_options(&mut out, &options)?;
    Ok(out.into_inner())
}

/// Reads a message from JSON text. Unknown fields, wrong types and anything after the document are refused, each with
/// the path of the field.
pub(super) fn from_json(descriptor: &MessageDescriptor, text: &[u8]) -> Result<DynamicMessage, Problem> {
    let text = std::str::from_utf8(text).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
    if nesting(text) > DEEPEST {
        return Err(Problem::malformed("the body is nested too deeply (64 levels at most)"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let message = DynamicMessage::deserialize_with_options(descriptor.clone(), &mut deserializer, &options);
    match message.and_then(|message| deserializer.end().map(|()| message)) {
        Ok(message) => Ok(message),
        Err(error) => Err(explain(descriptor, text, error)),
    }
}

/// Reads a message from a tree made of the query.
pub(super) fn from_tree(descriptor: &MessageDescriptor, tree: serde_json::Value) -> Result<DynamicMessage, Problem> {
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(tree, &mut track);
    DynamicMessage::deserialize_with_options(descriptor.clone(), deserializer, &options)
        .map_err(|error| Problem::invalid(vec![violation(track, &error)]))
}

/// Reads again, slowly, to find out where it went wrong.
fn explain(descriptor: &MessageDescriptor, text: &str, error: serde_json::Error) -> Problem {
    if error.is_syntax() || error.is_eof() {
        return Problem::malformed(format!("the body is not JSON: {error}"));
    }
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let mut track = serde_path_to_error::Track::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    match DynamicMessage::deserialize_with_options(descriptor.clone(), tracked, &options) {
        Ok(_) => Problem::malformed(format!("the body is not one JSON document: {error}")),
        Err(error) => Problem::invalid(vec![violation(track, &error)]),
    }
}

/// Where and what. An unknown field is reported at the message it would be in; its name belongs to the path.
fn violation(track: serde_path_to_error::Track, error: &serde_json::Error) -> Violation {
    let (path, text) = (track.path().to_string(), plain(error));
    let parent = if path == "." { String::new() } else { path };
    let field = match text.strip_prefix("unrecognized field name '").and_then(|rest| rest.strip_suffix('\'')) {
        Some(name) if parent.is_empty() => name.to_owned(),
        Some(name) => format!("{parent}.{name}"),
        None => parent,
    };
    Violation::new(field, text)
}

/// What went wrong, without the position: the path of the field says more.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).chars().take(200).collect()
}

/// Deepest nesting of brackets outside of strings.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_nest() {
        assert_eq!(nesting(r#"{"a":["[[[","\"[["]}"#), 2);
        assert_eq!(nesting(&"[".repeat(1000)), 1000);
        assert_eq!(nesting("]]]["), 1);
    }
}
