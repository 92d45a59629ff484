#![doc = "`shopfloor first-administrator`: whoever installs the suite in a cluster lets the first person in."]

use anyhow::{Context, bail};
use clap::Args;
use sqlx::{Connection as _, PgConnection};
use time::OffsetDateTime;

use crate::say;

/// `shopfloor first-administrator`
#[derive(Debug, Args)]
pub struct FirstAdministratorArgs {
    /// Database of identity, which has been started there once
    #[arg(long, env = "SHOPFLOOR_IDENTITY_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    identity_database_url: String,
}

/// Creates the first administrator and says the one-time password.
pub async fn create(args: FirstAdministratorArgs) -> anyhow::Result<()> {
    let connected = PgConnection::connect(&args.identity_database_url).await;
    let mut conn = connected.context("the database of identity cannot be reached; check --identity-database-url")?;
    let mut tx = conn.begin().await?;
    let created = identity::bootstrap(&mut tx, OffsetDateTime::now_utc()).await;
    let created = created.context("has identity been started once on this database? It makes its tables then")?;
    let Some(created) = created else {
        bail!("there are employees already; an administrator among them makes others (EmployeeService/CreateEmployee)");
    };
    // Said before it counts: a password nobody saw would lock everybody out.
    say::line(&format!("login {}, one-time password {}", created.login, created.password))?;
    tx.commit().await?;
    conn.close().await?;
    say::line("The first `shopfloor sign-in` asks for a new one.")
}
