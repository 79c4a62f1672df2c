//! Which resource of the API a kind is: known ones by a table, so that nothing needs to be discovered for them.

use super::judge::{self, Standing};
use serde_json::Value;

/// A resource of the API (<https://kubernetes.io/docs/reference/using-api/api-concepts/>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    /// The API group; empty for the core group.
    pub(super) group: String,
    /// The version of the group: `v1`.
    pub(super) version: String,
    /// The name in paths and in rules: `deployments`.
    pub(super) plural: String,
    /// The name in objects: `Deployment`.
    pub(super) kind: String,
    /// Whether its objects are in namespaces.
    pub(super) namespaced: bool,
    /// Whether its objects have a status that a controller writes.
    pub(super) status: bool,
}

impl Resource {
    /// The segments of the path to the objects of `namespace`, or to all.
    pub(super) fn path<'a>(&'a self, namespace: &'a str) -> Vec<&'a str> {
        let mut path = group_path(&self.group, &self.version);
        if self.namespaced {
            path.extend(["namespaces", namespace]);
        }
        path.push(&self.plural);
        path
    }

    /// The name in messages: `deployments.apps`, `pods`.
    pub(super) fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// What a Role must grant for it, as an entry of `rules`.
    pub(super) fn rule(&self) -> String {
        let group = if self.group.is_empty() { "\"\"" } else { &self.group };
        let plural = &self.plural;
        format!("- {{apiGroups: [{group}], resources: [{plural}], verbs: [get, list, watch]}}")
    }
}

/// The segments of the path to a version of a group.
pub(super) fn group_path<'a>(group: &'a str, version: &'a str) -> Vec<&'a str> {
    if group.is_empty() { vec!["api", version] } else { vec!["apis", group, version] }
}

/// How objects of a kind are judged, each on its own.
pub(super) type Judge = fn(&Value) -> Standing;

/// A kind that needs no discovery.
pub(super) struct Known {
    /// What it may be called in a target: the resource's name first, then singular and short names.
    pub(super) names: &'static [&'static str],
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    pub(super) namespaced: bool,
    pub(super) judge: Judge,
}

impl Known {
    /// The resource that it is.
    pub(super) fn resource(&self) -> Resource {
        Resource {
            group: self.group.into(),
            version: self.version.into(),
            plural: self.names[0].into(),
            kind: self.kind.into(),
            namespaced: self.namespaced,
            status: false,
        }
    }
}

macro_rules! known {
    ($($scope:ident $group:literal $version:literal $kind:literal [$($name:literal),+] $judge:path;)*) => {
        &[$(Known {
            names: &[$($name),+],
            group: $group,
            version: $version,
            kind: $kind,
            namespaced: known!($scope),
            judge: $judge,
        }),*]
    };
    (namespaced) => { true };
    (cluster) => { false };
}

/// The kinds whose readiness is known (<https://kubernetes.io/docs/reference/kubectl/#resource-types>).
static KNOWN: &[Known] = known! {
    namespaced "batch" "v1" "Job" ["jobs", "job"] judge::job;
    namespaced "apps" "v1" "Deployment" ["deployments", "deployment", "deploy"] judge::deployment;
    namespaced "apps" "v1" "StatefulSet" ["statefulsets", "statefulset", "sts"] judge::stateful_set;
    namespaced "apps" "v1" "DaemonSet" ["daemonsets", "daemonset", "ds"] judge::daemon_set;
    namespaced "apps" "v1" "ReplicaSet" ["replicasets", "replicaset", "rs"] judge::replica_set;
    namespaced "" "v1" "ReplicationController" ["replicationcontrollers", "replicationcontroller", "rc"] judge::replica_set;
    namespaced "" "v1" "Pod" ["pods", "pod", "po"] judge::pod;
    namespaced "" "v1" "PersistentVolumeClaim" ["persistentvolumeclaims", "persistentvolumeclaim", "pvc"] judge::claim;
    namespaced "" "v1" "ConfigMap" ["configmaps", "configmap", "cm"] judge::exists;
    namespaced "" "v1" "Secret" ["secrets", "secret"] judge::exists;
    namespaced "" "v1" "ServiceAccount" ["serviceaccounts", "serviceaccount", "sa"] judge::exists;
    namespaced "networking.k8s.io" "v1" "Ingress" ["ingresses", "ingress", "ing"] judge::ingress;
    namespaced "networking.k8s.io" "v1" "NetworkPolicy" ["networkpolicies", "networkpolicy", "netpol"] judge::exists;
    cluster "" "v1" "Node" ["nodes", "node", "no"] judge::node;
    cluster "" "v1" "Namespace" ["namespaces", "namespace", "ns"] judge::namespace;
    cluster "" "v1" "PersistentVolume" ["persistentvolumes", "persistentvolume", "pv"] judge::volume;
    cluster "storage.k8s.io" "v1" "StorageClass" ["storageclasses", "storageclass", "sc"] judge::exists;
    cluster "apiextensions.k8s.io" "v1" "CustomResourceDefinition"
        ["customresourcedefinitions", "customresourcedefinition", "crds", "crd"] judge::definition;
    cluster "apiregistration.k8s.io" "v1" "APIService" ["apiservices", "apiservice"] judge::api_service;
};

/// What a Service may be called in a target: it is as ready as its endpoints are.
pub(super) static SERVICE: &[&str] =
    &["services", "service", "svc", "endpoints", "endpoint", "ep", "endpointslices", "endpointslice"];

/// The kind of this name, which may carry its group: `deploy`, `deployments.apps`.
pub(super) fn known(name: &str) -> Option<&'static Known> {
    let (name, group) = name.split_once('.').map_or((name, None), |(name, group)| (name, Some(group)));
    KNOWN.iter().find(|known| known.names.contains(&name) && group.is_none_or(|group| group == known.group))
}

/// All names that need no discovery.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().flat_map(|known| known.names).chain(SERVICE).copied()
}

/// What a Service's endpoints are written in, the newest first: `EndpointSlice` objects, or Endpoints where a cluster has none.
/// (<https://kubernetes.io/docs/reference/using-api/deprecation-guide/#endpointslice-v125>)
pub(super) fn endpoints() -> [Resource; 3] {
    let slices = |version: &str| Resource {
        group: "discovery.k8s.io".into(),
        version: version.into(),
        plural: "endpointslices".into(),
        kind: "EndpointSlice".into(),
        namespaced: true,
        status: false,
    };
    let old = Resource {
        group: String::new(),
        version: "v1".into(),
        plural: "endpoints".into(),
        kind: "Endpoints".into(),
        ..slices("v1")
    };
    [slices("v1"), slices("v1beta1"), old]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_lead_to_paths() {
        let mut seen = BTreeSet::new();
        for name in names() {
            assert!(seen.insert(name), "{name} twice");
        }
        for (name, path) in [
            ("pod", "api/v1/namespaces/shop/pods"),
            ("deploy", "apis/apps/v1/namespaces/shop/deployments"),
            ("deployments.apps", "apis/apps/v1/namespaces/shop/deployments"),
            ("node", "api/v1/nodes"),
            ("crd", "apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
        ] {
            let resource = known(name).unwrap().resource();
            assert_eq!(resource.path("shop").join("/"), path);
        }
        assert!(known("deployments.extensions").is_none());
        assert!(known("widget").is_none());
    }

    #[test]
    fn rules_are_what_a_role_takes() {
        let rule = |name: &str| known(name).unwrap().resource().rule();
        assert_eq!(rule("job"), "- {apiGroups: [batch], resources: [jobs], verbs: [get, list, watch]}");
        assert_eq!(rule("pod"), "- {apiGroups: [\"\"], resources: [pods], verbs: [get, list, watch]}");
    }
}
