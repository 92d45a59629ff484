//! An RPC with its HTTP routes, as the descriptors tell.

use anyhow::{Context as _, bail, ensure};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method};
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value,
};

use super::template::Template;
use crate::figures::Figures;

/// How an RPC answers over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One JSON document.
    Document,
    /// Server-sent events: a stream behind GET.
    Events,
    /// A download: a stream of messages that hold bytes, and at most a name for the file.
    Download(Download),
    /// A JSON document a line: any other stream.
    Lines,
}

/// How a download is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Download {
    /// The field with the bytes.
    pub(crate) data: FieldDescriptor,
    /// The field with the file's name, in the first message.
    pub(crate) file_name: Option<FieldDescriptor>,
    /// What the bytes are, as the proto file says.
    pub(crate) media_type: HeaderValue,
}

/// An RPC.
#[derive(Debug, Clone)]
pub(crate) struct Rpc {
    /// Its descriptor.
    pub(crate) method: MethodDescriptor,
    /// `/package.Service/Method`.
    pub(crate) path: PathAndQuery,
    /// The service's short name, such as `orders`, by which its backend is found.
    pub(crate) service: String,
    /// Request message.
    pub(crate) input: MessageDescriptor,
    /// Response message.
    pub(crate) output: MessageDescriptor,
    /// The permission named in the proto file.
    pub(crate) permission: String,
    /// What its bytes are, if it answers with any.
    pub(crate) media_type: HeaderValue,
    /// The idempotency key's field, if the request has one.
    pub(crate) request_id: Option<FieldDescriptor>,
    /// The list whose length is the request's weight, if the request is a batch.
    pub(crate) batch: Option<FieldDescriptor>,
    /// The integer field `after_x` by which a stream goes on, and the name `x` under which answers carry it.
    pub(crate) resume: Option<(FieldDescriptor, String)>,
}

/// Where the body goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// There is none; the query fills the fields the path does not.
    None,
    /// It is the message.
    Whole,
    /// It is one field; the query fills the others.
    Field(FieldDescriptor),
}

/// One way to reach an RPC.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// The RPC.
    pub(crate) rpc: std::sync::Arc<Rpc>,
    /// HTTP method.
    pub(crate) method: Method,
    /// Path.
    pub(crate) template: Template,
    /// Text of the path, for figures and logs.
    pub(crate) pattern: String,
    /// Fields of the path's variables, in order.
    pub(crate) variables: Vec<Vec<FieldDescriptor>>,
    /// Where the body goes.
    pub(crate) body: Body,
    /// How it answers.
    pub(crate) answer: Answer,
    /// How long it takes.
    pub(crate) seconds: std::sync::Arc<Figures>,
}

/// All routes of all RPCs that have any. Client streams have none.
pub(crate) fn routes(pool: &DescriptorPool) -> anyhow::Result<Vec<Route>> {
    let http =
        pool.get_extension_by_name("google.api.http").context("the descriptors do not define google.api.http")?;
    let permission = pool
        .get_extension_by_name("shopfloor.options.v1.permission")
        .context("the descriptors do not define the permission option")?;
    let media_type = pool
        .get_extension_by_name("shopfloor.options.v1.media_type")
        .context("the descriptors do not define the media type option")?;
    let mut routes = Vec::new();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let options = method.options();
        if !options.has_extension(&http) || method.is_client_streaming() {
            continue;
        }
        let rule = options.get_extension(&http);
        let rule = rule.as_message().context("google.api.http is no message")?.clone();
        let permission = options.get_extension(&permission).as_str().unwrap_or_default().to_owned();
        let media_type = match options.get_extension(&media_type).as_str().filter(|text| !text.is_empty()) {
            Some(text) => HeaderValue::from_str(text).with_context(|| format!("`{text}` is no media type"))?,
            None => HeaderValue::from_static("application/octet-stream"),
        };
        let rpc = std::sync::Arc::new(Rpc::new(method, permission, media_type)?);
        let mut rules = vec![rule.clone()];
        if let Some(more) = rule.get_field_by_name("additional_bindings") {
            rules.extend(more.as_list().into_iter().flatten().filter_map(Value::as_message).cloned());
        }
        for rule in rules {
            let route = route(&rpc, &rule).with_context(|| format!("the route of {}", rpc.method.full_name()))?;
            routes.push(route);
        }
    }
    Ok(routes)
}

impl Rpc {
    fn new(method: MethodDescriptor, permission: String, media_type: HeaderValue) -> anyhow::Result<Self> {
        let (input, output) = (method.input(), method.output());
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let service = method.parent_service().package_name().split('.').nth(1).unwrap_or_default().to_owned();
        let request_id =
            input.get_field_by_name("request_id").filter(|field| field.kind() == Kind::String && !field.is_list());
        let batch = input.get_field_by_name("orders").filter(|field| field.is_list());
        let resume = method.is_server_streaming().then(|| resume(&input)).flatten();
        let path = path.parse()?;
        Ok(Self { method, path, service, input, output, permission, media_type, request_id, batch, resume })
    }
}

fn resume(input: &MessageDescriptor) -> Option<(FieldDescriptor, String)> {
    input.fields().find_map(|field| {
        let name = field.name().strip_prefix("after_")?.to_owned();
        (field.kind() == Kind::Int64 && !field.is_list()).then_some((field, name))
    })
}

fn route(rpc: &std::sync::Arc<Rpc>, rule: &DynamicMessage) -> anyhow::Result<Route> {
    let (method, path) = pattern(rule)?;
    let template = Template::parse(&path)?;
    let variables =
        template.variables().map(|variable| fields(&rpc.input, variable)).collect::<anyhow::Result<Vec<_>>>()?;
    let body = match rule.get_field_by_name("body").as_deref().and_then(Value::as_str) {
        None | Some("") => Body::None,
        Some("*") => Body::Whole,
        Some(name) => {
            let field = rpc.input.get_field_by_name(name).with_context(|| format!("there is no field {name}"))?;
            ensure!(matches!(field.kind(), Kind::Message(_)) && !field.is_list(), "the body {name} must be a message");
            Body::Field(field)
        }
    };
    ensure!(body == Body::None || (method != Method::GET && method != Method::DELETE), "{method} must have no body");
    let answer = answer(rpc, &method);
    Ok(Route {
        rpc: std::sync::Arc::clone(rpc),
        pattern: template.to_string(),
        method,
        template,
        variables,
        body,
        answer,
        seconds: std::sync::Arc::default(),
    })
}

fn answer(rpc: &Rpc, method: &Method) -> Answer {
    if !rpc.method.is_server_streaming() {
        return Answer::Document;
    }
    match download(rpc) {
        Some(download) => Answer::Download(download),
        None if method == Method::GET => Answer::Events,
        None => Answer::Lines,
    }
}

fn download(rpc: &Rpc) -> Option<Download> {
    let (bytes, others): (Vec<_>, Vec<_>) =
        rpc.output.fields().partition(|field| field.kind() == Kind::Bytes && !field.is_list());
    let [data] = <[_; 1]>::try_from(bytes).ok()?;
    let named =
        |field: &FieldDescriptor| field.name() == "file_name" && field.kind() == Kind::String && !field.is_list();
    others.iter().all(named).then(|| Download {
        data,
        file_name: others.into_iter().next(),
        media_type: rpc.media_type.clone(),
    })
}

fn pattern(rule: &DynamicMessage) -> anyhow::Result<(Method, String)> {
    for (name, method) in [
        ("get", Method::GET),
        ("put", Method::PUT),
        ("post", Method::POST),
        ("delete", Method::DELETE),
        ("patch", Method::PATCH),
    ] {
        if rule.has_field_by_name(name)
            && let Some(path) = rule.get_field_by_name(name)
        {
            return Ok((method, path.as_str().unwrap_or_default().to_owned()));
        }
    }
    bail!("the rule names no method of get, put, post, delete, patch")
}

/// The fields a dotted path leads through; the last one is a single scalar or enum.
fn fields(message: &MessageDescriptor, path: &str) -> anyhow::Result<Vec<FieldDescriptor>> {
    let mut found: Vec<FieldDescriptor> = Vec::new();
    for name in path.split('.') {
        let parent = match found.last() {
            None => message.clone(),
            Some(field) => {
                field.kind().as_message().cloned().with_context(|| format!("{path} leads through a scalar"))?
            }
        };
        let field =
            parent.get_field_by_name(name).with_context(|| format!("{} has no field {name}", parent.full_name()))?;
        ensure!(!field.is_list() && !field.is_map(), "the variable {path} leads to a list or map");
        found.push(field);
    }
    let scalar = found.last().is_some_and(|field| field.kind().as_message().is_none());
    ensure!(scalar, "the variable {path} leads to a message");
    Ok(found)
}
