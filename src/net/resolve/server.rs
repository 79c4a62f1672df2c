//! A scripted name server on a loopback port, over UDP and TCP, for tests.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};

use crate::net::Net;
use crate::plan::env::Env;

/// A question that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The name, without its final dot.
    pub(crate) name: String,
    pub(crate) kind: RecordType,
    pub(crate) tcp: bool,
    /// How often this has been asked, from 1 on.
    pub(crate) count: usize,
}

/// One packet in reply.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) code: ResponseCode,
    pub(crate) answers: Vec<Record>,
    pub(crate) truncated: bool,
    pub(crate) wrong_id: bool,
    pub(crate) question: Option<&'static str>,
    pub(crate) garbage: bool,
    pub(crate) after: Duration,
}

pub(crate) fn code(code: ResponseCode) -> Vec<Reply> {
    vec![Reply { code, ..Reply::default() }]
}

pub(crate) fn nxdomain() -> Vec<Reply> {
    code(ResponseCode::NXDomain)
}

pub(crate) fn answers(answers: impl IntoIterator<Item = Record>) -> Vec<Reply> {
    vec![Reply { answers: answers.into_iter().collect(), ..Reply::default() }]
}

/// A record whose data is an address, `->NAME` for an alias, or else a text.
pub(crate) fn record(owner: &str, data: &str) -> Record {
    let name = |text: &str| Name::from_ascii(format!("{text}.")).unwrap();
    let data = match (data.parse(), data.strip_prefix("->")) {
        (Ok(std::net::IpAddr::V4(ip)), _) => RData::A(A(ip)),
        (Ok(std::net::IpAddr::V6(ip)), _) => RData::AAAA(AAAA(ip)),
        (_, Some(target)) => RData::CNAME(CNAME(name(target))),
        _ => RData::TXT(TXT::new(vec![data.to_owned()])),
    };
    Record::from_rdata(name(owner), 60, data)
}

type Script = dyn Fn(&Asked) -> Vec<Reply> + Send + Sync;

/// The server; it ends when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

struct State {
    script: Box<Script>,
    counts: Mutex<HashMap<(String, RecordType), usize>>,
    log: Mutex<Vec<Asked>>,
}

impl Server {
    pub(crate) async fn start(script: impl Fn(&Asked) -> Vec<Reply> + Send + Sync + 'static) -> Self {
        let (udp, tcp) = loop {
            let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let state =
            Arc::new(State { script: Box::new(script), counts: Mutex::default(), log: Mutex::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(over_udp(Arc::new(udp), Arc::clone(&state)));
        tasks.spawn(over_tcp(tcp, Arc::clone(&state)));
        Self { address, state, _tasks: tasks }
    }

    /// What was asked, as `NAME TYPE`.
    pub(crate) fn asked(&self) -> Vec<String> {
        let log = self.state.log.lock().unwrap();
        log.iter().map(|asked| format!("{} {}", asked.name, asked.kind)).collect()
    }
}

async fn over_udp(socket: Arc<UdpSocket>, state: Arc<State>) {
    let mut buffer = [0; 1024];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else { continue };
        for (after, packet) in state.replies(&buffer[..length], false) {
            let socket = Arc::clone(&socket);
            tokio::spawn(async move {
                sleep(after).await;
                let _ = socket.send_to(&packet, peer).await;
            });
        }
    }
}

async fn over_tcp(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let Ok(length) = stream.read_u16().await else { continue };
        let mut buffer = vec![0; usize::from(length)];
        if stream.read_exact(&mut buffer).await.is_err() {
            continue;
        }
        for (_, packet) in state.replies(&buffer, true) {
            let mut framed = u16::try_from(packet.len()).unwrap().to_be_bytes().to_vec();
            framed.extend_from_slice(&packet);
            let _ = stream.write_all(&framed).await;
        }
        // The client hangs up.
        let _ = stream.read_u8().await;
    }
}

impl State {
    fn replies(&self, packet: &[u8], tcp: bool) -> Vec<(Duration, Vec<u8>)> {
        let request = Message::from_vec(packet).unwrap();
        let query = request.queries[0].clone();
        let name = query.name.to_ascii().trim_end_matches('.').to_owned();
        let count = {
            let mut counts = self.counts.lock().unwrap();
            let count = counts.entry((name.clone(), query.query_type)).or_default();
            *count += 1;
            *count
        };
        let asked = Asked { name, kind: query.query_type, tcp, count };
        self.log.lock().unwrap().push(asked.clone());
        (self.script)(&asked).into_iter().map(|reply| (reply.after, reply.packet(&request))).collect()
    }
}

impl Reply {
    fn packet(self, request: &Message) -> Vec<u8> {
        let mut message = request.clone().into_response();
        message.metadata.response_code = self.code;
        message.metadata.recursion_available = true;
        message.metadata.truncation = self.truncated;
        if let Some(name) = self.question {
            let kind = message.queries[0].query_type;
            message.queries = vec![Query::query(Name::from_ascii(name).unwrap(), kind)];
        }
        message.add_answers(self.answers);
        let mut packet = message.to_vec().unwrap();
        if self.wrong_id {
            packet[0] ^= 1;
        }
        if self.garbage {
            packet.truncate(14);
        }
        packet
    }
}

/// A network with these name servers; `rest` goes into its `resolv.conf` too.
pub(crate) fn net(servers: &[SocketAddr], rest: &str, hosts: &str) -> (Net, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut lines: Vec<String> = servers.iter().map(|server| format!("nameserver {server}")).collect();
    lines.push(rest.to_owned());
    let conf = lines.join("\n");
    let mut net = Net::new(Env::from([("LOCALDOMAIN", "")]));
    if rest.contains("search") {
        net.env = Env::default();
    }
    net.files.resolv_conf = folder.path().join("resolv.conf");
    net.files.hosts = folder.path().join("hosts");
    std::fs::write(&net.files.resolv_conf, conf).unwrap();
    std::fs::write(&net.files.hosts, hosts).unwrap();
    (net, folder)
}
