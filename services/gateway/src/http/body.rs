//! Request bodies, read within bounds of size, time and memory.

use std::io::Read as _;
use std::time::Duration;

use axum::body::Body;
use flate2::bufread::GzDecoder;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;

use crate::access::Limits;
use crate::config::Config;
use crate::problem::Problem;

/// Bytes decompressed between two looks at the bounds.
const STEP: usize = 64 * 1024;

/// A body, and the room it takes.
pub(super) struct Received {
    /// The bytes, decompressed.
    pub(super) bytes: Vec<u8>,
    _room: Room<'static>,
}

/// Room taken in the memory all bodies share; given back when dropped.
struct Room<'a> {
    limits: Option<&'a Limits>,
    held: Option<OwnedSemaphorePermit>,
    booked: usize,
    used: usize,
}

impl<'a> Room<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self { limits: Some(limits), held: None, booked: 0, used: 0 }
    }

    /// Books in steps, so that many small chunks do not each take a permit.
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        self.used += bytes;
        let Some(limits) = self.limits.filter(|_| self.used > self.booked) else { return Ok(()) };
        let more = (self.used - self.booked).next_multiple_of(4096);
        let permit = limits.body_memory(more)?;
        self.booked += more;
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        Ok(())
    }

    fn keep(self) -> Room<'static> {
        Room { limits: None, held: self.held, booked: self.booked, used: self.used }
    }
}

/// Reads a body to its end.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limits: &Limits,
    config: &Config,
) -> Result<Received, Problem> {
    let gzip = encoding(headers)?;
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > config.max_body as u64) {
        return Err(too_large(config));
    }
    let mut room = Room::new(limits);
    let time = Duration::from_secs(config.body_seconds);
    let bytes = tokio::time::timeout(time, collect(body, &mut room, config))
        .await
        .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW", "the body did not arrive in time"))??;
    if !bytes.is_empty() {
        json_only(headers)?;
    }
    let bytes = if gzip { inflate(&bytes, &mut room, config)? } else { bytes };
    Ok(Received { bytes, _room: room.keep() })
}

async fn collect(mut body: Body, room: &mut Room<'_>, config: &Config) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::malformed("the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > config.max_body {
            return Err(too_large(config));
        }
        room.grow(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Undoes gzip; stops at the bound, however much more would follow. One member only: a body of a hundred thousand empty
/// ones would be seconds of work for nothing.
fn inflate(bytes: &[u8], room: &mut Room<'_>, config: &Config) -> Result<Vec<u8>, Problem> {
    let mut decoder = GzDecoder::new(bytes);
    let (mut out, mut step) = (Vec::new(), vec![0; STEP]);
    loop {
        let read = decoder.read(&mut step).map_err(|_| Problem::malformed("the body is not gzip"))?;
        if read == 0 {
            let whole = decoder.into_inner().is_empty();
            return whole.then_some(out).ok_or_else(|| Problem::malformed("the body is more than one gzip member"));
        }
        if out.len() + read > config.max_body {
            return Err(too_large(config));
        }
        room.grow(read)?;
        out.extend_from_slice(&step[..read]);
    }
}

fn too_large(config: &Config) -> Problem {
    let detail = format!("the body is larger than {} bytes", config.max_body);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", detail)
}

/// True for gzip, false for none.
fn encoding(headers: &HeaderMap) -> Result<bool, Problem> {
    let mut all = headers.get_all(header::CONTENT_ENCODING).iter();
    match (all.next().map(|value| value.as_bytes()), all.next()) {
        (None | Some(b"identity"), None) => Ok(false),
        (Some(value), None) if value.eq_ignore_ascii_case(b"gzip") => Ok(true),
        _ => Err(unsupported("the body may be compressed with gzip only")),
    }
}

fn json_only(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let media = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media == "application/json" || media.ends_with("+json") {
        return Ok(());
    }
    Err(unsupported("send JSON with content-type: application/json"))
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail)
}
