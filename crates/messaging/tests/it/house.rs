//! A publishing and a consuming service in one test database, on a NATS server of its own.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use messaging::{Bus, BusOptions, Consumer, Event, Handler, NewEvent, Relay, Subscription, Wake, outbox};
use proto::{
    DomainEvent,
    orders::v1::{OrderCancelled, OrdersEvent, orders_event},
};
use sqlx::{PgConnection, PgPool};
use testkit::Nats;
use time::OffsetDateTime;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What the consuming side does: writes each event into a table, unless told to choke on it.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    /// While set, events whose reason is `poison` fail.
    pub(crate) chokes: Arc<AtomicBool>,
}

#[async_trait]
impl Handler for Recorder {
    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> anyhow::Result<()> {
        for event in events {
            let message: OrdersEvent = event.decode()?;
            let Some(orders_event::Event::OrderCancelled(fact)) = message.event else { anyhow::bail!("another fact") };
            if fact.reason == "poison" && self.chokes.load(Ordering::SeqCst) {
                anyhow::bail!("poison");
            }
        }
        let insert = "insert into seen (aggregate_id, version)
            select id, version from unnest($1::text[], $2::int8[]) with ordinality as u (id, version, n) order by n";
        sqlx::query(insert)
            .bind(events.iter().map(|event| event.aggregate_id.as_str()).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.version).collect::<Vec<_>>())
            .execute(conn)
            .await?;
        Ok(())
    }
}

pub(crate) struct House {
    pub(crate) nats: Nats,
    pub(crate) pool: PgPool,
    pub(crate) recorder: Recorder,
    pub(crate) wake: Wake,
    tasks: TaskTracker,
}

/// One running copy of relay and consumer.
pub(crate) struct Copy {
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Copy {
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        let (nats, database) = tokio::join!(
            testkit::nats(),
            testkit::database("messaging", async |pool| {
                messaging::MIGRATOR.run(pool).await.unwrap();
                // The order of insertion is the order of application.
                let table = "create table seen (n bigint generated always as identity primary key,
                    aggregate_id text not null, version bigint not null)";
                sqlx::query(table).execute(pool).await.unwrap();
            })
        );
        Self {
            nats,
            pool: database.pool,
            recorder: Recorder::default(),
            wake: Wake::default(),
            tasks: TaskTracker::new(),
        }
    }

    pub(crate) fn subscription(&self) -> Subscription {
        Subscription::new("recorder_orders", "orders", &["order_cancelled"], self.recorder.clone())
    }

    pub(crate) async fn bus(&self) -> Bus {
        Bus::connect(BusOptions { url: self.nats.url(), ..BusOptions::default() }).await.unwrap()
    }

    /// A client of the broker that is none of ours.
    pub(crate) async fn client(&self) -> async_nats::Client {
        let address: async_nats::ServerAddr = self.nats.url().parse().unwrap();
        let (user, password) = (address.username().unwrap().to_owned(), address.password().unwrap().to_owned());
        async_nats::ConnectOptions::with_user_and_password(user, password).connect(address).await.unwrap()
    }

    pub(crate) async fn start_relay(&self) -> Copy {
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(Relay::new("orders", self.pool.clone(), self.bus().await, self.wake.clone()).run(cancel.clone()));
        Copy { cancel, tasks }
    }

    pub(crate) async fn start_consumer(&self) -> Copy {
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let consumer = Consumer::new(self.subscription(), self.pool.clone(), self.bus().await, Wake::default());
        tasks.spawn(consumer.run(cancel.clone()));
        Copy { cancel, tasks }
    }

    /// Commits one event.
    pub(crate) async fn publish(&self, aggregate: &str, version: i64, reason: &str) {
        self.publish_event(fact(aggregate, version, reason)).await;
    }

    pub(crate) async fn publish_event(&self, event: NewEvent) {
        let mut tx = self.pool.begin().await.unwrap();
        outbox::append(&mut tx, &[event]).await.unwrap();
        tx.commit().await.unwrap();
        self.wake.wake();
    }

    /// Commits `versions` events for each of `aggregates`, versions interleaved, in transactions of 1,000.
    pub(crate) async fn publish_many(&self, aggregates: usize, versions: std::ops::RangeInclusive<i64>) {
        let all: Vec<NewEvent> = versions
            .flat_map(|version| (0..aggregates).map(move |n| fact(&format!("order-{n}"), version, "buyer_request")))
            .collect();
        for chunk in all.chunks(1000) {
            let mut tx = self.pool.begin().await.unwrap();
            outbox::append(&mut tx, chunk).await.unwrap();
            tx.commit().await.unwrap();
            self.wake.wake();
        }
    }

    pub(crate) async fn seen(&self) -> Vec<(String, i64)> {
        sqlx::query_as("select aggregate_id, version from seen order by n").fetch_all(&self.pool).await.unwrap()
    }

    pub(crate) async fn seen_count(&self) -> i64 {
        sqlx::query_scalar("select count(*) from seen").fetch_one(&self.pool).await.unwrap()
    }

    pub(crate) async fn unpublished(&self) -> i64 {
        messaging::admin::outbox_waiting(&mut self.pool.acquire().await.unwrap()).await.unwrap().count
    }

    pub(crate) async fn until_seen(&self, count: i64) {
        testkit::eventually(&format!("{count} events applied"), async || self.seen_count().await >= count).await;
    }

    pub(crate) async fn until_published(&self) {
        testkit::eventually("everything published", async || self.unpublished().await == 0).await;
    }

    /// Every event of every aggregate applied once and in order of version.
    pub(crate) async fn assert_exact(&self, aggregates: usize, versions: i64) {
        let mut next = std::collections::HashMap::<String, i64>::new();
        for (aggregate, version) in self.seen().await {
            let expected = next.entry(aggregate.clone()).or_insert(1);
            assert_eq!(version, *expected, "{aggregate}");
            *expected += 1;
        }
        assert_eq!(next.len(), aggregates);
        assert!(next.values().all(|expected| *expected == versions + 1), "{next:?}");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.tasks.close();
    }
}

pub(crate) fn fact(aggregate: &str, version: i64, reason: &str) -> NewEvent {
    fact_at(OffsetDateTime::now_utc(), aggregate, version, reason)
}

pub(crate) fn fact_at(at: OffsetDateTime, aggregate: &str, version: i64, reason: &str) -> NewEvent {
    NewEvent::of("order", aggregate, version, at, &message(aggregate, reason))
}

pub(crate) fn message(aggregate: &str, reason: &str) -> impl DomainEvent + use<> {
    let fact = OrderCancelled { order_id: aggregate.to_owned(), reason: reason.to_owned(), ..Default::default() };
    OrdersEvent { event: Some(orders_event::Event::OrderCancelled(fact)) }
}
