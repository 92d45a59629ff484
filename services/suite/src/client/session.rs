#![doc = "Who calls: a token given, an API key, a signed-in employee, or the suite itself."]

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use proto::identity::v1::{RefreshSessionRequest, RefreshSessionResponse};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use super::api::ApiError;

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

/// A token that ends this soon is renewed first.
const MARGIN: Duration = Duration::seconds(30);

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
    Session(Arc<Mutex<Kept>>),
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
        Self::kept(session_file()?)
    }

    /// The session kept in `file`, or nobody.
    pub fn kept(file: PathBuf) -> anyhow::Result<Self> {
        Ok(match Session::load(&file)? {
            Some(session) => Self::Session(Arc::new(Mutex::new(Kept { file, session }))),
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
            Self::Session(kept) => {
                let mut kept = kept.lock().await;
                if kept.session.is_ending() {
                    kept.renew(http).await?;
                }
                Some(("authorization", format!("Bearer {}", kept.session.access_token)))
            }
        })
    }

    /// Gets new tokens after the header `refused` was not accepted (the clocks of two machines may differ). False when
    /// there is nothing to renew.
    pub async fn renewed(&self, http: &str, refused: &str) -> anyhow::Result<bool> {
        let Self::Session(kept) = self else { return Ok(false) };
        let mut kept = kept.lock().await;
        if refused == format!("Bearer {}", kept.session.access_token) {
            kept.renew(http).await?;
        }
        Ok(true)
    }
}

/// A session and the file it is kept in. Several commands may run at once and share it.
pub struct Kept {
    file: PathBuf,
    session: Session,
}

impl Kept {
    /// Takes the tokens another command has got in the meantime, or gets new ones. A refresh token works once, so one
    /// command at a time renews: the others wait for the lock and then read what it wrote.
    async fn renew(&mut self, http: &str) -> anyhow::Result<()> {
        let _lock = locked(self.file.with_extension("lock")).await?;
        let Some(kept) = Session::load(&self.file)? else {
            bail!("somebody signed out; run `shopfloor sign-in` again")
        };
        let others = kept.access_token != self.session.access_token;
        self.session = kept;
        if others && !self.session.is_ending() {
            return Ok(());
        }
        let http = self.session.home(http).to_owned();
        let api = super::api::Api::new(&http, Credentials::Nobody)?;
        let request = RefreshSessionRequest { refresh_token: self.session.refresh_token.clone() };
        let answer: anyhow::Result<RefreshSessionResponse> =
            Box::pin(api.call("shopfloor.identity.v1.AuthService/RefreshSession", &request)).await;
        let answer = answer.map_err(|error| match error.downcast_ref::<ApiError>() {
            Some(refusal) if refusal.status == 401 => {
                error.context("the session has ended; run `shopfloor sign-in` again")
            }
            _ => error.context("the session could not be renewed"),
        })?;
        self.session = Session::from_tokens(&answer.tokens.context("the answer has no tokens")?, &http);
        self.session.save(&self.file)
    }
}

/// Waits until nobody else holds the lock file; dropping the file gives it back.
async fn locked(path: PathBuf) -> anyhow::Result<File> {
    tokio::task::spawn_blocking(move || {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    })
    .await?
}

/// Tokens of a signed-in employee, as kept on disk (mode 0600).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    access_token: String,
    refresh_token: String,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// Where it was opened and is renewed.
    #[serde(default)]
    http: String,
}

impl Session {
    /// The gateway it was opened at, or `otherwise` where an older program did not write it down.
    pub fn home<'a>(&'a self, otherwise: &'a str) -> &'a str {
        if self.http.is_empty() { otherwise } else { &self.http }
    }

    /// The session of a fresh pair of tokens from the gateway at `http`.
    pub fn from_tokens(tokens: &proto::identity::v1::TokenPair, http: &str) -> Self {
        let expires_at = tokens.access_expires_at.as_ref().and_then(proto::from_timestamp);
        Self {
            access_token: tokens.access_token.clone(),
            refresh_token: tokens.refresh_token.clone(),
            expires_at: expires_at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
            http: http.to_owned(),
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

    fn is_ending(&self) -> bool {
        self.expires_at - OffsetDateTime::now_utc() < MARGIN
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
