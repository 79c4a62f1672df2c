//! What a server's errors and JetStream's answers mean.
//!
//! NATS has no codes: its errors are constants of the protocol, which clients compare. Sources:
//! <https://docs.nats.io/reference/reference-protocols/nats-protocol#-errerr>, and
//! <https://github.com/nats-io/nats-server/blob/main/server/errors.go>; for JetStream
//! <https://github.com/nats-io/nats-server/blob/main/server/errors.json>.

use serde::Deserialize;

use crate::check::service::shown;
use crate::check::{Class, Fact, Reason, class};

/// The errors that have a class of their own, in lower case; those with subjects, by what they begin with.
static ERRORS: &[(&str, &Class, &str)] = &[
    ("authorization violation", &class::AUTH_DENIED, "the server refuses the credentials, or asks for some"),
    ("user authentication expired", &class::AUTH_DENIED, "the user's credentials have expired"),
    ("user authentication revoked", &class::AUTH_DENIED, "the user's credentials were revoked"),
    ("account authentication expired", &class::AUTH_DENIED, "the account's credentials have expired"),
    ("permissions violation for publish", &class::AUTH_DENIED, "the user may not publish the request"),
    (
        "permissions violation for subscription",
        &class::AUTH_DENIED,
        "the user may not subscribe to the answer",
    ),
    (
        "secure connection - tls required",
        &class::TLS_PROTOCOL,
        "the server wants TLS, without having said so",
    ),
    (
        "attempted to connect to route port",
        &class::SERVICE_PROTOCOL,
        "the port is for other servers, not for clients",
    ),
    (
        "attempted to connect to leaf node port",
        &class::SERVICE_PROTOCOL,
        "the port is for leaf nodes, not for clients",
    ),
    (
        "attempted to connect to gateway port",
        &class::SERVICE_PROTOCOL,
        "the port is for gateways, not for clients",
    ),
    ("unknown protocol operation", &class::SERVICE_PROTOCOL, "the server does not understand the client"),
    ("parser error", &class::SERVICE_PROTOCOL, "the server does not understand the client"),
    ("invalid client protocol", &class::SERVICE_PROTOCOL, "the server does not understand the client"),
];

/// Why the server answers with this error.
pub(super) fn refused(error: &str) -> Reason {
    let lower = error.to_ascii_lowercase();
    let known = ERRORS.iter().find(|(begins, ..)| match begins.strip_prefix("permissions violation") {
        Some(_) => lower.starts_with(begins),
        None => lower == *begins,
    });
    let reason = match known {
        Some((_, class, text)) => Reason::new(class, *text),
        None => Reason::new(&class::SERVICE_ERROR, format!("the server answers {}", shown(error))),
    };
    reason.fact(Fact::Code(shown(error))).fact(Fact::Protocol("NATS"))
}

/// What JetStream answers, as far as it matters here:
/// <https://docs.nats.io/reference/reference-protocols/nats_api_reference>.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(rename = "type")]
    kind: String,
    error: Option<ApiError>,
}

#[derive(Debug, Deserialize)]
struct ApiError {
    code: u32,
    #[serde(default)]
    err_code: u32,
    #[serde(default)]
    description: String,
}

/// Whether an answer to a question about a stream, or about JetStream as a whole, shows that it is there. `None` if it
/// is no such answer.
pub(super) fn jetstream(
    stream: Option<&str>,
    status: Option<u16>,
    payload: &[u8],
) -> Option<Result<(), Reason>> {
    // Nobody listens to such questions (ADR-4).
    if status == Some(503) {
        let text = "no JetStream answers: it is not enabled, or has no leader yet";
        return Some(Err(Reason::new(&class::SERVICE_ROLE, text).fact(Fact::Code("503".into()))));
    }
    let answer: Answer = serde_json::from_slice(payload).ok()?;
    if !answer.kind.starts_with("io.nats.jetstream.api.v1.") {
        return None;
    }
    let Some(error) = answer.error else { return Some(Ok(())) };
    let says = shown(&error.description);
    let (class, text): (&'static Class, String) = match (error.code, error.err_code) {
        // JSStreamNotFoundErr.
        (_, 10059) => (&class::SERVICE_MISSING, format!("there is no stream {}", stream.unwrap_or_default())),
        // JSNotEnabledErr, JSNotEnabledForAccountErr.
        (_, 10076 | 10039) => (&class::SERVICE_ROLE, "JetStream is not enabled for this account".into()),
        (503, _) => (&class::SERVICE_STARTING, format!("JetStream answers: {says}")),
        (401 | 403, _) => (&class::AUTH_DENIED, format!("JetStream answers: {says}")),
        (_, number) => (&class::SERVICE_ERROR, format!("JetStream answers with error {number}: {says}")),
    };
    Some(Err(Reason::new(class, text).fact(Fact::Code(error.err_code.to_string()))))
}
