//! A hint for the whole, where all that is missing fails alike: the cause is not in each of them, but between.

use std::collections::BTreeSet;

use super::hints::Surroundings;
use crate::check::Reason;
use crate::plan::Precondition;
use crate::plan::target::Host;

/// What to look at first when all of `missing` fail in one way, and at different places.
#[must_use]
pub fn hint_for_all(
    missing: &[(&Precondition, &Reason)],
    surroundings: Surroundings,
) -> Option<&'static str> {
    let (_, first) = missing.first()?;
    if !missing.iter().all(|(_, reason)| reason.class.code == first.class.code) {
        return None;
    }
    let places: BTreeSet<String> =
        missing.iter().filter_map(|(one, _)| one.target.host.as_ref().and_then(far)).collect();
    let names: BTreeSet<&str> = missing.iter().map(|(one, _)| one.target.path.as_str()).collect();
    let apart = if first.class.family() == "dns" { places.len().max(names.len()) } else { places.len() };
    if apart < 2 {
        return None;
    }
    let words = match (first.class.code, surroundings.kubernetes) {
        ("tcp.refused", true) => {
            "everything is refused, not one service: a mesh's proxy that is not up yet (an init container runs before its sidecar), or a NetworkPolicy that rejects"
        }
        ("tcp.timeout", true) => {
            "nothing answers at all: a NetworkPolicy that lets nothing out, or that is not programmed yet in a Pod's first seconds"
        }
        ("tcp.timeout" | "tcp.unreachable", false) => {
            "nothing can be reached at all: look at this host's own network and firewall first"
        }
        ("tcp.unreachable", true) => "nothing can be reached at all: the Pod's network may not be set up yet",
        ("dns.timeout" | "dns.unreachable" | "dns.servfail", true) => {
            "no name resolves at all: look at the cluster DNS first, and whether a NetworkPolicy lets port 53 out"
        }
        ("dns.timeout" | "dns.unreachable" | "dns.servfail", false) => {
            "no name resolves at all: look at /etc/resolv.conf and its servers first"
        }
        ("dns.nxdomain", true) => {
            "no name exists: is this the right namespace, and does /etc/resolv.conf have the cluster's search list?"
        }
        ("tls.untrusted", _) => {
            "no certificate is trusted: the authority's certificate may be missing here (cacert=, SSL_CERT_FILE)"
        }
        ("tls.expired", _) => "every certificate is out of its time: check this host's clock first",
        _ => return None,
    };
    Some(words)
}

/// A place away from this host.
fn far(host: &Host) -> Option<String> {
    match host {
        Host::This => None,
        Host::Ip(ip) if ip.is_loopback() => None,
        Host::Name(name) if name == "localhost" => None,
        host => Some(host.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Class, class};
    use crate::plan::env::Env;
    use crate::plan::layer::Layer;
    use crate::plan::{Plan, Spec, TargetSpec, resolve};

    fn plan(texts: &str) -> Plan {
        let target = |text: &str| Spec::Target(TargetSpec { text: text.into(), ..TargetSpec::default() });
        let targets = Some(Spec::All(texts.split_whitespace().map(target).collect()));
        resolve(&Layer { targets, ..Layer::default() }, &Env::default()).unwrap()
    }

    fn said(texts: &str, classes: &[&'static Class], kubernetes: bool) -> Option<&'static str> {
        let plan = plan(texts);
        let reasons: Vec<Reason> = classes.iter().map(|class| Reason::new(class, "")).collect();
        let missing: Vec<(&Precondition, &Reason)> =
            plan.preconditions.iter().zip(reasons.iter().cycle()).collect();
        hint_for_all(&missing, Surroundings { kubernetes })
    }

    #[test]
    fn what_fails_alike_everywhere_has_a_cause_between() {
        let refused = [&class::TCP_REFUSED];
        assert!(said("tcp://a:1 tcp://b:1", &refused, true).unwrap().contains("mesh"));
        assert!(said("dns:a dns:b", &[&class::DNS_TIMEOUT], true).unwrap().contains("cluster DNS"));
        assert!(said("dns:a dns:b", &[&class::DNS_TIMEOUT], false).unwrap().contains("resolv.conf"));
        assert!(said("tcp://a:1 tcp://b:1", &[&class::TCP_TIMEOUT], false).unwrap().contains("firewall"));
    }

    #[test]
    fn one_place_or_different_failures_say_nothing_of_the_whole() {
        let refused = [&class::TCP_REFUSED];
        assert_eq!(said("tcp://a:1 tcp://a:2", &refused, true), None);
        assert_eq!(said("tcp://a:1 tcp://localhost:2", &refused, true), None);
        assert_eq!(said("tcp://a:1 tcp://b:1", &refused, false), None);
        assert_eq!(said("tcp://a:1 tcp://b:1", &[&class::TCP_REFUSED, &class::TCP_TIMEOUT], true), None);
        assert_eq!(said("tcp://a:1", &refused, true), None);
    }
}
