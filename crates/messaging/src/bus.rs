//! The connection to NATS and the streams on it.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use async_nats::{
    Client, ConnectOptions, ServerAddr,
    jetstream::{self, stream},
};
use tokio::sync::watch;

/// How to reach the broker and what to ask of it.
#[derive(Clone, Debug)]
pub struct BusOptions {
    /// Address such as `nats://127.0.0.1:4222`.
    pub url: String,
    /// Name shown in the broker's monitoring.
    pub name: String,
    /// How long the streams keep events. The outbox keeps them on; see `replay`.
    pub max_age: Duration,
    /// Copies of each stream in a cluster (1 or 3).
    pub replicas: usize,
}

impl Default for BusOptions {
    fn default() -> Self {
        Self {
            url: "nats://127.0.0.1:4222".to_owned(),
            name: "shopfloor".to_owned(),
            max_age: Duration::from_secs(7 * 24 * 3600),
            replicas: 1,
        }
    }
}

/// A connection to NATS. It is made in the background and remade for ever; nothing here waits for the broker to be up.
#[derive(Clone)]
pub struct Bus {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    options: Arc<BusOptions>,
    connects: watch::Receiver<u64>,
}

/// A deadline for every request to the broker.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

impl Bus {
    /// Starts connecting.
    ///
    /// # Errors
    /// When the address cannot be understood.
    pub async fn connect(options: BusOptions) -> anyhow::Result<Self> {
        let (count, connects) = watch::channel(0u64);
        let count = Arc::new(count);
        let client = authorised(&options.url)
            .name(&options.name)
            .retry_on_initial_connect()
            .max_reconnects(None)
            .connection_timeout(Duration::from_secs(2))
            .request_timeout(Some(REQUEST_TIMEOUT))
            .ping_interval(Duration::from_secs(10))
            .reconnect_delay_callback(|attempt| {
                // 50 ms, doubled up to two seconds: a broker that restarts is found again at once.
                Duration::from_millis(50 << attempt.min(5)).min(Duration::from_secs(2))
            })
            .event_callback(move |event| {
                let count = count.clone();
                async move {
                    match event {
                        async_nats::Event::Connected => {
                            count.send_modify(|connects| *connects += 1);
                            tracing::info!("broker connected");
                        }
                        async_nats::Event::Disconnected => tracing::warn!("broker disconnected"),
                        other => tracing::debug!(event = %other, "broker event"),
                    }
                }
            })
            .connect(&options.url)
            .await
            .context("cannot use the broker address")?;
        let jetstream = jetstream::ContextBuilder::new()
            .timeout(REQUEST_TIMEOUT)
            .ack_timeout(REQUEST_TIMEOUT)
            .max_ack_inflight(4096)
            .build(client.clone());
        Ok(Self { client, jetstream, options: Arc::new(options), connects })
    }

    /// Counts up with each (re)connection.
    pub(crate) fn connects(&self) -> watch::Receiver<u64> {
        self.connects.clone()
    }

    /// Whether the broker can be reached right now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// The stream of a service's events, made if it is not there.
    pub(crate) async fn stream(&self, service: &str) -> anyhow::Result<stream::Stream> {
        let config = stream::Config {
            name: stream_name(service),
            subjects: vec![format!("shopfloor.{service}.v1.>")],
            max_age: self.options.max_age,
            duplicate_window: Duration::from_secs(120),
            num_replicas: self.options.replicas,
            storage: stream::StorageType::File,
            discard: stream::DiscardPolicy::Old,
            ..Default::default()
        };
        self.jetstream
            .get_or_create_stream(config)
            .await
            .with_context(|| format!("cannot open the stream of {service}"))
    }

    /// Sends what is buffered and closes the subscriptions.
    pub async fn drain(&self) {
        if let Err(error) = tokio::time::timeout(Duration::from_secs(2), self.client.drain()).await {
            tracing::debug!(%error, "broker connection not drained in time");
        }
    }
}

/// Options with the user and password of an address `nats://user:password@host:port`; the client library reads only the rest of it.
fn authorised(url: &str) -> ConnectOptions {
    match url.parse::<ServerAddr>() {
        Ok(address) => match (address.username(), address.password()) {
            (Some(user), Some(password)) => {
                ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
            }
            _ => ConnectOptions::new(),
        },
        Err(_) => ConnectOptions::new(),
    }
}

/// Name of the stream of a service's events.
pub(crate) fn stream_name(service: &str) -> String {
    format!("SHOPFLOOR_{}", service.to_uppercase())
}
