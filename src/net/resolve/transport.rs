//! One question to one name server, over hickory's transports: UDP, then TCP when the answer is cut off.
//!
//! Hickory passes over answers from elsewhere, with another id or to another question.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::{
    DnsUdpSocket, RuntimeProvider, TokioHandle, TokioRuntimeProvider, TokioTime,
};
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::xfer::{DnsHandle as _, DnsRequestSender as _, FirstAnswer as _};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Message, Query};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::time::{Duration, timeout};

/// After so long, nobody waits for this very packet's answer: the question has been sent again meanwhile.
const LONGEST: Duration = Duration::from_secs(5);
/// How long TCP may take before a truncated answer has to do.
const TCP_PATIENCE: Duration = Duration::from_secs(1);

/// Asks `server`, once.
pub(super) async fn exchange(server: SocketAddr, query: &Query, tcp: bool) -> Result<Message, NetError> {
    if tcp {
        return over_tcp(server, query).await;
    }
    let mut udp = UdpClientStream::builder(server, Connected::default())
        .with_timeout(Some(LONGEST))
        .with_max_retries(1)
        .with_os_port_selection(true)
        .build();
    let response = match udp.send_message(request(query)).first_answer().await {
        Ok(response) => response,
        // A server that sends more than 512 bytes unasked is cut off here, not there.
        Err(error @ NetError::Proto(_)) => return over_tcp(server, query).await.map_err(|_| error),
        Err(error) => return Err(error),
    };
    if !response.truncation {
        return Ok(response.into_message());
    }
    match timeout(TCP_PATIENCE, over_tcp(server, query)).await {
        Ok(Ok(message)) => Ok(message),
        // Some addresses are better than none.
        _ if !response.answers.is_empty() => Ok(response.into_message()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(NetError::Timeout),
    }
}

async fn over_tcp(server: SocketAddr, query: &Query) -> Result<Message, NetError> {
    // The provider owns the connection's task; both end here.
    let provider = Connected::default();
    let tcp = TcpClientStream::exchange(server, None, LONGEST, None, provider.clone()).await?;
    let response: DnsResponse = tcp.send(request(query)).first_answer().await?;
    if response.queries.iter().any(|answered| answered != query) {
        return Err(NetError::Message("an answer to another question"));
    }
    Ok(response.into_message())
}

/// As the C library asks: recursion desired, no EDNS, which old servers and middle boxes trip over.
fn request(query: &Query) -> DnsRequest {
    let mut options = DnsRequestOptions::default();
    options.use_edns = false;
    DnsRequest::from_query(query.clone(), options)
}

/// Tokio's sockets, UDP ones connected: only so does the kernel tell that nothing listens at the name server.
#[derive(Clone, Default)]
struct Connected(TokioRuntimeProvider);

impl RuntimeProvider for Connected {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = Socket;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.0.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        local: Option<SocketAddr>,
        patience: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Tcp>>>> {
        self.0.connect_tcp(server, local, patience)
    }

    fn bind_udp(
        &self,
        local: SocketAddr,
        server: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Udp>>>> {
        Box::pin(async move {
            let socket = UdpSocket::bind(local).await?;
            socket.connect(server).await?;
            Ok(Socket { socket, server })
        })
    }
}

struct Socket {
    socket: UdpSocket,
    server: SocketAddr,
}

impl DnsUdpSocket for Socket {
    type Time = TokioTime;

    fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(self.socket.poll_recv(context, &mut buffer))?;
        Poll::Ready(Ok((buffer.filled().len(), self.server)))
    }

    fn poll_send_to(
        &self,
        context: &mut Context<'_>,
        buffer: &[u8],
        _: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_send(context, buffer)
    }
}
