//! What a target asks for: which objects, and what of them.

use std::net::IpAddr;

use super::judge::{self, Standing};
use super::resource::{self, Known, SERVICE};
use crate::check::jsonpath::{Expectation, Found};
use crate::check::{Access, Draft};
use crate::plan::problem::Problem;

/// What a kind's name in the target stands for.
#[derive(Clone)]
pub(super) enum Named {
    /// A kind that is known.
    Known(&'static Known),
    /// A Service, which is as ready as its endpoints are.
    Service,
    /// A kind that the API server must be asked about.
    Other(Other),
}

/// A kind by its name, `NAME`, `NAME.GROUP` or `NAME.VERSION.GROUP`, as kubectl takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Other {
    /// Plural, singular or short name, in lower case.
    pub(super) name: String,
    /// What follows the first dot: a group, perhaps with a version before it.
    pub(super) group: Option<String>,
}

/// Which objects are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// The one of this name.
    Name(String),
    /// Those that a label selector matches.
    Selector(String),
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expect {
    /// They are ready, as their kind understands it.
    Ready,
    /// Each has these conditions and values.
    All(Vec<Condition>, Vec<Expectation>),
    /// There is none.
    Absent,
    /// The address is among the Service's endpoints.
    Endpoint(IpAddr),
}

/// A condition that must have a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    name: String,
    status: String,
}

/// What a target asks for.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) namespace: Option<String>,
    pub(super) named: Named,
    pub(super) which: Which,
    pub(super) expect: Expect,
    /// How many: ready endpoints of a Service, or objects that the selector matches.
    pub(super) min: Option<usize>,
}

impl Wanted {
    /// Reads the path and the options; `None` when a part without which nothing can be asked is missing.
    pub(super) fn read(draft: &mut Draft<'_>) -> Option<Self> {
        if draft.target.host.is_some() {
            draft.problem(Problem::new("a k8s target has no host").hint("write k8s:[NAMESPACE/]KIND/NAME"));
            return None;
        }
        let path = match draft.target.plain_path() {
            Ok(path) => path,
            Err(problem) => {
                draft.problem(problem);
                return None;
            }
        };
        let selector = draft.parsed("selector", selector);
        let split = split(&path, draft.text("selector").is_some());
        let expect = expect(draft);
        let min = draft.number("min", 1);
        let (namespace, kind, name) = match split {
            Ok(split) => split,
            Err(problem) => {
                draft.problem(problem);
                return None;
            }
        };
        let named = named(kind);
        let which = match name {
            Some(name) => Which::Name(name.to_owned()),
            None => Which::Selector(selector?),
        };
        let wanted = Self { namespace: namespace.map(str::to_owned), named, which, expect, min };
        wanted.agree(draft);
        Some(wanted)
    }

    /// Notes options that do not go together.
    fn agree(&self, draft: &mut Draft<'_>) {
        let service = matches!(self.named, Named::Service);
        let named = matches!(self.which, Which::Name(_));
        let mut wrong = |what: &str, hint: &str| draft.problem(Problem::new(what).hint(hint));
        if matches!(self.expect, Expect::Endpoint(_)) && !(service && named) {
            wrong("option ip is for a Service's endpoints", "write k8s:endpoint/SERVICE#ip=ADDRESS");
        }
        if service && !named {
            wrong("a Service's endpoints are looked up by the Service's name", "write k8s:service/NAME");
        }
        if service && matches!(self.expect, Expect::All(..)) {
            wrong(
                "a Service has no conditions: it is as ready as its endpoints are",
                "min= says how many endpoints must be ready",
            );
        }
        if self.min.is_some() && named && !(service && self.expect == Expect::Ready) {
            wrong("option min is for a Service's endpoints, or goes with selector", "drop it");
        }
        if self.min.is_some() && self.expect == Expect::Absent {
            wrong("options min and absent do not go together", "drop one of them");
        }
        if let (Named::Known(known), Some(_)) = (&self.named, &self.namespace)
            && !known.namespaced
        {
            wrong(&format!("{} are in no namespace", known.names[0]), "write k8s:KIND/NAME");
        }
    }

    /// What an account must be allowed. A kind that only the API server knows is taken to be in a namespace, and to be
    /// named by its plural.
    pub(super) fn access(&self) -> Access {
        let (group, resource, namespaced) = match &self.named {
            Named::Known(known) => {
                let resource = known.resource();
                (resource.group, resource.plural, resource.namespaced)
            }
            Named::Service => {
                let [slices, ..] = resource::endpoints();
                (slices.group, slices.plural, true)
            }
            Named::Other(other) => {
                let group = other.group.as_deref().unwrap_or_default();
                // A version may stand before the group: `widgets.v1.example.org`.
                let is_version =
                    |part: &str| part.starts_with('v') && part[1..].starts_with(|c: char| c.is_ascii_digit());
                let group = group
                    .split_once('.')
                    .filter(|(first, _)| is_version(first))
                    .map_or(group, |(_, rest)| rest);
                (group.to_owned(), other.name.clone(), true)
            }
        };
        Access { group, resource, namespaced, namespace: self.namespace.clone() }
    }

    /// Where an object stands; `status` is whether objects of its kind have a status.
    pub(super) fn judge(&self, object: &serde_json::Value, status: bool) -> Standing {
        let own = match &self.named {
            Named::Known(known) => (known.judge)(object),
            Named::Service | Named::Other(_) => judge::other(object, status),
        };
        let Expect::All(conditions, values) = &self.expect else { return own };
        let mut seen = String::new();
        for condition in conditions {
            match judge::has_condition(object, &condition.name, &condition.status) {
                Standing::Ready(text) => seen = text,
                // Nothing of what has failed changes any more.
                _ if matches!(own, Standing::Failed(_)) => return own,
                unmet => return unmet,
            }
        }
        for value in values {
            match value.find(object) {
                Found::Match => seen = format!("{} is as expected", value.path),
                Found::Other => return Standing::Pending(format!("{} has another value", value.path)),
                Found::Nothing => return Standing::Pending(format!("there is nothing at {}", value.path)),
            }
        }
        Standing::Ready(seen)
    }
}

fn named(kind: &str) -> Named {
    let kind = kind.to_ascii_lowercase();
    if SERVICE.contains(&kind.as_str()) {
        return Named::Service;
    }
    match resource::known(&kind) {
        Some(known) => Named::Known(known),
        None => Named::Other(match kind.split_once('.') {
            Some((name, group)) => Other { name: name.into(), group: Some(group.into()) },
            None => Other { name: kind, group: None },
        }),
    }
}

type Split<'a> = (Option<&'a str>, &'a str, Option<&'a str>);

/// Namespace, kind and name.
fn split(path: &str, selecting: bool) -> Result<Split<'_>, Problem> {
    let form = if selecting { "k8s:[NAMESPACE/]KIND#selector=LABELS" } else { "k8s:[NAMESPACE/]KIND/NAME" };
    let wrong = |what: &str| Problem::new(what.to_owned()).hint(format!("write {form}"));
    let parts: Vec<&str> = path.split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(wrong("a part is empty"));
    }
    let split: Split<'_> = match (parts.as_slice(), selecting) {
        ([kind], true) => (None, kind, None),
        ([first, second], true) if is_known(first) && !is_known(second) => {
            return Err(wrong("a name and option selector do not go together"));
        }
        ([namespace, kind], true) => (Some(namespace), kind, None),
        ([_, _, _], true) => return Err(wrong("a name and option selector do not go together")),
        ([_], false) => return Err(wrong("the name is missing")),
        ([kind, name], false) => (None, kind, Some(name)),
        ([namespace, kind, name], false) => (Some(namespace), kind, Some(name)),
        _ => return Err(wrong("there are too many slashes")),
    };
    let (namespace, kind, name) = split;
    if let Some(namespace) = namespace.filter(|namespace| !is_label(namespace)) {
        return Err(wrong(&format!("'{namespace}' cannot be a namespace: a-z, 0-9 and '-', up to 63")));
    }
    if !kind.bytes().all(|c| c.is_ascii_alphanumeric() || b".-".contains(&c)) {
        return Err(wrong(&format!("'{kind}' cannot be a kind")));
    }
    if let Some(name) = name.filter(|name| !is_name(name)) {
        return Err(wrong(&format!("'{name}' cannot be a name: a-z, 0-9, '-' and '.', up to 253")));
    }
    Ok(split)
}

fn is_known(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    resource::known(&kind).is_some() || SERVICE.contains(&kind.as_str())
}

/// An RFC 1123 label.
fn is_label(text: &str) -> bool {
    let inner = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    inner && (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-')
}

/// The name of an object: usually an RFC 1123 subdomain, for a few kinds any path segment.
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>)
fn is_name(text: &str) -> bool {
    let inner = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-.:_".contains(&c));
    inner && (1..=253).contains(&text.len()) && !matches!(text, "." | "..")
}

/// A label selector; what it means is for the API server to say.
fn selector(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text == "true" {
        return Err("there are no labels: write app=web, or 'tier in (a, b)', percent-encoded".into());
    }
    Ok(text.trim().to_owned())
}

fn expect(draft: &mut Draft<'_>) -> Expect {
    let mut conditions = Vec::new();
    for text in draft.all("condition") {
        let (name, status) = text.split_once('=').unwrap_or((text, "True"));
        let fits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_graphic());
        if fits(name) && fits(status) {
            conditions.push(Condition { name: name.into(), status: status.into() });
        } else {
            draft.problem(
                Problem::new(format!("option condition: '{text}' is not a condition"))
                    .hint("write condition=Ready or condition=Ready=False"),
            );
        }
    }
    let mut values = Vec::new();
    for text in draft.all("jsonpath") {
        match Expectation::parse(text) {
            Ok(value) => values.push(value),
            Err(what) => draft.problem(Problem::new(format!("option jsonpath: {what}"))),
        }
    }
    let absent = draft.switch("absent");
    let ip =
        draft.parsed("ip", |text| text.parse::<IpAddr>().map_err(|_| format!("'{text}' is not an address")));
    let states = !conditions.is_empty() || !values.is_empty();
    if [absent, ip.is_some(), states].iter().filter(|given| **given).count() > 1 {
        draft.problem(
            Problem::new("options absent, ip and condition or jsonpath do not go together")
                .hint("keep one of them"),
        );
    }
    match ip {
        Some(ip) => Expect::Endpoint(ip),
        None if absent => Expect::Absent,
        None if states => Expect::All(conditions, values),
        None => Expect::Ready,
    }
}
