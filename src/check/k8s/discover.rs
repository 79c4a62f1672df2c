//! What resource a name stands for, where no table knows it: the API server tells.
//! (<https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api>)

use serde_json::Value;

use super::api::Api;
use super::resource::{Resource, group_path, names};
use super::target::Other;
use super::{API, FORBIDDEN, KIND_UNKNOWN};
use crate::check::{Fact, Reason, class};
use crate::plan::problem::nearest;

/// At most so many groups are looked through.
const GROUPS: usize = 300;

/// What lets an account ask; `system:discovery` usually does.
const RULE: &str = "- {nonResourceURLs: [/api, /api/*, /apis, /apis/*], verbs: [get]}";

/// The resource that `wanted` names.
///
/// # Errors
/// When there is none, or the API server does not tell.
pub(super) async fn resource(api: Api<'_>, wanted: &Other) -> Result<Resource, Reason> {
    let groups = groups(api, wanted).await?;
    for (group, version) in groups.into_iter().take(GROUPS) {
        let (status, document) = api.document(&group_path(&group, &version), &Vec::new()).await?;
        // A group whose own server is down says nothing about the others.
        if status == 200
            && let Some(found) = find(&document, &group, &version, &wanted.name)
        {
            return Ok(found);
        }
    }
    Err(unknown(wanted))
}

fn unknown(wanted: &Other) -> Reason {
    let Other { name, group } = wanted;
    let text = match group {
        Some(group) => format!("the API server knows no kind {name}.{group}"),
        None => format!("the API server knows no kind {name}"),
    };
    match nearest(name, names()) {
        Some(near) => Reason::new(&KIND_UNKNOWN, format!("{text}; is it {near}?")),
        None => Reason::new(&KIND_UNKNOWN, text),
    }
}

/// The groups that may have it, each with its preferred version: the core first.
async fn groups(api: Api<'_>, wanted: &Other) -> Result<Vec<(String, String)>, Reason> {
    let (status, document) = api.document(&["apis"], &Vec::new()).await?;
    if status != 200 {
        return Err(match status {
            401 => Reason::new(&class::AUTH_DENIED, "the API server does not accept the credentials"),
            403 => Reason::new(&FORBIDDEN, "not allowed to ask which kinds there are")
                .fact(Fact::Rule { role: "a ClusterRole".into(), rule: RULE.into() }),
            _ => Reason::new(&API, "the API server does not say which kinds there are"),
        });
    }
    Ok(candidates(&document, wanted))
}

/// Group and version of all that may have it, out of an `APIGroupList`.
fn candidates(document: &Value, wanted: &Other) -> Vec<(String, String)> {
    let all = document["groups"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let preferred =
        |group: &Value| Some((text(&group["name"])?, text(&group["preferredVersion"]["version"])?));
    let Some(rest) = &wanted.group else {
        let core = Some((String::new(), "v1".to_owned()));
        return core.into_iter().chain(all.iter().filter_map(preferred)).collect();
    };
    let exact = all.iter().filter(|group| group["name"] == rest.as_str()).filter_map(preferred);
    // `v1alpha1.example.com`: a version, then the group.
    let versioned = rest.split_once('.').into_iter().filter_map(|(version, name)| {
        let group = all.iter().find(|group| group["name"] == name)?;
        let versions = group["versions"].as_array()?;
        let known = versions.iter().any(|one| one["version"] == version);
        known.then(|| (name.to_owned(), version.to_owned()))
    });
    exact.chain(versioned).collect()
}

/// The resource of this name out of an `APIResourceList`.
fn find(document: &Value, group: &str, version: &str, name: &str) -> Option<Resource> {
    let all = document["resources"].as_array()?;
    let is = |value: &Value| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(name));
    let found = all.iter().find(|one| {
        let short = one["shortNames"].as_array().is_some_and(|names| names.iter().any(is));
        // `deployments/status` is part of a resource, not one of its own.
        let whole = one["name"].as_str().is_some_and(|plural| !plural.contains('/'));
        whole && (is(&one["name"]) || is(&one["singularName"]) || is(&one["kind"]) || short)
    })?;
    let plural = found["name"].as_str()?.to_owned();
    let part = format!("{plural}/status");
    Some(Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: found["kind"].as_str()?.to_owned(),
        namespaced: found["namespaced"].as_bool()?,
        status: all.iter().any(|one| one["name"] == part.as_str()),
        plural,
    })
}
