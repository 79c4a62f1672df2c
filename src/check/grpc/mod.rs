//! `grpc://HOST:PORT[/SERVICE]`, `grpcs://…` — the health service of a gRPC server answers that it is serving.
//!
//! Source: <https://github.com/grpc/grpc/blob/master/doc/health-checking.md>.

mod call;
mod judge;
mod proto;
#[cfg(test)]
mod tests;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, TE, USER_AGENT};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use tokio::time::Instant;

use super::options::read_secret;
use super::service::{Malformed, Service, Wire};
use super::{Attempt, Draft, Evidence, Fact, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::net::tls;
use crate::plan::problem::Problem;
use crate::plan::target::Host;
use call::{Answer, Failure};

/// The kind `grpc`.
pub(super) static KIND: Kind = Kind {
    name: "grpc",
    schemes: &[
        Scheme::url("grpc", "grpc://HOST:PORT[/SERVICE]"),
        Scheme::url("grpcs", "grpcs://HOST:PORT[/SERVICE]").tls(),
        Scheme::url(TEMPORAL.0, "temporal://HOST[:7233]").port(7233),
    ],
    flag: None,
    summary: "the health service answers that the server, or one of its services, is serving",
    options: &[
        &[
            Opt::new(
                "authority",
                "NAME",
                "the authority to ask for, if it is not the target's host and port",
            ),
            Opt::new("header", "NAME:VALUE", "metadata of the call").repeated(),
            Opt::new("bearer-file", "PATH", "file that holds a bearer token, read at every attempt"),
        ],
        tls::OPTIONS,
    ],
    opposite: &[&class::TCP_REFUSED, &class::SERVICE_MISSING, &judge::STATUS],
    classes: &[&judge::STATUS],
    build,
};

/// Temporal's front end, by its scheme, and the service that it tells the health of
/// (<https://docs.temporal.io/self-hosted-guide/deployment>).
const TEMPORAL: (&str, &str) = ("temporal", "temporal.api.workflowservice.v1.WorkflowService");
/// The one method that is called.
const METHOD: &str = "/grpc.health.v1.Health/Check";
/// Names that the protocol itself uses.
const RESERVED: [&str; 6] =
    ["te", "content-type", "content-length", "host", "connection", "transfer-encoding"];

struct Grpc {
    service: Service,
    uri: Uri,
    /// The name of the service that is asked for; empty for the server as a whole.
    name: String,
    metadata: HeaderMap,
    bearer: Option<String>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    draft.no_userinfo();
    if draft.target.query.is_some() {
        let what = format!("a {} target has no query", draft.target.scheme);
        draft.problem(Problem::new(what).hint("options follow a '#'"));
    }
    let name = match draft.target.plain_path() {
        Ok(path) if draft.target.scheme == TEMPORAL.0 && matches!(path.as_str(), "" | "/") => {
            TEMPORAL.1.to_owned()
        }
        Ok(path) => path.strip_prefix('/').unwrap_or(&path).to_owned(),
        Err(problem) => {
            draft.problem(problem);
            String::new()
        }
    };
    let metadata = metadata(draft);
    let bearer = draft.text("bearer-file").map(str::to_owned);
    if bearer.is_some() && metadata.contains_key(AUTHORIZATION) {
        draft.problem(
            Problem::new("more than one kind of credentials is given: bearer-file, header=authorization")
                .hint("keep one of them"),
        );
    }
    let given = draft.parsed("authority", |text| {
        let authority = text.parse::<Authority>().ok().filter(|authority| !authority.as_str().contains('@'));
        authority.ok_or_else(|| "not a host, perhaps with a port".into())
    });
    let service = Service::read(draft, "gRPC", false)?;
    let uri = uri(draft, &service, given)?;
    Some(Box::new(Grpc { service, uri, name, metadata, bearer }))
}

fn uri(draft: &mut Draft<'_>, service: &Service, given: Option<Authority>) -> Option<Uri> {
    let host = match &service.host {
        Host::This => "localhost".to_owned(),
        host => host.to_string(),
    };
    let authority = given.or_else(|| format!("{host}:{}", service.port).parse().ok());
    let scheme = if draft.target.scheme == "grpcs" { "https" } else { "http" };
    let built = authority.and_then(|authority| {
        Uri::builder().scheme(scheme).authority(authority).path_and_query(METHOD).build().ok()
    });
    if built.is_none() {
        draft.problem(
            Problem::new("the host cannot stand in a request").hint("name the server with authority=NAME"),
        );
    }
    built
}

/// The metadata of the call. Messages repeat names only.
fn metadata(draft: &mut Draft<'_>) -> HeaderMap {
    let mut metadata = HeaderMap::new();
    for text in draft.all("header") {
        let read = match text.split_once(':') {
            Some((name, value)) => field(name.trim(), value.trim()),
            None => Err("option header: there is no colon".into()),
        };
        match read {
            Ok((name, value)) => {
                metadata.append(name, value);
            }
            Err(what) => draft.problem(Problem::new(what).hint("write header=NAME:VALUE")),
        }
    }
    metadata
}

fn field(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name = HeaderName::try_from(name)
        .map_err(|_| "option header: what is before the colon is not the name of a header".to_owned())?;
    if name.as_str().starts_with("grpc-") || RESERVED.contains(&name.as_str()) {
        return Err(format!("option header: {name} is the protocol's own"));
    }
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| format!("option header: the value of {name} holds characters that it cannot have"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

impl Probe for Grpc {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }
}

impl Grpc {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let request = self.request()?;
        let wire = self.service.connect_for(attempt, &[b"h2"]).await?;
        let since = Instant::now();
        let place = wire.place.clone();
        attempt.trace.doing(move || {
            let text = format!("connection accepted, but no gRPC answer from {place}");
            Reason::new(&class::SERVICE_TIMEOUT, text)
        });
        let (stream, wire) = wire.apart();
        let answer = call::call(stream, request, proto::request(&self.name)).await;
        let answer = answer.map_err(|failure| broken(&wire, &failure))?;
        attempt.trace.stage("call", since, || match answer.status {
            Some(status) => format!("HTTP status {}, grpc-status {status}", answer.http.as_u16()),
            None => format!("HTTP status {}, no grpc-status", answer.http.as_u16()),
        });
        self.judge(&wire, &answer)?;
        Ok(Evidence::new(format!("{} at {} is SERVING", judge::whose(&self.name), wire.place)))
    }

    fn request(&self) -> Result<Request<()>, Reason> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        *headers = self.metadata.clone();
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        let agent = HeaderValue::from_static(concat!("prereq/", env!("CARGO_PKG_VERSION")));
        headers.entry(USER_AGENT).or_insert(agent);
        if let Some(path) = &self.bearer {
            let token = read_secret(path)?;
            let value = HeaderValue::try_from(format!("Bearer {}", token.expose().trim()));
            let mut value = value.map_err(|_| {
                Reason::new(
                    &class::LOCAL_SECRET,
                    format!("{path} holds characters that a header cannot have"),
                )
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    fn judge(&self, wire: &Wire, answer: &Answer) -> Result<(), Reason> {
        let name = &self.name;
        match answer.status {
            Some(0) => {}
            // What a server says may repeat the secrets that it was sent.
            Some(code) if self.bearer.is_some() || !self.metadata.is_empty() => {
                return Err(judge::failed(name, code, ""));
            }
            Some(code) => return Err(judge::failed(name, code, &answer.message)),
            None if answer.http != 200 => return Err(judge::http(name, answer.http.as_u16())),
            None if !answer.grpc => return Err(wire.nonsense("a response of another kind")),
            None => return Err(wire.nonsense("a response without a grpc-status")),
        }
        let status = proto::response(&answer.body).map_err(|Malformed(what)| wire.nonsense(what))?;
        judge::serving(name, status)
    }
}

/// Why a call has no answer.
fn broken(wire: &Wire, failure: &Failure) -> Reason {
    let error = match failure {
        Failure::TooLong => return wire.nonsense("a response longer than 64 KiB"),
        Failure::Http2(error) => error,
    };
    if let Some(error) = error.get_io() {
        return wire.closed(error);
    }
    let Some(code) = error.reason() else { return wire.nonsense("no HTTP/2") };
    if !error.is_remote() {
        return wire.nonsense(&format!("no HTTP/2 ({code:?})"));
    }
    // «HTTP2 Transport Mapping»: a stream that is refused was not looked at.
    let (class, text) = if code == h2::Reason::REFUSED_STREAM {
        (&class::SERVICE_STARTING, "the server does not take the call now".to_owned())
    } else {
        (&class::SERVICE_ERROR, format!("the server ends the call with {code:?}"))
    };
    Reason::new(class, text).fact(Fact::Code(format!("{code:?}")))
}

/// Feeds the codec with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    if let Ok(status) = proto::response(data) {
        let _ = judge::serving("s", status);
    }
}
