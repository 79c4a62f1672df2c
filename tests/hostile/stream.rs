//! A connection as a hostile server has it: bare, or behind a handshake of TLS that the client trusts.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::pause;

pub(super) struct Stream {
    line: Line,
    /// Whether it floods as fast as it can.
    hurried: bool,
}

enum Line {
    Bare(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// What comes before the hostility.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry {
    /// Nothing, and no TLS either.
    Bare,
    /// A handshake.
    AtOnce,
    /// A handshake that is asked for, or announced, in the protocol.
    Postgres,
    Mysql,
    Nats,
}

/// What a server of `MySQL` greets with: it speaks TLS.
const MYSQL: &[u8] =
    b"\x0a8.0.36\0\x07\0\0\0abcdefgh\0\0\x8a\x2d\x02\0\x08\0\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0\
    mysql_native_password\0";

impl Entry {
    /// Leads `socket` to TLS, if it is to have it.
    fn enter(self, mut socket: TcpStream, config: &Arc<ServerConfig>) -> io::Result<Line> {
        socket.set_read_timeout(Some(Duration::from_secs(4)))?;
        match self {
            Self::Bare => return Ok(Line::Bare(socket)),
            Self::AtOnce => {}
            Self::Postgres => {
                socket.read_exact(&mut [0; 8])?;
                socket.write_all(b"S")?;
            }
            Self::Mysql => {
                let length = u8::try_from(MYSQL.len()).map_err(io::Error::other)?;
                socket.write_all(&[&[length, 0, 0, 0], MYSQL].concat())?;
                socket.read_exact(&mut [0; 36])?;
            }
            Self::Nats => socket.write_all(
                b"INFO {\"server_id\":\"N\",\"version\":\"2.9.10\",\"max_payload\":1048576,\"tls_required\":true}\r\n",
            )?,
        }
        let mut tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(Line::Tls(Box::new(StreamOwned::new(tls, socket))))
    }
}

impl Stream {
    pub(super) fn open(
        socket: TcpStream,
        (entry, config): (Entry, &Arc<ServerConfig>),
        hurried: bool,
    ) -> io::Result<Self> {
        Ok(Self { line: entry.enter(socket, config)?, hurried })
    }

    pub(super) fn socket(&self) -> &TcpStream {
        match &self.line {
            Line::Bare(socket) => socket,
            Line::Tls(tls) => &tls.sock,
        }
    }

    /// A moment between the pieces of a flood, unless it is hurried: then there is none.
    pub(super) fn rest(&self) {
        if !self.hurried {
            pause(1);
        }
    }

    /// Says that nothing more will come.
    pub(super) fn finish(&mut self) {
        if let Line::Tls(tls) = &mut self.line {
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
        let _ = self.socket().shutdown(Shutdown::Write);
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.line {
            Line::Bare(socket) => socket.read(buffer),
            Line::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.line {
            Line::Bare(socket) => socket.write(bytes),
            Line::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.line {
            Line::Bare(socket) => socket.flush(),
            Line::Tls(tls) => tls.flush(),
        }
    }
}

/// A certificate for 127.0.0.1 as PEM, which clients are to trust, and what a server needs to show it.
pub(super) fn identity() -> (String, Arc<ServerConfig>) {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config =
        config.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (own.cert.pem(), Arc::new(config))
}
