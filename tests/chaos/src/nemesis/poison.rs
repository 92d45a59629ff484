//! What does not belong into a stream, put there past all services: the broker's plain text protocol is enough for that.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use load::company::Company;
use prost::Message as _;
use proto::erp::v1::{ErpEvent, ShipmentPacked, erp_event};
use proto::orders::v1::{OrderCancelled, OrdersEvent, orders_event};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::recorder::Recorder;

const PATIENCE: Duration = Duration::from_secs(5);

/// A message without any of the headers an event has.
pub(crate) async fn rubbish(company: &Company, source: &str) -> anyhow::Result<()> {
    let subject = format!("shopfloor.{source}.v1.{}", popular(source));
    publish(company, &subject, &[], b"\x00\xffthis is no event").await
}

/// An event whose consumers can read it and not apply it: the order it names is none. It is an aggregate of its own, so
/// nothing real waits behind it.
pub(crate) async fn event(company: &Company, recorder: &Recorder, source: &str) -> anyhow::Result<()> {
    let (name, payload) = match source {
        "erp" => {
            let body = ShipmentPacked { order_id: "poison".to_owned(), ..ShipmentPacked::default() };
            ("shipment_packed", ErpEvent { event: Some(erp_event::Event::ShipmentPacked(body)) }.encode_to_vec())
        }
        _ => {
            let body = OrderCancelled { order_id: "poison".to_owned(), ..OrderCancelled::default() };
            ("order_cancelled", OrdersEvent { event: Some(orders_event::Event::OrderCancelled(body)) }.encode_to_vec())
        }
    };
    let id = service::new_id().to_string();
    recorder.poison(&id)?;
    let subject = format!("shopfloor.{source}.v1.{name}");
    let now = OffsetDateTime::now_utc().format(&Rfc3339)?;
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", &id),
        ("ce-type", &subject),
        ("ce-source", &format!("/shopfloor/{source}")),
        ("ce-subject", &format!("poison-{id}")),
        ("ce-time", &now),
        ("ce-aggregateversion", "1"),
        ("content-type", "application/protobuf"),
    ];
    publish(company, &subject, &headers, &payload).await
}

/// A fact of a service that somebody listens to.
fn popular(source: &str) -> &'static str {
    match source {
        "erp" => "order_allocated",
        "crm" => "customer_identified",
        "tasks" => "task_opened",
        _ => "order_placed",
    }
}

async fn publish(company: &Company, subject: &str, headers: &[(&str, &str)], payload: &[u8]) -> anyhow::Result<()> {
    let url = company.nats.url();
    let (user, password) = credentials(&url).context("the broker's address has no password")?;
    tokio::time::timeout(PATIENCE, async {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", company.nats.port())).await?);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let hello = serde_json::json!({"verbose": false, "headers": true, "user": user, "pass": password});
        let mut message = format!("CONNECT {hello}\r\n").into_bytes();
        message.extend(frame(subject, headers, payload));
        message.extend(b"PING\r\n");
        stream.write_all(&message).await?;
        line.clear();
        stream.read_line(&mut line).await?;
        ensure!(line.trim() == "PONG", "the broker says {}", line.trim());
        anyhow::Ok(())
    })
    .await
    .context("the broker does not answer")?
}

fn frame(subject: &str, headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut block = "NATS/1.0\r\n".to_owned();
    for (name, value) in headers {
        block.push_str(&format!("{name}: {value}\r\n"));
    }
    block.push_str("\r\n");
    let mut out = format!("HPUB {subject} {} {}\r\n{block}", block.len(), block.len() + payload.len()).into_bytes();
    out.extend(payload);
    out.extend(b"\r\n");
    out
}

/// User and password of `nats://user:password@host:port`.
fn credentials(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("nats://")?.split_once('@')?.0.split_once(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_says_how_long_it_is() {
        let text = String::from_utf8(frame("a.b", &[("x", "1")], b"hey")).unwrap();
        assert_eq!(text, "HPUB a.b 18 21\r\nNATS/1.0\r\nx: 1\r\n\r\nhey\r\n");
        assert_eq!(credentials("nats://u:p@127.0.0.1:4"), Some(("u", "p")));
    }
}
