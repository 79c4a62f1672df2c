//! One question to one name server: over UDP, then over TCP when the answer is cut off.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::xfer::{DnsHandle as _, FirstAnswer as _};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, Message, MessageType, Query, ResponseCode};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Duration, timeout};

use crate::check::class;
use crate::net::io_class;

/// After so long, nobody waits for this very packet's answer: the question has been sent again meanwhile.
const LONGEST: Duration = Duration::from_secs(5);
/// How long TCP may take before a truncated answer has to do.
const TCP_PATIENCE: Duration = Duration::from_secs(1);
/// The longest answer over UDP that is taken. Without EDNS it should not have more than 512 bytes.
const LONGEST_PACKET: usize = 4096;

/// What a server does that cuts off its answer, and gives no whole one: it answers …
const HALF: &str = "in part over UDP and not over TCP";

/// Asks `server`, once.
pub(super) async fn exchange(server: SocketAddr, query: &Query, tcp: bool) -> Result<Message, NetError> {
    if tcp {
        return over_tcp(server, query).await;
    }
    let answer = timeout(LONGEST, over_udp(server, query)).await.map_err(|_| NetError::Timeout)??;
    if !answer.truncation {
        return Ok(answer);
    }
    match timeout(TCP_PATIENCE, over_tcp(server, query)).await {
        Ok(Ok(whole)) => Ok(whole),
        // Some addresses are better than none.
        _ if !answer.answers.is_empty() => Ok(answer),
        // The server is there, as it has answered.
        Ok(Err(NetError::Io(error))) if io_class(&error) != &class::LOCAL_RESOURCES => {
            Err(NetError::Message(HALF))
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(NetError::Timeout),
    }
}

/// A socket of its own for each question, so that its port is as hard to guess as the id. It is connected: only
/// then does the kernel keep out what comes from elsewhere, and tell that nothing listens at the server.
async fn over_udp(server: SocketAddr, query: &Query) -> Result<Message, NetError> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    let (request, _) = request(query).into_parts();
    socket.send(&request.to_vec()?).await?;
    let mut buffer = vec![0; LONGEST_PACKET];
    loop {
        // Readiness to read does not come with an ICMP message.
        let ready = socket.ready(Interest::READABLE | Interest::ERROR).await?;
        let packet = match socket.try_recv(&mut buffer) {
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if ready.is_error() {
                    let error = socket.take_error()?;
                    return Err(error.unwrap_or_else(|| io::ErrorKind::ConnectionRefused.into()).into());
                }
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if !packet.starts_with(&request.id.to_be_bytes()) {
            continue;
        }
        let answer = Message::from_vec(packet)?;
        if fits(&answer, query) {
            return Ok(answer);
        }
    }
}

async fn over_tcp(server: SocketAddr, query: &Query) -> Result<Message, NetError> {
    // The provider owns the connection's task; both end here.
    let provider = TokioRuntimeProvider::new();
    let tcp = TcpClientStream::exchange(server, None, LONGEST, None, provider.clone()).await?;
    let answer = tcp.send(request(query)).first_answer().await?.into_message();
    if fits(&answer, query) { Ok(answer) } else { Err(NetError::Message("another question")) }
}

/// As the C library asks: recursion desired, no EDNS, which old servers and middle boxes trip over.
fn request(query: &Query) -> DnsRequest {
    let mut options = DnsRequestOptions::default();
    options.use_edns = false;
    DnsRequest::from_query(query.clone(), options)
}

/// Whether `answer` is one, to this question. A server that did not understand it need not repeat it.
fn fits(answer: &Message, query: &Query) -> bool {
    answer.metadata.message_type == MessageType::Response
        && match answer.queries.as_slice() {
            [] => !matches!(answer.response_code, ResponseCode::NoError | ResponseCode::NXDomain),
            [asked] => asked == query,
            _ => false,
        }
}
