//! What the broker itself can do: JetStream publishes over one plain connection, with the least work around them.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use backing::Nats;
use load::drive::histogram;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

const SUBJECT: &str = "floor.order";
const INBOX: &str = "_INBOX.floor";
/// Bytes of an event of an order with three lines, about.
const EVENT: usize = 400;

/// What it can do.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Figures {
    /// One publish with its acknowledgement, seconds, the middle one.
    pub(crate) ack: f64,
    /// Publishes a second with 64 on their way.
    pub(crate) windowed: f64,
}

struct Client {
    stream: BufStream<TcpStream>,
    line: String,
    payload: Vec<u8>,
}

impl Client {
    async fn connect(nats: &Nats) -> anyhow::Result<Self> {
        let url = nats.url();
        let (user, rest) = url.strip_prefix("nats://").and_then(|url| url.split_once(':')).context("no user")?;
        let (password, address) = rest.split_once('@').context("no password")?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream: BufStream::new(stream), line: String::new(), payload: Vec::new() };
        client.stream.read_line(&mut client.line).await?;
        let hello = format!("CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\n");
        client.stream.write_all(hello.as_bytes()).await?;
        client.stream.write_all(format!("SUB {INBOX} 1\r\n").as_bytes()).await?;
        Ok(client)
    }

    async fn publish(&mut self, subject: &str, payload: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(format!("PUB {subject} {INBOX} {}\r\n", payload.len()).as_bytes()).await?;
        self.stream.write_all(payload).await?;
        Ok(self.stream.write_all(b"\r\n").await?)
    }

    /// The next answer in the inbox.
    async fn answer(&mut self) -> anyhow::Result<&str> {
        loop {
            self.line.clear();
            ensure!(self.stream.read_line(&mut self.line).await? > 0, "the broker has hung up");
            if self.line.starts_with("MSG ") {
                let size: usize = self.line.split_whitespace().last().context("no size")?.parse()?;
                self.payload.resize(size + 2, 0);
                self.stream.read_exact(&mut self.payload).await?;
                let text = std::str::from_utf8(&self.payload[..size])?;
                ensure!(!text.contains("\"error\""), "the broker says {text}");
                return Ok(text);
            }
            if self.line.starts_with("PING") {
                self.stream.write_all(b"PONG\r\n").await?;
                self.stream.flush().await?;
            } else if self.line.starts_with("-ERR") {
                bail!("the broker says {}", self.line.trim());
            }
        }
    }

    async fn ask(&mut self, subject: &str, payload: &[u8]) -> anyhow::Result<&str> {
        self.publish(subject, payload).await?;
        self.stream.flush().await?;
        self.answer().await
    }
}

/// Measures both, half of the time each.
pub(crate) async fn measure(nats: &Nats, time: Duration) -> anyhow::Result<Figures> {
    let mut client = Client::connect(nats).await?;
    let stream = br#"{"name":"FLOOR","subjects":["floor.>"],"storage":"file","retention":"limits","num_replicas":1}"#;
    client.ask("$JS.API.STREAM.CREATE.FLOOR", stream).await?;
    let event = vec![b'x'; EVENT];
    let mut took = histogram();
    let begun = Instant::now();
    while begun.elapsed() < time / 2 {
        let sent = Instant::now();
        client.ask(SUBJECT, &event).await?;
        took.saturating_record(u64::try_from(sent.elapsed().as_micros())?.max(1));
    }
    let (begun, mut acked, mut under_way) = (Instant::now(), 0_u64, 0);
    loop {
        let over = begun.elapsed() >= time / 2;
        if over && under_way == 0 {
            break;
        }
        while !over && under_way < 64 {
            client.publish(SUBJECT, &event).await?;
            under_way += 1;
        }
        client.stream.flush().await?;
        client.answer().await?;
        under_way -= 1;
        acked += 1;
    }
    let windowed = acked as f64 / begun.elapsed().as_secs_f64();
    client.ask("$JS.API.STREAM.DELETE.FLOOR", b"").await?;
    Ok(Figures { ack: took.value_at_quantile(0.5) as f64 / 1e6, windowed })
}

/// Events that wait for the consumers of these services; `None` when they have no consumers yet.
pub(crate) async fn pending(nats: &Nats, services: &[&str]) -> anyhow::Result<Option<u64>> {
    let mut client = Client::connect(nats).await?;
    let mut found = None;
    for source in ["ORDERS", "ERP", "CRM", "TASKS"] {
        let subject = format!("$JS.API.CONSUMER.LIST.SHOPFLOOR_{source}");
        let answer: serde_json::Value = serde_json::from_str(client.ask(&subject, b"{}").await?)?;
        for consumer in answer["consumers"].as_array().into_iter().flatten() {
            let name = consumer["name"].as_str().unwrap_or_default();
            if services.iter().any(|service| name.starts_with(&format!("{service}_"))) {
                let waits =
                    ["num_pending", "num_ack_pending"].map(|field| consumer[field].as_u64().unwrap_or_default());
                *found.get_or_insert(0) += waits[0] + waits[1];
            }
        }
    }
    Ok(found)
}
