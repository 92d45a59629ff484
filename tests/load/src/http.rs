//! A lean HTTP/1.1 client: one kept connection, hand-written requests, a parser of what the gateway answers. It shares the
//! machine with what it measures, so it does next to nothing.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The part of a request before its body.
#[derive(Debug, Clone)]
pub struct Head(String);

impl Head {
    /// `authorization` is a whole header line, such as `x-api-key: …`.
    pub fn new(verb: &str, path: &str, authorization: &str) -> Self {
        Self(format!("{verb} {path} HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\n{authorization}\r\n"))
    }

    /// Writes the whole request.
    pub fn write(&self, body: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
        if !body.is_empty() {
            out.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body.as_bytes());
    }
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// Seconds of `retry-after`, if it was said.
    pub retry_after: Option<u64>,
    /// The content.
    pub body: &'a [u8],
}

/// A connection to one address, made when first needed and again after it broke.
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    body: Vec<u8>,
}

impl Connection {
    /// Not connected yet.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::with_capacity(16 << 10), body: Vec::new() }
    }

    /// Sends a request and waits for the whole answer. After an error nobody knows whether the request had an effect.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            more(&mut stream, &mut self.buffer).await?;
            if let Some(head) = parse(&self.buffer)? {
                break head;
            }
        };
        self.body.clear();
        match head.length {
            Some(length) => {
                while self.buffer.len() < head.size + length {
                    more(&mut stream, &mut self.buffer).await?;
                }
                self.body.extend_from_slice(&self.buffer[head.size..head.size + length]);
            }
            None => {
                while !dechunk(&self.buffer[head.size..], &mut self.body)? {
                    more(&mut stream, &mut self.buffer).await?;
                }
            }
        }
        if !head.close {
            self.stream = Some(stream);
        }
        Ok(Answer { status: head.status, retry_after: head.retry_after, body: &self.body })
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct ParsedHead {
    status: u16,
    /// Bytes up to the body.
    size: usize,
    /// `None` for a chunked body.
    length: Option<usize>,
    close: bool,
    retry_after: Option<u64>,
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer")
}

fn parse(buffer: &[u8]) -> io::Result<Option<ParsedHead>> {
    let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&buffer[..end]).map_err(|_| malformed())?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let status: u16 = status.ok_or_else(malformed)?;
    let mut head = ParsedHead { status, size: end + 4, length: Some(0), close: false, retry_after: None };
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(malformed)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = Some(value.parse().map_err(|_| malformed())?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
            head.length = None;
        } else if name.eq_ignore_ascii_case("connection") {
            head.close = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("retry-after") {
            head.retry_after = value.parse().ok();
        }
    }
    Ok(Some(head))
}

/// Reads a chunked body; `false` while its end has not come.
fn dechunk(mut rest: &[u8], body: &mut Vec<u8>) -> io::Result<bool> {
    body.clear();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else { return Ok(false) };
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let size = size.ok_or_else(malformed)?;
        let after = end + 2 + size + 2;
        if rest.len() < after {
            return Ok(false);
        }
        if size == 0 {
            return Ok(true);
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[after..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let text =
            b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
        assert_eq!(parse(&text[..40]).unwrap(), None);
        let head = parse(text).unwrap().unwrap();
        assert_eq!((head.status, head.length, head.close, head.retry_after), (429, Some(5), true, Some(3)));
        assert_eq!(&text[head.size..], b"hello");
        assert!(parse(b"SMTP\r\n\r\n").is_err());
    }

    #[test]
    fn chunks_are_put_together() {
        let text = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let mut body = Vec::new();
        for cut in 0..text.len() {
            assert!(!dechunk(&text[..cut], &mut body).unwrap(), "{cut}");
        }
        assert!(dechunk(text, &mut body).unwrap());
        assert_eq!(body, b"abcde");
        assert!(dechunk(b"xyz\r\n", &mut body).is_err());
    }

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let mut out = Vec::new();
        Head::new("POST", "/v1/orders", "x-api-key: k").write("{}", &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("POST /v1/orders HTTP/1.1\r\n") && text.ends_with("content-length: 2\r\n\r\n{}"),
            "{text}"
        );
    }
}
