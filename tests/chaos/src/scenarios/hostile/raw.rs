//! What hostile clients are made of: plain sockets, and frames of HTTP/2 written by hand.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How an attack on one connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// An answer with this status came.
    Answered(u16),
    /// The other end closed or broke the connection without an answer.
    Cut,
    /// Neither within the time given.
    Open,
}

/// Reads until an answer's first line, the end, or the time.
pub(super) async fn end(socket: &mut TcpStream, within: Duration) -> End {
    let mut seen = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while seen.len() < 12 {
            match socket.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => seen.extend_from_slice(&buffer[..count]),
            }
        }
    };
    let timed_out = tokio::time::timeout(within, reading).await.is_err();
    match status(&seen) {
        Some(status) => End::Answered(status),
        None if timed_out => End::Open,
        None => End::Cut,
    }
}

fn status(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text.get(9..12)?).ok()?.parse().ok()
}

/// Reads until the other end closes; all bytes, or `None` when it does not.
pub(super) async fn drain(socket: &mut TcpStream, within: Duration) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    let reading = async {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = socket.read(&mut buffer).await {
            all.extend_from_slice(&buffer[..count]);
        }
    };
    tokio::time::timeout(within, reading).await.ok()?;
    Some(all)
}

/// Many connections at once.
pub(super) async fn connect(address: SocketAddr, count: usize) -> anyhow::Result<Vec<TcpStream>> {
    let mut sockets = Vec::with_capacity(count);
    for _ in 0..count {
        let connecting = tokio::time::timeout(Duration::from_secs(10), TcpStream::connect(address));
        sockets.push(connecting.await??);
    }
    Ok(sockets)
}

/// Sends `text` on each, a byte a second, until the other end answers or cuts, or the time is over.
pub(super) async fn drip(sockets: Vec<TcpStream>, text: &'static [u8], within: Duration) -> Vec<End> {
    let one = |mut socket: TcpStream| async move {
        let until = Instant::now() + within;
        for byte in text.iter().cycle() {
            if Instant::now() >= until || socket.write_all(&[*byte]).await.is_err() {
                break;
            }
            match end(&mut socket, Duration::from_secs(1)).await {
                End::Open => {}
                over => return over,
            }
        }
        end(&mut socket, Duration::from_millis(10)).await
    };
    join_all(sockets.into_iter().map(one)).await
}

/// Sends as much of `total` bytes as is taken. How many were, and how it ended.
pub(super) async fn pour(
    address: SocketAddr,
    head: &str,
    piece: &[u8],
    total: u64,
    within: Duration,
) -> anyhow::Result<(u64, End)> {
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(head.as_bytes()).await?;
    let (mut reader, mut writer) = socket.split();
    let mut taken = 0;
    let pouring = async {
        while taken < total {
            if writer.write_all(piece).await.is_err() {
                return;
            }
            taken += piece.len() as u64;
        }
    };
    let mut seen = [0; 12];
    let answer = async { reader.read_exact(&mut seen).await.is_ok() };
    let both = async {
        tokio::select! {
            answered = answer => Some(answered),
            () = pouring => None,
        }
    };
    let over = tokio::time::timeout(within, both).await;
    let end = match over {
        Err(_) => End::Open,
        Ok(Some(true)) => status(&seen).map_or(End::Cut, End::Answered),
        Ok(Some(false)) => End::Cut,
        Ok(None) => end(&mut socket, within).await,
    };
    Ok((taken, end))
}

/// What a client says first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;
const END_STREAM_AND_HEADERS: u8 = 5;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// `GET path`, as few bytes as it can be.
fn get(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x41, 1, b'x', 0x44, u8::try_from(path.len()).unwrap_or(0)];
    block.extend_from_slice(path.as_bytes());
    block
}

/// A stream opened and given up at once, `count` times beginning with stream `first`.
pub(super) fn resets(path: &str, first: u32, count: u32) -> Vec<u8> {
    let (block, mut out) = (get(path), Vec::new());
    for n in 0..count {
        let stream = first + 2 * n;
        frame(HEADERS, END_STREAM_AND_HEADERS, stream, &block, &mut out);
        frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes(), &mut out);
    }
    out
}

/// Headers that never end: the beginning, and one more piece.
pub(super) fn endless_headers(path: &str) -> (Vec<u8>, Vec<u8>) {
    let (mut begin, mut more) = (Vec::new(), Vec::new());
    frame(HEADERS, 0, 1, &get(path), &mut begin);
    // Literal fields without indexing, `a: bbb…`.
    let mut block = Vec::new();
    for _ in 0..64 {
        block.extend_from_slice(&[0x00, 1, b'a', 100]);
        block.extend_from_slice(&[b'b'; 100]);
    }
    frame(CONTINUATION, 0, 1, &block, &mut more);
    (begin, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_say_how_long_they_are() {
        let bytes = resets("/x", 1, 2);
        assert_eq!(bytes[..9], [0, 0, 9, 1, 5, 0, 0, 0, 1]);
        assert_eq!(bytes[18..27], [0, 0, 4, 3, 0, 0, 0, 0, 1]);
        assert_eq!(bytes.len(), 2 * (9 + 9 + 9 + 4));
    }

    #[test]
    fn the_status_is_read_from_the_first_line() {
        assert_eq!(status(b"HTTP/1.1 413 Payload"), Some(413));
        assert_eq!(status(b"HTTP"), None);
    }
}
