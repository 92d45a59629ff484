//! A gRPC server that answers every RPC as it is told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt as _};
use http::HeaderMap;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// What the gateway sent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn message<M: prost::Message + Default>(&self) -> M {
        M::decode(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn is(&self, method: &str) -> bool {
        self.path.ends_with(&format!("/{method}"))
    }
}

/// What it is answered.
pub(crate) enum Reply {
    Messages(Vec<Vec<u8>>),
    Refusal(Status),
    Stream(BoxStream<'static, Result<Vec<u8>, Status>>),
    /// No answer until the test lets go.
    After(tokio::sync::oneshot::Receiver<()>, Vec<u8>),
}

impl Reply {
    pub(crate) fn one(message: &impl prost::Message) -> Self {
        Self::Messages(vec![message.encode_to_vec()])
    }
}

pub(crate) struct Backend {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    cancel: CancellationToken,
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Backend {
    pub(crate) async fn start(reply: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let (calls, reply, cancel) = (Arc::new(Mutex::new(Vec::new())), Arc::new(reply), CancellationToken::new());
        let seen = Arc::clone(&calls);
        let answer = move |request: Request| {
            let (seen, reply) = (Arc::clone(&seen), Arc::clone(&reply));
            async move {
                let (parts, body) = request.into_parts();
                let framed = body.collect().await.unwrap().to_bytes();
                let call = Call { path: parts.uri.path().to_owned(), headers: parts.headers, body: framed.slice(5..) };
                seen.lock().unwrap().push(call.clone());
                respond(reply(&call)).await
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (router, until) = (Router::new().fallback(answer), cancel.clone());
        tokio::spawn(async move { gateway::serve(listener, router, &gateway::Config::default(), until).await });
        Self { url, calls, cancel }
    }

    /// The calls of a method so far.
    pub(crate) fn calls(&self, method: &str) -> Vec<Call> {
        self.calls.lock().unwrap().iter().filter(|call| call.is(method)).cloned().collect()
    }

    pub(crate) fn only(&self, method: &str) -> Call {
        let calls = self.calls(method);
        assert_eq!(calls.len(), 1, "calls of {method}");
        calls[0].clone()
    }

    /// Stops answering.
    pub(crate) fn stop(&self) {
        self.cancel.cancel();
    }
}

async fn respond(reply: Reply) -> Response {
    let messages: BoxStream<'static, Result<Vec<u8>, Status>> = match reply {
        Reply::Refusal(status) => return status.into_http(),
        Reply::Messages(messages) => stream::iter(messages.into_iter().map(Ok)).boxed(),
        Reply::Stream(messages) => messages,
        Reply::After(gate, message) => {
            gate.await.ok();
            stream::iter([Ok(message)]).boxed()
        }
    };
    let state = (messages, false);
    let frames = stream::unfold(state, |(mut messages, ended)| async move {
        if ended {
            return None;
        }
        let frame = match messages.next().await {
            Some(Ok(message)) => return Some((Ok::<_, Status>(Frame::data(framed(&message))), (messages, false))),
            Some(Err(status)) => trailers(&status),
            None => trailers(&Status::ok("")),
        };
        Some((Ok(frame), (messages, true)))
    });
    Response::builder().header("content-type", "application/grpc").body(Body::new(StreamBody::new(frames))).unwrap()
}

fn trailers(status: &Status) -> Frame<Bytes> {
    let mut headers = HeaderMap::new();
    status.add_header(&mut headers).unwrap();
    Frame::trailers(headers)
}

fn framed(message: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(0);
    out.put_u32(u32::try_from(message.len()).unwrap());
    out.put_slice(message);
    out.freeze()
}
