//! `make chaos`: faults into a running company, then every promise checked from outside.
//!
//! Reading order: [`run`] (a run from start to verdict), [`trouble`] (what happens to the company), [`load`] (what its
//! clients do), [`history`] and [`recorder`] (what is written down, before it is sent), [`nemesis`] (what goes wrong),
//! [`settle`] (until all is quiet), [`picture`] (what is there then), [`check`] (the promises), [`report`] (what people
//! see). Beside it [`scenarios`], which need companies of their own.

mod check;
mod history;
mod load;
mod nemesis;
mod picture;
mod recorder;
mod report;
mod run;
mod sample;
mod scenarios;
mod settle;
mod trouble;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = run::Args::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("threads cannot be started")),
    };
    match runtime.block_on(Box::pin(run::run(args))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    // Nobody is left to be told when this cannot be written.
    suite::say::line(&format!("chaos: {error:#}")).ok();
    ExitCode::FAILURE
}
