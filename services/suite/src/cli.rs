#![doc = "The command line."]

use clap::{Parser, Subcommand};

use crate::administrator::{self, FirstAdministratorArgs};
use crate::client::commands::{
    self, CallArgs, DeadLettersArgs, ReplayArgs, RpcsArgs, SignInArgs, SignOutArgs, TokenArgs,
};
use crate::demo::command::DemoArgs;
use crate::retail::command::ReplayOrdersArgs;
use crate::serve::ServeArgs;
use crate::up::UpArgs;
use crate::{demo, retail, serve, up};

/// Shopfloor: everything behind an online shop. `shopfloor up` runs it all on this machine.
#[derive(Debug, Parser)]
#[command(name = "shopfloor", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole suite on this machine with its own Postgres and NATS, and show a demo company at work.
    Up(Box<UpArgs>),
    /// Run one or more services against given Postgres and NATS.
    Serve(Box<ServeArgs>),
    /// Create the first administrator of a suite that runs in a cluster, and print the one-time password.
    FirstAdministrator(FirstAdministratorArgs),
    /// Call any RPC: JSON in, JSON out.
    Call(CallArgs),
    /// List all RPCs with the permission each needs and its HTTP route.
    Rpcs(RpcsArgs),
    /// Sign in and keep the session on this machine.
    SignIn(SignInArgs),
    /// End the session kept on this machine.
    SignOut(SignOutArgs),
    /// Print an access token of the session kept on this machine, for `curl` and other programs.
    Token(TokenArgs),
    /// List or retry events that could not be applied.
    DeadLetters(DeadLettersArgs),
    /// Publish events of a service again.
    Replay(ReplayArgs),
    /// Load the demo company into a running suite.
    Demo(DemoArgs),
    /// Push the UCI Online Retail file through the HTTP API of a running suite.
    ReplayOrders(ReplayOrdersArgs),
}

/// Does what the command line says. `false` means that something did not come out as it should.
pub async fn run(cli: Cli) -> anyhow::Result<bool> {
    match cli.command {
        Command::Up(args) => return Box::pin(up::run(*args)).await,
        Command::Serve(args) => Box::pin(serve::run(*args)).await?,
        Command::FirstAdministrator(args) => administrator::create(args).await?,
        Command::Call(args) => commands::call(args).await?,
        Command::Rpcs(args) => commands::rpcs(&args)?,
        Command::SignIn(args) => commands::sign_in(args).await?,
        Command::SignOut(args) => commands::sign_out(args).await?,
        Command::Token(args) => commands::token(args).await?,
        Command::DeadLetters(args) => commands::dead_letters(args).await?,
        Command::Replay(args) => commands::replay(args).await?,
        Command::Demo(args) => demo::command::run(args).await?,
        Command::ReplayOrders(args) => retail::command::run(args).await?,
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_setting_is_a_flag_and_an_environment_variable_and_is_explained() {
        for name in ["serve", "up"] {
            let mut cli = Cli::command();
            let command = cli.find_subcommand_mut(name).unwrap();
            command.build();
            for argument in command.get_arguments().filter(|a| !a.is_positional()) {
                let long = argument.get_long().unwrap_or_default();
                if ["help", "version"].contains(&long) {
                    continue;
                }
                assert!(argument.get_help().is_some(), "{name} --{long} is not explained");
                assert!(argument.get_env().is_some(), "{name} --{long} has no environment variable");
            }
        }
    }
}
