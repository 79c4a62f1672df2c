//! What a container is given by variables: secrets, which are taken out of the words, and what the words refer to.
//!
//! The words are looked at as text, before variables are expanded: what a variable holds never gets into them.

use percent_encoding::percent_decode_str;

use crate::check::registry;
use crate::plan::env::Env;
use crate::plan::secret::{looks_secret, mask_unparsed};

/// Variables whose values Kubernetes knows
/// (<https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#available-fields>).
const FIELDS: &[(&str, &str, &str)] = &[
    ("POD_NAME", "metadata.name", "pod-0"),
    ("POD_NAMESPACE", "metadata.namespace", "default"),
    ("POD_UID", "metadata.uid", "00000000-0000-0000-0000-000000000000"),
    ("POD_IP", "status.podIP", "192.0.2.1"),
    ("HOST_IP", "status.hostIP", "192.0.2.2"),
    ("NODE_NAME", "spec.nodeName", "node-0"),
];

/// Where a variable's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It is this.
    Value(String),
    /// This key of a Secret.
    Secret(String),
    /// This field of the Pod.
    Field(&'static str),
}

/// A variable that the container needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Where its value comes from.
    pub source: Source,
}

/// The variables of a container, as they are found out.
#[derive(Debug, Default)]
pub struct Vault {
    variables: Vec<Variable>,
}

impl Vault {
    /// The variables, in the order in which they were found.
    #[must_use]
    pub fn into_variables(self) -> Vec<Variable> {
        self.variables
    }

    /// `env` with something in the place of each variable that only the Pod knows, so that a plan can be made.
    #[must_use]
    pub fn stand_ins(&self, env: &Env) -> Env {
        let known = env.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let missing = self.variables.iter().filter(|variable| env.get(&variable.name).is_none());
        let stand_in = |variable: &Variable| {
            let field = FIELDS.iter().find(|(name, ..)| *name == variable.name);
            (variable.name.clone(), field.map_or("secret", |(_, _, value)| *value).to_owned())
        };
        let all = known.chain(missing.map(stand_in));
        Env::new(all.map(|(name, value)| (name.into(), value.into())))
    }

    /// Gives the container `name` with `value`, which stands there in clear.
    pub fn value(&mut self, name: &str, value: &str) {
        self.add(name, Source::Value(value.to_owned()));
    }

    /// Gives the container `name` out of a Secret.
    pub fn secret(&mut self, name: &str) {
        self.add(name, Source::Secret(name.to_ascii_lowercase().replace('_', "-")));
    }

    /// Gives the container what `${…}` in `text` refers to, as far as Kubernetes does not give it anyway.
    pub fn references(&mut self, text: &str, env: &Env) {
        for (name, has_default) in referred(text) {
            let value = env.non_empty(&name);
            if injected(&name) || has_default && value.is_none() {
                continue;
            }
            if let Some((_, field, _)) = FIELDS.iter().find(|(known, ..)| *known == name) {
                self.add(&name, Source::Field(field));
            } else if looks_secret(&name) || value.is_some_and(|value| mask_unparsed(value) != value) {
                self.secret(&name);
            } else if let Some(value) = value {
                self.value(&name, value);
            }
        }
    }

    /// `text`, a target (behind a typed flag, perhaps), with `${NAME}` in the place of each secret.
    pub fn target(&mut self, text: &str, flag: Option<&str>) -> String {
        let (body, options) = match text.split_once('#') {
            Some((body, options)) => (body, Some(options)),
            None => (text, None),
        };
        let (mut hidden, host) = self.body(body, flag);
        if let Some(options) = options {
            let scheme = flag.or_else(|| body.split_once(':').map(|(scheme, _)| scheme)).unwrap_or_default();
            let pairs: Vec<String> = options
                .split('&')
                .map(|pair| self.option(pair, &scheme.to_ascii_lowercase(), &host))
                .collect();
            hidden.push('#');
            hidden.push_str(&pairs.join("&"));
        }
        hidden
    }

    /// Everything before the options, and the host that names are made from.
    fn body(&mut self, body: &str, flag: Option<&str>) -> (String, String) {
        let start = match body.find("://") {
            Some(at) => at + 3,
            None if flag.is_some() => 0,
            None => return (body.to_owned(), "target".to_owned()),
        };
        let (scheme, rest) = body.split_at(start);
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (userinfo, place) = match authority.rsplit_once('@') {
            Some((userinfo, place)) => (Some(userinfo), place),
            None => (None, authority),
        };
        let host = place.rsplit_once(':').map_or(place, |(host, _)| host).to_owned();
        let mut hidden = scheme.to_owned();
        match userinfo.map(|userinfo| userinfo.split_once(':').ok_or(userinfo)) {
            None => {}
            Some(Ok((user, password))) => {
                hidden.extend([user, ":", &self.hide(password, &host, "password"), "@"]);
            }
            // A user name alone is often a token where HTTP is spoken.
            Some(Err(user)) if scheme.starts_with("http") || flag == Some("http") => {
                hidden.extend([&self.hide(user, &host, "token"), "@"]);
            }
            Some(Err(user)) => hidden.extend([user, "@"]),
        }
        hidden.extend([place, path]);
        if let Some(query) = query {
            let pairs: Vec<String> = query.split('&').map(|pair| self.pair(pair, &host)).collect();
            hidden.push('?');
            hidden.push_str(&pairs.join("&"));
        }
        (hidden, host)
    }

    /// One pair of a query.
    fn pair(&mut self, pair: &str, host: &str) -> String {
        match pair.split_once('=') {
            Some((key, value)) if looks_secret(&decoded(key)) => {
                format!("{key}={}", self.hide(value, host, &decoded(key)))
            }
            // A query without keys may be a bare token.
            None if pair.len() >= 16 => self.hide(pair, host, "token"),
            _ => pair.to_owned(),
        }
    }

    /// One option.
    fn option(&mut self, pair: &str, scheme: &str, host: &str) -> String {
        let Some((name, value)) = pair.split_once('=') else { return pair.to_owned() };
        let plain = decoded(value);
        match name {
            "header" => {
                let Some((header, _)) = plain.split_once(':') else { return pair.to_owned() };
                if !looks_secret(header) || only_reference(&plain[header.len() + 1..]) {
                    self.mark(&plain, looks_secret(header));
                    return pair.to_owned();
                }
                format!("{name}={header}:{}", self.hide_literal(host, header))
            }
            "password-env" => {
                self.secret(&plain);
                pair.to_owned()
            }
            "proxy" if mask_unparsed(&plain) != plain => format!("{name}={}", self.hide(value, host, name)),
            "body" if looks_secret(&plain) => format!("{name}={}", self.hide(value, host, name)),
            _ if is_path(scheme, name) => pair.to_owned(),
            _ if ["password", "token", "secret"].iter().any(|mark| name.contains(mark)) => {
                format!("{name}={}", self.hide(value, host, name))
            }
            _ => pair.to_owned(),
        }
    }

    /// What stands in the place of the secret `text`.
    fn hide(&mut self, text: &str, host: &str, part: &str) -> String {
        if text.is_empty() || only_reference(text) {
            self.mark(text, true);
            return text.to_owned();
        }
        self.hide_literal(host, part)
    }

    /// Gives the container a new variable for the part of a target, and refers to it.
    fn hide_literal(&mut self, host: &str, part: &str) -> String {
        let capital = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let name: String =
            format!("{host}_{part}").trim_matches(|c| "${}[]".contains(c)).chars().map(capital).collect();
        // Neither a setting of this program nor something that is no name.
        let unfit = name.starts_with(|c: char| !c.is_ascii_alphabetic()) || name.starts_with("PREREQ_");
        let base = if unfit { format!("TARGET_{name}") } else { name };
        let mut name = base.clone();
        let mut number = 2;
        while self.variables.iter().any(|variable| variable.name == name) {
            name = format!("{base}_{number}");
            number += 1;
        }
        self.secret(&name);
        format!("${{{name}}}")
    }

    /// Takes what `text` refers to for a secret.
    fn mark(&mut self, text: &str, secret: bool) {
        for (name, has_default) in referred(text) {
            if secret && !has_default {
                self.secret(&name);
            }
        }
    }

    fn add(&mut self, name: &str, source: Source) {
        if !self.variables.iter().any(|variable| variable.name == name) {
            self.variables.push(Variable { name: name.to_owned(), source });
        }
    }
}

/// Whether the option `name` of a kind holds the path of a file.
#[must_use]
pub fn is_path(scheme: &str, name: &str) -> bool {
    let kind = registry::kind_of(scheme).or_else(|| registry::kind(scheme));
    kind.is_some_and(|kind| kind.all_options().any(|option| option.name == name && option.value == "PATH"))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The variables that `text` refers to, and whether the reference has a default.
fn referred(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some((inside, after)) = rest.strip_prefix('{').and_then(|inside| inside.split_once('}'))
        {
            let (name, default) = inside.split_once(":-").map_or((inside, None), |(n, d)| (n, Some(d)));
            found.push((name.to_owned(), default.is_some()));
            rest = after;
        }
    }
    found
}

/// Whether `text` is a reference and nothing else, apart from the name of an HTTP authentication scheme.
fn only_reference(text: &str) -> bool {
    let text = decoded(text);
    let text = text.trim();
    let text =
        ["Bearer ", "Basic ", "Token "].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    text.strip_prefix("${")
        .and_then(|inside| inside.strip_suffix('}'))
        .is_some_and(|name| !name.contains(['}', ':']))
}

/// Whether Kubernetes sets this variable by itself
/// (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>).
fn injected(name: &str) -> bool {
    name == "HOSTNAME" || name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str, flag: Option<&str>) -> (String, Vec<String>) {
        let mut vault = Vault::default();
        let text = vault.target(text, flag);
        (text, vault.into_variables().into_iter().map(|variable| variable.name).collect())
    }

    #[test]
    fn secrets_become_variables_and_the_rest_stays() {
        for (text, flag, written, names) in [
            ("tcp://db:5432", None, "tcp://db:5432", &[][..]),
            ("http://u:pw@web/x", None, "http://u:${WEB_PASSWORD}@web/x", &["WEB_PASSWORD"]),
            ("http://t0ken@web/", None, "http://${WEB_TOKEN}@web/", &["WEB_TOKEN"]),
            ("amqp://u@mq/", None, "amqp://u@mq/", &[]),
            ("u:pw@web/", Some("http"), "u:${WEB_PASSWORD}@web/", &["WEB_PASSWORD"]),
            ("http://u:${PW}@web/", None, "http://u:${PW}@web/", &["PW"]),
            ("http://u:x${PW}@web/", None, "http://u:${WEB_PASSWORD}@web/", &["WEB_PASSWORD"]),
            ("http://w/?a=1&api_key=x", None, "http://w/?a=1&api_key=${W_API_KEY}", &["W_API_KEY"]),
            ("http://w/?a=1&verbose", None, "http://w/?a=1&verbose", &[]),
            (
                "http://w/#header=Authorization:Bearer%20x&status=204",
                None,
                "http://w/#header=Authorization:${W_AUTHORIZATION}&status=204",
                &["W_AUTHORIZATION"],
            ),
            (
                "http://w/#header=Authorization:Bearer%20${JWT}",
                None,
                "http://w/#header=Authorization:Bearer%20${JWT}",
                &["JWT"],
            ),
            ("http://w/#header=Accept:text/html", None, "http://w/#header=Accept:text/html", &[]),
            (
                "https://w/#bearer-file=/run/t&key=/k.pem",
                None,
                "https://w/#bearer-file=/run/t&key=/k.pem",
                &[],
            ),
            ("http://w/#proxy=http://u:p%40q@proxy", None, "http://w/#proxy=${W_PROXY}", &["W_PROXY"]),
            ("http://w/#body={\"password\":1}", None, "http://w/#body=${W_BODY}", &["W_BODY"]),
            ("memcached://m#user=u&password-env=MC", None, "memcached://m#user=u&password-env=MC", &["MC"]),
            (
                "http://u:p@prereq/",
                None,
                "http://u:${TARGET_PREREQ_PASSWORD}@prereq/",
                &["TARGET_PREREQ_PASSWORD"],
            ),
            (
                "http://u:p@10.0.0.1/",
                None,
                "http://u:${TARGET_10_0_0_1_PASSWORD}@10.0.0.1/",
                &["TARGET_10_0_0_1_PASSWORD"],
            ),
            ("file:/a@b:c", None, "file:/a@b:c", &[]),
        ] {
            let (found, variables) = hidden(text, flag);
            assert_eq!(
                (found.as_str(), variables),
                (written, names.iter().map(|n| (*n).to_owned()).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn each_secret_has_a_variable_of_its_own() {
        let mut vault = Vault::default();
        vault.target("http://u:a@web/", None);
        assert_eq!(vault.target("http://u:b@web/", None), "http://u:${WEB_PASSWORD_2}@web/");
        let second = Source::Secret("web-password-2".into());
        assert_eq!(vault.into_variables()[1], Variable { name: "WEB_PASSWORD_2".into(), source: second });
    }

    #[test]
    fn references_are_given_as_the_pod_gets_them() {
        let env = Env::from([("PORT", "80"), ("URL", "http://u:p@web"), ("SET", "x")]);
        let mut vault = Vault::default();
        let text = "${PORT} ${POD_IP} ${DB_PASSWORD} ${URL} ${WEB_SERVICE_HOST} ${NONE:-1} ${SET:-2} ${UNSET} $${NO}";
        vault.references(text, &env);
        let filled = vault.stand_ins(&env);
        assert_eq!(
            ["POD_IP", "DB_PASSWORD", "PORT", "UNSET"].map(|name| filled.get(name)),
            [Some("192.0.2.1"), Some("secret"), Some("80"), None]
        );
        let found: Vec<(String, Source)> =
            vault.into_variables().into_iter().map(|variable| (variable.name, variable.source)).collect();
        assert_eq!(
            found,
            [
                ("PORT".to_owned(), Source::Value("80".into())),
                ("POD_IP".to_owned(), Source::Field("status.podIP")),
                ("DB_PASSWORD".to_owned(), Source::Secret("db-password".into())),
                ("URL".to_owned(), Source::Secret("url".into())),
                ("SET".to_owned(), Source::Value("x".into())),
            ]
        );
    }
}
