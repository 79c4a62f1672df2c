//! Hints: what to look at next, keyed by class and context, never by the words of a message.

use crate::check::{Class, Fact, Reason};
use crate::plan::Precondition;
use crate::plan::target::Host;

/// Where the program runs, as far as hints depend on it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings {
    /// In a Kubernetes Pod.
    pub kubernetes: bool,
}

/// What to look at next when `precondition` does not hold for `reason`.
#[must_use]
pub fn hint(precondition: &Precondition, reason: &Reason, surroundings: Surroundings) -> Option<String> {
    #[cfg(feature = "k8s")]
    if let Some(text) = super::kube::hint(precondition, reason) {
        return Some(text);
    }
    let context = Context { precondition, reason, kubernetes: surroundings.kubernetes };
    Some(match reason.class.code {
        "dns.nxdomain" | "dns.nodata" => context.no_name(),
        "dns.servfail" => "the name server itself has trouble: look at its log, or at the zone's servers".into(),
        "dns.timeout" if context.kubernetes => {
            "no name server answers: look at the cluster DNS Pods, and whether a NetworkPolicy lets port 53 out".into()
        }
        "dns.timeout" => "no name server answers: check the servers in /etc/resolv.conf and the way to them".into(),
        "dns.unreachable" => "check the nameserver lines of /etc/resolv.conf".into(),
        "dns.protocol" => "something other than a sound name server answers at that address".into(),
        "dns.records" => "the name exists with other records than wanted: compare with type=, equals=, contains=, min=".into(),
        "tcp.refused" => context.refused(),
        "tcp.timeout" if context.kubernetes => {
            "packets are dropped: look at NetworkPolicies, and whether the address is still that of a live Pod".into()
        }
        "tcp.timeout" => "packets are dropped: a firewall or security group, a wrong address, or a host that is down".into(),
        "tcp.unreachable" => "there is no route: check the address, its family, and this host's routes and firewall".into(),
        "tcp.closed" => "the port is open, but what listens hangs up: a proxy without a backend, a service that is still starting, or one that wants TLS".into(),
        "tcp.data" => "the port is open, but says something else than expected: is it the right service?".into(),
        "tcp.addresses" => "some of the addresses do not accept: look at the members one by one".into(),
        "tls.untrusted" => "give the authority's certificate with cacert=PATH, or in SSL_CERT_FILE".into(),
        "tls.name" => context.wrong_name(),
        "tls.expired" if reason.facts.contains(&Fact::NotValidYet) => {
            "check this host's clock, and the certificate's first day".into()
        }
        "tls.expired" => "renew the certificate; if its dates look right, check this host's clock".into(),
        "tls.protocol" => context.no_tls(),
        "tls.timeout" => "the port is open, but nothing answers the TLS handshake: is it a TLS port, or is the service overloaded?".into(),
        "http.status" => context.status(),
        "http.body" => "the page answers, but its content is not what expect= or json= asks for".into(),
        "http.header" => "the page answers, but a header is not what expect-header= asks for".into(),
        "http.slow" => "the page answers, but slower than max-rtt= allows".into(),
        "http.timeout" => "the port is open, but the answer does not come: the service may still be starting, or hang".into(),
        "http.protocol" => context.no_http(),
        "http.redirect" => "follow the redirects by hand, or judge the first answer with redirects=0".into(),
        "auth.denied" => "check user and password, and what the user may do".into(),
        "service.timeout" => "the port is open, but the service says nothing: a proxy without a backend, a port that wants TLS, or a service that hangs?".into(),
        "service.protocol" => context.no_service(),
        "service.missing" => "the service is up: look at what should create this, a migration perhaps, and at its name".into(),
        "service.starting" => "the service says that it is starting: look at its log if that does not end".into(),
        "file.missing" => "look at what should write the file, and whether the volume is mounted here".into(),
        "file.kind" => "something else is at that path: see kind=".into(),
        "file.denied" => "this process may not look there: check the owner, the mode and runAsUser".into(),
        "file.content" | "file.size" => "the file is there, but not as it should be: is it still being written?".into(),
        "file.stale" => "the file is there, but older than newer-than= allows".into(),
        "file.count" => "fewer files than min= match".into(),
        "exec.missing" => "it is not in this image: one from scratch holds no other program, no shell and no C library; put it in, or use a kind that needs none".into(),
        "exec.status" => "run the program by hand, or with prereq explain, which shows what it prints".into(),
        "local.resources" => "this process is out of descriptors, memory, threads or ports: raise its limits (ulimit -n, -u)".into(),
        "local.secret" => "check the path, the mount and the mode of the file".into(),
        "attempt.timeout" => "give it more time with attempt-timeout=".into(),
        "not.satisfied" => "'not' waits until this is no longer so".into(),
        "delay.pending" => "the delay is longer than the time-out".into(),
        _ => return general(reason.class),
    })
}

/// What helps against a class in general.
fn general(class: &Class) -> Option<String> {
    let mut remedy = class.remedy.trim_end_matches('.').chars();
    let first = remedy.next()?;
    Some(first.to_lowercase().chain(remedy).collect())
}

struct Context<'a> {
    precondition: &'a Precondition,
    reason: &'a Reason,
    kubernetes: bool,
}

impl Context<'_> {
    /// The host as it is written, if it is a name.
    fn name(&self) -> Option<&str> {
        let target = &self.precondition.target;
        match &target.host {
            Some(Host::Name(name)) => Some(name),
            None if target.scheme == "svc" => target.path.split(':').next(),
            _ => None,
        }
    }

    fn local(&self) -> bool {
        match &self.precondition.target.host {
            Some(Host::This) => true,
            Some(Host::Ip(ip)) => ip.is_loopback(),
            Some(Host::Name(name)) => name == "localhost",
            None => false,
        }
    }

    fn no_name(&self) -> String {
        let name = self.reason.facts.iter().find_map(|fact| match fact {
            Fact::Searched { name, search } => Some((name.as_str(), search.is_empty())),
            _ => None,
        });
        let (name, unsearched) = name.or(self.name().map(|name| (name, false))).unwrap_or(("", true));
        let absolute = name.ends_with('.');
        match name.trim_end_matches('.').matches('.').count() {
            _ if self.kubernetes && absolute => "a final dot skips the search list: write the whole name, with .svc and the cluster's domain".into(),
            0 if self.kubernetes => format!("is there a Service '{name}' in this namespace? In another one it is {name}.NAMESPACE; a headless one has no records until a Pod is ready"),
            1 if self.kubernetes => "are Service and namespace right? A headless Service has no records until a Pod is ready".into(),
            0 if unsearched => "a short name needs a search list in /etc/resolv.conf, or is a container that is not on this network".into(),
            _ => "check the spelling, and that the name is known to the servers in /etc/resolv.conf".into(),
        }
    }

    fn refused(&self) -> String {
        let peers = || {
            self.reason.facts.iter().filter_map(|fact| match fact {
                Fact::Peer(peer) => Some(peer),
                _ => None,
            })
        };
        let one_family =
            peers().all(std::net::SocketAddr::is_ipv4) || peers().all(std::net::SocketAddr::is_ipv6);
        if self.name() == Some("localhost") && one_family && peers().next().is_some() && !self.kubernetes {
            let (known, other) = if peers().any(std::net::SocketAddr::is_ipv4) {
                ("127.0.0.1", "[::1]")
            } else {
                ("::1", "127.0.0.1")
            };
            return format!(
                "nothing listens there; localhost is {known} only on this host: does the service listen on {other}?"
            );
        }
        if self.local() {
            return if self.kubernetes {
                "nothing listens here: localhost is this Pod, and containers start only after its init containers".into()
            } else {
                "nothing listens on that port of this host: is the service started, and on this port?".into()
            };
        }
        if self.kubernetes && self.name().is_some() {
            return "the Service may have no ready endpoints, or another port: kubectl get endpointslices; or a mesh sidecar is not up yet".into();
        }
        "the host is up, but nothing listens on that port: is the service started, on this port and on this address?".into()
    }

    fn wrong_name(&self) -> String {
        let names = self.reason.facts.iter().find_map(|fact| match fact {
            Fact::CertificateNames(names) if !names.is_empty() => Some(names.join(", ")),
            _ => None,
        });
        match names {
            Some(names) => format!("the certificate is for {names}: use one of these, or sni=NAME"),
            None => "use a name that the certificate has, or sni=NAME".into(),
        }
    }

    fn spoke(&self) -> Option<&'static str> {
        self.reason.facts.iter().find_map(|fact| match fact {
            Fact::Spoke(what) => Some(*what),
            _ => None,
        })
    }

    fn no_tls(&self) -> String {
        match self.spoke() {
            Some(_) if self.precondition.target.scheme == "https" => {
                "the port does not speak TLS: is it http:// instead?".into()
            }
            Some(_) => "the port does not speak TLS".into(),
            None => {
                "the two sides do not agree on TLS: versions, a client certificate (cert=, key=), or sni="
                    .into()
            }
        }
    }

    fn no_service(&self) -> String {
        let protocol = self.reason.facts.iter().find_map(|fact| match fact {
            Fact::Protocol(name) => Some(*name),
            _ => None,
        });
        let protocol = protocol.unwrap_or("the service's protocol");
        match self.spoke() {
            Some(what) => format!("the port speaks {what}, not {protocol}: check port and scheme"),
            None => format!("what listens there does not speak {protocol}: is it the right port?"),
        }
    }

    fn no_http(&self) -> String {
        match self.spoke() {
            Some("TLS") => "the port speaks TLS: is it https:// instead?".into(),
            _ => "what listens there does not speak HTTP: is it the right port?".into(),
        }
    }

    fn status(&self) -> String {
        let fact = |test: fn(&Fact) -> Option<String>| self.reason.facts.iter().find_map(test);
        let status = self.reason.facts.iter().find_map(|fact| match fact {
            Fact::Status(status) => Some(*status),
            _ => None,
        });
        let retry = fact(|fact| match fact {
            Fact::RetryAfter(after) => Some(after.clone()),
            _ => None,
        });
        let location = fact(|fact| match fact {
            Fact::Location(location) => Some(location.clone()),
            _ => None,
        });
        match (status, retry, location) {
            (Some(401), ..) => {
                "the page wants credentials: user= with password-file=, or bearer-file=".into()
            }
            (Some(400), ..) if self.precondition.target.scheme == "http" => {
                "the server does not understand: does the port want TLS (https://), or another Host header (host=)?".into()
            }
            (Some(403), ..) => {
                "the page is there, but not for this user: is there a health page that is open?".into()
            }
            (Some(404), ..) => {
                "the server answers, but has no such page: check the path, and the Host header (host=)".into()
            }
            (Some(405), ..) => "the page does not take this method: see method=".into(),
            (Some(429 | 503), Some(after), _) => {
                format!("the server is not ready yet and says Retry-After: {after}")
            }
            (Some(503), ..) => {
                "the server is up, but not ready: look at its log, and at what it waits for itself".into()
            }
            (Some(502 | 504), ..) => {
                "a proxy answers for a backend that does not: look at the backend".into()
            }
            (Some(300..=399), _, Some(location)) => {
                format!("the page redirects to {location}: is that a login page? See redirects= and status=")
            }
            (Some(500..), ..) => "the server fails: look at its log".into(),
            _ => "the server answers: is it the right page? See status=".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::class;
    use crate::plan::env::Env;
    use crate::plan::layer::Layer;
    use crate::plan::{Plan, Spec, TargetSpec, resolve};

    fn plan(text: &str) -> Plan {
        let spec = TargetSpec { text: text.into(), ..TargetSpec::default() };
        let layer = Layer { targets: Some(Spec::Target(spec)), ..Layer::default() };
        resolve(&layer, &Env::default()).unwrap()
    }

    fn said(text: &str, reason: &Reason, kubernetes: bool) -> String {
        hint(&plan(text).preconditions[0], reason, Surroundings { kubernetes }).unwrap()
    }

    #[test]
    fn a_refusal_depends_on_where_it_comes_from() {
        let refused = |peers: &[&str]| {
            let reason = Reason::new(&class::TCP_REFUSED, "");
            peers.iter().fold(reason, |reason, peer| reason.fact(Fact::Peer(peer.parse().unwrap())))
        };
        let one = refused(&["127.0.0.1:1"]);
        assert!(said("localhost:1", &one, false).contains("127.0.0.1 only"));
        let both = refused(&["127.0.0.1:1", "[::1]:1"]);
        assert!(said("localhost:1", &both, false).contains("is the service started"));
        assert!(said("localhost:1", &one, true).contains("localhost is this Pod"));
        let service = refused(&["10.96.0.7:1"]);
        assert!(said("web:1", &service, true).contains("no ready endpoints"));
        assert!(said("web:1", &service, true).contains("mesh"));
        assert!(said("web:1", &service, false).contains("the host is up"));
    }

    #[test]
    fn a_missing_name_depends_on_its_form() {
        let missing = |name: &str, search: &[&str]| {
            let search = search.iter().map(|domain| (*domain).to_owned()).collect();
            Reason::new(&class::DNS_NXDOMAIN, "").fact(Fact::Searched { name: name.into(), search })
        };
        let cluster: &[&str] = &["default.svc.cluster.local", "svc.cluster.local"];
        assert!(said("dns:db", &missing("db", cluster), true).contains("db.NAMESPACE"));
        assert!(said("dns:db.", &missing("db.", &[]), true).contains("final dot"));
        assert!(said("dns:db.prod", &missing("db.prod", cluster), true).contains("Service and namespace"));
        assert!(said("dns:db", &missing("db", &[]), false).contains("search list"));
        assert!(said("dns:a.b.c", &missing("a.b.c", &[]), false).contains("spelling"));
    }

    #[test]
    fn every_class_has_a_hint() {
        for class in crate::check::registry::classes() {
            assert!(!said("tcp://h:1", &Reason::new(class, ""), false).is_empty(), "{}", class.code);
        }
    }
}
