//! The services behind the gateway.

use std::collections::HashMap;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use futures::future::BoxFuture;
use prost_reflect::DynamicMessage;
use proto::DynamicCodec;
use service::Secured;
use service::host::Local;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{self, Channel, Endpoint};
use tonic::{Request, Status, Streaming};
use tower::Service;

use crate::config::Config;
use crate::routing::Rpc;

/// Largest answer of a service, in bytes.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;
/// How much longer than the gateway a service may think that it has time.
const MARGIN: Duration = Duration::from_millis(500);
/// Package of the RPCs that every service answers for itself; their field `service` says which one is meant.
const EVERYWHERE: &str = "messaging";

/// A way to a service.
#[derive(Clone)]
pub(crate) enum Backend {
    /// A call within this process.
    Here(Secured),
    /// A connection.
    Away(Channel),
}

impl Service<http::Request<Body>> for Backend {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Status>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        match self {
            Self::Here(_) => Poll::Ready(Ok(())),
            Self::Away(channel) => channel.poll_ready(cx).map_err(broken),
        }
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match self {
            Self::Here(rpcs) => {
                let call = rpcs.call(request.map(axum::body::Body::new));
                Box::pin(async { Ok(call.await.unwrap_or_else(|never| match never {}).map(Body::new)) })
            }
            Self::Away(channel) => {
                let call = channel.call(request);
                Box::pin(async { call.await.map_err(broken) })
            }
        }
    }
}

/// The ways to the services.
#[derive(Clone)]
pub(crate) struct Backends {
    default: Backend,
    named: HashMap<String, Backend>,
    deadline: Duration,
}

impl Backends {
    /// Services of this process are called without a network, unless the settings give them an address. Connections are
    /// made when they are first used, and again when they break.
    pub(crate) fn new(config: &Config, local: &Local) -> anyhow::Result<Self> {
        let default = remote(&config.backend).context("--gateway-backend")?;
        let mut named = HashMap::new();
        if let Some(rpcs) = &local.rpcs {
            named.extend(local.services.iter().map(|name| ((*name).to_owned(), Backend::Here(rpcs.clone()))));
        }
        for (name, url) in config.addresses()? {
            named.insert(name, remote(&url).context("--gateway-backends")?);
        }
        Ok(Self { default, named, deadline: config.deadline() })
    }

    /// The way to a service.
    pub(crate) fn of(&self, service: &str) -> Backend {
        self.named.get(service).unwrap_or(&self.default).clone()
    }

    fn of_call(&self, rpc: &Rpc, message: &DynamicMessage) -> Backend {
        if rpc.service == EVERYWHERE
            && let Some(field) = message.get_field_by_name("service")
            && let Some(service) = field.as_str()
        {
            return self.of(service);
        }
        self.of(&rpc.service)
    }

    /// Calls an RPC that answers once.
    pub(crate) async fn unary(
        &self,
        rpc: &Rpc,
        message: DynamicMessage,
        metadata: MetadataMap,
    ) -> Result<DynamicMessage, Status> {
        let mut grpc = Grpc::new(self.of_call(rpc, &message)).max_decoding_message_size(LARGEST_ANSWER);
        let mut request = Request::from_parts(metadata, http::Extensions::new(), message);
        // The service is told a little more than is waited here, so that the wait ends here and by one rule.
        request.set_timeout(self.deadline + MARGIN);
        let call = async {
            grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            grpc.unary(request, rpc.path.clone(), DynamicCodec::new(rpc.output.clone())).await
        };
        let answer = tokio::time::timeout(self.deadline, call).await;
        answer
            .map_err(|_| Status::deadline_exceeded("the service did not answer in time"))?
            .map(tonic::Response::into_inner)
    }

    /// Calls an RPC that answers with a stream; the deadline holds for its beginning.
    pub(crate) async fn stream(
        &self,
        rpc: &Rpc,
        message: DynamicMessage,
        metadata: MetadataMap,
    ) -> Result<Streaming<DynamicMessage>, Status> {
        let mut grpc = Grpc::new(self.of_call(rpc, &message)).max_decoding_message_size(LARGEST_ANSWER);
        let request = Request::from_parts(metadata, http::Extensions::new(), message);
        let call = async {
            grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            grpc.server_streaming(request, rpc.path.clone(), DynamicCodec::new(rpc.output.clone())).await
        };
        let answer = tokio::time::timeout(self.deadline, call).await;
        answer
            .map_err(|_| Status::deadline_exceeded("the service did not answer in time"))?
            .map(tonic::Response::into_inner)
    }
}

fn remote(url: &str) -> anyhow::Result<Backend> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("{url:?} is not an address; write http://host:port"))?;
    let channel = endpoint
        .connect_timeout(Duration::from_secs(2))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        .initial_connection_window_size(4 * 1024 * 1024)
        .initial_stream_window_size(1024 * 1024)
        .connect_lazy();
    Ok(Backend::Away(channel))
}

fn broken(error: transport::Error) -> Status {
    Status::from_error(error.into())
}
