//! One TCP connect. Where the answer comes from this host – a port that refuses, a rule that rejects – it is there
//! before connect(2) returns, and nothing needs to be registered and waited for.

use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use tokio::net::TcpStream;

/// Connects to `address`.
///
/// # Errors
/// That of connect(2), at once or later, or of socket(2).
pub(super) async fn to(address: SocketAddr) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    sockopt::socket_error(&socket)??;
    let stream = TcpStream::from_std(socket.into())?;
    stream.writable().await?;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Ok(stream),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

    #[tokio::test]
    async fn a_refusal_by_this_host_is_known_at_once() {
        for loopback in [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), (Ipv6Addr::LOCALHOST, 0).into()] {
            let listener = TcpListener::bind(loopback).unwrap();
            let address = listener.local_addr().unwrap();
            assert_eq!(to(address).await.unwrap().peer_addr().unwrap(), address);
            drop(listener);
            let refused = to(address).now_or_never().expect("no wait").unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        }
    }

    #[tokio::test]
    async fn what_connect_itself_refuses_is_its_error() {
        let broadcast = SocketAddr::from((Ipv4Addr::BROADCAST, 80));
        let refused = to(broadcast).now_or_never().expect("no wait").unwrap_err();
        assert!(
            matches!(refused.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NetworkUnreachable),
            "{refused}"
        );
    }
}
