//! Services whose health page is known, so that a target says the service and not its page: `vault://HOST`.
//!
//! Each is a row of the table: a page, what it answers when the service is ready, and what other answers mean.

use std::borrow::Cow;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::class::{SERVICE_ERROR, SERVICE_MISSING, SERVICE_ROLE, SERVICE_STARTING, TCP_REFUSED};
use super::options::CREDENTIALS;
use super::{Attempt, Class, Draft, Fact, Kind, Opt, Probe, Reason, Scheme, Verdict, http};
use crate::net::tls;
use crate::plan::problem::Problem;
use crate::plan::target::Target;

/// A service and its health page.
#[derive(Debug)]
struct Preset {
    scheme: &'static str,
    /// What it is called.
    name: &'static str,
    /// The page, with its query.
    page: &'static str,
    /// Options of the kind `http` by which the answer is judged; without any, every 2xx is good.
    expect: &'static [(&'static str, &'static str)],
    /// What the answer means when the body is another one, which may be anything: one of the service that says otherwise,
    /// or one of something else at its address.
    otherwise: Option<(&'static Class, &'static str)>,
    /// What other statuses mean.
    statuses: &'static [(u16, &'static Class, &'static str)],
    /// Whether the page is for those only who say who they are.
    closed: bool,
}

const fn preset(scheme: &'static str, name: &'static str, page: &'static str) -> Preset {
    Preset { scheme, name, page, expect: &[], otherwise: None, statuses: &[], closed: false }
}

macro_rules! presets {
    ($($(#[$doc:meta])* $scheme:literal, $name:literal, $port:literal, $page:literal
        $(, $field:ident: $value:expr)*;)*) => {
        static PRESETS: &[Preset] = &[$(
            // Each with its source.
            $(#[$doc])*
            Preset { $($field: $value,)* ..preset($scheme, $name, $page) },
        )*];
        static SCHEMES: &[Scheme] = &[$(
            Scheme { query: false, ..Scheme::url($scheme, concat!($scheme, "://HOST[:", $port, "]")).port($port) },
        )*];
    };
}

const SEARCH_RED: Option<(&Class, &str)> =
    Some((&SERVICE_ROLE, "its health page does not say that the cluster's status is green or yellow"));
const SEARCH: &[(&str, &str)] = &[("expect", r#""status"\s*:\s*"(green|yellow)""#)];
const SEARCH_STATUSES: &[(u16, &Class, &str)] = &[
    (408, &SERVICE_ROLE, "the cluster's status does not become yellow"),
    (503, &SERVICE_ROLE, "the cluster has no master"),
];

presets! {
    // https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-cluster-health
    "elasticsearch", "Elasticsearch", 9200, "/_cluster/health?master_timeout=1s",
        expect: SEARCH, otherwise: SEARCH_RED, statuses: SEARCH_STATUSES;
    // https://docs.opensearch.org/latest/api-reference/cluster-api/cluster-health/
    "opensearch", "OpenSearch", 9200, "/_cluster/health?master_timeout=1s",
        expect: SEARCH, otherwise: SEARCH_RED, statuses: SEARCH_STATUSES;
    // https://etcd.io/docs/v3.5/op-guide/monitoring/#health-check
    "etcd", "etcd", 2379, "/health",
        expect: &[("json", "health==true")],
        otherwise: Some((&SERVICE_ROLE, "its health page does not say that the member is healthy")),
        statuses: &[(503, &SERVICE_ROLE, "the member says that it is not healthy: it has no leader, or raised an alarm")];
    // https://developer.hashicorp.com/consul/api-docs/status#get-raft-leader
    "consul", "Consul", 8500, "/v1/status/leader",
        expect: &[("expect", r#"^"[^"]+""#)],
        otherwise: Some((&SERVICE_ROLE, "its status page names no leader of the cluster")),
        statuses: &[(500, &SERVICE_ROLE, "the cluster has no leader")];
    // https://developer.hashicorp.com/vault/api-docs/system/health
    "vault", "Vault", 8200, "/v1/sys/health?standbyok=true&perfstandbyok=true",
        statuses: &[
            (501, &SERVICE_STARTING, "it is not initialised"),
            (503, &SERVICE_ROLE, "it is sealed"),
            (472, &SERVICE_ROLE, "it is a secondary of disaster recovery"),
        ];
    // https://clickhouse.com/docs/interfaces/http
    "clickhouse", "ClickHouse", 8123, "/ping", expect: &[("expect", r"^Ok\.")];
    // https://docs.influxdata.com/influxdb/v2/api/#operation/GetHealth; from 1.8 on
    "influxdb", "InfluxDB", 8086, "/health",
        expect: &[("json", "status==pass")],
        otherwise: Some((&SERVICE_STARTING, "its health page does not say that it is healthy")),
        statuses: &[
            (503, &SERVICE_STARTING, "it says that it is not healthy"),
            (404, &SERVICE_MISSING, "it has no health page, which came with InfluxDB 1.8: wait for http://HOST:8086/ping"),
        ];
    // https://min.io/docs/minio/linux/operations/monitoring/healthcheck-probe.html
    "minio", "MinIO", 9000, "/minio/health/cluster",
        statuses: &[(503, &SERVICE_ROLE, "the cluster has no write quorum")];
    // https://prometheus.io/docs/prometheus/latest/management_api/
    "prometheus", "Prometheus", 9090, "/-/ready",
        statuses: &[(503, &SERVICE_STARTING, "it is starting, and reads its write-ahead log")];
    // https://www.keycloak.org/observability/health
    "keycloak", "Keycloak", 9000, "/health/ready",
        expect: &[("json", "status==UP")],
        otherwise: Some((&SERVICE_STARTING, "its health page does not say that it is ready")),
        statuses: &[
            (503, &SERVICE_STARTING, "it says that it is not ready: its database, perhaps"),
            (404, &SERVICE_MISSING, "it has no health page: start it with --health-enabled=true, and look at its management port"),
        ];
    // https://www.rabbitmq.com/docs/monitoring#health-checks
    "rabbitmq-management", "RabbitMQ management", 15672, "/api/health/checks/local-alarms",
        expect: &[("json", "status==ok")],
        otherwise: Some((&SERVICE_ERROR, "its health page does not say that no alarm is raised")),
        statuses: &[(503, &SERVICE_ERROR, "the node raised an alarm: memory or disk")],
        closed: true;
}

/// The kind of all of them.
pub(super) static KIND: Kind = Kind {
    name: "elasticsearch",
    schemes: SCHEMES,
    flag: None,
    summary: "the service's own health page says that it is ready",
    options: &[
        &[
            Opt::new("tls", "", "speak HTTPS"),
            Opt::new("max-rtt", "DUR", "longest time from request to response head"),
        ],
        http::REACH,
        CREDENTIALS,
        tls::OPTIONS,
    ],
    opposite: &[&TCP_REFUSED, &http::STATUS],
    classes: &[],
    build,
};

struct Service {
    preset: &'static Preset,
    page: Box<dyn Probe>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let preset = PRESETS.iter().find(|preset| preset.scheme == draft.target.scheme)?;
    let tls = draft.switch("tls");
    let target = preset.page_of(draft.target, tls);
    if preset.closed {
        let names = ["user", "password-env", "password-file", "basic-auth-file", "bearer-file", "header"];
        if target.user.is_none() && !names.iter().any(|name| draft.text(name).is_some()) {
            let problem = Problem::new(format!("the health page of {} wants user and password", preset.name));
            draft.problem(problem.hint(format!("write {}://USER@HOST#password-file=PATH", preset.scheme)));
        }
    }
    if !tls && tls::OPTIONS.iter().any(|option| draft.text(option.name).is_some()) {
        draft.problem(
            Problem::new("an option about TLS is given, but TLS is not spoken").hint("add the option tls"),
        );
        return None;
    }
    let mut page = Draft::new(&target, draft.env);
    let probe = http::build(&mut page);
    page.into_problems().into_iter().for_each(|problem| draft.problem(problem));
    Some(Box::new(Service { preset, page: probe? }))
}

impl Preset {
    /// The page as a target of the kind `http`.
    fn page_of(&self, target: &Target, tls: bool) -> Target {
        let (path, query) = match self.page.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.page, None),
        };
        let mut page = target.clone();
        page.scheme = if tls { "https" } else { "http" };
        page.port = target.port.or_else(|| SCHEMES.iter().find(|one| one.name == self.scheme)?.port);
        page.path = format!("{}{path}", target.path.trim_end_matches('/'));
        page.query = query.map(str::to_owned);
        page.options.retain(|(name, _)| name != "tls");
        let expect = self.expect.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        page.options.extend(expect);
        page
    }

    /// What an answer that is not the one expected means for this service.
    fn meaning(&self, reason: Reason) -> Reason {
        let status = reason.facts.iter().find_map(|fact| match fact {
            Fact::Status(status) => Some(*status),
            _ => None,
        });
        let known = if reason.class == &http::BODY {
            self.otherwise
        } else if reason.class == &http::STATUS {
            let known = self.statuses.iter().find(|(known, ..)| Some(*known) == status);
            known.map(|(_, class, words)| (*class, *words))
        } else {
            None
        };
        match known {
            Some((class, words)) => {
                let answer: Cow<'_, str> = match status {
                    Some(status) => format!(" (status {status})").into(),
                    None => "".into(),
                };
                Reason { class, text: format!("{}: {words}{answer}", self.name), facts: reason.facts }
            }
            None => reason,
        }
    }
}

impl Probe for Service {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        async move {
            match self.page.attempt(attempt).await {
                Verdict::NotYet(reason) => Verdict::NotYet(self.preset.meaning(reason)),
                other => other,
            }
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::env::Env;

    fn build_of(text: &str) -> Result<Target, Vec<Problem>> {
        let env = Env::default();
        let target = Target::parse(text, None, &env)?;
        let mut draft = Draft::new(&target, &env);
        let built = build(&mut draft);
        let problems = draft.into_problems();
        if built.is_none() || !problems.is_empty() {
            return Err(problems);
        }
        let preset = PRESETS.iter().find(|preset| preset.scheme == target.scheme).unwrap();
        Ok(preset.page_of(&target, target.option("tls").is_some()))
    }

    #[test]
    fn every_service_becomes_a_page() {
        for scheme in SCHEMES {
            let page = build_of(&format!("{}://me:pw@127.0.0.1", scheme.name)).unwrap();
            assert_eq!((page.scheme, page.port), ("http", scheme.port));
            assert!(page.path.starts_with('/') && page.path.len() > 1, "{}", scheme.name);
        }
        let page = build_of("keycloak://id.test:443/auth/#tls&insecure").unwrap();
        assert_eq!(page.label(), "https://id.test:443/auth/health/ready");
        let page = build_of("vault://[::1]").unwrap();
        assert_eq!(page.label(), "http://[::1]:8200/v1/sys/health?standbyok=true&perfstandbyok=true");
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, says) in [
            ("rabbitmq-management://127.0.0.1", "wants user and password"),
            ("etcd://127.0.0.1#cacert=/ca.pem", "TLS is not spoken"),
            ("etcd://127.0.0.1#tls&cacert=/no/such/ca.pem", "cannot read /no/such/ca.pem"),
        ] {
            let problems = build_of(text).unwrap_err();
            assert!(problems.iter().any(|problem| problem.what.contains(says)), "{text}: {problems:?}");
        }
    }

    #[test]
    fn answers_are_told_as_the_service_means_them() {
        let said = |scheme: &str, reason: Reason| {
            let preset = PRESETS.iter().find(|preset| preset.scheme == scheme).unwrap();
            let reason = preset.meaning(reason);
            (reason.class.code, reason.text)
        };
        let status = |status| Reason::new(&http::STATUS, "status").fact(Fact::Status(status));
        assert_eq!(said("vault", status(503)), ("service.role", "Vault: it is sealed (status 503)".into()));
        assert_eq!(said("vault", status(501)).0, "service.starting");
        assert_eq!(said("vault", status(404)), ("http.status", "status".into()));
        let body = said("consul", Reason::new(&http::BODY, "the body does not match"));
        assert_eq!(body, ("service.role", "Consul: its status page names no leader of the cluster".into()));
        assert_eq!(said("clickhouse", Reason::new(&http::BODY, "")).0, "http.body");
    }
}
