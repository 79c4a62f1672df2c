//! What a broker's error codes mean, and whether a cluster is as it should be.
//!
//! Source: <https://kafka.apache.org/protocol#protocol_error_codes>.

use super::codec::{Metadata, Topic};
use crate::check::service::shown;
use crate::check::{Class, Fact, Reason, class};

const NONE: i16 = 0;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const LEADER_NOT_AVAILABLE: i16 = 5;
const BROKER_NOT_AVAILABLE: i16 = 8;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
/// The broker does not offer the mechanism; it says which it does.
pub(super) const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
const ILLEGAL_SASL_STATE: i16 = 34;
const UNSUPPORTED_VERSION: i16 = 35;
const SASL_AUTHENTICATION_FAILED: i16 = 58;

/// Judges an error code that is not about a topic.
pub(super) fn code(code: i16) -> Result<(), Reason> {
    let (class, text): (&'static Class, String) = match code {
        NONE => return Ok(()),
        CLUSTER_AUTHORIZATION_FAILED => (&class::AUTH_DENIED, "the user may not look at the cluster".into()),
        ILLEGAL_SASL_STATE => (&class::SERVICE_ERROR, "this listener of the broker knows no log-in".into()),
        BROKER_NOT_AVAILABLE => (&class::SERVICE_STARTING, "the broker is not available".into()),
        UNSUPPORTED_VERSION => {
            (&class::SERVICE_PROTOCOL, "the broker does not know this version of the protocol".into())
        }
        _ => (&class::SERVICE_ERROR, format!("the broker answers with error {code}")),
    };
    Err(Reason::new(class, text).fact(Fact::Code(code.to_string())))
}

/// Judges the error code of a step of a log-in by `mechanism`.
pub(super) fn authentication(code: i16, mechanism: &str) -> Result<(), Reason> {
    if code != SASL_AUTHENTICATION_FAILED {
        return self::code(code);
    }
    let text = format!("the broker refuses user and password by {mechanism}");
    Err(Reason::new(&class::AUTH_DENIED, text).fact(Fact::Code(code.to_string())))
}

/// Judges a refusal of the mechanism that was `asked` for.
pub(super) fn no_mechanism(asked: &str, offered: &[String]) -> Reason {
    let offer = match shown(&offered.join(", ")) {
        none if none.is_empty() => "nothing else".into(),
        offered => offered,
    };
    let text = format!("the broker takes no log-in by {asked}; it offers {offer}");
    Reason::new(&class::AUTH_DENIED, text).fact(Fact::Code(UNSUPPORTED_SASL_MECHANISM.to_string()))
}

/// Judges the state of the cluster.
pub(super) fn cluster(found: &Metadata, least: usize) -> Result<(), Reason> {
    let text = if found.brokers < least {
        format!("the cluster has fewer than {least} brokers")
    } else if found.controller < 0 {
        "the cluster has no controller".into()
    } else {
        return Ok(());
    };
    Err(Reason::new(&class::SERVICE_ROLE, text))
}

/// Judges a topic of this name; `None` is a broker that says nothing of it.
pub(super) fn topic(name: &str, found: Option<&Topic>) -> Result<usize, Reason> {
    let code = found.map_or(UNKNOWN_TOPIC_OR_PARTITION, |topic| topic.code);
    let (class, text) = match (code, found) {
        (NONE, Some(Topic { partitions, leaderless: 0, .. })) if *partitions > 0 => return Ok(*partitions),
        (NONE | LEADER_NOT_AVAILABLE, _) => {
            (&class::SERVICE_ROLE, format!("topic {name} has partitions without a leader"))
        }
        (UNKNOWN_TOPIC_OR_PARTITION, _) => (&class::SERVICE_MISSING, format!("there is no topic {name}")),
        (TOPIC_AUTHORIZATION_FAILED, _) => {
            (&class::AUTH_DENIED, format!("the user may not look at topic {name}"))
        }
        (other, _) => return self::code(other).map(|()| 0),
    };
    Err(Reason::new(class, text).fact(Fact::Code(code.to_string())))
}
