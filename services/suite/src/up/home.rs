#![doc = "The home folder of `shopfloor up`: who holds it, its secrets, and what was done before."]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rand::Rng as _;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};

use crate::client::session::write_private;
use crate::services::Name;

/// Passwords and keys; kept in a file only its owner can read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Secrets {
    /// Shared by all services.
    pub internal_secret: String,
    /// Password of each service's database role.
    pub database_passwords: BTreeMap<String, String>,
    /// Password of the role that may only read the figures of kpi, for dashboards.
    #[serde(default)]
    pub reader_password: String,
    /// The demo shop's API key.
    #[serde(default)]
    pub shop_api_key: Option<String>,
    /// The administrator's password of the first start.
    #[serde(default)]
    pub one_time_password: Option<String>,
}

/// What was done in this home before.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// Size of the demo company, once its loading has begun.
    pub demo_scale: Option<String>,
    /// Last day of its history.
    pub demo_last_day: Option<time::Date>,
    /// True once it is loaded.
    #[serde(default)]
    pub demo_loaded: bool,
}

/// The folder, held by this process.
pub struct Home {
    path: PathBuf,
    /// Secrets.
    pub secrets: Secrets,
    /// State.
    pub state: State,
    _lock: File,
}

/// `/var/lib/shopfloor` for root, `~/.local/share/shopfloor` for everybody else.
pub fn default_path() -> anyhow::Result<PathBuf> {
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/shopfloor"));
    }
    let home = std::env::var_os("HOME").context("HOME is not set; name a folder with --home")?;
    Ok(PathBuf::from(home).join(".local/share/shopfloor"))
}

impl Home {
    /// Opens or makes the folder.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path)
            .with_context(|| format!("cannot make the folder {}; name another with --home", path.display()))?;
        // The server's own user must be able to pass through, not to look around.
        fs::set_permissions(path, Permissions::from_mode(0o711))
            .with_context(|| format!("the folder {} is not ours; name another with --home", path.display()))?;
        let path = path.canonicalize()?;
        let lock = hold(&path)?;
        let mut secrets: Secrets = read(&path.join("secrets.json"))?.unwrap_or_default();
        if secrets.internal_secret.is_empty() {
            secrets.internal_secret = random_text(48);
        }
        if secrets.reader_password.is_empty() {
            secrets.reader_password = random_text(32);
        }
        for name in Name::ALL.into_iter().filter(|name| name.has_database()) {
            secrets.database_passwords.entry(name.word().to_owned()).or_insert_with(|| random_text(32));
        }
        let state = read(&path.join("state.json"))?.unwrap_or_default();
        let home = Self { path, secrets, state, _lock: lock };
        home.save()?;
        Ok(home)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes secrets and state.
    pub fn save(&self) -> anyhow::Result<()> {
        write_private(&self.path.join("secrets.json"), &serde_json::to_vec_pretty(&self.secrets)?)?;
        write_private(&self.path.join("state.json"), &serde_json::to_vec_pretty(&self.state)?)
    }
}

fn hold(path: &Path) -> anyhow::Result<File> {
    let name = path.join("lock");
    let mut lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&name)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            lock.read_to_string(&mut holder)?;
            bail!(
                "a suite already runs in {} (process {}); use that one, end it, or name another folder with --home",
                path.display(),
                holder.trim()
            );
        }
        Err(TryLockError::Error(error)) => return Err(error).context("the home folder cannot be locked"),
    }
    lock.set_len(0)?;
    write!(lock, "{}", std::process::id())?;
    Ok(lock)
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> anyhow::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(
            serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is damaged; restore or delete it", path.display()))?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn random_text(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_random_private_and_kept() {
        let folder = std::env::temp_dir().join(format!("shopfloor-home-{}-{}", std::process::id(), random_text(8)));
        let first = Home::open(&folder).unwrap();
        let (secret, password) =
            (first.secrets.internal_secret.clone(), first.secrets.database_passwords["orders"].clone());
        assert!(secret.len() >= 32 && secret != password);
        let mode = fs::metadata(folder.join("secrets.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(first);
        let second = Home::open(&folder).unwrap();
        assert_eq!(second.secrets.internal_secret, secret);
        drop(second);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_second_suite_in_the_same_home_is_refused_with_a_sentence() {
        let folder = std::env::temp_dir().join(format!("shopfloor-home-{}-{}", std::process::id(), random_text(8)));
        let first = Home::open(&folder).unwrap();
        let refusal = Home::open(&folder).err().unwrap().to_string();
        assert!(refusal.contains("already runs") && refusal.contains("--home"), "{refusal}");
        drop(first);
        fs::remove_dir_all(folder).unwrap();
    }
}
