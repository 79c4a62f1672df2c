//! `http://…`, `https://…` — the status is the one expected, and so is everything else that is asked of it.

mod judge;
mod options;
mod status;

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use self::judge::Expect;
pub(super) use self::options::build;
use super::options::{CREDENTIALS, Credentials, read_secret};
use super::{Attempt, Class, Cost, Evidence, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::http::{self, PROTOCOL, PROXY, REDIRECT, Request, TIMEOUT};
use crate::net::tls;

/// The status is another one.
pub(super) static STATUS: Class =
    Class::new("http.status", Cost::High, "The status is not one of those expected.")
        .causes(&[
            "a service that is starting, or waits for something itself (503)",
            "a proxy in front of a backend that is not there (502, 504)",
            "a wrong path or Host header (404)",
            "a page that wants a login (302, 401, 403)",
        ])
        .remedy("Look at the service's log; check the path, `host=` and `status=`.");
/// The body is another one.
pub(super) static BODY: Class = Class::new("http.body", Cost::High, "The body is not what is expected.")
    .causes(&["a service that reports in its body that it is not ready", "a mistake in `expect=` or `json=`"])
    .remedy("Compare the page with `expect=` and `json=`.");
/// A header is another one.
static HEADER: Class =
    Class::new("http.header", Cost::High, "A header of the response is not what is expected.")
        .causes(&["an older version of the service, or another one", "a mistake in `expect-header=`"])
        .remedy("Compare the response's headers with `expect-header=`.");
/// It took too long.
static SLOW: Class = Class::new("http.slow", Cost::High, "The response took longer than `max-rtt`.")
    .causes(&["a service that is warming up", "an overloaded service or network"])
    .remedy("Wait for it to warm up, or raise `max-rtt=`.");

static OPTIONS: &[Opt] = &[
    Opt::new("status", "SET", "statuses that are expected: 204, 2xx, 300-399, with commas (default 200-299)"),
    Opt::new("method", "NAME", "request method (default GET, or POST with a body)"),
    Opt::new("body", "TEXT", "request body").secret(),
    Opt::new("body-file", "PATH", "file with the request body"),
    Opt::new("expect", "REGEX", "what the body must match within its first 64 KiB"),
    Opt::new("json", "PATH[==VALUE]", "what a JSON body must hold: status==UP, $.checks[*].name").repeated(),
    Opt::new("expect-header", "NAME:REGEX", "what a response header must match").repeated(),
    Opt::new("redirects", "N", "redirects to follow, unless status names them (default 10, 0 for none)"),
    Opt::new("max-rtt", "DUR", "longest time from request to response head"),
    Opt::new("http2", "", "speak HTTP/2, on http:// without asking first"),
];
/// How a server is reached, and who asks.
pub(super) static REACH: &[Opt] = &[
    Opt::new("header", "NAME:VALUE", "request header, for the first host only").repeated().secret(),
    Opt::new("host", "NAME", "the Host header, if it is not the URL's host"),
    Opt::new("basic-auth-file", "PATH", "file that holds user:password, read at every attempt"),
    Opt::new("bearer-file", "PATH", "file that holds a bearer token, read at every attempt"),
    Opt::new("unix", "PATH", "unix socket to connect to instead of the URL's host"),
    Opt::new("proxy", "none|env|URL", "whether a proxy is used (default: as --proxy says)"),
];

/// The kind `http`.
pub(super) static KIND: Kind = Kind {
    name: "http",
    schemes: &[
        Scheme::url("http", "http://HOST[:PORT]/PATH").port(80).token(),
        Scheme::url("https", "https://HOST[:PORT]/PATH").port(443).token().tls(),
    ],
    flag: Some("http"),
    summary: "the response has a status in `status`, and all else that is expected",
    options: &[OPTIONS, REACH, CREDENTIALS, tls::OPTIONS],
    opposite: &[&class::TCP_REFUSED, &STATUS],
    classes: &[&STATUS, &BODY, &HEADER, &SLOW, &TIMEOUT, &PROTOCOL, &REDIRECT, &PROXY],
    build,
};

/// Where the `Authorization` header comes from.
#[derive(Debug)]
enum Auth {
    None,
    Basic(Credentials),
    BasicFile(String),
    BearerFile(String),
}

/// How long an explanation waits for the body of a page whose head decides already.
const PREVIEW: tokio::time::Duration = tokio::time::Duration::from_millis(300);

struct Http {
    request: Request,
    auth: Auth,
    expect: Expect,
}

impl Probe for Http {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }
}

impl Http {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let mut request = self.request.clone();
        if let Some(authorization) = self.auth.header()? {
            request.headers.insert(AUTHORIZATION, authorization);
        }
        let wanted = |status: reqwest::StatusCode| self.expect.names(status);
        let answer = http::exchange(attempt.net, attempt.trace, request, wanted).await?;
        let hops = answer.hops();
        let with_hops = |mut reason: Reason| {
            reason.facts.extend(hops.iter().cloned());
            reason
        };
        let head = self.expect.head(answer.status(), answer.headers(), answer.rtt).map_err(with_hops);
        if let (Err(reason), true) = (&head, attempt.trace.explains()) {
            // Who wants to know every layer also wants to see the page.
            let _ = tokio::time::timeout(PREVIEW, answer.body(attempt.trace, 4096)).await;
            return Err(reason.clone());
        }
        head?;
        let mut text = format!("status {} from {}", http::status_words(answer.status()), answer.place);
        if let Some(last) = answer.followed.last() {
            text = format!("{text} after a redirect to {}", http::shown(last));
        }
        if let Some(most) = self.expect.most() {
            let body = answer.body(attempt.trace, most).await?;
            self.expect.body(&body).map_err(with_hops)?;
        } else if attempt.trace.explains() {
            let _ = tokio::time::timeout(PREVIEW, answer.body(attempt.trace, 4096)).await;
        }
        Ok(Evidence::new(text))
    }
}

impl Auth {
    /// The header now.
    fn header(&self) -> Result<Option<HeaderValue>, Reason> {
        let local = |what: String| Reason::new(&class::LOCAL_SECRET, what);
        let value = match self {
            Self::None => return Ok(None),
            Self::Basic(credentials) => {
                let password = credentials.password()?.unwrap_or_default();
                basic(&format!("{}:{}", credentials.user.as_deref().unwrap_or_default(), password.expose()))
            }
            Self::BasicFile(path) => {
                let secret = read_secret(path)?;
                if !secret.expose().contains(':') {
                    return Err(local(format!("{path} does not hold user:password")));
                }
                basic(secret.expose())
            }
            Self::BearerFile(path) => {
                let secret = read_secret(path)?;
                if secret.expose().trim().is_empty() {
                    return Err(local(format!("{path} is empty")));
                }
                let value = HeaderValue::try_from(format!("Bearer {}", secret.expose().trim()));
                value.map_err(|_| local(format!("{path} holds characters that a header cannot have")))?
            }
        };
        let mut value = value;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn basic(pair: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
        .unwrap_or_else(|_| unreachable!("base64 is fit for a header"))
}
