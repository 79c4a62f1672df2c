//! Objects, held against the types of the Kubernetes API. A field that the types do not know is an error: the types
//! leave it out, so it is missing when the object is written again.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{
    ConfigMap, Namespace, Pod, PodTemplateSpec, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Checks an object; without a kind it is a Pod template.
pub(crate) fn check(object: &Value) -> Result<(), String> {
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        ("", "") => checked::<PodTemplateSpec>(object),
        ("v1", "Pod") => checked::<Pod>(object),
        ("v1", "Service") => checked::<Service>(object),
        ("v1", "ConfigMap") => checked::<ConfigMap>(object),
        ("v1", "Secret") => checked::<Secret>(object),
        ("v1", "Namespace") => checked::<Namespace>(object),
        ("v1", "ServiceAccount") => checked::<ServiceAccount>(object),
        ("apps/v1", "Deployment") => checked::<Deployment>(object),
        ("apps/v1", "StatefulSet") => checked::<StatefulSet>(object),
        ("batch/v1", "Job") => checked::<Job>(object),
        ("batch/v1", "CronJob") => checked::<CronJob>(object),
        ("rbac.authorization.k8s.io/v1", "Role") => checked::<Role>(object),
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => checked::<RoleBinding>(object),
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => checked::<ClusterRole>(object),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => checked::<ClusterRoleBinding>(object),
        (version, kind) => Err(format!("{version} {kind} is not known here")),
    }
}

fn checked<T: DeserializeOwned + Serialize>(object: &Value) -> Result<(), String> {
    let typed: T = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
    kept(object, &serde_json::to_value(typed).map_err(|error| error.to_string())?, "")
}

/// Whether all of `object` is in `again`.
fn kept(object: &Value, again: &Value, path: &str) -> Result<(), String> {
    match (object, again) {
        (Value::Object(object), Value::Object(again)) => object.iter().try_for_each(|(key, value)| {
            let path = format!("{path}.{key}");
            again
                .get(key)
                .ok_or_else(|| format!("{path} is unknown"))
                .and_then(|again| kept(value, again, &path))
        }),
        (Value::Array(items), Value::Array(again)) if items.len() == again.len() => items
            .iter()
            .zip(again)
            .enumerate()
            .try_for_each(|(at, (value, again))| kept(value, again, &format!("{path}[{at}]"))),
        (value, again) if value == again => Ok(()),
        (value, again) => Err(format!("{path} is {value}, and becomes {again}")),
    }
}

/// The containers of a Pod or of what has a Pod template, initial ones first.
pub(crate) fn containers(object: &Value) -> Vec<&Value> {
    let spec =
        ["/spec/jobTemplate/spec/template/spec", "/spec/template/spec", "/spec"].iter().find_map(|path| {
            object
                .pointer(path)
                .filter(|spec| spec["containers"].is_array() || spec["initContainers"].is_array())
        });
    let Some(spec) = spec else { return Vec::new() };
    ["initContainers", "containers"].iter().filter_map(|name| spec[*name].as_array()).flatten().collect()
}

/// Whether a container meets the «restricted» Pod Security Standard by itself, and has a read-only root.
pub(crate) fn is_restricted(container: &Value) -> bool {
    let security = &container["securityContext"];
    security["runAsNonRoot"] == true
        && security["runAsUser"].as_u64().is_some_and(|user| user > 0)
        && security["allowPrivilegeEscalation"] == false
        && security["readOnlyRootFilesystem"] == true
        && security["capabilities"] == serde_json::json!({"drop": ["ALL"]})
        && security["seccompProfile"] == serde_json::json!({"type": "RuntimeDefault"})
}

#[test]
fn what_the_types_do_not_know_is_found() {
    let pod = |field: &str| {
        let text = format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      {field}\n");
        check(&crate::yaml::documents(&text)[0])
    };
    assert_eq!(pod("image: x"), Ok(()));
    assert_eq!(pod("imgae: x"), Err(".spec.containers[0].imgae is unknown".into()));
    assert_eq!(
        pod("securityContext: {runAsUsr: 1}"),
        Err(".spec.containers[0].securityContext.runAsUsr is unknown".into())
    );
    assert!(pod("args: [1]").is_err() && pod("image: yes").is_err());
}
