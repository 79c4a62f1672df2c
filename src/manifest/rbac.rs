//! What a Pod's account must be allowed (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/>).

use serde_json::{Value, json};

use super::Request;
use crate::check::Access;

const GROUP: &str = "rbac.authorization.k8s.io";
const VERSION: &str = "rbac.authorization.k8s.io/v1";
/// The namespace of an account that is in none: a binding has to name one.
const DEFAULT_NAMESPACE: &str = "default";

/// Where a right holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope<'a> {
    /// For objects that are in no namespace.
    Cluster,
    /// In the Pod's own namespace.
    Pod,
    /// In this one.
    Namespace(&'a str),
}

impl<'a> Scope<'a> {
    fn of(access: &'a Access) -> Self {
        match (&access.namespace, access.namespaced) {
            (_, false) => Self::Cluster,
            (None, true) => Self::Pod,
            (Some(name), true) => Self::Namespace(name),
        }
    }
}

/// The account, unless one is chosen, and what it is allowed; nothing where no precondition needs that.
pub(super) fn objects(request: &Request<'_>, account: &str) -> Vec<Value> {
    let needed: Vec<Access> = request.plan.preconditions.iter().flat_map(|one| one.probe.access()).collect();
    if needed.is_empty() {
        return Vec::new();
    }
    let home = request.namespace.as_deref();
    let mut objects = Vec::new();
    if request.account.is_none() {
        objects.push(object("v1", "ServiceAccount", account, home));
    }
    objects.extend(roles(&needed, account, home));
    objects
}

/// A Role and its binding for each namespace, and a `ClusterRole` for what is in none. The account is in `home`.
fn roles(needed: &[Access], account: &str, home: Option<&str>) -> Vec<Value> {
    let mut scopes: Vec<Scope<'_>> = Vec::new();
    for scope in needed.iter().map(Scope::of) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let pair = |scope: Scope<'_>| {
        let (kind, place) = match scope {
            Scope::Cluster => ("ClusterRole", None),
            Scope::Pod => ("Role", home),
            Scope::Namespace(name) => ("Role", Some(name)),
        };
        let mut role = object(VERSION, kind, account, place);
        role["rules"] = rules(needed.iter().filter(|access| Scope::of(access) == scope));
        let mut binding = object(VERSION, &format!("{kind}Binding"), account, place);
        binding["roleRef"] = json!({"apiGroup": GROUP, "kind": kind, "name": account});
        let namespace = home.unwrap_or(DEFAULT_NAMESPACE);
        binding["subjects"] = json!([{"kind": "ServiceAccount", "name": account, "namespace": namespace}]);
        [role, binding]
    };
    scopes.into_iter().flat_map(pair).collect()
}

/// One rule for each API group.
fn rules<'a>(needed: impl Iterator<Item = &'a Access>) -> Value {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for access in needed {
        let place = groups.iter().position(|(group, _)| *group == access.group).unwrap_or_else(|| {
            groups.push((&access.group, Vec::new()));
            groups.len() - 1
        });
        if !groups[place].1.contains(&access.resource.as_str()) {
            groups[place].1.push(&access.resource);
        }
    }
    let rule = |(group, resources): (&str, Vec<&str>)| json!({"apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch"]});
    groups.into_iter().map(rule).collect()
}

fn object(version: &str, kind: &str, name: &str, namespace: Option<&str>) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(group: &str, resource: &str, namespace: Option<&str>) -> Access {
        let namespaced = resource != "nodes";
        Access {
            group: group.into(),
            resource: resource.into(),
            namespaced,
            namespace: namespace.map(str::to_owned),
        }
    }

    #[test]
    fn each_namespace_gets_a_role_that_is_bound_to_the_account() {
        let needed = [
            access("batch", "jobs", None),
            access("", "pods", None),
            access("batch", "jobs", None),
            access("discovery.k8s.io", "endpointslices", Some("shop")),
            access("", "nodes", None),
        ];
        let objects = roles(&needed, "app", Some("web"));
        let told: Vec<String> = objects
            .iter()
            .map(|object| {
                let namespace = object["metadata"]["namespace"].as_str().unwrap_or("-");
                format!("{} {namespace}", object["kind"].as_str().unwrap())
            })
            .collect();
        assert_eq!(
            told,
            [
                "Role web",
                "RoleBinding web",
                "Role shop",
                "RoleBinding shop",
                "ClusterRole -",
                "ClusterRoleBinding -"
            ]
        );
        let verbs = json!(["get", "list", "watch"]);
        assert_eq!(
            objects[0]["rules"],
            json!([
                {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": verbs},
                {"apiGroups": [""], "resources": ["pods"], "verbs": verbs},
            ])
        );
        let subject = json!([{"kind": "ServiceAccount", "name": "app", "namespace": "web"}]);
        assert!(objects.iter().skip(1).step_by(2).all(|binding| binding["subjects"] == subject));
        assert_eq!(roles(&needed[..1], "app", None)[1]["subjects"][0]["namespace"], "default");
    }
}
