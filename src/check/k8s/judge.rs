//! Whether an object is ready, kind by kind: pure, over the object as the API has it.

use serde_json::Value;

/// Where an object stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is ready.
    Ready(String),
    /// It is not, and may become so.
    Pending(String),
    /// It is not, and its controller has given up for now: only a change made by someone helps.
    Stalled(String),
    /// It never will be.
    Failed(String),
}

use Standing::{Failed, Pending, Ready, Stalled};

fn at<'a>(object: &'a Value, pointer: &str) -> &'a Value {
    object.pointer(pointer).unwrap_or(&Value::Null)
}

fn number(object: &Value, pointer: &str) -> i64 {
    at(object, pointer).as_i64().unwrap_or_default()
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    at(object, pointer).as_str().unwrap_or_default()
}

fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    at(object, pointer).as_array().map_or(&[], Vec::as_slice)
}

/// The condition of type `name`, in whatever case that is written.
pub(super) fn condition<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|one| text(one, "/type").eq_ignore_ascii_case(name))
}

fn is_true(object: &Value, name: &str) -> bool {
    condition(object, name).is_some_and(|one| text(one, "/status") == "True")
}

/// `: REASON`, if the condition of type `name` gives one.
fn because(object: &Value, name: &str) -> String {
    match condition(object, name).map(|one| text(one, "/reason")) {
        Some(reason) if !reason.is_empty() => format!(": {}", word(reason)),
        _ => String::new(),
    }
}

/// A machine-readable word of the API, as it may be shown.
fn word(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// Whether what is reported is about an older form of the object than the present one.
pub(super) fn outdated(object: &Value) -> bool {
    let generation = number(object, "/metadata/generation");
    at(object, "/status/observedGeneration").as_i64().is_some_and(|seen| seen < generation)
}

/// The object is on its way out.
pub(super) fn leaving(object: &Value) -> bool {
    !at(object, "/metadata/deletionTimestamp").is_null()
}

/// Who holds back the deletion of an object: its finalizers.
pub(super) fn finalizers(object: &Value) -> Vec<String> {
    list(object, "/metadata/finalizers").iter().filter_map(Value::as_str).map(word).collect()
}

/// It is there; there is no more to it.
pub(super) fn exists(object: &Value) -> Standing {
    if leaving(object) { Pending("is being deleted".into()) } else { Ready("exists".into()) }
}

fn by_condition(object: &Value, name: &str) -> Standing {
    match is_true(object, name) {
        _ if leaving(object) => Pending("is being deleted".into()),
        true => Ready(format!("is {}", name.to_lowercase())),
        false => Pending(format!("is not {}{}", name.to_lowercase(), because(object, name))),
    }
}

/// A Job is done when it is complete, and can never be when it has failed.
/// (<https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup>)
pub(super) fn job(object: &Value) -> Standing {
    if is_true(object, "Complete") {
        Ready("Job complete".into())
    } else if is_true(object, "Failed") {
        Failed(format!("the Job has failed{}", because(object, "Failed")))
    } else if leaving(object) {
        Pending("is being deleted".into())
    } else if is_true(object, "Suspended") || at(object, "/spec/suspend") == &Value::Bool(true) {
        Stalled("the Job is suspended".into())
    } else if number(object, "/status/failed") > 0 {
        Pending("not complete: a Pod of it has failed, another try is due".into())
    } else if number(object, "/status/active") > 0 {
        Pending("not complete: a Pod of it is running or starting".into())
    } else {
        Pending("not complete: it has no Pod yet".into())
    }
}

/// A rollout of which nothing is known before the controller has seen the present generation.
fn observed(object: &Value) -> bool {
    number(object, "/metadata/generation") <= number(object, "/status/observedGeneration")
}

const UNSEEN: &str = "its controller has not seen the latest change yet";

/// As `kubectl rollout status` judges a Deployment
/// (<https://github.com/kubernetes/kubectl/blob/master/pkg/polymorphichelpers/rollout_status.go>).
pub(super) fn deployment(object: &Value) -> Standing {
    let wanted = at(object, "/spec/replicas").as_i64().unwrap_or(1);
    let (all, updated) = (number(object, "/status/replicas"), number(object, "/status/updatedReplicas"));
    let available = number(object, "/status/availableReplicas");
    let progressing = condition(object, "Progressing").map(|one| text(one, "/reason"));
    if leaving(object) {
        Pending("is being deleted".into())
    } else if !observed(object) {
        Pending(UNSEEN.into())
    } else if progressing == Some("ProgressDeadlineExceeded") {
        Stalled("the rollout makes no progress: ProgressDeadlineExceeded".into())
    } else if is_true(object, "ReplicaFailure") {
        Pending(format!("Pods cannot be created{}", because(object, "ReplicaFailure")))
    } else if updated < wanted {
        Pending(format!("{updated} of {wanted} replicas are updated"))
    } else if all > updated {
        Pending("old replicas have not ended yet".into())
    } else if available < updated {
        Pending(format!("{available} of {updated} updated replicas are available"))
    } else {
        Ready(format!("rolled out, {}", replicas(available)))
    }
}

fn replicas(count: i64) -> String {
    format!("{count} {}", if count == 1 { "replica" } else { "replicas" })
}

/// As `kubectl rollout status` judges a `StatefulSet`; one that is updated on deletion only needs its Pods ready.
pub(super) fn stateful_set(object: &Value) -> Standing {
    let wanted = at(object, "/spec/replicas").as_i64().unwrap_or(1);
    let (ready, updated) =
        (number(object, "/status/readyReplicas"), number(object, "/status/updatedReplicas"));
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    let rolling = text(object, "/spec/updateStrategy/type") != "OnDelete";
    let revisions = (text(object, "/status/updateRevision"), text(object, "/status/currentRevision"));
    let moved = (wanted - partition).max(0);
    if leaving(object) {
        Pending("is being deleted".into())
    } else if !observed(object) {
        Pending(UNSEEN.into())
    } else if ready < wanted {
        Pending(format!("{ready} of {wanted} replicas are ready"))
    } else if rolling && updated < moved {
        Pending(format!("{updated} of {moved} replicas are updated"))
    } else if rolling && partition == 0 && revisions.0 != revisions.1 {
        Pending("the rolling update has not ended yet".into())
    } else {
        Ready(format!("rolled out, {}", replicas(ready)))
    }
}

/// As `kubectl rollout status` judges a `DaemonSet`.
pub(super) fn daemon_set(object: &Value) -> Standing {
    let wanted = number(object, "/status/desiredNumberScheduled");
    let updated = number(object, "/status/updatedNumberScheduled");
    let available = number(object, "/status/numberAvailable");
    let rolling = text(object, "/spec/updateStrategy/type") != "OnDelete";
    if leaving(object) {
        Pending("is being deleted".into())
    } else if !observed(object) {
        Pending(UNSEEN.into())
    } else if rolling && updated < wanted {
        Pending(format!("{updated} of {wanted} nodes are updated"))
    } else if available < wanted {
        Pending(format!("{available} of {wanted} nodes have an available Pod"))
    } else {
        Ready(format!("rolled out, on {available} {}", if available == 1 { "node" } else { "nodes" }))
    }
}

/// All replicas are ready.
pub(super) fn replica_set(object: &Value) -> Standing {
    let wanted = at(object, "/spec/replicas").as_i64().unwrap_or(1);
    let ready = number(object, "/status/readyReplicas");
    if leaving(object) {
        Pending("is being deleted".into())
    } else if !observed(object) {
        Pending(UNSEEN.into())
    } else if ready < wanted {
        Pending(format!("{ready} of {wanted} replicas are ready"))
    } else {
        Ready(replicas(ready) + " ready")
    }
}

/// A Pod is ready when its condition says so, or when all its containers have ended well and none is started again
/// (<https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/>).
pub(super) fn pod(object: &Value) -> Standing {
    match text(object, "/status/phase") {
        "Failed" => {
            let reason = text(object, "/status/reason");
            let reason = if reason.is_empty() { String::new() } else { format!(": {}", word(reason)) };
            Failed(format!("the Pod has failed{reason}"))
        }
        "Succeeded" => Ready("the Pod has ended well".into()),
        _ if leaving(object) => Pending("is being deleted".into()),
        _ if is_true(object, "Ready") => Ready("the Pod is ready".into()),
        _ => Pending(pending_pod(object)),
    }
}

/// Why a Pod is not ready: what holds back its containers, or its being scheduled.
fn pending_pod(object: &Value) -> String {
    let statuses = || {
        let init = list(object, "/status/initContainerStatuses").iter();
        init.chain(list(object, "/status/containerStatuses"))
    };
    let held_up = statuses().find_map(|one| {
        let reason = text(one, "/state/waiting/reason");
        // These two say only that something else is waited for.
        let telling = !matches!(reason, "" | "PodInitializing" | "ContainerCreating");
        telling.then(|| format!("container {} waits: {}", word(text(one, "/name")), word(reason)))
    });
    if let Some(held_up) = held_up {
        return held_up;
    }
    let unscheduled = condition(object, "PodScheduled").filter(|one| text(one, "/status") == "False");
    if unscheduled.is_some() {
        return format!("cannot be scheduled{}", because(object, "PodScheduled"));
    }
    if condition(object, "Initialized").is_some_and(|one| text(one, "/status") == "False") {
        return "its init containers have not ended".into();
    }
    let unready: Vec<String> = list(object, "/status/containerStatuses")
        .iter()
        .filter(|one| at(one, "/ready") == &Value::Bool(false))
        .map(|one| word(text(one, "/name")))
        .collect();
    match unready.len() {
        0 => format!("is not ready{}", because(object, "Ready")),
        _ => format!("not ready: {}", unready.join(", ")),
    }
}

/// A claim is ready when it is bound.
pub(super) fn claim(object: &Value) -> Standing {
    match text(object, "/status/phase") {
        _ if leaving(object) => Pending("is being deleted".into()),
        "Bound" => Ready("is bound".into()),
        "Lost" => Stalled("is lost: its volume is gone".into()),
        _ => Pending("is not bound".into()),
    }
}

/// A volume is ready when it can be, or is, bound.
pub(super) fn volume(object: &Value) -> Standing {
    match text(object, "/status/phase") {
        _ if leaving(object) => Pending("is being deleted".into()),
        "Bound" => Ready("is bound".into()),
        "Available" => Ready("is available".into()),
        "Failed" => Stalled("the volume could not be reclaimed".into()),
        phase => Pending(format!("is {}", word(phase).to_lowercase())),
    }
}

/// An Ingress is ready when it has an address.
pub(super) fn ingress(object: &Value) -> Standing {
    match list(object, "/status/loadBalancer/ingress").first() {
        _ if leaving(object) => Pending("is being deleted".into()),
        Some(first) => {
            let (ip, name) = (text(first, "/ip"), text(first, "/hostname"));
            Ready(format!("has the address {}", word(if ip.is_empty() { name } else { ip })))
        }
        None => Pending("has no address".into()),
    }
}

/// A Node is ready when its kubelet says so.
pub(super) fn node(object: &Value) -> Standing {
    by_condition(object, "Ready")
}

/// A Namespace is ready as long as it is not going away.
pub(super) fn namespace(object: &Value) -> Standing {
    match text(object, "/status/phase") {
        "Active" if !leaving(object) => Ready("is active".into()),
        _ if leaving(object) => Pending("is being deleted".into()),
        _ => Pending("is not active".into()),
    }
}

/// A definition is ready when its resource is served.
pub(super) fn definition(object: &Value) -> Standing {
    match condition(object, "NamesAccepted") {
        Some(names) if text(names, "/status") == "False" => {
            Stalled(format!("its names are not accepted{}", because(object, "NamesAccepted")))
        }
        _ => by_condition(object, "Established"),
    }
}

/// An aggregated API is ready when its server answers.
pub(super) fn api_service(object: &Value) -> Standing {
    by_condition(object, "Available")
}

/// Any other kind: as its `Ready` condition says, if it has one. `status` is whether the kind has a status at all;
/// an object of such a kind that has none has not been looked at by its controller.
pub(super) fn other(object: &Value, status: bool) -> Standing {
    if leaving(object) {
        Pending("is being deleted".into())
    } else if status && at(object, "/status").as_object().is_none_or(serde_json::Map::is_empty) {
        Pending("its controller has reported no status yet".into())
    } else if condition(object, "Ready").is_none() {
        Ready("exists".into())
    } else if outdated(object) || stale(object, "Ready") {
        Pending(UNSEEN.into())
    } else {
        by_condition(object, "Ready")
    }
}

/// Whether the condition of type `name` is about an older form of the object.
fn stale(object: &Value, name: &str) -> bool {
    let seen = condition(object, name).and_then(|one| at(one, "/observedGeneration").as_i64());
    seen.is_some_and(|seen| seen < number(object, "/metadata/generation"))
}

/// Whether the condition of type `name` has the status `wanted`.
pub(super) fn has_condition(object: &Value, name: &str, wanted: &str) -> Standing {
    match condition(object, name) {
        None => Pending(format!("has no condition {name}")),
        Some(_) if outdated(object) || stale(object, name) => Pending(UNSEEN.into()),
        Some(found) if text(found, "/status").eq_ignore_ascii_case(wanted) => {
            Ready(format!("condition {name} is {wanted}"))
        }
        Some(found) => {
            let status = word(text(found, "/status"));
            Pending(format!("condition {name} is {status}{}", because(object, name)))
        }
    }
}
