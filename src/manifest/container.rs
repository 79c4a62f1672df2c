//! Containers, probes and hooks.

use std::time::Duration;

use serde_json::{Value, json};

use super::escape::escape;
use super::vault::{Source, Variable};
use super::{Part, Request, Word};
use crate::plan::duration::Limit;
use crate::plan::{Node, Plan};

/// Where the program is in its own image.
const OWN: &str = "/prereq";
/// Where the volume is mounted that the program is copied into.
const SHARED: &str = "/shared";
/// What keeps a sidecar running when all is there: longer than any Pod lives.
const HOLD: &str = "delay:36500d#name=holding";
/// How often the sidecar's dependencies are looked at before they are there, in seconds.
const STARTUP_PERIOD: u64 = 1;
/// How often a readiness probe asks, in seconds: as Kubernetes has it.
const READINESS_PERIOD: u64 = 10;
/// What a container that is being stopped has left behind its hook, in seconds: Kubernetes' usual grace period.
const GRACE: u64 = 30;

/// Puts what is asked for into the specification of a Pod.
pub(super) fn add(spec: &mut Value, request: &Request<'_>) {
    match request.part {
        Part::Rbac => {}
        Part::Init => spec["initContainers"] = json!([waiting(request, &request.words)]),
        Part::Sidecar => spec["initContainers"] = json!([sidecar(request)]),
        Part::Readiness | Part::PostStart | Part::PreStop => own_container(spec, request),
    }
}

/// The container that waits by `words`.
fn waiting(request: &Request<'_>, words: &[Word]) -> Value {
    let mut args: Vec<String> = words.iter().map(Word::written).collect();
    if !request.command.is_empty() {
        args.push("--".into());
        args.extend(request.command.iter().cloned());
    }
    let mut container = json!({"name": request.name, "image": request.image});
    if let Some(binary) = &request.binary {
        container["command"] = json!([escape(binary)]);
    }
    container["args"] = escaped(&args);
    if let Some(env) = env(request) {
        container["env"] = env;
    }
    restricted(&mut container);
    container
}

/// The words keep running when all is there; probes ask by themselves.
fn sidecar(request: &Request<'_>) -> Value {
    if !request.command.is_empty() {
        let mut container = waiting(request, &request.words);
        container["restartPolicy"] = "Always".into();
        return container;
    }
    let mut words: Vec<Word> = request
        .words
        .iter()
        .filter(|word| !matches!(word.flag, Some("timeout" | "heartbeat")))
        .cloned()
        .collect();
    words.insert(0, Word::flag("timeout", "0"));
    words.insert(1, Word::flag("heartbeat", "0"));
    words.extend([Word::bare("then"), Word::bare(HOLD)]);
    let mut container = waiting(request, &words);
    container["restartPolicy"] = "Always".into();
    let binary = request.binary.as_deref().unwrap_or(OWN);
    let timeout = seconds(request.plan.worst_case()).map_or(i64::from(i32::MAX), |longest| {
        i64::try_from(longest.div_ceil(STARTUP_PERIOD)).unwrap_or(i64::MAX).clamp(1, i64::from(i32::MAX))
    });
    container["startupProbe"] = probe(request, binary, STARTUP_PERIOD);
    container["startupProbe"]["failureThreshold"] = timeout.into();
    container["readinessProbe"] = probe(request, binary, READINESS_PERIOD);
    container
}

/// Asks once and says nothing but why not.
fn probe(request: &Request<'_>, binary: &str, period: u64) -> Value {
    let command = command(request, binary, &[("once", "true"), ("quiet", "true"), ("termination-log", "")]);
    json!({
        "exec": {"command": escaped(&command)},
        "periodSeconds": period,
        // One second more than the program takes, so that it is the one that says why.
        "timeoutSeconds": seconds(one_attempt(request.plan)).unwrap_or(GRACE).saturating_add(1),
    })
}

/// The program with its words, and with `flags` where the words have none of them. What it says in the end is no
/// termination message: that belongs to the container's own program.
fn command(request: &Request<'_>, binary: &str, flags: &[(&'static str, &str)]) -> Vec<String> {
    let missing = flags.iter().filter(|(flag, _)| request.words.iter().all(|word| word.flag != Some(flag)));
    let mut command = vec![binary.to_owned()];
    command.extend(missing.map(|(flag, value)| Word::flag(flag, value).written()));
    command.extend(request.words.iter().map(Word::written));
    if !request.command.is_empty() {
        command.push("--".into());
        command.extend(request.command.iter().cloned());
    }
    command
}

/// The Pod's own container with a probe or a hook; unless its image has the program, that is copied into a volume.
fn own_container(spec: &mut Value, request: &Request<'_>) {
    let shared = format!("{SHARED}{OWN}");
    let binary = request.binary.as_deref().unwrap_or(&shared);
    let mut own = json!({"name": request.container});
    if let Some(env) = env(request) {
        own["env"] = env;
    }
    let mount = json!({"name": request.name, "mountPath": SHARED});
    if request.binary.is_none() {
        let mut install = json!({
            "name": format!("{}-install", request.name),
            "image": request.image,
            "args": ["install", shared],
            "volumeMounts": [mount],
        });
        restricted(&mut install);
        spec["initContainers"] = json!([install]);
        own["volumeMounts"] = json!([mount]);
        own["volumeMounts"][0]["readOnly"] = true.into();
        spec["volumes"] = json!([{"name": request.name, "emptyDir": {}}]);
    }
    // Kubernetes expands nothing in hooks.
    let hook = || json!({"exec": {"command": command(request, binary, &[("termination-log", "")])}});
    match request.part {
        Part::PostStart => own["lifecycle"] = json!({"postStart": hook()}),
        Part::PreStop => {
            own["lifecycle"] = json!({"preStop": hook()});
            // The time of the hook counts.
            if let Some(longest) = seconds(request.plan.worst_case()) {
                spec["terminationGracePeriodSeconds"] = longest.saturating_add(GRACE).into();
            }
        }
        _ => own["readinessProbe"] = probe(request, binary, READINESS_PERIOD),
    }
    spec["containers"] = json!([own]);
}

/// What every container of this program has: the «restricted» Pod Security Standard and a read-only root
/// (<https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>), few resources, and its last lines
/// as termination message where there is no other.
fn restricted(container: &mut Value) {
    container["terminationMessagePolicy"] = "FallbackToLogsOnError".into();
    container["securityContext"] = json!({
        "runAsNonRoot": true,
        "runAsUser": 65534,
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    container["resources"] = json!({
        "requests": {"cpu": "5m", "memory": "8Mi"},
        "limits": {"cpu": "100m", "memory": "32Mi"},
    });
}

fn escaped(words: &[String]) -> Value {
    words.iter().map(|word| escape(word)).collect()
}

fn env(request: &Request<'_>) -> Option<Value> {
    let entry = |variable: &Variable| match &variable.source {
        Source::Value(value) => json!({"name": variable.name, "value": escape(value)}),
        Source::Field(path) => json!({"name": variable.name, "valueFrom": {"fieldRef": {"fieldPath": path}}}),
        Source::Secret(key) => {
            json!({"name": variable.name, "valueFrom": {"secretKeyRef": {"name": request.name, "key": key}}})
        }
    };
    (!request.variables.is_empty()).then(|| request.variables.iter().map(entry).collect())
}

/// Whole seconds, not less than `limit`.
fn seconds(limit: Limit) -> Option<u64> {
    limit.duration().map(|limit| limit.as_secs() + u64::from(limit.subsec_nanos() > 0))
}

/// How long one attempt at everything takes at most.
fn one_attempt(plan: &Plan) -> Limit {
    fn longest(plan: &Plan, node: &Node) -> Option<Duration> {
        match node {
            Node::Leaf(id) => {
                let policy = &plan.preconditions[*id].policy;
                [policy.attempt_timeout, policy.timeout].into_iter().filter_map(Limit::duration).min()
            }
            Node::All(nodes) | Node::AtLeast(_, nodes) => {
                nodes.iter().map(|node| longest(plan, node)).try_fold(Duration::ZERO, |a, b| Some(a.max(b?)))
            }
            Node::Sequence(nodes) => nodes
                .iter()
                .map(|node| longest(plan, node))
                .try_fold(Duration::ZERO, |a, b| Some(a.saturating_add(b?))),
        }
    }
    let whole = plan.settings.timeout.duration();
    let attempt = longest(plan, &plan.tree);
    [whole, attempt].into_iter().flatten().min().map_or(Limit::Never, Limit::After)
}
