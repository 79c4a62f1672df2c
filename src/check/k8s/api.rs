//! Requests to the API server, and what its refusals mean.

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use serde_json::Value;

use super::cluster::Cluster;
use super::resource::Resource;
use super::store::slim;
use super::{API, FORBIDDEN};
use crate::check::{Fact, Reason, class};
use crate::net::Net;
use crate::net::http::{self, Answer, Request};
use crate::net::trace::Trace;

/// At most so many bytes of one response are read.
const MOST: usize = 4 * 1024 * 1024;
/// Objects a page; fewer where these are more than [`MOST`]. (An object has 1.5 MiB at most, as etcd stores it.)
const PAGE: [&str; 3] = ["100", "10", "1"];
/// At most so many pages of a list.
const PAGES: usize = 200;
/// At most so many bytes of all its pages.
const LIST: usize = 16 * MOST;

const TOO_LONG: &str = "the API server's answer is longer than 4 MiB";

/// A query: names and values.
pub(super) type Query<'a> = Vec<(&'a str, &'a str)>;

/// What is asked of which objects, for messages.
pub(super) struct About<'a> {
    pub(super) verb: &'static str,
    pub(super) resource: &'a Resource,
    pub(super) namespace: &'a str,
}

/// All objects of a list, and the version of the list, from which a watch goes on.
pub(super) struct Listed {
    pub(super) objects: Vec<Value>,
    pub(super) version: Option<String>,
}

/// Why there is no list.
pub(super) enum Refused {
    /// The resource does not exist in that version (404).
    Unknown,
    /// The version from which a watch should go on is no longer known (410).
    Gone,
    /// Anything else.
    For(Reason),
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self::For(reason)
    }
}

/// A cluster and what an attempt has to work with.
#[derive(Clone, Copy)]
pub(super) struct Api<'a> {
    pub(super) net: &'a Net,
    pub(super) trace: &'a Trace,
    pub(super) cluster: &'a Cluster,
}

impl Api<'_> {
    /// Sends one request. Where a token is refused, it is read again and tried once more: it may have been renewed.
    async fn get(&self, path: &[&str], query: &Query<'_>) -> Result<Answer, Reason> {
        let answer = self.send(path, query).await?;
        if answer.status().as_u16() == 401 && self.cluster.user.renews() {
            return self.send(path, query).await;
        }
        Ok(answer)
    }

    async fn send(&self, path: &[&str], query: &Query<'_>) -> Result<Answer, Reason> {
        let mut url = self.cluster.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("prereq/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.extend(self.cluster.user.header()?.map(|value| (AUTHORIZATION, value)));
        let request = Request {
            url,
            at: None,
            method: Method::GET,
            headers,
            host: None,
            body: None,
            unix: None,
            http2: false,
            tls: self.cluster.tls.clone(),
            proxy: self.cluster.proxy.clone(),
            redirects: 0,
        };
        self.trace.within(of_server);
        http::exchange(self.net, self.trace, request, |_| true).await.map_err(of_server)
    }

    /// The JSON document at a path.
    pub(super) async fn document(&self, path: &[&str], query: &Query<'_>) -> Result<(u16, Value), Reason> {
        match self.sized(path, query).await? {
            Some((status, document, _)) => Ok((status, document)),
            None => Err(Reason::new(&API, TOO_LONG)),
        }
    }

    /// The same, and how long it is; `None` where that is more than [`MOST`].
    async fn sized(&self, path: &[&str], query: &Query<'_>) -> Result<Option<(u16, Value, usize)>, Reason> {
        let answer = self.get(path, query).await?;
        let status = answer.status().as_u16();
        let body = answer.secret_body(self.trace, MOST).await.map_err(of_server)?;
        if body.cut {
            return Ok(None);
        }
        match serde_json::from_slice(&body.bytes) {
            Ok(document) => Ok(Some((status, document, body.bytes.len()))),
            // Errors may come in plain text: from a proxy, or for a path that does not exist.
            Err(_) if status != 200 => Ok(Some((status, Value::Null, body.bytes.len()))),
            Err(_) => Err(Reason::new(&API, "the API server's answer is no JSON")),
        }
    }

    /// All objects that `query` selects, page by page.
    pub(super) async fn list(&self, about: &About<'_>, query: &Query<'_>) -> Result<Listed, Refused> {
        let mut listed = Listed { objects: Vec::new(), version: None };
        let (mut next, mut length, mut sizes) = (String::new(), 0, PAGE.iter().copied());
        let mut page = sizes.next();
        for _ in 0..PAGES {
            let mut query = query.clone();
            query.extend(page.map(|page| ("limit", page)));
            if !next.is_empty() {
                query.push(("continue", &next));
            }
            let path = about.resource.path(about.namespace);
            let Some((status, mut document, size)) = self.sized(&path, &query).await? else {
                page = sizes.next();
                if page.is_none() {
                    return Err(Reason::new(&API, TOO_LONG).into());
                }
                continue;
            };
            length += size;
            if status != 200 {
                return Err(refused(about, status, &document));
            }
            let Some(Value::Array(items)) = document.get_mut("items").map(Value::take) else {
                return Err(Reason::new(&API, "the API server's answer is no list").into());
            };
            listed.objects.extend(items.into_iter().map(slim));
            if length > LIST {
                return Err(Reason::new(&API, "the list is longer than 64 MiB: select fewer objects").into());
            }
            let metadata = &document["metadata"];
            listed.version = metadata["resourceVersion"].as_str().map(str::to_owned);
            match metadata["continue"].as_str() {
                Some(token) if !token.is_empty() => token.clone_into(&mut next),
                _ => return Ok(listed),
            }
        }
        Err(Reason::new(&API, "the list has no end").into())
    }

    /// Begins a watch on what `query` selects.
    pub(super) async fn watch(&self, about: &About<'_>, query: &Query<'_>) -> Result<Answer, Refused> {
        let answer = self.get(&about.resource.path(about.namespace), query).await?;
        let status = answer.status().as_u16();
        if status == 200 {
            return Ok(answer);
        }
        let body = answer.secret_body(self.trace, MOST).await?;
        Err(refused(about, status, &serde_json::from_slice(&body.bytes).unwrap_or_default()))
    }
}

/// A reason met on the way to the API server.
fn of_server(mut reason: Reason) -> Reason {
    reason.text = format!("API server: {}", reason.text);
    reason
}

/// What an answer other than 200 means; `document` is the `Status` that came with it.
/// (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>)
pub(super) fn refused(about: &About<'_>, status: u16, document: &Value) -> Refused {
    let code = document["reason"].as_str().unwrap_or_default();
    Refused::For(match status {
        401 => Reason::new(&class::AUTH_DENIED, "the API server does not accept the credentials"),
        403 => forbidden(about),
        404 => return Refused::Unknown,
        410 => return Refused::Gone,
        400 => Reason::new(&API, "the API server does not accept the selector"),
        429 => Reason::new(&API, "the API server is busy"),
        _ => {
            let words = reqwest::StatusCode::from_u16(status).map(http::status_words).unwrap_or_default();
            Reason::new(&API, format!("the API server answers {words}"))
        }
    })
    .with(code)
}

impl Refused {
    /// Adds the server's code, if it is one: anything else may repeat a token.
    fn with(self, code: &str) -> Self {
        match self {
            Self::For(reason) if CODES.contains(&code) => Self::For(reason.fact(Fact::Code(code.into()))),
            other => other,
        }
    }
}

/// The reasons of a `Status`
/// (<https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/types.go>, `StatusReason`).
const CODES: &[&str] = &[
    "AlreadyExists",
    "BadRequest",
    "Conflict",
    "Expired",
    "Forbidden",
    "Gone",
    "InternalError",
    "Invalid",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "RequestEntityTooLarge",
    "ServerTimeout",
    "ServiceUnavailable",
    "StoreReadError",
    "Timeout",
    "TooManyRequests",
    "Unauthorized",
    "UnsupportedMediaType",
];

/// The account lacks a rule: which, and what to add.
fn forbidden(about: &About<'_>) -> Reason {
    let About { verb, resource, namespace } = about;
    let (place, role) = if resource.namespaced {
        (format!("in namespace {namespace}"), format!("a Role in namespace {namespace}"))
    } else {
        ("in the cluster".to_owned(), "a ClusterRole".to_owned())
    };
    let text = format!("not allowed to {verb} {} {place}", resource.full_name());
    Reason::new(&FORBIDDEN, text).fact(Fact::Rule { role, rule: resource.rule() })
}
