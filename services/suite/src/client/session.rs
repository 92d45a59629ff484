#![doc = "Who calls: a token given, an API key, a signed-in employee, or the suite itself."]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

/// Where a running suite is and who calls it.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// Address of the gateway's HTTP API.
    #[arg(long, env = "SHOPFLOOR_HTTP", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub http: String,
    /// Address of the gRPC listener.
    #[arg(long, env = "SHOPFLOOR_GRPC", default_value = "http://127.0.0.1:7070", value_name = "URL")]
    pub grpc: String,
    /// Access token to call with, instead of the one kept by `shopfloor sign-in`.
    #[arg(long, env = "SHOPFLOOR_TOKEN", hide_env_values = true, value_name = "JWT")]
    pub token: Option<String>,
    /// API key to call with, instead of a token.
    #[arg(long, env = "SHOPFLOOR_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub api_key: Option<String>,
}

/// Makes a token of the suite's own, valid for some minutes.
pub type Mint = Arc<dyn Fn() -> anyhow::Result<String> + Send + Sync>;

/// What is put on each call.
#[derive(Clone)]
pub enum Credentials {
    /// Nothing: public RPCs only.
    Nobody,
    /// A token given on the command line.
    Token(String),
    /// An API key.
    ApiKey(String),
    /// The employee signed in on this machine; renewed when it runs out.
    Session(Arc<Mutex<Session>>),
    /// The process that runs the services calls itself.
    Own(Mint),
}

impl Credentials {
    /// As the command line says: a token, an API key, else the session kept on this machine, else nobody.
    pub fn of(connection: &Connection) -> anyhow::Result<Self> {
        if let Some(token) = &connection.token {
            return Ok(Self::Token(token.clone()));
        }
        if let Some(key) = &connection.api_key {
            return Ok(Self::ApiKey(key.clone()));
        }
        Ok(match Session::load(&session_file()?)? {
            Some(session) => Self::Session(Arc::new(Mutex::new(session))),
            None => Self::Nobody,
        })
    }

    /// Name and value of the header to send, renewing the session at `http` when it is about to run out.
    pub async fn header(&self, http: &str) -> anyhow::Result<Option<(&'static str, String)>> {
        Ok(match self {
            Self::Nobody => None,
            Self::Token(token) => Some(("authorization", format!("Bearer {token}"))),
            Self::ApiKey(key) => Some(("x-api-key", key.clone())),
            Self::Own(mint) => Some(("authorization", format!("Bearer {}", mint()?))),
            Self::Session(session) => {
                let mut session = session.lock().await;
                if session.expires_at - OffsetDateTime::now_utc() < Duration::seconds(30) {
                    session.renew(http).await.context("the session has run out; run `shopfloor sign-in` again")?;
                }
                Some(("authorization", format!("Bearer {}", session.access_token)))
            }
        })
    }
}

/// Tokens of a signed-in employee, as kept on disk (mode 0600).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    access_token: String,
    refresh_token: String,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl Session {
    /// The session of a fresh pair of tokens.
    pub fn from_tokens(tokens: &proto::identity::v1::TokenPair) -> Self {
        let expires_at = tokens.access_expires_at.as_ref().and_then(proto::from_timestamp);
        Self {
            access_token: tokens.access_token.clone(),
            refresh_token: tokens.refresh_token.clone(),
            expires_at: expires_at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        }
    }

    /// Reads a kept session; `None` when nobody signed in.
    pub fn load(path: &Path) -> anyhow::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| {
                format!("{} is not a session file; delete it and run `shopfloor sign-in`", path.display())
            })?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Keeps the session, readable by its owner only.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        write_private(path, &serde_json::to_vec_pretty(self)?)
    }

    /// The token that can be exchanged for a new pair.
    pub fn refresh_token(&self) -> &str {
        &self.refresh_token
    }

    async fn renew(&mut self, http: &str) -> anyhow::Result<()> {
        let api = super::api::Api::new(http, Credentials::Nobody)?;
        let request = proto::identity::v1::RefreshSessionRequest { refresh_token: self.refresh_token.clone() };
        let answer: proto::identity::v1::RefreshSessionResponse =
            Box::pin(api.call("shopfloor.identity.v1.AuthService/RefreshSession", &request)).await?;
        *self = Self::from_tokens(&answer.tokens.context("the answer has no tokens")?);
        self.save(&session_file()?)
    }
}

/// Writes a file only its owner may read, replacing an older one in one step.
pub fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .with_context(|| format!("cannot write {}", fresh.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path).with_context(|| format!("cannot write {}", path.display()))
}

/// Where the session is kept: `$XDG_CONFIG_HOME/shopfloor/session.json`, else below `~/.config`.
pub fn session_file() -> anyhow::Result<PathBuf> {
    let base = match std::env::var_os("XDG_CONFIG_HOME").filter(|v| !v.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => {
            PathBuf::from(std::env::var_os("HOME").context("neither XDG_CONFIG_HOME nor HOME is set")?).join(".config")
        }
    };
    Ok(base.join("shopfloor").join("session.json"))
}
