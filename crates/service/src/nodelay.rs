//! Small writes to the database are sent at once.
//!
//! sqlx 0.9.0 leaves Nagle's algorithm on (sqlx issue 4335; mended upstream, not released): the end of a binary copy, a
//! write of few bytes after a large one, waits until the server acknowledges the first, up to 40 ms. sqlx gives its socket
//! to nobody, so the sockets of the whole process are told, through copies of their descriptors. To be removed with the
//! next sqlx.

use std::{
    io::{IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    sync::Once,
};

use nix::{
    errno::Errno,
    sys::socket::{ControlMessage, MsgFlags, sendmsg},
};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg, sockopt::set_tcp_nodelay};

static REFUSED: Once = Once::new();

/// Turns Nagle's algorithm off for every TCP connection of this process. Where the system refuses, they stay as they
/// are, only slower; that is logged once.
pub fn send_at_once() {
    if let Err(error) = tell_all() {
        REFUSED.call_once(|| {
            tracing::warn!(%error, "writes to the database may wait 40 ms: the system lets nobody change its sockets");
        });
    }
}

fn tell_all() -> std::io::Result<()> {
    let (from, to) = UnixStream::pair()?;
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let is_socket =
            std::fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str().as_encoded_bytes().starts_with(b"socket:"));
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()).filter(|_| is_socket) else {
            continue;
        };
        // A descriptor sent to oneself arrives as one of one's own.
        let rights = [ControlMessage::ScmRights(&[number])];
        match sendmsg::<()>(from.as_raw_fd(), &[IoSlice::new(&[0])], &rights, MsgFlags::empty(), None) {
            // Closed meanwhile.
            Err(Errno::EBADF) => continue,
            sent => sent?,
        };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut arrived = RecvAncillaryBuffer::new(&mut space);
        recvmsg(&to, &mut [IoSliceMut::new(&mut [0])], &mut arrived, RecvFlags::CMSG_CLOEXEC)?;
        for message in arrived.drain() {
            let RecvAncillaryMessage::ScmRights(sockets) = message else { continue };
            for socket in sockets {
                // Sockets of another kind have no such option.
                set_tcp_nodelay(&socket, true).ok();
            }
        }
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
