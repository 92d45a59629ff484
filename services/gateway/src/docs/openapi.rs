//! The OpenAPI 3.1 document.

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::comments::{Comments, summary};
use super::schema::Schemas;
use crate::routing::{Answer, Body, Route};

/// How deep query parameters lead into messages.
const QUERY_DEPTH: usize = 3;

const ABOUT: &str = "Everything the services offer over HTTP. Field names are those of the messages (`order_id`); \
their lowerCamelCase forms are understood too. 64-bit integers and decimal numbers are strings, times are RFC 3339 in \
UTC, money is `{\"currency\": \"RUB\", \"amount\": \"12.50\"}`.\n\nSign in with `POST /v1/auth/sign-in`, or send a \
shop's API key in `X-Api-Key`. Writes take an `Idempotency-Key`: the same key and body again give the same answer and \
no second effect. Refusals are RFC 9457 problems; `reason` is for programs. 429 and 503 say in `Retry-After` when to \
come back.";

/// Describes all routes.
pub(super) fn document(pool: &DescriptorPool, routes: &[Route]) -> Value {
    let comments = Comments::new(pool);
    let mut schemas = Schemas::new(&comments);
    let mut paths: Map<String, Value> = Map::new();
    let mut operations: Vec<&Route> = routes.iter().collect();
    operations.sort_by(|one, other| (&one.pattern, one.method.as_str()).cmp(&(&other.pattern, other.method.as_str())));
    let mut seen = std::collections::HashMap::new();
    for route in operations {
        let count = seen.entry(route.rpc.method.full_name().to_owned()).and_modify(|count| *count += 1).or_insert(1);
        let operation = operation(route, *count, &comments, &mut schemas);
        let path = paths.entry(route.pattern.clone()).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.as_str().to_lowercase(), operation);
        }
    }
    let mut components = schemas.into_components();
    components.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Shopfloor", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": tags(pool, routes, &comments),
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {"Problem": {
                "description": "Refused",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait; with 429 and 503."}},
            }},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Access token of an employee."},
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "API key of a shop, beginning with `sf_`."},
            },
        },
    })
}

fn tags(pool: &DescriptorPool, routes: &[Route], comments: &Comments) -> Vec<Value> {
    let mut tags = Vec::new();
    for service in pool.services() {
        if routes.iter().any(|route| route.rpc.method.parent_service() == &service) {
            let text = comments.at(&service.parent_file(), service.path());
            tags.push(json!({"name": tag(service.full_name()), "description": text}));
        }
    }
    tags
}

/// `orders.OrderService` for `shopfloor.orders.v1.OrderService`.
fn tag(service: &str) -> String {
    let parts: Vec<&str> = service.split('.').collect();
    match parts.as_slice() {
        [_, package, _, name] => format!("{package}.{name}"),
        _ => service.to_owned(),
    }
}

fn operation(route: &Route, count: usize, comments: &Comments, schemas: &mut Schemas<'_>) -> Value {
    let method = &route.rpc.method;
    let service = method.parent_service();
    let comment = comments.at(&method.parent_file(), method.path());
    let suffix = if count > 1 { format!("_{count}") } else { String::new() };
    let mut operation = json!({
        "operationId": format!("{}_{}{suffix}", service.name(), method.name()),
        "tags": [tag(service.full_name())],
        "summary": summary(comment),
        "description": comment,
        "x-rpc": method.full_name(),
        "x-permission": route.rpc.permission,
        "parameters": parameters(route, schemas),
        "responses": {
            "200": {"description": "Done", "content": content(route, schemas)},
            "default": {"$ref": "#/components/responses/Problem"},
        },
        "security": if route.rpc.permission == "public" { json!([]) } else { json!([{"token": []}, {"key": []}]) },
    });
    let body = match &route.body {
        Body::None => None,
        Body::Whole => Some(schemas.reference(&route.rpc.input)),
        Body::Field(field) => Some(schemas.field(field)),
    };
    if let (Some(schema), Some(operation)) = (body, operation.as_object_mut()) {
        let body = json!({"required": true, "content": {"application/json": {"schema": schema}}});
        operation.insert("requestBody".to_owned(), body);
    }
    operation
}

fn content(route: &Route, schemas: &mut Schemas<'_>) -> Value {
    let (media, schema) = match &route.answer {
        Answer::Document => ("application/json", schemas.reference(&route.rpc.output)),
        Answer::Events => ("text/event-stream", schemas.reference(&route.rpc.output)),
        Answer::Lines => ("application/x-ndjson", schemas.reference(&route.rpc.output)),
        Answer::Download(download) => {
            let media = download.media_type.to_str().unwrap_or("application/octet-stream");
            (media, json!({"type": "string", "format": "binary"}))
        }
    };
    json!({media: {"schema": schema}})
}

fn parameters(route: &Route, schemas: &mut Schemas<'_>) -> Vec<Value> {
    let mut parameters = Vec::new();
    let in_path: Vec<&str> = route.template.variables().collect();
    for (name, fields) in in_path.iter().zip(&route.variables) {
        if let Some(field) = fields.last() {
            parameters.push(parameter(name, "path", true, field, schemas));
        }
    }
    if route.body == Body::None {
        query(&route.rpc.input, "", 1, &in_path, &mut parameters, schemas);
    }
    if route.rpc.request_id.is_some() {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false, "schema": {"type": "string", "maxLength": 128},
            "description": "Fills `request_id` when the body leaves it out.",
        }));
    }
    if route.rpc.resume.is_some() {
        parameters.push(json!({
            "name": "Last-Event-ID", "in": "header", "required": false, "schema": {"type": "string"},
            "description": "Goes on after this event.",
        }));
    }
    parameters
}

fn query(
    message: &MessageDescriptor,
    prefix: &str,
    depth: usize,
    in_path: &[&str],
    parameters: &mut Vec<Value>,
    schemas: &mut Schemas<'_>,
) {
    for field in message.fields() {
        let name = format!("{prefix}{}", field.name());
        if in_path.contains(&name.as_str()) || field.is_map() {
            continue;
        }
        match field.kind() {
            Kind::Message(child) if !child.full_name().starts_with("google.protobuf.") => {
                if depth < QUERY_DEPTH && !field.is_list() {
                    query(&child, &format!("{name}."), depth + 1, in_path, parameters, schemas);
                }
            }
            _ => parameters.push(parameter(&name, "query", false, &field, schemas)),
        }
    }
}

fn parameter(name: &str, place: &str, required: bool, field: &FieldDescriptor, schemas: &mut Schemas<'_>) -> Value {
    let mut schema = schemas.field(field);
    let description = schema.as_object_mut().and_then(|object| object.remove("description")).unwrap_or_default();
    json!({"name": name, "in": place, "required": required, "schema": schema, "description": description})
}

fn problem() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "description": "A refusal (RFC 9457). 400 bad input, 401 no or bad credentials, 403 permission missing, 404 no such \
            thing, 409 taken or changed by somebody else, 422 forbidden in the present state, 429 too much, 503 away.",
        "required": ["type", "title", "status", "detail", "reason", "trace_id"],
        "properties": {
            "type": text("URN of the reason."),
            "title": text("Text of the status."),
            "status": {"type": "integer", "description": "HTTP status."},
            "detail": text("What happened, for people."),
            "instance": text("Path of the request."),
            "reason": text("What happened, for programs, in SCREAMING_SNAKE."),
            "violations": {"type": "array", "description": "Fields that are wrong.", "items": {
                "type": "object",
                "required": ["field", "description"],
                "properties": {"field": text("Path of the field."), "description": text("What is wrong.")},
            }},
            "trace_id": text("Trace by which operators find the request."),
        },
    })
}
