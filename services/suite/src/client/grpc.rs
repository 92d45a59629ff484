#![doc = "Calls any RPC over gRPC from its descriptor: JSON in, JSON out."]

use std::time::Duration;

use anyhow::{Context, bail};
use futures::StreamExt as _;
use prost_reflect::{DynamicMessage, SerializeOptions};
use proto::DynamicCodec;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming};

use super::methods::Method;
use super::session::{Connection, Credentials};

/// Connects to the gRPC listener.
pub async fn connect(address: &str) -> anyhow::Result<Channel> {
    Endpoint::from_shared(address.to_owned())
        .with_context(|| format!("`{address}` is not an address such as http://127.0.0.1:7070"))?
        .connect_timeout(Duration::from_secs(5))
        .connect()
        .await
        .with_context(|| format!("nothing answers at {address}; start it with `shopfloor up` or name it with --grpc"))
}

/// Reads a request from JSON.
pub fn request_from_json(method: &Method, json: &str) -> anyhow::Result<DynamicMessage> {
    let input = method.descriptor.input();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(input.clone(), &mut deserializer)
        .with_context(|| format!("the request is not a {}", input.full_name()))?;
    deserializer.end().context("something follows the JSON object")?;
    Ok(message)
}

/// Writes a message as indented JSON, empty fields included.
pub fn to_json(message: &DynamicMessage) -> anyhow::Result<String> {
    let options = SerializeOptions::new().use_proto_field_name(true).skip_default_fields(false);
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::pretty(&mut out);
    message.serialize_with_options(&mut serializer, &options)?;
    Ok(String::from_utf8(out)?)
}

/// Calls `method` and hands every answer (one, or a stream of them) to `each`.
pub async fn call(
    connection: &Connection,
    credentials: &Credentials,
    method: &Method,
    message: DynamicMessage,
    mut each: impl FnMut(DynamicMessage) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if method.descriptor.is_client_streaming() {
        bail!("`{}` takes a stream, which this command cannot send", method.full_name());
    }
    let channel = connect(&connection.grpc).await?;
    let credential = credentials.header(&connection.http).await?;
    let mut answers = ask(&channel, credential.as_ref(), method, message.clone()).await?;
    if answers.as_ref().is_err_and(|status| status.code() == Code::Unauthenticated) {
        let refused = credential.map(|(_, value)| value).unwrap_or_default();
        if credentials.renewed(&connection.http, &refused).await? {
            let credential = credentials.header(&connection.http).await?;
            answers = ask(&channel, credential.as_ref(), method, message).await?;
        }
    }
    let mut answers = answers.map_err(told)?;
    while let Some(answer) = answers.next().await {
        each(answer.map_err(told)?)?;
    }
    Ok(())
}

/// The stream of answers to one call, or what the service says instead.
async fn ask(
    channel: &Channel,
    credential: Option<&(&'static str, String)>,
    method: &Method,
    message: DynamicMessage,
) -> anyhow::Result<Result<Streaming<DynamicMessage>, Status>> {
    let mut grpc = tonic::client::Grpc::new(channel.clone()).max_decoding_message_size(64 << 20);
    grpc.ready().await.context("the connection broke")?;
    let mut request = Request::new(message);
    if let Some((name, value)) = credential {
        let value = MetadataValue::try_from(value).context("the token has characters no token has")?;
        request.metadata_mut().insert(*name, value);
    }
    let path = PathAndQuery::try_from(format!("/{}", method.full_name()))?;
    let codec = DynamicCodec::new(method.descriptor.output());
    Ok(grpc.server_streaming(request, path, codec).await.map(Response::into_inner))
}

/// A refusal as people read it: code, message, and the details a service sends with it.
fn told(status: Status) -> anyhow::Error {
    use tonic_types::StatusExt as _;
    let mut text = format!("{}: {}", code_name(&status), status.message());
    let details = status.get_error_details();
    if let Some(info) = details.error_info() {
        text.push_str(&format!(" [{}]", info.reason));
    }
    for violation in details.bad_request().map(|b| b.field_violations.as_slice()).unwrap_or_default() {
        text.push_str(&format!("\n  {}: {}", violation.field, violation.description));
    }
    anyhow::Error::msg(text)
}

fn code_name(status: &Status) -> String {
    let mut name = String::new();
    for (at, letter) in format!("{:?}", status.code()).chars().enumerate() {
        if at > 0 && letter.is_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::super::methods;
    use super::*;

    #[test]
    fn a_request_is_read_from_json_and_its_mistakes_are_named() {
        let method = methods::find("MessagingService/GetStatus").unwrap();
        let message = request_from_json(&method, r#"{"service": "orders"}"#).unwrap();
        assert!(to_json(&message).unwrap().contains("\"orders\""));
        let error = format!("{:#}", request_from_json(&method, r#"{"servise": "orders"}"#).unwrap_err());
        assert!(error.contains("servise"), "{error}");
    }

    #[test]
    fn codes_are_written_as_grpc_writes_them() {
        assert_eq!(code_name(&Status::failed_precondition("")), "FAILED_PRECONDITION");
    }
}
