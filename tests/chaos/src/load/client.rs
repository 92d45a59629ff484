//! One client: takes its next intention, makes a request of it as the company now is, and does it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::bodies::{self, Draft};
use super::intents::{Action, Intent, Intents};
use super::player::{Done, Manner, Player};
use super::world::{Known, Parcel, World, family, sku};
use crate::history::Kind;

/// The price list whose prices are set.
pub(crate) const PRICE_LIST: &str = "chaos";

/// A client of the company.
pub(crate) struct Client {
    /// Sends and writes down.
    pub(crate) player: Player,
    /// What all know.
    pub(crate) world: Arc<World>,
    /// The shop's channel.
    pub(crate) channel: String,
    /// First part of its keys.
    pub(crate) prefix: String,
    /// When the run began; what times in requests count from.
    pub(crate) now: OffsetDateTime,
}

impl Client {
    /// Works until it is told to stop; what is under way then is finished.
    pub(crate) async fn run(self, intents: Intents, stop: CancellationToken) -> anyhow::Result<()> {
        for intent in intents {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(Duration::from_millis(intent.pause_ms)) => {}
            }
            self.act(&intent).await?;
        }
        Ok(())
    }

    fn key(&self, intent: &Intent) -> String {
        format!("{}-{}-{}", self.prefix, self.player.client, intent.number)
    }

    async fn act(&self, intent: &Intent) -> anyhow::Result<()> {
        match intent.action {
            Action::Product => self.race_product(intent).await,
            Action::TaskMove => self.race_task(intent).await,
            Action::PageSave => self.race_page(intent).await,
            Action::Import => self.import(intent).await,
            Action::Advance => self.advance(intent).await,
            _ => {
                let draft = self.draft(intent);
                let done = self.play(intent, &draft, intent.dice[7]).await?;
                self.learn(&draft, &done);
                Ok(())
            }
        }
    }

    /// Does an operation with everything that belongs to it.
    async fn play(&self, intent: &Intent, draft: &Draft, gateway: u64) -> anyhow::Result<Done> {
        let (persistence, once_more) = (intent.persistence, intent.once_more);
        let done = self.player.play(draft, None, Manner { persistence, once_more, gateway }).await?;
        if done.answer.is_some() {
            if intent.read_own {
                self.player.read_own(draft, &done, gateway + 1).await?;
            }
            if intent.other_body {
                self.player.other_body(draft, &done, gateway).await?;
            }
        }
        Ok(done)
    }

    /// The request of an intention; an order where what it is about does not exist yet.
    fn draft(&self, intent: &Intent) -> Draft {
        let key = self.key(intent);
        self.about(intent, &key).unwrap_or_else(|| bodies::push(&self.channel, &key, &intent.dice, self.now))
    }

    fn about(&self, intent: &Intent, key: &str) -> Option<Draft> {
        let (dice, now) = (&intent.dice, self.now);
        let order = || self.world.order(dice[0]);
        let lot = || self.world.any_lot(dice[0]);
        Some(match intent.action {
            Action::PushBatch => bodies::push_batch(&self.channel, key, dice, now),
            Action::Cancel => bodies::cancel(key, &order()?, now, dice[1]),
            Action::CancelLines => bodies::cancel_lines(key, &order()?, dice[1]),
            Action::Confirm => bodies::confirm(key, &self.world.held()?),
            Action::Pay => bodies::pay(key, &order()?, now, dice[1]),
            Action::Refund => bodies::refund(key, &order()?, dice[1]),
            Action::Return => bodies::give_back(key, &order()?, dice[1]),
            Action::Receive => bodies::receive(key, dice, now),
            Action::Transfer => bodies::transfer(key, &lot()?, dice[1]),
            Action::WriteOff => bodies::write_off(key, &lot()?),
            Action::Pick => bodies::pick(key, &order()?),
            Action::ShipOrders => {
                let orders: Vec<Known> = dice[..3].iter().filter_map(|die| self.world.order(*die)).collect();
                if orders.is_empty() {
                    return None;
                }
                bodies::ship_orders(key, &orders)
            }
            Action::Price => bodies::price(key, PRICE_LIST, &sku(dice[0]), dice[1]),
            Action::TaskCreate => bodies::task(key, super::world::PROJECT),
            Action::Comment => bodies::comment(key, &self.world.any_task(dice[0])?),
            Action::Malformed => bodies::malformed(&self.channel, key, dice[0], now),
            _ => return None,
        })
    }

    /// Remembers what an acknowledged operation made.
    fn learn(&self, draft: &Draft, done: &Done) {
        let Some(answer) = &done.answer else { return };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match draft.kind {
            Kind::Push => self.taken(answer, &draft.body["order"]),
            Kind::PushBatch => {
                let results = answer["results"].as_array().cloned().unwrap_or_default();
                let orders = draft.body["orders"].as_array().cloned().unwrap_or_default();
                for (result, order) in results.iter().zip(&orders) {
                    self.taken(&result["accepted"], &order["order"]);
                }
            }
            Kind::Receive => {
                for line in draft.body["lines"].as_array().into_iter().flatten() {
                    self.world.lot(&text(&line["sku"]), &text(&line["lot"]));
                }
            }
            Kind::Pick => {
                let shipment_id = text(&answer["shipment"]["shipment_id"]);
                self.world.parcel(Parcel { shipment_id, stage: 0 });
            }
            Kind::ShipOrders => {
                let ids = answer["results"].as_array().into_iter().flatten();
                for id in ids.flat_map(|result| result["shipment_ids"].as_array().into_iter().flatten()) {
                    self.world.parcel(Parcel { shipment_id: text(id), stage: 3 });
                }
            }
            Kind::TaskCreate => self.world.task(&text(&answer["task"]["task_id"])),
            _ => {}
        }
    }

    fn taken(&self, answer: &Value, order: &Value) {
        let Some(order_id) = answer["order_id"].as_str() else { return };
        let total = answer["total"]["amount"].as_str().unwrap_or("1.00").to_owned();
        let known = Known { order_id: order_id.to_owned(), total, lines: bodies::lines_of(order) };
        self.world.taken(known, answer["state"] == "new");
    }

    /// One shipment takes one step. When it stays open whether it did, nobody takes the shipment up again.
    async fn advance(&self, intent: &Intent) -> anyhow::Result<()> {
        let key = self.key(intent);
        let Some(parcel) = self.world.take_parcel(intent.dice[0]) else {
            return self.push_instead(intent).await;
        };
        let draft = bodies::advance(&key, &parcel.shipment_id, parcel.stage, intent.dice[1]);
        let done = self.play(intent, &draft, intent.dice[7]).await?;
        if done.answer.is_some() && parcel.stage < 3 {
            self.world.parcel(Parcel { stage: parcel.stage + 1, ..parcel });
        }
        Ok(())
    }

    async fn push_instead(&self, intent: &Intent) -> anyhow::Result<()> {
        let draft = bodies::push(&self.channel, &self.key(intent), &intent.dice, self.now);
        let done = self.play(intent, &draft, intent.dice[7]).await?;
        self.learn(&draft, &done);
        Ok(())
    }

    /// Two or three change one version at the same time.
    async fn race(&self, intent: &Intent, drafts: &[Draft]) -> anyhow::Result<()> {
        let racers = (0..).zip(drafts).map(|(n, draft)| self.play(intent, draft, intent.dice[7] + n));
        for done in join_all(racers).await {
            done?;
        }
        Ok(())
    }

    async fn race_product(&self, intent: &Intent) -> anyhow::Result<()> {
        let (key, sku) = (self.key(intent), sku(intent.dice[0] % 8));
        let Some(seen) = self.player.doors.look(intent.dice[7], &format!("/v1/products/{sku}")).await else {
            return Ok(());
        };
        let version = seen["product"]["version"].as_str().unwrap_or("0").to_owned();
        let drafts: Vec<_> =
            (0..2 + intent.dice[1] % 2).map(|n| bodies::product(&format!("{key}.{n}"), &sku, &version)).collect();
        self.race(intent, &drafts).await
    }

    async fn race_page(&self, intent: &Intent) -> anyhow::Result<()> {
        let key = self.key(intent);
        let Some(page) = self.world.any_page(intent.dice[0]) else { return Ok(()) };
        let Some(seen) = self.player.doors.look(intent.dice[7], &format!("/v1/knowledge/pages/{page}")).await else {
            return Ok(());
        };
        let base = seen["page"]["current_version"].as_i64().unwrap_or(1);
        let drafts: Vec<_> =
            (0..2 + intent.dice[1] % 2).map(|n| bodies::page(&format!("{key}.{n}"), &page, base)).collect();
        self.race(intent, &drafts).await
    }

    async fn race_task(&self, intent: &Intent) -> anyhow::Result<()> {
        let Some(task) = self.world.any_task(intent.dice[0]) else { return Ok(()) };
        let Some(seen) = self.player.doors.look(intent.dice[7], &format!("/v1/tasks/{task}")).await else {
            return Ok(());
        };
        let version = seen["task"]["version"].as_str().unwrap_or("0").to_owned();
        let moves = seen["allowed_moves"].as_array().cloned().unwrap_or_default();
        let states = moves.iter().filter_map(|allowed| allowed["to_state"].as_str());
        // Without a key a repeat would be another operation, so each is sent once.
        let once = Intent { persistence: 0, once_more: false, other_body: false, ..intent.clone() };
        let drafts: Vec<_> = states.take(2).map(|state| bodies::move_task(&task, state, &version)).collect();
        self.race(&once, &drafts).await
    }

    /// A file in parts; one in five is never finished. Then the same rows in another file, cut otherwise.
    async fn import(&self, intent: &Intent) -> anyhow::Result<()> {
        let (key, client) = (self.key(intent), self.player.client);
        let broken_off = intent.dice[0].is_multiple_of(5);
        let whole = self.import_file(intent, &key, &product_file(client, &key, ','), 2, broken_off).await?;
        if whole && intent.dice[1].is_multiple_of(2) {
            let again = format!("{key}.again");
            self.import_file(intent, &again, &product_file(client, &key, ';'), 3, false).await?;
        }
        Ok(())
    }

    async fn import_file(
        &self,
        intent: &Intent,
        job: &str,
        file: &str,
        parts: usize,
        broken_off: bool,
    ) -> anyhow::Result<bool> {
        let bytes = file.as_bytes();
        let chunks: Vec<&[u8]> = bytes.chunks(bytes.len().div_ceil(parts).max(1)).collect();
        let count = chunks.len();
        for (index, chunk) in chunks.into_iter().enumerate() {
            if broken_off && index + 1 == count {
                return Ok(false);
            }
            let draft = bodies::import(job, index + 1, count, chunk);
            if self.play(intent, &draft, intent.dice[7]).await?.answer.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The client's products, all with the same mark.
pub(crate) fn product_file(client: u32, mark: &str, separator: char) -> String {
    let mut file = format!("sku{separator}name_ru{separator}series{separator}unit{separator}status\n");
    for sku in family(client) {
        file.push_str(&format!("{sku}{separator}Товар {sku}{separator}{mark}{separator}pcs{separator}active\n"));
    }
    file
}
