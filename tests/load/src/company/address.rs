//! Who is where: addresses and secrets as the environment of a service process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use backing::{Nats, Postgres};
use suite::services::Name;
use suite::up::home::Secrets;
use suite::up::store;

use super::forward::{Forward, Way};
use super::process::Sockets;
use super::{BTreeMap, Layout};

const POSTGRES: &str = "postgres";
const NATS: &str = "nats";

/// Addresses of everybody, past forwarders or straight.
pub(super) struct Addresses {
    nats: String,
    nats_port: u16,
    ways: BTreeMap<String, Arc<Way>>,
    /// Where services are that have no forwarder.
    straight: BTreeMap<Name, SocketAddr>,
}

impl Addresses {
    pub(super) async fn of(layout: Layout, postgres: &Postgres, nats: &Nats) -> anyhow::Result<Self> {
        let mut ways = BTreeMap::new();
        if matches!(layout, Layout::Apart { .. }) {
            let server = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            for name in Name::ALL {
                let way = Way::start(name.word(), Vec::new()).await?;
                ways.insert(way.name().to_owned(), way);
                for (server_name, port) in [(POSTGRES, postgres.port()), (NATS, nats.port())] {
                    let way = Way::start(&format!("{}>{server_name}", name.word()), vec![server(port)]).await?;
                    ways.insert(way.name().to_owned(), way);
                }
            }
        }
        Ok(Self { nats: nats.url(), nats_port: nats.port(), ways, straight: BTreeMap::new() })
    }

    /// A new copy of some services.
    pub(super) async fn add(&mut self, services: &[Name], sockets: &Sockets) {
        for name in services {
            let target = if *name == Name::Gateway { sockets.http.unwrap_or(sockets.grpc) } else { sockets.grpc };
            match self.ways.get(name.word()) {
                Some(way) => way.add(target),
                None => drop(self.straight.insert(*name, target)),
            }
        }
    }

    pub(super) fn forward(&self, name: &str) -> Option<Forward> {
        let all = name == POSTGRES || name == NATS;
        let wanted = |way: &str| way == name || (all && way.ends_with(&format!(">{name}")));
        let ways: Vec<_> = self.ways.iter().filter(|(way, _)| wanted(way)).map(|(_, way)| way.clone()).collect();
        (!ways.is_empty()).then(|| Forward::of(ways))
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.ways.keys().cloned().collect()
    }

    pub(super) fn front(&self) -> Option<String> {
        Some(format!("http://{}", self.ways.get(Name::Gateway.word())?.address()))
    }

    fn port(&self, from: &[Name], server: &str, straight: u16) -> u16 {
        let way = from.first().and_then(|name| self.ways.get(&format!("{}>{server}", name.word())));
        way.map_or(straight, |way| way.address().port())
    }

    fn service(&self, name: Name, own: &[Name], sockets: &Sockets) -> String {
        let address = match self.ways.get(name.word()) {
            Some(way) => way.address(),
            None if own.contains(&name) => sockets.grpc,
            None => self.straight.get(&name).copied().unwrap_or(sockets.grpc),
        };
        format!("http://{address}")
    }

    /// What a process with these services is told.
    pub(super) fn environment(
        &self,
        services: &[Name],
        sockets: &Sockets,
        secrets: &Secrets,
        postgres: &Postgres,
    ) -> anyhow::Result<Vec<(String, String)>> {
        let nats_port = self.port(services, NATS, self.nats_port);
        let nats = self.nats.replace(&format!(":{}", self.nats_port), &format!(":{nats_port}"));
        let backends: Vec<_> = Name::ALL
            .into_iter()
            .filter(|name| name.has_database() && !services.contains(name))
            .map(|name| format!("{}={}", name.word(), self.service(name, services, sockets)))
            .collect();
        let mut environment = vec![
            ("SHOPFLOOR_GRPC_ADDR".to_owned(), sockets.grpc.to_string()),
            ("SHOPFLOOR_OPS_ADDR".to_owned(), sockets.ops.to_string()),
            ("SHOPFLOOR_NATS_URL".to_owned(), nats),
            ("SHOPFLOOR_IDENTITY_URL".to_owned(), self.service(Name::Identity, services, sockets)),
            ("SHOPFLOOR_INTERNAL_SECRET".to_owned(), secrets.internal_secret.clone()),
            ("SHOPFLOOR_CRM_URL".to_owned(), self.service(Name::Crm, services, sockets)),
            // What `shopfloor up` says unless told otherwise.
            ("SHOPFLOOR_LOG".to_owned(), "warn,sqlx=error".to_owned()),
        ];
        if !backends.is_empty() {
            environment.push(("SHOPFLOOR_GATEWAY_BACKENDS".to_owned(), backends.join(",")));
        }
        if let Some(http) = sockets.http {
            environment.push(("SHOPFLOOR_GATEWAY_HTTP_ADDR".to_owned(), http.to_string()));
        }
        for name in services.iter().filter(|name| name.has_database()) {
            let role = store::role(*name);
            let port = self.port(services, POSTGRES, postgres.port());
            let url = postgres.url_as(&role, &secrets.database_passwords[name.word()], &role);
            let url = url.replace(&format!("@127.0.0.1:{}/", postgres.port()), &format!("@127.0.0.1:{port}/"));
            environment.push((format!("SHOPFLOOR_{}_DATABASE_URL", name.word().to_uppercase()), url));
        }
        Ok(environment)
    }
}
