//! A loopback forwarder: one address before several copies, as a Kubernetes Service is, and a place to break connections.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One or several ways; what is done is done to all of them.
#[derive(Clone)]
pub struct Forward(Vec<Arc<Way>>);

/// One listening address and what is behind it.
pub(super) struct Way {
    name: String,
    address: SocketAddr,
    targets: RwLock<Vec<SocketAddr>>,
    next: AtomicUsize,
    refuse: watch::Sender<bool>,
    stall: watch::Sender<bool>,
    cuts: watch::Sender<u64>,
    open: Arc<()>,
}

impl Forward {
    pub(super) fn of(ways: Vec<Arc<Way>>) -> Self {
        Self(ways)
    }

    /// Breaks all connections that are open; new ones are taken.
    pub fn cut(&self) {
        for way in &self.0 {
            way.cuts.send_modify(|cuts| *cuts += 1);
        }
    }

    /// Refuses new connections from now on, or takes them again. Those that are open stay.
    pub fn refuse(&self, on: bool) {
        for way in &self.0 {
            way.refuse.send_replace(on);
        }
    }

    /// Lets nothing pass in either direction from now on, or lets it pass again. Connections stay open.
    pub fn stall(&self, on: bool) {
        for way in &self.0 {
            way.stall.send_replace(on);
        }
    }

    /// Connections open now.
    pub fn connections(&self) -> usize {
        self.0.iter().map(|way| Arc::strong_count(&way.open) - 1).sum()
    }
}

impl Way {
    /// Starts to listen on a free port before `targets`.
    pub(super) async fn start(name: &str, targets: Vec<SocketAddr>) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let way = Arc::new(Self {
            name: name.to_owned(),
            address: listener.local_addr()?,
            targets: RwLock::new(targets),
            next: AtomicUsize::new(0),
            refuse: watch::Sender::new(false),
            stall: watch::Sender::new(false),
            cuts: watch::Sender::new(0),
            open: Arc::new(()),
        });
        // Ends when the last one who knows the way is gone.
        let weak = Arc::downgrade(&way);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Some(way) = weak.upgrade() else { return };
                if *way.refuse.borrow() {
                    client.set_zero_linger().ok();
                } else {
                    let cuts = way.cuts.subscribe();
                    let (stall, open) = (way.stall.subscribe(), way.open.clone());
                    let targets = way.rotation();
                    tokio::spawn(async move {
                        carry(client, &targets, cuts, stall).await;
                        drop(open);
                    });
                }
            }
        });
        Ok(way)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn add(&self, target: SocketAddr) {
        self.targets.write().unwrap_or_else(PoisonError::into_inner).push(target);
    }

    /// All copies, beginning with another one each time.
    fn rotation(&self) -> Vec<SocketAddr> {
        let mut targets = self.targets.read().unwrap_or_else(PoisonError::into_inner).clone();
        if !targets.is_empty() {
            let first = self.next.fetch_add(1, Ordering::Relaxed) % targets.len();
            targets.rotate_left(first);
        }
        targets
    }
}

async fn connect(targets: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::ErrorKind::ConnectionRefused.into();
    for target in targets {
        match TcpStream::connect(target).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn carry(
    mut client: TcpStream,
    targets: &[SocketAddr],
    mut cuts: watch::Receiver<u64>,
    stall: watch::Receiver<bool>,
) {
    cuts.mark_unchanged();
    let Ok(mut server) = connect(targets).await else {
        client.set_zero_linger().ok();
        return;
    };
    let nodelay = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let broken = nodelay.is_err() || {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both = async {
            tokio::try_join!(pump(from_client, to_server, stall.clone()), pump(from_server, to_client, stall.clone()))
        };
        tokio::select! {
            done = both => done.is_err(),
            // Also when the company is gone.
            _ = cuts.changed() => true,
        }
    };
    if broken {
        client.set_zero_linger().ok();
        server.set_zero_linger().ok();
    }
}

async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut stall: watch::Receiver<bool>) -> io::Result<()> {
    let mut buffer = vec![0; 32 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        // An error says that the way is gone; what has come through may still pass.
        stall.wait_for(|stalled| !stalled).await.ok();
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A server that answers every byte with its own letter.
    async fn server(letter: u8) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    while stream.read_u8().await.is_ok() {
                        stream.write_u8(letter).await.unwrap();
                    }
                });
            }
        });
        address
    }

    async fn ask(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_u8(0).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn new_connections_go_round_the_living_copies() {
        let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        let way = Way::start("x", vec![server(b'a').await, dead, server(b'b').await]).await.unwrap();
        let mut seen = Vec::new();
        for _ in 0..6 {
            seen.push(ask(&mut TcpStream::connect(way.address()).await.unwrap()).await.unwrap());
        }
        assert!(seen.contains(&b'a') && seen.contains(&b'b'), "{seen:?}");
    }

    #[tokio::test]
    async fn a_cut_breaks_what_is_open_and_nothing_else() {
        let way = Way::start("x", vec![server(b'a').await]).await.unwrap();
        let forward = Forward::of(vec![way.clone()]);
        let mut first = TcpStream::connect(way.address()).await.unwrap();
        assert_eq!(ask(&mut first).await.unwrap(), b'a');
        assert_eq!(forward.connections(), 1);
        forward.cut();
        assert!(ask(&mut first).await.is_err());
        assert_eq!(ask(&mut TcpStream::connect(way.address()).await.unwrap()).await.unwrap(), b'a');
    }

    #[tokio::test]
    async fn refusing_leaves_open_connections_alone() {
        let way = Way::start("x", vec![server(b'a').await]).await.unwrap();
        let forward = Forward::of(vec![way.clone()]);
        let mut first = TcpStream::connect(way.address()).await.unwrap();
        assert_eq!(ask(&mut first).await.unwrap(), b'a');
        forward.refuse(true);
        let refused = async { ask(&mut TcpStream::connect(way.address()).await?).await };
        assert!(refused.await.is_err());
        assert_eq!(ask(&mut first).await.unwrap(), b'a');
        forward.refuse(false);
        assert_eq!(ask(&mut TcpStream::connect(way.address()).await.unwrap()).await.unwrap(), b'a');
    }

    #[tokio::test]
    async fn what_is_stalled_comes_later() {
        let way = Way::start("x", vec![server(b'a').await]).await.unwrap();
        let forward = Forward::of(vec![way.clone()]);
        let mut stream = TcpStream::connect(way.address()).await.unwrap();
        assert_eq!(ask(&mut stream).await.unwrap(), b'a');
        forward.stall(true);
        stream.write_u8(0).await.unwrap();
        let mut byte = [0];
        assert_eq!(stream.try_read(&mut byte).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        forward.stall(false);
        assert_eq!(stream.read_u8().await.unwrap(), b'a');
    }
}
