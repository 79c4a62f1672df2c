//! `svc:NAME[:PORT]` — a Kubernetes Service accepts, found by its environment variables or by DNS.
//!
//! The kubelet gives every container `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT` and `NAME_SERVICE_PORT_PORTNAME` for each
//! Service that was there before the Pod. Elsewhere the same variables can be set by hand.
//! <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>

use super::tcp::{self, Reach, Tcp};
use super::{Draft, Kind, Probe, Scheme, class, talk};
use crate::plan::env::Env;
use crate::plan::problem::Problem;
use crate::plan::target::Host;

/// The kind `svc`.
pub(super) static KIND: Kind = Kind {
    name: "svc",
    schemes: &[Scheme::opaque("svc", "svc:NAME[.NAMESPACE][:PORT]")],
    flag: None,
    summary: "the Service, found by its variables or by DNS, accepts a connection",
    options: &[talk::OPTIONS, tcp::OPTIONS],
    opposite: &[&class::TCP_REFUSED],
    classes: &[],
    build,
};

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let reach = Reach::read(draft);
    let found = if draft.target.host.is_some() {
        Err(Problem::new("a Service is not written with '//'"))
    } else {
        draft.target.plain_path().and_then(|path| find(&path, draft.env))
    };
    match found {
        Ok((host, port)) => Some(Box::new(Tcp::new(host, port, reach))),
        Err(problem) if problem.hint.is_some() => {
            draft.problem(problem);
            None
        }
        Err(problem) => {
            draft.problem(problem.hint("write svc:NAME, svc:NAME:PORT or svc:NAME.NAMESPACE:PORT"));
            None
        }
    }
}

/// Where the Service `text` is: `NAME[.NAMESPACE][:PORT]`.
fn find(text: &str, env: &Env) -> Result<(Host, u16), Problem> {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    if name.is_empty() || name.starts_with('.') {
        return Err(Problem::new("the Service has no name"));
    }
    if name.contains('/') {
        return Err(Problem::new(format!("'{name}' is no Service")));
    }
    // The variables are about Services of the Pod's own namespace.
    if name.contains('.') {
        let port = port.map(number).transpose()?.flatten().ok_or_else(|| {
            Problem::new(
                "a Service of another namespace has no variables: its port must be given as a number",
            )
        })?;
        return Ok((Host::parse(name)?, port));
    }
    let variables = Variables { prefix: name.to_ascii_uppercase().replace('-', "_"), env };
    let port = match port {
        None => variables.port("").unwrap_or_else(|name| Err(unset(text, &name)))?,
        Some(port) => match number(port)? {
            Some(port) => port,
            None => variables.port(port).unwrap_or_else(|name| Err(unset(text, &name)))?,
        },
    };
    Ok((variables.host().unwrap_or_else(|| Host::parse(name))?, port))
}

fn unset(text: &str, variable: &str) -> Problem {
    let name = text.split(':').next().unwrap_or_default();
    Problem::new(format!("the port is not known: {variable} is not set"))
        .hint(format!("write svc:{name}:PORT, or set {variable}"))
}

/// A port that is written as a number, and not by its name.
fn number(text: &str) -> Result<Option<u16>, Problem> {
    if text.is_empty() {
        return Err(Problem::new("the port is empty"));
    }
    if !text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') {
        return Err(Problem::new(format!("'{text}' is neither a port nor the name of one")));
    }
    if !text.bytes().all(|c| c.is_ascii_digit()) {
        return Ok(None);
    }
    let port = text.parse().ok().filter(|port| *port > 0);
    port.map(Some).ok_or_else(|| Problem::new(format!("'{text}' is not a port: a number from 1 to 65535")))
}

/// The variables of one Service.
struct Variables<'a> {
    prefix: String,
    env: &'a Env,
}

impl Variables<'_> {
    /// The address in `NAME_SERVICE_HOST`, if that is set.
    fn host(&self) -> Option<Result<Host, Problem>> {
        let name = format!("{}_SERVICE_HOST", self.prefix);
        let value = self.env.non_empty(&name)?;
        Some(Host::parse(value).map_err(|problem| problem.at(&name)))
    }

    /// The port in `NAME_SERVICE_PORT`, or in `NAME_SERVICE_PORT_PORTNAME`.
    ///
    /// # Errors
    /// The name of the variable, if that is not set.
    fn port(&self, port_name: &str) -> Result<Result<u16, Problem>, String> {
        let mut name = format!("{}_SERVICE_PORT", self.prefix);
        if !port_name.is_empty() {
            name = format!("{name}_{}", port_name.to_ascii_uppercase().replace('-', "_"));
        }
        let Some(value) = self.env.non_empty(&name) else { return Err(name) };
        Ok(match number(value) {
            Ok(Some(port)) => Ok(port),
            _ => Err(Problem::new(format!("{name} is not a port: a number from 1 to 65535"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env::from([
            ("DB_SERVICE_HOST", "10.96.0.7"),
            ("DB_SERVICE_PORT", "5432"),
            ("DB_SERVICE_PORT_METRICS", "9187"),
            ("MY_API_SERVICE_HOST", "fd00::7"),
            ("MY_API_SERVICE_PORT", "443"),
            ("MY_API_SERVICE_PORT_WEB_UI", "8443"),
            ("BACKEND_SERVICE_HOST", "localhost"),
            ("BACKEND_SERVICE_PORT", "8080"),
            ("ODD_SERVICE_HOST", "a b"),
            ("ODD_SERVICE_PORT", "tcp://10.0.0.1:80"),
            ("EMPTY_SERVICE_PORT", ""),
        ])
    }

    #[test]
    fn services_are_found_by_variables_or_by_name() {
        for (text, host, port) in [
            ("db", "10.96.0.7", 5432),
            ("db:5433", "10.96.0.7", 5433),
            ("db:metrics", "10.96.0.7", 9187),
            ("my-api", "[fd00::7]", 443),
            ("my-api:web-ui", "[fd00::7]", 8443),
            ("backend", "localhost", 8080),
            ("cache:6379", "cache", 6379),
            ("db.shop:5432", "db.shop", 5432),
            ("db.shop.svc.cluster.local.:5432", "db.shop.svc.cluster.local.", 5432),
        ] {
            let (found, at) = find(text, &env()).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
            assert_eq!((found.to_string().as_str(), at), (host, port), "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, says) in [
            ("", "no name"),
            (".shop:1", "no name"),
            ("cache", "CACHE_SERVICE_PORT is not set"),
            ("empty", "EMPTY_SERVICE_PORT is not set"),
            ("db:http", "DB_SERVICE_PORT_HTTP is not set"),
            ("db.shop", "port must be given"),
            ("db.shop:http", "port must be given"),
            ("db:", "the port is empty"),
            ("db:a/b", "neither a port"),
            ("db:0", "'0' is not a port"),
            ("db:70000", "'70000' is not a port"),
            ("db/x:1", "is no Service"),
            ("odd", "ODD_SERVICE_PORT is not a port"),
            ("odd:80", "'a b' is not a host name"),
            ("d!b:80", "'d!b' is not a host name"),
        ] {
            let problem = find(text, &env()).unwrap_err();
            assert!(problem.what.contains(says), "{text}: {}", problem.what);
        }
        assert!(find("cache", &env()).unwrap_err().hint.unwrap().contains("svc:cache:PORT"));
    }
}
