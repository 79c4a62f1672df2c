//! What a health check's outcome means.
//!
//! Sources: the [status codes](https://grpc.io/docs/guides/status-codes/), the
//! [health protocol](https://github.com/grpc/grpc/blob/master/doc/health-checking.md), and what
//! [HTTP statuses](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md) stand for.

use super::proto::ServingStatus;
use crate::check::service::shown;
use crate::check::{Class, Cost, Fact, Reason, class};

/// The health service answers something else than SERVING.
pub(super) static STATUS: Class = Class::new(
    "grpc.status",
    Cost::High,
    "The health service answers that the service is not serving.",
)
.causes(&[
    "a service that is starting, or waits for something itself",
    "a service that is being drained before it shuts down",
    "a health status that the program never sets to SERVING",
])
.remedy("Look at the service's log; compare the name behind the port with those that the server registers.");

/// The names of the status codes, by number.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Whether the service of this name is serving.
pub(super) fn serving(service: &str, status: ServingStatus) -> Result<(), Reason> {
    let whose = whose(service);
    let (class, code, text) = match status {
        ServingStatus::Serving => return Ok(()),
        ServingStatus::NotServing => (&STATUS, "NOT_SERVING".to_owned(), format!("{whose} is NOT_SERVING")),
        ServingStatus::Unknown => {
            (&STATUS, "UNKNOWN".to_owned(), format!("the status of {whose} is UNKNOWN"))
        }
        ServingStatus::ServiceUnknown => (
            &class::SERVICE_MISSING,
            "SERVICE_UNKNOWN".to_owned(),
            format!("the server does not know {whose}"),
        ),
        ServingStatus::Other(number) => (
            &STATUS,
            number.to_string(),
            format!("the status of {whose} is {number}, which is none that is known"),
        ),
    };
    Err(Reason::new(class, text).fact(Fact::Code(code)))
}

/// The service, in words.
pub(super) fn whose(service: &str) -> String {
    if service.is_empty() { "the server".into() } else { format!("service {}", shown(service)) }
}

/// What the call ended with: a status other than OK, and what the server says about it.
pub(super) fn failed(service: &str, code: u32, message: &str) -> Reason {
    let known = usize::try_from(code).ok().and_then(|at| NAMES.get(at));
    let name = known.map_or_else(|| code.to_string(), |name| (*name).to_owned());
    let (class, text): (&'static Class, String) = match name.as_str() {
        "NOT_FOUND" => (&class::SERVICE_MISSING, format!("the server does not know {}", whose(service))),
        "UNIMPLEMENTED" => {
            (&class::SERVICE_ERROR, "the server has no health service (grpc.health.v1.Health)".into())
        }
        // What the server says may repeat what it was sent.
        "UNAUTHENTICATED" => {
            (&class::AUTH_DENIED, "the server refuses the credentials, or asks for some".into())
        }
        "PERMISSION_DENIED" => (&class::AUTH_DENIED, "the client may not ask for the server's health".into()),
        "UNAVAILABLE" => {
            (&class::SERVICE_STARTING, with("the server says that it is unavailable".into(), message))
        }
        _ => (&class::SERVICE_ERROR, with(format!("the server answers {name}"), message)),
    };
    Reason::new(class, text).fact(Fact::Code(name))
}

fn with(text: String, message: &str) -> String {
    let message = shown(message);
    if message.is_empty() { text } else { format!("{text}: {message}") }
}

/// What an HTTP status stands for in a response that has no status of gRPC.
pub(super) fn http(service: &str, status: u16) -> Reason {
    let code = match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    };
    let reason = failed(service, code, "");
    Reason { text: format!("{} (HTTP status {status})", reason.text), ..reason }.fact(Fact::Status(status))
}
