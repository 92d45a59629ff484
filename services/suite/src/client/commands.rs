#![doc = "The client subcommands: call, rpcs, sign-in, sign-out, dead-letters, replay."]

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::process::Command;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use prost_reflect::DynamicMessage;
use proto::identity::v1::{ChangePasswordRequest, ChangePasswordResponse, SignInRequest, SignInResponse};
use proto::identity::v1::{SignOutRequest, SignOutResponse};
use serde_json::{Value, json};

use super::api::{Api, ApiError};
use super::session::{Connection, Credentials, Session, session_file};
use super::{grpc, methods};
use crate::say;

/// Services that keep events.
const WITH_EVENTS: [&str; 7] = ["orders", "erp", "crm", "kpi", "tasks", "knowledge", "identity"];

/// `shopfloor call`
#[derive(Debug, Args)]
pub struct CallArgs {
    #[command(flatten)]
    connection: Connection,
    /// RPC, for example `OrderService/ListOrders`.
    method: String,
    /// Request as JSON; `-` reads it from standard input.
    #[arg(default_value = "{}")]
    request: String,
}

/// `shopfloor rpcs`
#[derive(Debug, Args)]
pub struct RpcsArgs {
    /// Only RPCs whose name, permission or route contains this text.
    filter: Option<String>,
    /// Print Markdown instead of plain columns.
    #[arg(long)]
    markdown: bool,
}

/// `shopfloor sign-in`
#[derive(Debug, Args)]
pub struct SignInArgs {
    #[command(flatten)]
    connection: Connection,
    /// Login of the employee.
    #[arg(default_value = "admin")]
    login: String,
    /// Password; asked for when not given.
    #[arg(long, env = "SHOPFLOOR_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Password to set when the present one is a one-time password; asked for when not given.
    #[arg(long, env = "SHOPFLOOR_NEW_PASSWORD", hide_env_values = true)]
    new_password: Option<String>,
}

/// `shopfloor sign-out`
#[derive(Debug, Args)]
pub struct SignOutArgs {
    #[command(flatten)]
    connection: Connection,
}

/// `shopfloor token`
#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(flatten)]
    connection: Connection,
}

/// `shopfloor dead-letters`
#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    what: DeadLettersCommand,
}

#[derive(Debug, Subcommand)]
enum DeadLettersCommand {
    /// List events that could not be applied.
    List {
        /// One service only.
        #[arg(long)]
        service: Option<String>,
    },
    /// Make dead letters due again.
    Retry {
        /// Service they belong to.
        #[arg(long)]
        service: String,
        /// Their ids; all dead ones when none is named.
        ids: Vec<i64>,
    },
}

/// `shopfloor replay`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    connection: Connection,
    /// Service whose events are published again.
    #[arg(long)]
    service: String,
    /// Events from this moment on, for example `2026-03-01T00:00:00Z`.
    #[arg(long)]
    since: Option<String>,
    /// Events before this moment.
    #[arg(long)]
    until: Option<String>,
    /// Events of this name, for example `order_placed`.
    #[arg(long = "type")]
    event: Option<String>,
    /// Events of one aggregate, for example an order id.
    #[arg(long)]
    aggregate: Option<String>,
}

/// Calls one RPC and prints its answers as JSON.
pub async fn call(args: CallArgs) -> anyhow::Result<()> {
    let mut request = args.request;
    if request == "-" {
        request.clear();
        std::io::stdin().read_to_string(&mut request).context("standard input cannot be read")?;
    }
    run(&args.connection, &args.method, &request, |answer| say::line(&grpc::to_json(&answer)?)).await
}

async fn run(
    connection: &Connection,
    method: &str,
    request: &str,
    each: impl FnMut(DynamicMessage) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let method = methods::find(method)?;
    let message = grpc::request_from_json(&method, request)?;
    grpc::call(connection, &Credentials::of(connection)?, &method, message, each).await
}

/// One answer as JSON.
async fn ask(connection: &Connection, method: &str, request: &Value) -> anyhow::Result<Value> {
    let mut answer = Value::Null;
    run(connection, method, &request.to_string(), |message| {
        answer = serde_json::from_str(&grpc::to_json(&message)?)?;
        Ok(())
    })
    .await?;
    Ok(answer)
}

/// Lists all RPCs with permission and route.
pub fn rpcs(args: &RpcsArgs) -> anyhow::Result<()> {
    let wanted = args.filter.as_deref().unwrap_or_default().to_lowercase();
    let rows: Vec<[String; 3]> = methods::all()
        .iter()
        .map(|m| {
            let name = m.full_name().trim_start_matches("shopfloor.").to_owned();
            let route = m.route.as_ref().map_or_else(|| "gRPC only".to_owned(), |r| format!("{} {}", r.verb, r.path));
            [name, m.permission.clone(), route]
        })
        .filter(|row| row.iter().any(|cell| cell.to_lowercase().contains(&wanted)))
        .collect();
    if args.markdown {
        say::line("| RPC | permission | HTTP |\n|---|---|---|")?;
        return rows.iter().try_for_each(|[a, b, c]| say::line(&format!("| `{a}` | `{b}` | `{c}` |")));
    }
    let width = |column: usize| rows.iter().map(|r| r[column].len()).max().unwrap_or_default();
    let (first, second) = (width(0), width(1));
    for [name, permission, route] in &rows {
        say::line(&format!("{name:first$}  {permission:second$}  {route}"))?;
    }
    say::line(&format!("{} RPCs", rows.len()))
}

/// Signs an employee in and keeps the session.
pub async fn sign_in(args: SignInArgs) -> anyhow::Result<()> {
    let api = Api::new(&args.connection.http, Credentials::Nobody)?.impatient();
    let mut password = match args.password {
        Some(password) => password,
        None => ask_password(&format!("Password of {}: ", args.login))?,
    };
    let mut answer = try_sign_in(&api, &args.login, &password).await;
    if refused_for(&answer, "PASSWORD_CHANGE_REQUIRED") {
        let fresh = match args.new_password {
            Some(password) => password,
            None => ask_password("This is a one-time password. New password (12 characters or more): ")?,
        };
        let request =
            ChangePasswordRequest { login: args.login.clone(), old_password: password, new_password: fresh.clone() };
        let _: ChangePasswordResponse = api.call("shopfloor.identity.v1.AuthService/ChangePassword", &request).await?;
        password = fresh;
        answer = try_sign_in(&api, &args.login, &password).await;
    }
    let tokens = answer?.tokens.context("the answer has no tokens")?;
    let file = session_file()?;
    Session::from_tokens(&tokens, &args.connection.http).save(&file)?;
    say::line(&format!("Signed in as {}; the session is kept in {}.", args.login, file.display()))
}

async fn try_sign_in(api: &Api, login: &str, password: &str) -> anyhow::Result<SignInResponse> {
    let request = SignInRequest { login: login.to_owned(), password: password.to_owned() };
    api.call("shopfloor.identity.v1.AuthService/SignIn", &request).await
}

fn refused_for<T>(answer: &anyhow::Result<T>, reason: &str) -> bool {
    let error = answer.as_ref().err().and_then(|e| e.downcast_ref::<ApiError>());
    error.is_some_and(|e| e.reason == reason)
}

fn ask_password(prompt: &str) -> anyhow::Result<String> {
    let terminal = std::io::stdin().is_terminal();
    let echo = |on: bool| {
        if terminal {
            // A machine without stty shows the password; that is no reason to refuse.
            let _ = Command::new("stty").arg(if on { "echo" } else { "-echo" }).status();
        }
    };
    say::part(prompt)?;
    echo(false);
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    echo(true);
    say::line("")?;
    read.context("the password cannot be read")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!("no password was given; type it or set SHOPFLOOR_PASSWORD");
    }
    Ok(password)
}

/// Ends the session kept on this machine.
pub async fn sign_out(args: SignOutArgs) -> anyhow::Result<()> {
    let file = session_file()?;
    let Some(session) = Session::load(&file)? else {
        return say::line("Nobody is signed in.");
    };
    let api = Api::new(session.home(&args.connection.http), Credentials::Nobody)?.impatient();
    let request = SignOutRequest { refresh_token: session.refresh_token().to_owned() };
    let _: SignOutResponse = api.call("shopfloor.identity.v1.AuthService/SignOut", &request).await?;
    std::fs::remove_file(&file).with_context(|| format!("cannot delete {}", file.display()))?;
    say::line("Signed out.")
}

/// Prints an access token of the kept session, renewed when it is about to run out.
pub async fn token(args: TokenArgs) -> anyhow::Result<()> {
    match Credentials::of(&args.connection)?.header(&args.connection.http).await? {
        Some(("authorization", value)) => say::line(value.trim_start_matches("Bearer ")),
        Some(_) => bail!("an API key is its own token: send it as `x-api-key`"),
        None => bail!("nobody is signed in; run `shopfloor sign-in`"),
    }
}

/// Lists or retries dead letters.
pub async fn dead_letters(args: DeadLettersArgs) -> anyhow::Result<()> {
    match args.what {
        DeadLettersCommand::List { service } => {
            let services = service.map_or_else(|| WITH_EVENTS.map(str::to_owned).to_vec(), |one| vec![one]);
            let mut count = 0;
            for service in services {
                count += list_dead_letters(&args.connection, &service).await?;
            }
            say::line(&format!("{count} dead letters"))
        }
        DeadLettersCommand::Retry { service, ids } => {
            let request = json!({"service": service, "dead_letter_ids": ids});
            let answer = ask(&args.connection, "MessagingService/RetryDeadLetters", &request).await?;
            say::line(&format!("{} dead letters are due again", text(&answer, "retried")))
        }
    }
}

async fn list_dead_letters(connection: &Connection, service: &str) -> anyhow::Result<usize> {
    let (mut count, mut token) = (0, String::new());
    loop {
        let request = json!({"service": service, "page": {"page_size": 200, "page_token": token}});
        let answer = ask(connection, "MessagingService/ListDeadLetters", &request).await?;
        for letter in answer["dead_letters"].as_array().into_iter().flatten() {
            count += 1;
            let cells = ["dead_letter_id", "state", "consumer", "event_type", "aggregate_id", "attempts", "created_at"];
            let row: Vec<_> = cells.iter().map(|cell| text(letter, cell)).collect();
            say::line(&format!("{service}  {}\n    {}", row.join("  "), text(letter, "error")))?;
        }
        token = text(&answer["page"], "next_page_token");
        if token.is_empty() {
            return Ok(count);
        }
    }
}

/// Publishes events of an outbox again.
pub async fn replay(args: ReplayArgs) -> anyhow::Result<()> {
    let mut request = json!({"service": args.service});
    let conditions =
        [("since", args.since), ("until", args.until), ("event_name", args.event), ("aggregate_id", args.aggregate)];
    for (field, value) in conditions {
        if let Some(value) = value {
            request[field] = Value::String(value);
        }
    }
    if request.as_object().is_some_and(|fields| fields.len() == 1) {
        bail!("say which events: --since, --until, --type or --aggregate");
    }
    let answer = ask(&args.connection, "MessagingService/Replay", &request).await?;
    say::line(&format!("{} events of {} will be published again", text(&answer, "events"), args.service))
}

fn text(object: &Value, field: &str) -> String {
    match &object[field] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
