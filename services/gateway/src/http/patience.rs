//! A connection that is cut when the other end does nothing: says no first word, or takes nothing of what is ready for it.
//!
//! hyper bounds the time a head may take, but only once it knows which version of HTTP it is, and it waits for ever for
//! a reader. Without a bound here, connections that say nothing would take all places, one by one.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::config::Config;

/// Bytes that tell one version of HTTP from the other: the preface of HTTP/2.
const HELLO: usize = 24;

/// A connection with bounds on its silence.
pub(super) struct Patient {
    stream: TcpStream,
    heard: usize,
    /// Runs until the first word is whole.
    hello: Option<Pin<Box<Sleep>>>,
    patience: Duration,
    /// Runs while nothing is taken.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, config: &Config) -> Self {
        Self {
            stream,
            heard: 0,
            hello: Some(Box::pin(tokio::time::sleep(Duration::from_secs(config.header_seconds)))),
            patience: Duration::from_secs(config.write_seconds),
            stuck: None,
        }
    }

    fn wrote(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.hello = None;
        if result.is_ready() {
            self.stuck = None;
            return result;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(stuck.as_mut().poll(cx));
        metrics::counter!("gateway_cut_total", "why" => "not_reading").increment(1);
        // What nobody takes must not stay in the kernel's memory either.
        self.stream.set_zero_linger().ok();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let Some(hello) = &mut this.hello else { return read };
        if read.is_ready() {
            this.heard += buffer.filled().len() - before;
            if this.heard >= HELLO {
                this.hello = None;
            }
            return read;
        }
        ready!(hello.as_mut().poll(cx));
        metrics::counter!("gateway_cut_total", "why" => "silent").increment(1);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Patient {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.wrote(cx, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.wrote(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
