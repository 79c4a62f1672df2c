//! HTTP: one exchange over reqwest, on a connection of its own.
//!
//! reqwest neither resolves names, nor follows redirects, nor chooses a proxy, nor keeps a connection: all of that
//! is done here, so that every stage can be timed and every failure has its class.

mod error;
mod gate;
mod lane;
mod proxy;
mod redirect;

use std::path::PathBuf;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use tokio::time::{Duration, Instant};

pub use proxy::ProxyMode;

use super::Net;
use super::tls::TlsOptions;
use super::trace::Trace;
use crate::check::{Class, Cost, Fact, Reason, class};
use crate::plan::secret::mask_query;
use crate::plan::target::Host;

/// There is no response in time.
pub static TIMEOUT: Class = Class::new(
    "http.timeout",
    Cost::High,
    "The connection was made, but the response did not come or did not end in time.",
)
.causes(&["a service that is still starting, or hangs", "a health page that asks slow dependencies"])
.remedy("Look at the service's log; give the answer more time with `attempt-timeout`.");
/// The response is not HTTP.
pub static PROTOCOL: Class = Class::new("http.protocol", Cost::High, "What answered does not speak HTTP.")
    .causes(&["a wrong port", "a port that speaks TLS: `https://` instead of `http://`"])
    .remedy("Check port and scheme.");
/// Redirects lead nowhere.
pub static REDIRECT: Class = Class::new(
    "http.redirect",
    Cost::High,
    "Redirects go round in a circle, are too many, or lead to where nothing listens.",
)
.causes(&[
    "a login page that redirects to itself without a cookie",
    "a redirect to a name that is for browsers only",
])
.remedy("Follow the redirects by hand, or judge the first answer with `redirects=0`.");
/// The proxy is in the way.
pub static PROXY: Class =
    Class::new("http.proxy", Cost::High, "The proxy cannot be used, or does not let the request through.")
        .causes(&[
            "a proxy that does not know the host",
            "a proxy that wants a password",
            "a wrong proxy URL",
        ])
        .remedy("Check `--proxy` and `proxy=`, or go without: `--proxy none`.");
/// A request, and how far it may lead.
#[derive(Clone)]
pub(crate) struct Request {
    /// Where to, without userinfo.
    pub(crate) url: Url,
    /// Where the host is, if not where its name says.
    pub(crate) at: Option<Host>,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// The `Host` header, if it is another than the URL's.
    pub(crate) host: Option<HeaderValue>,
    pub(crate) body: Option<Vec<u8>>,
    /// The socket to send it to, instead of to an address.
    pub(crate) unix: Option<PathBuf>,
    pub(crate) http2: bool,
    pub(crate) tls: TlsOptions,
    /// The proxy, if the precondition says something about one.
    pub(crate) proxy: Option<ProxyMode>,
    /// How many redirects are followed.
    pub(crate) redirects: usize,
}

/// The head of a response; the body is still to be read.
pub(crate) struct Answer {
    response: reqwest::Response,
    /// Who sent it: `10.0.0.7:80`.
    pub(crate) place: String,
    /// How long it took from the request to the head.
    pub(crate) rtt: Duration,
    /// Where the redirects led, in their order.
    pub(crate) followed: Vec<Url>,
}

/// What was read of a body.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// Whether there was more.
    pub(crate) cut: bool,
}

/// Sends `request` and follows where it leads, up to a status that `wanted` takes as it is.
///
/// # Errors
/// The reason why there is no response.
pub(crate) async fn exchange(
    net: &Net,
    trace: &Trace,
    request: Request,
    wanted: impl Fn(StatusCode) -> bool,
) -> Result<Answer, Reason> {
    let limit = request.redirects;
    let mut request = request;
    let mut followed: Vec<Url> = Vec::new();
    let mut visited = vec![(request.method.clone(), request.url.clone())];
    loop {
        let hops = facts(&followed);
        let noted = hops.clone();
        trace.within(move |reason| behind(reason, &noted));
        let reply = lane::send(net, trace, &request).await.map_err(|reason| behind(reason, &hops))?;
        let status = reply.response.status();
        if limit == 0 || wanted(status) || !redirect::is_redirect(status) {
            let (response, place, rtt) = (reply.response, reply.place, reply.rtt);
            return Ok(Answer { response, place, rtt, followed });
        }
        let onward = redirect::follow(request, status, reply.response.headers())
            .map_err(|reason| behind(reason.fact(Fact::Status(status.as_u16())), &hops))?;
        let visit = (onward.method.clone(), onward.url.clone());
        let wrong = if visited.contains(&visit) {
            Some(format!("redirects go round in a circle: back to {}", shown(&onward.url)))
        } else if followed.len() >= limit {
            Some(format!("more than {limit} redirects"))
        } else {
            None
        };
        followed.push(onward.url.clone());
        if let Some(text) = wrong {
            return Err(behind(Reason::new(&REDIRECT, text), &facts(&followed)));
        }
        visited.push(visit);
        request = onward;
    }
}

/// The hops as facts.
fn facts(followed: &[Url]) -> Vec<Fact> {
    followed.iter().map(|url| Fact::Location(shown(url))).collect()
}

/// A reason met behind redirects. That nobody listens there is no refusal of the host that was asked for.
fn behind(mut reason: Reason, hops: &[Fact]) -> Reason {
    if let Some(Fact::Location(last)) = hops.last() {
        if reason.class != &REDIRECT {
            reason.text = format!("redirected to {last}: {}", reason.text);
        }
        if reason.class == &class::TCP_REFUSED {
            reason.class = &REDIRECT;
        }
        reason.facts.extend(hops.iter().cloned());
    }
    reason
}

/// A URL as it may be shown.
pub(crate) fn shown(url: &Url) -> String {
    let mut text = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        text.push(':');
        text.push_str(&port.to_string());
    }
    text.push_str(url.path());
    if let Some(query) = url.query() {
        text.push('?');
        text.push_str(&mask_query(query));
    }
    text
}

/// A status in words: `503 Service Unavailable`.
pub(crate) fn status_words(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(words) => format!("{} {words}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Where redirects led, as facts.
    pub(crate) fn hops(&self) -> Vec<Fact> {
        facts(&self.followed)
    }

    /// The next part of a body that is read as it comes; `None` at its end.
    ///
    /// # Errors
    /// The reason why it did not come to its end.
    #[cfg(feature = "k8s")]
    pub(crate) async fn part(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Reason> {
        self.response.chunk().await.map_err(|error| {
            let text = format!("connection to {} closed in the middle of the response", self.place);
            error::in_body(&error, text)
        })
    }

    /// Reads the body, at most `most` bytes of it.
    ///
    /// # Errors
    /// The reason why it did not come to its end.
    pub(crate) async fn body(self, trace: &Trace, most: usize) -> Result<Body, Reason> {
        self.read(trace, most, trace.explains()).await
    }

    /// The same for a body that may hold secrets: it is never shown.
    ///
    /// # Errors
    /// The reason why it did not come to its end.
    #[cfg(feature = "k8s")]
    pub(crate) async fn secret_body(self, trace: &Trace, most: usize) -> Result<Body, Reason> {
        self.read(trace, most, false).await
    }

    async fn read(mut self, trace: &Trace, most: usize, show: bool) -> Result<Body, Reason> {
        let since = Instant::now();
        let hops = self.hops();
        let noted = status_words(self.status());
        trace.doing(move || Reason::new(&TIMEOUT, format!("status {noted}, body not complete")));
        let mut body = Body { bytes: Vec::new(), cut: false };
        while let Some(chunk) = self.response.chunk().await.map_err(|error| {
            let text = format!("connection to {} closed in the middle of the response", self.place);
            behind(error::in_body(&error, text), &hops)
        })? {
            let room = most - body.bytes.len();
            body.bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                body.cut = true;
                break;
            }
        }
        trace.stage("body", since, || {
            let more = if body.cut { "more than " } else { "" };
            let size = format!("{more}{} bytes", body.bytes.len());
            if !show {
                return size;
            }
            let shown: String = String::from_utf8_lossy(&body.bytes).chars().take(200).collect();
            format!("{size}: {shown:?}")
        });
        Ok(body)
    }
}
