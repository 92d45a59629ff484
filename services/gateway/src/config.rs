//! Settings of the gateway.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;

/// Settings of the gateway.
#[derive(Args, Debug, Clone)]
#[group(skip)]
pub struct Config {
    /// Address of the HTTP API
    #[arg(
        id = "gateway_http_addr",
        long = "gateway-http-addr",
        env = "SHOPFLOOR_GATEWAY_HTTP_ADDR",
        default_value = "127.0.0.1:8080",
        help_heading = "Gateway"
    )]
    pub http_addr: SocketAddr,
    /// gRPC address of every service that neither runs in this process nor is named by --gateway-backends
    #[arg(
        id = "gateway_backend",
        long = "gateway-backend",
        env = "SHOPFLOOR_GATEWAY_BACKEND",
        default_value = "http://127.0.0.1:7070",
        help_heading = "Gateway"
    )]
    pub backend: String,
    /// gRPC addresses of single services, for example `orders=http://orders:7070,erp=http://erp:7070`
    #[arg(
        id = "gateway_backends",
        long = "gateway-backends",
        env = "SHOPFLOOR_GATEWAY_BACKENDS",
        value_delimiter = ',',
        help_heading = "Gateway"
    )]
    pub backends: Vec<String>,
    /// Seconds a service may take to answer
    #[arg(id = "gateway_deadline_seconds", long = "gateway-deadline-seconds", env = "SHOPFLOOR_GATEWAY_DEADLINE_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=300), help_heading = "Gateway")]
    pub deadline_seconds: u64,
    /// Largest request body in bytes, also after decompression
    #[arg(id = "gateway_max_body", long = "gateway-max-body", env = "SHOPFLOOR_GATEWAY_MAX_BODY", default_value_t = 4 * 1024 * 1024, help_heading = "Gateway")]
    pub max_body: usize,
    /// Bytes all request bodies together may take in memory
    #[arg(id = "gateway_body_memory", long = "gateway-body-memory", env = "SHOPFLOOR_GATEWAY_BODY_MEMORY", default_value_t = 128 * 1024 * 1024, help_heading = "Gateway")]
    pub body_memory: usize,
    /// Seconds a client may take to send its body
    #[arg(id = "gateway_body_seconds", long = "gateway-body-seconds", env = "SHOPFLOOR_GATEWAY_BODY_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600), help_heading = "Gateway")]
    pub body_seconds: u64,
    /// Seconds a client may take to send the head of a request; an idle connection is closed after them
    #[arg(id = "gateway_header_seconds", long = "gateway-header-seconds", env = "SHOPFLOOR_GATEWAY_HEADER_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600), help_heading = "Gateway")]
    pub header_seconds: u64,
    /// Seconds a client may take nothing of an answer that is ready for it; then its connection is cut
    #[arg(id = "gateway_write_seconds", long = "gateway-write-seconds", env = "SHOPFLOOR_GATEWAY_WRITE_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600), help_heading = "Gateway")]
    pub write_seconds: u64,
    /// Connections open at the same time; more wait in the system's queue
    #[arg(
        id = "gateway_max_connections",
        long = "gateway-max-connections",
        env = "SHOPFLOOR_GATEWAY_MAX_CONNECTIONS",
        default_value_t = 4096,
        help_heading = "Gateway"
    )]
    pub max_connections: usize,
    /// Requests a second an API key or employee may send; each order of a batch counts
    #[arg(id = "gateway_rate", long = "gateway-rate", env = "SHOPFLOOR_GATEWAY_RATE", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Gateway")]
    pub rate: u32,
    /// Requests an API key or employee may send at once
    #[arg(id = "gateway_burst", long = "gateway-burst", env = "SHOPFLOOR_GATEWAY_BURST", default_value_t = 10000, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Gateway")]
    pub burst: u32,
    /// Requests a second from one address without a valid token
    #[arg(id = "gateway_anonymous_rate", long = "gateway-anonymous-rate", env = "SHOPFLOOR_GATEWAY_ANONYMOUS_RATE", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Gateway")]
    pub anonymous_rate: u32,
    /// Requests at once from one address without a valid token
    #[arg(id = "gateway_anonymous_burst", long = "gateway-anonymous-burst", env = "SHOPFLOOR_GATEWAY_ANONYMOUS_BURST", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Gateway")]
    pub anonymous_burst: u32,
    /// Requests under way at the same time
    #[arg(
        id = "gateway_concurrency",
        long = "gateway-concurrency",
        env = "SHOPFLOOR_GATEWAY_CONCURRENCY",
        default_value_t = 1024,
        help_heading = "Gateway"
    )]
    pub concurrency: usize,
    /// Requests under way at the same time for one API key, employee or address
    #[arg(id = "gateway_key_concurrency", long = "gateway-key-concurrency", env = "SHOPFLOOR_GATEWAY_KEY_CONCURRENCY", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Gateway")]
    pub key_concurrency: u32,
    /// Event streams open at the same time
    #[arg(
        id = "gateway_streams",
        long = "gateway-streams",
        env = "SHOPFLOOR_GATEWAY_STREAMS",
        default_value_t = 1000,
        help_heading = "Gateway"
    )]
    pub streams: usize,
    /// Event streams open at the same time for one API key or employee
    #[arg(id = "gateway_key_streams", long = "gateway-key-streams", env = "SHOPFLOOR_GATEWAY_KEY_STREAMS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Gateway")]
    pub key_streams: u32,
    /// Seconds between signs of life on a quiet event stream
    #[arg(id = "gateway_heartbeat_seconds", long = "gateway-heartbeat-seconds", env = "SHOPFLOOR_GATEWAY_HEARTBEAT_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=300), help_heading = "Gateway")]
    pub heartbeat_seconds: u64,
    /// Take the client's address from `x-forwarded-for`: only behind a proxy that always sets it
    #[arg(id = "gateway_behind_proxy", long = "gateway-behind-proxy", env = "SHOPFLOOR_GATEWAY_BEHIND_PROXY", default_value_t = false, action = clap::ArgAction::Set, help_heading = "Gateway")]
    pub behind_proxy: bool,
    /// Log a line for every request
    #[arg(id = "gateway_access_log", long = "gateway-access-log", env = "SHOPFLOOR_GATEWAY_ACCESS_LOG", default_value_t = true, action = clap::ArgAction::Set, help_heading = "Gateway")]
    pub access_log: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http_addr: SocketAddr::from(([127, 0, 0, 1], 8080)),
            backend: "http://127.0.0.1:7070".to_owned(),
            backends: Vec::new(),
            deadline_seconds: 15,
            max_body: 4 * 1024 * 1024,
            body_memory: 128 * 1024 * 1024,
            body_seconds: 30,
            header_seconds: 30,
            write_seconds: 30,
            max_connections: 4096,
            rate: 5000,
            burst: 10_000,
            anonymous_rate: 50,
            anonymous_burst: 200,
            concurrency: 1024,
            key_concurrency: 256,
            streams: 1000,
            key_streams: 50,
            heartbeat_seconds: 15,
            behind_proxy: false,
            access_log: true,
        }
    }
}

impl Config {
    /// Longest time a service may take.
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds)
    }

    /// Addresses by service name.
    pub(crate) fn addresses(&self) -> anyhow::Result<HashMap<String, String>> {
        self.backends
            .iter()
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let (name, url) = entry.split_once('=').with_context(|| {
                    format!("--gateway-backends has {entry:?}; write service=http://host:port, separated by commas")
                })?;
                Ok((name.trim().to_owned(), url.trim().to_owned()))
            })
            .collect()
    }

    /// Refuses settings that cannot work, with a sentence that says what to do.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(self.max_body >= 1024, "--gateway-max-body must be at least 1024 bytes");
        ensure!(
            self.body_memory >= self.max_body * 2,
            "--gateway-body-memory must be at least twice --gateway-max-body, or no large request ever fits"
        );
        ensure!(
            self.concurrency > 0 && self.max_connections > 0,
            "--gateway-concurrency and --gateway-max-connections must be above 0"
        );
        ensure!(
            self.burst >= self.rate / 100,
            "--gateway-burst is too small for --gateway-rate; give at least a hundredth"
        );
        Ok(())
    }
}
