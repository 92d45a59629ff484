//! NATS.

use async_nats::jetstream::{self, stream};
use backing::{Nats, NatsOptions};

use crate::{Scratch, runs};

async fn context(nats: &Nats) -> jetstream::Context {
    jetstream::new(crate::connect(nats).await)
}

async fn publish_one(nats: &Nats) {
    let context = context(nats).await;
    let config = stream::Config { name: "s".into(), subjects: vec!["s.>".into()], ..Default::default() };
    context.create_stream(config).await.unwrap();
    context.publish("s.1", "x".into()).await.unwrap().await.unwrap();
}

async fn stored(nats: &Nats) -> u64 {
    context(nats).await.get_stream("s").await.unwrap().get_info().await.unwrap().state.messages
}

#[tokio::test]
async fn a_throw_away_server_has_jetstream_and_leaves_nothing() {
    let nats = Nats::start(NatsOptions::throw_away()).await.unwrap();
    publish_one(&nats).await;
    let (folder, pid) = (nats.folder().to_owned(), nats.pid().await.unwrap());
    nats.stop().await.unwrap();
    assert!(!folder.exists() && !runs(pid));
}

#[tokio::test]
async fn a_stranger_without_the_password_is_refused() {
    let nats = Nats::start(NatsOptions::throw_away()).await.unwrap();
    assert!(async_nats::connect(format!("nats://127.0.0.1:{}", nats.port())).await.is_err());
}

#[tokio::test]
async fn an_acknowledged_message_survives_kill_9_and_clients_come_back_to_the_same_port() {
    let scratch = Scratch::new("nats-kill");
    let nats = Nats::start(NatsOptions::durable(&scratch.0)).await.unwrap();
    publish_one(&nats).await;
    let client = crate::connect(&nats).await;
    nats.kill().await.unwrap();
    assert!(!nats.is_alive().await);
    nats.restart().await.unwrap();
    assert_eq!(stored(&nats).await, 1);
    client.flush().await.unwrap();
    nats.stop().await.unwrap();
    drop(nats);
    let again = Nats::start(NatsOptions::durable(&scratch.0)).await.unwrap();
    assert_eq!(stored(&again).await, 1);
    again.stop().await.unwrap();
}

#[tokio::test]
async fn wiped_storage_is_empty_and_a_running_server_is_not_wiped() {
    let nats = Nats::start(NatsOptions::throw_away()).await.unwrap();
    publish_one(&nats).await;
    assert!(nats.wipe().await.is_err());
    nats.kill().await.unwrap();
    nats.wipe().await.unwrap();
    nats.restart().await.unwrap();
    assert!(context(&nats).await.get_stream("s").await.is_err());
}

#[tokio::test]
async fn the_message_size_limit_applies() {
    let nats = Nats::start(NatsOptions::throw_away().max_payload(4096)).await.unwrap();
    let client = crate::connect(&nats).await;
    assert_eq!(client.server_info().max_payload, 4096);
}

#[tokio::test]
async fn two_servers_never_share_a_folder() {
    let scratch = Scratch::new("nats-shared");
    let first = Nats::start(NatsOptions::durable(&scratch.0)).await.unwrap();
    let refused = Nats::start(NatsOptions::durable(&scratch.0)).await.err().unwrap().to_string();
    assert!(refused.contains("in use by process"), "{refused}");
    first.stop().await.unwrap();
}
