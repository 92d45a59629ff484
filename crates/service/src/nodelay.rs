//! Small writes to the database are sent at once.
//!
//! sqlx 0.9.0 leaves Nagle's algorithm on (sqlx issue 4335; mended upstream, not released): the end of a binary copy, a
//! write of few bytes after a large one, waits until the server acknowledges the first, up to 40 ms. sqlx gives its socket
//! to nobody, so the sockets of the whole process are told, through copies of their descriptors. To be removed with the
//! next sqlx.

use std::sync::Once;

use rustix::{
    net::sockopt::set_tcp_nodelay,
    process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
};

static REFUSED: Once = Once::new();

/// Turns Nagle's algorithm off for every TCP connection of this process. Where the system refuses, which some container
/// runtimes do, they stay as they are, only slower; that is logged once.
pub fn send_at_once() {
    if let Err(error) = tell_all() {
        REFUSED.call_once(|| {
            tracing::warn!(%error, "writes to the database may wait 40 ms: the system lets nobody change its sockets");
        });
    }
}

fn tell_all() -> std::io::Result<()> {
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let is_socket =
            std::fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str().as_encoded_bytes().starts_with(b"socket:"));
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()).filter(|_| is_socket) else {
            continue;
        };
        let socket = match pidfd_getfd(&this, number, PidfdGetfdFlags::empty()) {
            // Closed meanwhile.
            Err(rustix::io::Errno::BADF) => continue,
            socket => socket?,
        };
        // Sockets of another kind have no such option.
        set_tcp_nodelay(&socket, true).ok();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_made_by_anybody_sends_at_once() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(!connection.nodelay().unwrap());
        tell_all().unwrap();
        assert!(connection.nodelay().unwrap());
    }
}
