//! Hints about objects of Kubernetes: the very command that shows more.

use crate::check::{Fact, Reason};
use crate::plan::Precondition;
use crate::plan::target::Target;

/// What to look at next, if `reason` is about an object of Kubernetes or the way to it.
pub(super) fn hint(precondition: &Precondition, reason: &Reason) -> Option<String> {
    if let Some(rule) = missing_rule(reason) {
        return Some(rule);
    }
    let object = Object::of(&precondition.target);
    Some(match reason.class.code {
        "k8s.kind" => {
            "compare with kubectl api-resources: is its definition not installed yet, or the kind misspelt?".into()
        }
        "k8s.absent" => {
            format!("look for it: {}; is it in another namespace, or has nobody created it yet?", object.get())
        }
        "k8s.pending" => format!("see what it waits for: {}", object.describe()),
        "k8s.stalled" => {
            format!("its controller has given up for now: {}; repair it, or roll it back", object.describe())
        }
        "k8s.failed" => format!("see why: {}, and {}", object.describe(), object.logs()),
        "k8s.present" => {
            format!("has its deletion been asked for, and what holds it back? {} --output yaml", object.get())
        }
        "tcp.refused" if precondition.target.scheme == "k8s" => {
            "the API server does not listen there: is it starting again, and are kubeconfig= or api= right?".into()
        }
        "tcp.timeout" if precondition.target.scheme == "k8s" => {
            "the API server does not answer: look at NetworkPolicies, and whether a mesh sidecar is not up yet".into()
        }
        "auth.denied" if precondition.target.scheme == "k8s" => {
            "the token or certificate is not accepted: has it expired, or been revoked? Try kubectl auth whoami".into()
        }
        _ => return None,
    })
}

/// The rule that an account lacks.
fn missing_rule(reason: &Reason) -> Option<String> {
    reason.facts.iter().find_map(|fact| match fact {
        Fact::Rule { role, rule } => Some(format!("add to {role}: {rule}")),
        _ => None,
    })
}

/// What a target is about, as kubectl takes it.
struct Object {
    /// Kind and name, or kind and selector.
    named: String,
    /// The namespace, as an option.
    namespace: String,
    /// The Service whose endpoints are looked at.
    service: Option<String>,
}

impl Object {
    fn of(target: &Target) -> Self {
        let mut parts: Vec<&str> = target.path.split('/').collect();
        let selector = target.option("selector");
        let name = if selector.is_none() { parts.pop() } else { None };
        let kind = parts.pop().unwrap_or_default();
        let namespace = parts.pop().map(|namespace| format!(" --namespace {namespace}"));
        let endpoints = kind.starts_with("endpoint") || matches!(kind, "ep" | "svc" | "service" | "services");
        let named = match (name, selector) {
            (Some(name), _) => format!("{kind}/{name}"),
            (None, labels) => format!("{kind} --selector '{}'", labels.unwrap_or_default()),
        };
        let service = name.filter(|_| endpoints).map(str::to_owned);
        Self { named, namespace: namespace.unwrap_or_default(), service }
    }

    fn get(&self) -> String {
        let Self { named, namespace, service } = self;
        match service {
            Some(name) => {
                format!("kubectl get endpointslices --selector kubernetes.io/service-name={name}{namespace}")
            }
            None => format!("kubectl get {named}{namespace}"),
        }
    }

    fn describe(&self) -> String {
        let Self { named, namespace, service } = self;
        if service.is_some() { self.get() } else { format!("kubectl describe {named}{namespace}") }
    }

    fn logs(&self) -> String {
        format!("kubectl logs {}{}", self.named, self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::env::Env;

    #[test]
    fn commands_can_be_copied() {
        for (target, get, describe) in [
            ("k8s:job/x", "kubectl get job/x", "kubectl describe job/x"),
            (
                "k8s:shop/deploy/web",
                "kubectl get deploy/web --namespace shop",
                "kubectl describe deploy/web --namespace shop",
            ),
            (
                "k8s:shop/pod#selector=app%3Dweb",
                "kubectl get pod --selector 'app=web' --namespace shop",
                "kubectl describe pod --selector 'app=web' --namespace shop",
            ),
            (
                "k8s:shop/svc/web",
                "kubectl get endpointslices --selector kubernetes.io/service-name=web --namespace shop",
                "kubectl get endpointslices --selector kubernetes.io/service-name=web --namespace shop",
            ),
        ] {
            let object = Object::of(&Target::parse(target, None, &Env::default()).unwrap());
            assert_eq!((object.get().as_str(), object.describe().as_str()), (get, describe));
        }
    }
}
