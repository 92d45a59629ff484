//! Looks at the running company: what must hold at every moment is asked for during the load, too.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::history::Outcome;
use crate::load::door::{Doors, Who};
use crate::load::world::{family, goods};
use crate::recorder::Recorder;

const EVERY: Duration = Duration::from_millis(1_500);

/// Looks again and again until told to stop. What does not answer during a fault is looked at later.
pub(crate) async fn run(
    doors: &Doors,
    recorder: &Recorder,
    clients: u32,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let availability = json!({"skus": goods()});
    for round in 0_u64.. {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
        let client = u32::try_from(round % u64::from(clients.max(1))).unwrap_or(0);
        let looks = [
            ("ledger", "GET", "/v1/erp/ledger:verify", Value::Null),
            ("availability", "POST", "/v1/erp/stock:availability", availability.clone()),
            ("import", "POST", "/v1/products:batchGet", json!({"skus": family(client)})),
        ];
        for (what, verb, path, body) in looks {
            let answer = doors.send(round, Who::Staff, verb, path, &body).await;
            if answer.outcome == Outcome::Ok {
                recorder.sample(what, answer.body)?;
            }
        }
    }
    Ok(())
}
