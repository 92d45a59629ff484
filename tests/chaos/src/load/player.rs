//! An operation from its key to its last answer: written down, sent, repeated with the same key, read back.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::bodies::Draft;
use super::door::{Answer, Doors, Who};
use crate::history::{Kind, Op, Outcome};
use crate::recorder::Recorder;

/// Sends operations and writes them down.
#[derive(Clone)]
pub(crate) struct Player {
    /// Doors of the company.
    pub(crate) doors: Arc<Doors>,
    /// The log.
    pub(crate) recorder: Recorder,
    /// Number of the client.
    pub(crate) client: u32,
}

/// How an operation is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// How often it is repeated with the same key while it stays open.
    pub(crate) persistence: u32,
    /// Sent once more after it was acknowledged.
    pub(crate) once_more: bool,
    /// Gateway it goes to first; each repeat goes to the next.
    pub(crate) gateway: u64,
}

/// What became of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// Its number.
    pub(crate) id: u64,
    /// The acknowledging answer, when there was one.
    pub(crate) answer: Option<Value>,
}

/// Pause before the first repeat; doubled up to [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

impl Player {
    fn op(&self, draft: &Draft, of: Option<u64>) -> Op {
        Op {
            id: 0,
            client: self.client,
            kind: draft.kind,
            key: draft.key.clone(),
            of,
            verb: draft.verb.to_owned(),
            path: draft.path.clone(),
            body: draft.body.clone(),
            attempts: Vec::new(),
        }
    }

    async fn send(&self, id: u64, gateway: u64, draft: &Draft) -> anyhow::Result<Answer> {
        let attempt = self.recorder.sent(id)?;
        let answer = self.doors.send(gateway, draft.who, draft.verb, &draft.path, &draft.body).await;
        self.recorder.answered(id, attempt, answer.status, answer.outcome, answer.body.clone())?;
        Ok(answer)
    }

    /// Does an operation. An error means that the log cannot be written.
    pub(crate) async fn play(&self, draft: &Draft, of: Option<u64>, manner: Manner) -> anyhow::Result<Done> {
        let id = self.recorder.plan(self.op(draft, of))?;
        let (mut answer, mut pause) = (None, PAUSE);
        for repeat in 0..=manner.persistence {
            if repeat > 0 {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST);
            }
            let got = self.send(id, manner.gateway + u64::from(repeat), draft).await?;
            match got.outcome {
                Outcome::Ok => {
                    answer = Some(got.body);
                    break;
                }
                // Asked to come later: nothing was done, the same may be sent again.
                Outcome::Refused if got.status != 429 => break,
                _ => {}
            }
        }
        if manner.once_more && answer.is_some() && !draft.key.is_empty() {
            self.send(id, manner.gateway + 1, draft).await?;
        }
        Ok(Done { id, answer })
    }

    /// Sends another body under a key that was acknowledged: it must be refused.
    pub(crate) async fn other_body(&self, draft: &Draft, done: &Done, gateway: u64) -> anyhow::Result<()> {
        let Some(body) = changed(draft) else { return Ok(()) };
        let draft = Draft { kind: Kind::OtherBody, body, ..draft.clone() };
        self.play(&draft, Some(done.id), Manner { persistence: 2, gateway, ..Manner::default() }).await?;
        Ok(())
    }

    /// Reads what was just written.
    pub(crate) async fn read_own(&self, draft: &Draft, done: &Done, gateway: u64) -> anyhow::Result<()> {
        let Some(path) = done.answer.as_ref().and_then(|answer| own(draft, answer)) else { return Ok(()) };
        let (kind, key, body) = (Kind::ReadOwn, String::new(), Value::Null);
        let draft = Draft { kind, who: Who::Staff, key, verb: "GET", path, body };
        self.play(&draft, Some(done.id), Manner { persistence: 3, gateway, ..Manner::default() }).await?;
        Ok(())
    }
}

/// The same request with one thing changed; `None` where the key is not an idempotency key.
fn changed(draft: &Draft) -> Option<Value> {
    let mut body = draft.body.clone();
    match draft.kind {
        Kind::Push => body["order"]["comment"] = Value::String("other".to_owned()),
        Kind::Pay | Kind::Refund => body["method"] = Value::String("cash".to_owned()),
        Kind::Receive => body["supplier"] = Value::String("OTHER".to_owned()),
        Kind::Comment => body["text"] = Value::String("other".to_owned()),
        Kind::TaskCreate => body["title"] = Value::String("other".to_owned()),
        Kind::Return | Kind::Cancel | Kind::CancelLines => body["reason"] = Value::String("other".to_owned()),
        Kind::Pack => body["places"] = Value::from(77),
        Kind::ShipOrders | Kind::Ship => body["carrier"] = Value::String("OTHER".to_owned()),
        _ => return None,
    }
    Some(body)
}

/// Where the effect of an acknowledged write can be read.
fn own(draft: &Draft, answer: &Value) -> Option<String> {
    let order = || draft.path.split(['/', ':']).nth(3).map(str::to_owned);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(match draft.kind {
        Kind::Push => format!("/v1/orders/{}", text(&answer["order_id"])?),
        Kind::Cancel | Kind::CancelLines | Kind::Confirm => format!("/v1/orders/{}", order()?),
        Kind::Pay | Kind::Refund => format!("/v1/orders/{}/payments?page.page_size=500", order()?),
        Kind::Return => format!("/v1/orders/{}/returns?page.page_size=500", order()?),
        Kind::Receive => format!("/v1/erp/receipts/{}", text(&answer["receipt"]["receipt_id"])?),
        Kind::Pick | Kind::ConfirmPick | Kind::Pack | Kind::Ship | Kind::Deliver | Kind::Fail => {
            format!("/v1/erp/shipments/{}", text(&answer["shipment"]["shipment_id"])?)
        }
        Kind::Product => format!("/v1/products/{}", text(&answer["product"]["sku"])?),
        Kind::TaskCreate | Kind::TaskMove => format!("/v1/tasks/{}", text(&answer["task"]["task_id"])?),
        Kind::Comment => {
            format!("/v1/tasks/{}/comments?page.page_size=500", text(&answer["comment"]["task_id"])?)
        }
        Kind::PageSave => format!("/v1/knowledge/pages/{}", text(&answer["page"]["page_id"])?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::load::bodies;
    use crate::load::world::Known;

    #[test]
    fn another_body_differs_and_the_key_stays() {
        let order = Known { order_id: "o-1".to_owned(), total: "5.00".to_owned(), lines: vec![(1, 2)] };
        let draft = bodies::cancel_lines("k", &order, 0);
        let other = changed(&draft).unwrap();
        assert_ne!(other, draft.body);
        assert_eq!(other["request_id"], "k");
    }

    #[test]
    fn writes_are_read_where_they_went() {
        let order = Known { order_id: "0-1".to_owned(), total: "5.00".to_owned(), lines: vec![(1, 2)] };
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let read = |draft: &Draft, answer: Value| own(draft, &answer);
        assert_eq!(read(&bodies::cancel("k", &order, now, 9), json!({})), Some("/v1/orders/0-1".to_owned()));
        assert_eq!(
            read(&bodies::pay("k", &order, now, 9), json!({})),
            Some("/v1/orders/0-1/payments?page.page_size=500".to_owned())
        );
        let pushed = bodies::push("c", "k", &[1; 8], now);
        assert_eq!(read(&pushed, json!({"order_id": "7"})), Some("/v1/orders/7".to_owned()));
        assert_eq!(read(&pushed, json!({})), None);
    }
}
