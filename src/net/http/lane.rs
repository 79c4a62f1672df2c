//! One request to one host: a lane for each of its addresses, of which the first that is connected sends.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use reqwest::header::{HOST, HeaderValue};
use reqwest::{Client, Response, Url, Version};
use rustls::ClientConfig;
use tokio::time::{Duration, Instant};

use super::gate::{Gate, Pinned};
use super::proxy::Via;
use super::{PROTOCOL, PROXY, Request, TIMEOUT, error, status_words};
use crate::check::{Fact, Reason, class};
use crate::net::Net;
use crate::net::dial::{self, Failure, Family, Note};
use crate::net::tls::{self, Seen};
use crate::net::trace::Trace;
use crate::plan::target::Host;

/// A response of which only the head has been read.
pub(super) struct Reply {
    pub(super) response: Response,
    pub(super) place: String,
    pub(super) rtt: Duration,
}

type Sending = Pin<Box<dyn Future<Output = Result<Response, reqwest::Error>>>>;

/// A request on its way.
struct Sent {
    sending: Sending,
    /// The response, if it was there at once.
    early: Option<Result<Response, reqwest::Error>>,
    began: Instant,
    connected: Instant,
    seen: Seen,
    place: String,
}

/// The host of a URL.
pub(super) fn host_of(url: &Url) -> Option<Host> {
    Some(match url.host()? {
        url::Host::Domain(name) => match name.parse() {
            Ok(ip) => Host::Ip(ip),
            Err(_) => Host::Name(name.to_owned()),
        },
        url::Host::Ipv4(ip) => Host::Ip(ip.into()),
        url::Host::Ipv6(ip) => Host::Ip(ip.into()),
    })
}

/// Sends `request` once, and waits for the head of the response.
pub(super) async fn send(net: &Net, trace: &Trace, request: &Request) -> Result<Reply, Reason> {
    let sent = match &request.unix {
        Some(path) => {
            let lane = Lane::new(net, request, None, Vec::new())?;
            let place = path.display().to_string();
            let noted = place.clone();
            trace.doing(move || Failure::new(&class::TCP_TIMEOUT, "no answer").at(&noted));
            lane.run(None, place.clone(), None).await.map_err(|failure| no_socket(failure, &place))?
        }
        None => race(net, trace, request).await?,
    };
    note(trace, &sent);
    let place = sent.place;
    let noted = place.clone();
    trace.doing(move || {
        let reason = Reason::new(&TIMEOUT, format!("connected to {noted}, no response"));
        noted.parse().map_or_else(|_| reason.clone(), |peer| reason.clone().fact(Fact::Peer(peer)))
    });
    let response = match sent.early {
        Some(response) => response,
        None => sent.sending.await,
    };
    let mut response = response
        .map_err(|error| peer(error::awaiting(&error, &sent.seen, request.http2).at(&place), &place))?;
    let rtt = sent.connected.elapsed();
    trace.stage("response", sent.connected, || described(request, &response));
    if response.version() == Version::HTTP_09 {
        return Err(peer(stranger(&mut response, &place).await, &place));
    }
    Ok(Reply { response, place, rtt })
}

/// Connects to all addresses as [`dial`] does, and hands the request to the first connection.
async fn race(net: &Net, trace: &Trace, request: &Request) -> Result<Sent, Reason> {
    let mode = request.proxy.as_ref().unwrap_or(&net.proxy);
    let via = mode.via(&net.env, &request.url)?;
    if via.is_some() {
        through_proxy(request)?;
    }
    let host = request.at.clone().or_else(|| host_of(&request.url)).unwrap_or(Host::This);
    let port = request.url.port_or_known_default().unwrap_or(80);
    let (first, first_port) = via.as_ref().map_or((&host, port), |via| (&via.host, via.port));
    let proxied = via.is_some();
    let in_proxy = move |reason: Reason| if proxied { of_proxy(reason) } else { reason };
    let addresses = dial::addresses(net, trace, first, first_port, Family::Any).await.map_err(in_proxy)?;
    let targets = match &via {
        Some(via) if via.wants_address => dial::addresses(net, trace, &host, port, Family::Any).await?,
        _ => Vec::new(),
    };
    let lane = Lane::new(net, request, via, targets)?;
    let sent = dial::race_noting(net.spare.clone(), trace, &addresses, |address, note| {
        lane.run(Some(address), address.to_string(), Some(note))
    });
    sent.await.map_err(in_proxy)
}

/// What needs a connection to the target itself cannot be had of a proxy.
fn through_proxy(request: &Request) -> Result<(), Reason> {
    let wrong = match request.url.scheme() {
        "https" => request.tls.sni().map(|_| "option sni"),
        _ => request.http2.then_some("option http2 on http://"),
    };
    match wrong {
        Some(what) => Err(Reason::new(&PROXY, format!("{what} has no way through a proxy"))),
        None => Ok(()),
    }
}

/// A reason that concerns the proxy: it is not the target that refused.
fn of_proxy(mut reason: Reason) -> Reason {
    if reason.class == &class::TCP_REFUSED {
        reason.class = &PROXY;
    }
    reason.text = format!("proxy: {}", reason.text);
    reason
}

fn no_socket(failure: Failure, path: &str) -> Reason {
    match failure.words.as_str() {
        _ if failure.class == &class::TCP_UNREACHABLE => {
            // Nothing is there: as clean an answer as a refusal.
            let missing = !std::path::Path::new(path).exists();
            let class = if missing { &class::TCP_REFUSED } else { failure.class };
            Reason { class, text: format!("no socket at {path}: {}", failure.words), facts: failure.facts }
        }
        _ => failure.at(path),
    }
}

fn peer(reason: Reason, place: &str) -> Reason {
    match place.parse() {
        Ok(peer) => reason.fact(Fact::Peer(peer)),
        Err(_) => reason,
    }
}

fn note(trace: &Trace, sent: &Sent) {
    let handshake = sent.seen.began();
    trace.stage_until("connect", sent.began, handshake.unwrap_or(sent.connected), || sent.place.clone());
    if let Some(handshake) = handshake {
        trace.stage_until("tls", handshake, sent.connected, || sent.seen.described());
    }
}

/// Headers whose values say much and hold no secret.
const SHOWN: [&str; 6] = ["content-type", "content-length", "date", "retry-after", "server", "via"];

/// Request and response in one line; of most headers, only the names.
fn described(request: &Request, response: &Response) -> String {
    let named = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        let value = value.to_str().ok().filter(|_| SHOWN.contains(&name.as_str()));
        let value = value.map(|value| value.chars().take(60).collect::<String>());
        value.map_or_else(|| name.to_string(), |value| format!("{name}: {value}"))
    };
    let headers: Vec<String> = response.headers().iter().map(named).collect();
    let (method, version) = (&request.method, response.version());
    let (path, status) = (request.url.path(), status_words(response.status()));
    format!("{method} {path}: {version:?} {status} ({})", headers.join(", "))
}

/// What it is that answers something other than HTTP.
async fn stranger(response: &mut Response, place: &str) -> Reason {
    let first = response.chunk().await.ok().flatten().unwrap_or_default();
    let spoke = match &first[..] {
        [0x15 | 0x16, 3, ..] => Some("TLS"),
        [b'S', b'S', b'H', b'-', ..] => Some("SSH"),
        // A SETTINGS frame, or GOAWAY.
        [0, 0, _, 4 | 7, ..] => Some("HTTP/2"),
        _ => None,
    };
    let reason =
        Failure::new(&PROTOCOL, format!("{}, not HTTP,", spoke.unwrap_or("something else"))).at(place);
    match spoke {
        Some(spoke) => reason.fact(Fact::Spoke(spoke)),
        None => reason.fact(Fact::Spoke("something other than HTTP")),
    }
}

/// All that the lanes of a request share.
struct Lane<'a> {
    net: &'a Net,
    request: &'a Request,
    via: Option<Via>,
    /// The target's addresses, for a proxy that wants one.
    targets: Vec<SocketAddr>,
    url: Url,
    host: Option<HeaderValue>,
    /// Whether a connection has been handed the request.
    taken: Arc<AtomicBool>,
    began: Instant,
}

impl<'a> Lane<'a> {
    fn new(
        net: &'a Net,
        request: &'a Request,
        via: Option<Via>,
        targets: Vec<SocketAddr>,
    ) -> Result<Self, Reason> {
        let (url, host) = wire(request);
        let lane =
            Self { net, request, via, targets, url, host, taken: Arc::default(), began: Instant::now() };
        lane.config(&Seen::default())?;
        Ok(lane)
    }

    /// Whether TLS is spoken, to the target or to the proxy.
    fn config(&self, seen: &Seen) -> Result<ClientConfig, Reason> {
        if self.url.scheme() != "https" && !self.via.as_ref().is_some_and(Via::secure) {
            return Ok(tls::unused());
        }
        let alpn: &[u8] = if self.request.http2 { b"h2" } else { b"http/1.1" };
        self.request.tls.config(self.net, &[alpn], seen)
    }

    fn client(
        &self,
        address: Option<SocketAddr>,
        passed: &Arc<OnceLock<Instant>>,
        seen: &Seen,
    ) -> Option<Client> {
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .tcp_keepalive(None)
            .tcp_keepalive_interval(None)
            .tcp_keepalive_retries(None)
            .tcp_user_timeout(None)
            .http09_responses()
            .tls_backend_preconfigured(self.config(seen).ok()?)
            .connector_layer(Gate { taken: Arc::clone(&self.taken), passed: Arc::clone(passed) });
        #[cfg(feature = "http2")]
        if self.request.http2 {
            builder = builder.http2_prior_knowledge();
        }
        if let Some(path) = &self.request.unix {
            builder = builder.unix_socket(path.as_path());
        }
        if let Some(via) = &self.via {
            builder = builder.proxy(via.proxy().ok()?);
        }
        let proxy = self.via.as_ref().map(|via| via.host.to_string());
        let targets =
            if self.targets.is_empty() { address.into_iter().collect() } else { self.targets.clone() };
        builder.dns_resolver(Pinned { proxy, address, targets }).build().ok()
    }

    /// Connects to one address, and hands over the request if it is the first to get so far.
    fn run(
        &self,
        address: Option<SocketAddr>,
        place: String,
        note: Option<Note>,
    ) -> impl Future<Output = Result<Sent, Failure>> + use<> {
        let (passed, seen) = (Arc::new(OnceLock::new()), Seen::default());
        let sending = self.client(address, &passed, &seen).map(|client| self.start(&client));
        let (proxied, began) = (self.via.is_some(), self.began);
        async move {
            let mut sending =
                sending.ok_or_else(|| Failure::new(&PROTOCOL, "no request could be made for what is"))?;
            let mut noted = false;
            let polled = poll_fn(|context| {
                let polled = sending.as_mut().poll(context);
                match polled {
                    Poll::Pending if passed.get().is_some() => Poll::Ready(None),
                    Poll::Pending => {
                        if let Some(note) = note.as_ref().filter(|_| !noted && seen.began().is_some()) {
                            note.so_far(tls::pending());
                            noted = true;
                        }
                        Poll::Pending
                    }
                    Poll::Ready(result) => Poll::Ready(Some(result)),
                }
            });
            let early = polled.await;
            match (early, passed.get().copied()) {
                (early, Some(connected)) => Ok(Sent { sending, early, began, connected, seen, place }),
                (Some(Err(error)), None) => Err(error::connecting(&error, &seen, proxied)),
                (_, None) => Err(Failure::new(&PROTOCOL, "no connection")),
            }
        }
    }

    fn start(&self, client: &Client) -> Sending {
        let mut request = reqwest::Request::new(self.request.method.clone(), self.url.clone());
        request.headers_mut().clone_from(&self.request.headers);
        if let Some(host) = &self.host {
            request.headers_mut().insert(HOST, host.clone());
        }
        *request.body_mut() = self.request.body.clone().map(reqwest::Body::from);
        if self.request.http2 {
            *request.version_mut() = Version::HTTP_2;
        }
        Box::pin(client.execute(request))
    }
}

/// The URL and the `Host` header as they go out. The URL's host is what TLS asks for and HTTP/2 sends; where the
/// connection goes is settled by [`Pinned`].
fn wire(request: &Request) -> (Url, Option<HeaderValue>) {
    let mut url = request.url.clone();
    let mut host = request.host.clone();
    // A final dot is for the search list; servers do not know themselves by it.
    if let Some(name) = url.host_str().and_then(|name| name.strip_suffix('.')).map(str::to_owned) {
        let _ = url.set_host(Some(&name));
    }
    if request.http2 && url.scheme() == "http" {
        let authority =
            host.as_ref().and_then(|host| Url::parse(&format!("http://{}/", host.to_str().ok()?)).ok());
        if let Some(authority) = authority.as_ref().and_then(Url::host_str) {
            let _ = url.set_host(Some(authority));
            host = None;
        }
    }
    if let Some(name) = request.tls.sni().filter(|_| url.scheme() == "https") {
        if host.is_none() && !request.http2 {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            host = HeaderValue::try_from(format!("{}{port}", url.host_str().unwrap_or_default())).ok();
        }
        let _ = url.set_host(Some(&name.to_str()));
    }
    (url, host)
}
