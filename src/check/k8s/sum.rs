//! What all the objects that are looked at come to: pure.

use serde_json::Value;

use super::endpoints::Endpoints;
use super::judge::{self, Standing};
use super::resource::Resource;
use super::target::{Expect, Named, Wanted, Which};
use super::{ABSENT, FAILED, PENDING, PRESENT, STALLED};
use crate::check::{Evidence, Reason, Verdict};

/// The verdict on `objects`, which are all there are of what is asked for.
pub(super) fn verdict(wanted: &Wanted, resource: &Resource, objects: &[&Value]) -> Verdict {
    let found = match (&wanted.expect, &wanted.named, &wanted.which) {
        (Expect::Absent, ..) => gone(resource, objects),
        (Expect::Endpoint(ip), ..) => has_endpoint(wanted, objects, *ip),
        (_, Named::Service, _) => has_endpoints(wanted, objects),
        (_, _, Which::Name(name)) => match objects.first() {
            Some(object) => return standing(wanted.judge(object, resource.status)),
            None => Err(missing(resource, name)),
        },
        (_, _, Which::Selector(_)) => return several(wanted, resource, objects),
    };
    found.into()
}

fn standing(standing: Standing) -> Verdict {
    match standing {
        Standing::Ready(text) => Verdict::Ready(Evidence::new(text)),
        Standing::Pending(text) => Verdict::NotYet(Reason::new(&PENDING, text)),
        Standing::Stalled(text) => Verdict::NotYet(Reason::new(&STALLED, text)),
        Standing::Failed(text) => Verdict::Never(Reason::new(&FAILED, text)),
    }
}

fn missing(resource: &Resource, name: &str) -> Reason {
    Reason::new(&ABSENT, format!("there is no {} {name}", resource.kind))
}

/// Nothing is left.
fn gone(resource: &Resource, objects: &[&Value]) -> Result<Evidence, Reason> {
    let Some(first) = objects.first() else { return Ok(Evidence::new("is gone")) };
    let finalizers = judge::finalizers(first);
    let text = match (judge::leaving(first), finalizers.is_empty()) {
        (false, _) => format!("{} still exists", resource.kind),
        (true, true) => format!("{} is being deleted", resource.kind),
        (true, false) => {
            format!(
                "{} is being deleted, but held back by finalizers: {}",
                resource.kind,
                finalizers.join(", ")
            )
        }
    };
    Err(Reason::new(&PRESENT, text))
}

fn service(wanted: &Wanted) -> &str {
    match &wanted.which {
        Which::Name(name) | Which::Selector(name) => name,
    }
}

/// Enough endpoints are ready.
fn has_endpoints(wanted: &Wanted, objects: &[&Value]) -> Result<Evidence, Reason> {
    let name = service(wanted);
    if objects.is_empty() {
        let text = format!("Service {name} does not exist, or has no endpoints of its own");
        return Err(Reason::new(&ABSENT, text));
    }
    let endpoints = Endpoints::read(objects.iter().copied());
    let (ready, min) = (endpoints.count(), wanted.min.unwrap_or(1));
    if ready >= min {
        let plural = if ready == 1 { "endpoint is" } else { "endpoints are" };
        return Ok(Evidence::new(format!("{ready} {plural} ready")));
    }
    let text = match endpoints.others.len() {
        0 if ready == 0 => format!("Service {name} has no endpoints"),
        0 => format!("{ready} of {min} endpoints are ready, and there are no more"),
        _ => format!("{ready} of {min} endpoints are ready"),
    };
    Err(Reason::new(&PENDING, text))
}

/// An address is among the endpoints.
fn has_endpoint(wanted: &Wanted, objects: &[&Value], ip: std::net::IpAddr) -> Result<Evidence, Reason> {
    let name = service(wanted);
    if Endpoints::read(objects.iter().copied()).ready.contains(&ip) {
        return Ok(Evidence::new(format!("{ip} is an endpoint of {name}")));
    }
    Err(Reason::new(&ABSENT, format!("{ip} is not among the ready endpoints of {name}")))
}

/// All that a selector matches are ready, or `min` of them.
fn several(wanted: &Wanted, resource: &Resource, objects: &[&Value]) -> Verdict {
    let plural = &resource.plural;
    if objects.is_empty() {
        return Verdict::NotYet(Reason::new(&ABSENT, format!("the selector matches no {plural}")));
    }
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let judged: Vec<(String, Standing)> =
        objects.iter().map(|object| (name(object), wanted.judge(object, resource.status))).collect();
    let count = |test: fn(&Standing) -> bool| judged.iter().filter(|(_, one)| test(one)).count();
    let first = |text: fn(&Standing) -> Option<&String>| {
        judged.iter().find_map(|(name, one)| Some(format!("{name}: {}", text(one)?)))
    };
    let ready = count(|one| matches!(one, Standing::Ready(_)));
    let failed = first(|one| if let Standing::Failed(text) = one { Some(text) } else { None });
    // A Pod that has failed is replaced by whoever made it, and does not count. No one replaces anything else.
    let lasting = match plural.as_str() {
        "pods" => objects.len() - count(|one| matches!(one, Standing::Failed(_))),
        _ => objects.len(),
    };
    let needed = wanted.min.unwrap_or(lasting.max(1));
    if ready >= needed {
        return Verdict::Ready(Evidence::new(format!("{ready} {plural} are as expected")));
    }
    if let (Some(text), None, true) = (&failed, wanted.min, lasting == objects.len()) {
        return Verdict::Never(Reason::new(&FAILED, text));
    }
    let stalled = first(|one| if let Standing::Stalled(text) = one { Some(text) } else { None });
    let pending = first(|one| if let Standing::Pending(text) = one { Some(text) } else { None });
    let (class, why) = match (stalled, pending) {
        (Some(why), _) => (&STALLED, format!("; {why}")),
        (None, Some(why)) => (&PENDING, format!("; {why}")),
        (None, None) if failed.is_some() => (&PENDING, "; the others have failed".into()),
        (None, None) => (&PENDING, ", and the selector matches no more".into()),
    };
    Verdict::NotYet(Reason::new(class, format!("{ready} of {needed} {plural} are as expected{why}")))
}
