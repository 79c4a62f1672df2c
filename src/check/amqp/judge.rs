//! What a broker's reply codes mean.
//!
//! Source: <https://www.rabbitmq.com/amqp-0-9-1-reference#constants>; what `RabbitMQ` uses them for:
//! <https://www.rabbitmq.com/docs/access-control> and <https://www.rabbitmq.com/docs/vhosts>.

use super::codec::Closing;
use crate::check::service::shown;
use crate::check::{Class, Cost, Fact, Reason, class};

/// A virtual host that is not opened. One code stands for all that may be behind it.
pub(super) static VHOST: Class =
    Class::new("amqp.vhost", Cost::Low, "The broker does not open the virtual host to the user.")
        .causes(&[
            "a virtual host that has not been created yet: definitions that are imported late",
            "a user without permissions in that virtual host",
            "a limit on the connections of the virtual host or user that is reached",
            "a misspelt virtual host; one that is called `/name` is written `/%2Fname`",
        ])
        .remedy("Compare with `rabbitmqctl list_vhosts` and `rabbitmqctl list_permissions -p VHOST`.");

/// The queue is exclusive to another connection, and so it is there.
pub(super) const RESOURCE_LOCKED: u16 = 405;

/// What was asked of the broker when it closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// To let the user in.
    LogIn,
    /// To open the virtual host of this name.
    Open(&'a str),
    /// Whether there is the queue or exchange: `queue jobs`.
    Find(&'a str),
    /// Anything else.
    Other,
}

/// Why a connection or channel was closed at `step`.
pub(super) fn closed(step: Step<'_>, closing: &Closing) -> Reason {
    let answer = shown(&closing.text);
    let (class, text) = match (closing.code, step) {
        (403, Step::LogIn) => (&class::AUTH_DENIED, "the broker refuses user and password".into()),
        (403, Step::Open(vhost)) => {
            (&class::AUTH_DENIED, format!("the user may not open the virtual host {vhost}"))
        }
        (403, Step::Find(what)) => (&class::AUTH_DENIED, format!("the user may not look for the {what}")),
        (403, Step::Other) => (&class::AUTH_DENIED, format!("the broker answers {answer}")),
        (402 | 404, Step::Open(vhost)) => {
            (&class::SERVICE_MISSING, format!("there is no virtual host {vhost}"))
        }
        (404, Step::Find(what)) => (&class::SERVICE_MISSING, format!("there is no {what}")),
        (530, Step::Open(vhost)) => {
            (&VHOST, format!("the virtual host {vhost} is not open to the user: {answer}"))
        }
        (code, _) if answer.is_empty() => {
            (&class::SERVICE_ERROR, format!("the broker closes with code {code}"))
        }
        (code, _) => (&class::SERVICE_ERROR, format!("the broker closes with code {code}: {answer}")),
    };
    Reason::new(class, text).fact(Fact::Code(closing.code.to_string()))
}

/// Why a server that answers with its own protocol header is not the one meant.
pub(super) fn other_version([id, major, minor, revision]: [u8; 4]) -> Reason {
    // AMQP 1.0 (OASIS, part 2 §2.2): the first byte says which layer is meant, 3 for SASL.
    let version = match (id, major, minor) {
        (0 | 2 | 3, 1, 0) => "1.0".to_owned(),
        _ => format!("{major}-{minor}-{revision}"),
    };
    Reason::new(&class::SERVICE_PROTOCOL, format!("the broker speaks AMQP {version}, not 0-9-1"))
        .fact(Fact::Protocol("AMQP 0-9-1"))
        .fact(Fact::Spoke("another version of AMQP"))
}

/// Whether a queue that has `consumers` has enough of them.
pub(super) fn enough(queue: &str, consumers: u32, least: u32) -> Result<(), Reason> {
    if consumers >= least {
        return Ok(());
    }
    Err(Reason::new(&class::SERVICE_ROLE, format!("queue {queue} has fewer than {least} consumers")))
}
