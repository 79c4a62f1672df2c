//! The query of a connection string: what drivers read from it, as far as it matters to a probe.
//!
//! Source: <https://www.mongodb.com/docs/manual/reference/connection-string-options/>.

use percent_encoding::percent_decode_str;

use crate::check::Draft;
use crate::check::options::parse_switch;
use crate::plan::problem::Problem;

/// What the query says.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// Whether TLS comes first.
    pub(super) tls: bool,
    /// The replica set that the server must be a member of.
    pub(super) set: Option<String>,
    /// The database that knows the user.
    pub(super) source: Option<String>,
    /// Whether only this server counts.
    pub(super) direct: bool,
}

/// Those that are heeded.
const HEEDED: [&str; 6] = ["tls", "ssl", "replicaSet", "authSource", "directConnection", "authMechanism"];
/// Those that change nothing for a probe.
const IDLE: [&str; 26] = [
    "appName",
    "compressors",
    "connectTimeoutMS",
    "heartbeatFrequencyMS",
    "journal",
    "localThresholdMS",
    "maxConnecting",
    "maxIdleTimeMS",
    "maxPoolSize",
    "maxStalenessSeconds",
    "minPoolSize",
    "readConcernLevel",
    "readPreference",
    "readPreferenceTags",
    "retryReads",
    "retryWrites",
    "serverMonitoringMode",
    "serverSelectionTimeoutMS",
    "serverSelectionTryOnce",
    "socketTimeoutMS",
    "uuidRepresentation",
    "w",
    "waitQueueTimeoutMS",
    "wTimeoutMS",
    "zlibCompressionLevel",
    "timeoutMS",
];
/// Those for which there is an option.
const OPTIONS: [(&str, &str); 6] = [
    ("tlsCAFile", "cacert=PATH"),
    ("tlsCertificateKeyFile", "cert=PATH"),
    ("tlsInsecure", "insecure"),
    ("tlsAllowInvalidCertificates", "insecure"),
    ("tlsAllowInvalidHostnames", "sni=NAME"),
    ("sslCertificateAuthorityFile", "cacert=PATH"),
];

/// Reads the query of `draft`'s target. Names are compared without regard to case, as drivers do.
pub(super) fn parameters(draft: &mut Draft<'_>) -> Parameters {
    let mut found = Parameters::default();
    let query = draft.target.query.as_deref().unwrap_or_default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        let heeded = HEEDED.iter().find(|known| known.eq_ignore_ascii_case(name));
        let problem = match (heeded.copied(), value) {
            (Some("tls" | "ssl"), value) => switch(name, &value, &mut found.tls),
            (Some("directConnection"), value) => switch(name, &value, &mut found.direct),
            (Some("authMechanism"), value) => mechanism(&value),
            (Some("replicaSet"), value) => given(name, value, &mut found.set),
            (Some(_), value) => given(name, value, &mut found.source),
            (None, _) => unheeded(name),
        };
        if let Some(problem) = problem {
            draft.problem(problem);
        }
    }
    found
}

fn switch(name: &str, value: &str, into: &mut bool) -> Option<Problem> {
    match parse_switch(value) {
        Ok(value) => {
            *into = value;
            None
        }
        Err(what) => Some(Problem::new(format!("parameter {name}: {what}"))),
    }
}

fn given(name: &str, value: String, into: &mut Option<String>) -> Option<Problem> {
    if value.is_empty() || value.contains(char::is_control) {
        return Some(Problem::new(format!("parameter {name} has no value")));
    }
    *into = Some(value);
    None
}

fn mechanism(value: &str) -> Option<Problem> {
    (value != "SCRAM-SHA-256")
        .then(|| Problem::new("the log-in is by SCRAM-SHA-256, and by no other authMechanism").hint(
            "leave authMechanism out if the user has a password by SCRAM-SHA-256; without a user, only the server is asked",
        ))
}

fn unheeded(name: &str) -> Option<Problem> {
    if IDLE.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return None;
    }
    let problem = Problem::new(format!("mongodb:// takes no parameter '{name}'"));
    Some(match OPTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, option)) => problem.hint(format!("behind the target write #{option}")),
        None => problem.nearest(name, HEEDED.into_iter().chain(IDLE)),
    })
}
