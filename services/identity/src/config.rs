//! Settings of the identity service.

use clap::Args;

/// Settings of the identity service.
#[derive(Args, Debug, Clone)]
#[group(skip)]
pub struct Config {
    /// Minutes an employee's access token lives
    #[arg(
        id = "identity_access_minutes",
        long = "identity-access-minutes",
        env = "SHOPFLOOR_IDENTITY_ACCESS_MINUTES",
        default_value_t = 15,
        value_parser = clap::value_parser!(u16).range(1..=60)
    )]
    pub access_minutes: u16,
    /// Minutes a token exchanged for an API key lives: so long shops go on while identity is away. The gateway asks about
    /// a key in use every quarter of a minute, so that a revoked one stops; only a token somebody exchanged without the
    /// gateway lives on
    #[arg(
        id = "identity_api_key_minutes",
        long = "identity-api-key-minutes",
        env = "SHOPFLOOR_IDENTITY_API_KEY_MINUTES",
        default_value_t = 5,
        value_parser = clap::value_parser!(u16).range(1..=60)
    )]
    pub api_key_minutes: u16,
    /// Days a session lives without being refreshed
    #[arg(
        id = "identity_session_days",
        long = "identity-session-days",
        env = "SHOPFLOOR_IDENTITY_SESSION_DAYS",
        default_value_t = 14,
        value_parser = clap::value_parser!(u16).range(1..=365)
    )]
    pub session_days: u16,
    /// Seconds a refresh token may be presented again after its first use, because an answer can be lost on its way
    #[arg(
        id = "identity_refresh_leeway_seconds",
        long = "identity-refresh-leeway-seconds",
        env = "SHOPFLOOR_IDENTITY_REFRESH_LEEWAY_SECONDS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u16).range(0..=300)
    )]
    pub refresh_leeway_seconds: u16,
    /// Days after which a new signing key is made
    #[arg(
        id = "identity_key_days",
        long = "identity-key-days",
        env = "SHOPFLOOR_IDENTITY_KEY_DAYS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u16).range(1..=365)
    )]
    pub key_days: u16,
    /// Seconds a new signing key is published before tokens are signed with it; longer than verifiers keep the key set
    #[arg(
        id = "identity_key_grace_seconds",
        long = "identity-key-grace-seconds",
        env = "SHOPFLOOR_IDENTITY_KEY_GRACE_SECONDS",
        default_value_t = 600,
        value_parser = clap::value_parser!(u32).range(0..=86_400)
    )]
    pub key_grace_seconds: u32,
    /// Passwords checked at the same time; each takes 19 MiB and one core for some 20 ms
    #[arg(
        id = "identity_password_workers",
        long = "identity-password-workers",
        env = "SHOPFLOOR_IDENTITY_PASSWORD_WORKERS",
        default_value_t = 2,
        value_parser = clap::value_parser!(u16).range(1..=64)
    )]
    pub password_workers: u16,
    /// Count failed sign-ins by the `x-forwarded-for` address the gateway adds instead of the peer's own address
    #[arg(
        id = "identity_trust_forwarded",
        long = "identity-trust-forwarded",
        env = "SHOPFLOOR_IDENTITY_TRUST_FORWARDED",
        default_value_t = true,
        action = clap::ArgAction::Set
    )]
    pub trust_forwarded: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            access_minutes: 15,
            api_key_minutes: 5,
            session_days: 14,
            refresh_leeway_seconds: 30,
            key_days: 30,
            key_grace_seconds: 600,
            password_workers: 2,
            trust_forwarded: true,
        }
    }
}
