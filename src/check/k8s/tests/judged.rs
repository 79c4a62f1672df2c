//! Judges over what a real API server told, line by line: a rollout, Jobs, Pods.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::check::k8s::endpoints::Endpoints;
use crate::check::k8s::judge::{self, Standing};
use crate::check::k8s::resource;

/// The lines of a recorded watch.
pub(super) fn recorded(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/data/k8s/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(standing: Standing) -> String {
    match standing {
        Standing::Ready(text) => format!("ready: {text}"),
        Standing::Pending(text) => format!("pending: {text}"),
        Standing::Stalled(text) => format!("stalled: {text}"),
        Standing::Failed(text) => format!("failed: {text}"),
    }
}

/// What a judge says to each line about the object `name`.
fn course(file: &str, kind: &str, name: &str) -> Vec<String> {
    let judge = resource::known(kind).unwrap().judge;
    let about = |line: &Value| line["object"]["metadata"]["name"] == name;
    let mut said: Vec<String> =
        recorded(file).iter().filter(|line| about(line)).map(|line| said(judge(&line["object"]))).collect();
    said.dedup();
    said
}

const UNSEEN: &str = "pending: its controller has not seen the latest change yet";

#[test]
fn a_deployment_is_created_updated_and_broken() {
    assert_eq!(
        course("deployment.jsonl", "deploy", "web"),
        [
            UNSEEN,
            "pending: 0 of 2 replicas are updated",
            "pending: 0 of 2 updated replicas are available",
            "pending: 1 of 2 updated replicas are available",
            "ready: rolled out, 2 replicas",
            UNSEEN,
            "pending: 0 of 2 replicas are updated",
            "pending: 1 of 2 replicas are updated",
            "pending: old replicas have not ended yet",
            "ready: rolled out, 2 replicas",
            UNSEEN,
            "pending: 0 of 2 replicas are updated",
            "pending: 1 of 2 replicas are updated",
            "stalled: the rollout makes no progress: ProgressDeadlineExceeded",
        ]
    );
}

#[test]
fn the_others_come_up() {
    let sets = ["pending: 0 of 2 replicas are ready", "pending: 1 of 2 replicas are ready"];
    let set = [UNSEEN, sets[0], sets[1], "ready: rolled out, 2 replicas"];
    assert_eq!(course("statefulset.jsonl", "sts", "db"), set);
    let daemon = [UNSEEN, "pending: 0 of 1 nodes have an available Pod", "ready: rolled out, on 1 node"];
    assert_eq!(course("daemonset.jsonl", "ds", "log"), daemon);
    assert_eq!(course("claim.jsonl", "pvc", "data"), ["pending: is not bound", "ready: is bound"]);
    assert_eq!(
        course("definition.jsonl", "crd", "widgets.example.com"),
        ["pending: is not established", "pending: is not established: Installing", "ready: is established"]
    );
    assert_eq!(said(judge::node(&recorded("node.json")[0])), "ready: is ready");
}

#[test]
fn jobs_and_their_pods_end_well_or_not() {
    let pending = [
        "pending: not complete: it has no Pod yet",
        "pending: not complete: a Pod of it is running or starting",
    ];
    assert_eq!(course("job.jsonl", "job", "migrate"), [pending[0], pending[1], "ready: Job complete"]);
    let failed = "failed: the Job has failed: BackoffLimitExceeded";
    assert_eq!(course("job.jsonl", "job", "broken"), [pending[0], pending[1], failed]);
    let last = |name: &str| course("pod.jsonl", "pod", name).pop().unwrap();
    let pods = recorded("pod.jsonl");
    let pod = |job: &str| {
        let names = pods.iter().filter_map(|line| line["object"]["metadata"]["name"].as_str());
        names.rev().find(|name| name.starts_with(job)).unwrap().to_owned()
    };
    assert_eq!(last(&pod("migrate-")), "ready: the Pod has ended well");
    assert_eq!(last(&pod("broken-")), "failed: the Pod has failed");
    assert_eq!(last("db-0"), "ready: the Pod is ready");
    assert_eq!(last("noimage"), "pending: container web waits: ErrImageNeverPull");
    assert_eq!(last("toobig"), "pending: cannot be scheduled: Unschedulable");
}

#[test]
fn workloads_in_states_that_no_recording_shows() {
    let condition =
        |name: &str, status: &str| json!([{ "type": name, "status": status, "reason": "Because" }]);
    let gone = json!({ "deletionTimestamp": "2026-01-01T00:00:00Z" });
    for (kind, object, expected) in [
        ("job", json!({ "spec": { "suspend": true } }), "stalled: the Job is suspended"),
        (
            "job",
            json!({ "status": { "failed": 1, "active": 1 } }),
            "pending: not complete: a Pod of it has failed, another try is due",
        ),
        (
            "job",
            json!({ "status": { "conditions": condition("Failed", "False") } }),
            "pending: not complete: it has no Pod yet",
        ),
        (
            "job",
            json!({ "status": { "conditions": condition("FailureTarget", "True") } }),
            "pending: not complete: it has no Pod yet",
        ),
        ("deploy", json!({ "spec": { "replicas": 0 } }), "ready: rolled out, 0 replicas"),
        (
            "deploy",
            json!({ "status": { "conditions": condition("ReplicaFailure", "True") } }),
            "pending: Pods cannot be created: Because",
        ),
        ("deploy", json!({ "metadata": gone }), "pending: is being deleted"),
        (
            "sts",
            json!({ "spec": { "replicas": 3, "updateStrategy": { "rollingUpdate": { "partition": 2 } } },
            "status": { "readyReplicas": 3, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a" } }),
            "ready: rolled out, 3 replicas",
        ),
        (
            "sts",
            json!({ "spec": { "replicas": 3 }, "status": { "readyReplicas": 3, "updatedReplicas": 1 } }),
            "pending: 1 of 3 replicas are updated",
        ),
        (
            "sts",
            json!({ "spec": { "replicas": 1 }, "status": { "readyReplicas": 1, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a" } }),
            "pending: the rolling update has not ended yet",
        ),
        (
            "sts",
            json!({ "spec": { "updateStrategy": { "type": "OnDelete" } }, "status": { "readyReplicas": 1, "updateRevision": "b" } }),
            "ready: rolled out, 1 replica",
        ),
        (
            "ds",
            json!({ "status": { "desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2 } }),
            "pending: 1 of 2 nodes are updated",
        ),
        (
            "rs",
            json!({ "spec": { "replicas": 2 }, "status": { "readyReplicas": 1 } }),
            "pending: 1 of 2 replicas are ready",
        ),
        (
            "rc",
            json!({ "spec": { "replicas": 1 }, "status": { "readyReplicas": 1 } }),
            "ready: 1 replica ready",
        ),
    ] {
        let judge = resource::known(kind).unwrap().judge;
        assert_eq!(said(judge(&object)), expected, "{kind} {object}");
    }
}

#[test]
fn others_in_states_that_no_recording_shows() {
    let condition =
        |name: &str, status: &str| json!([{ "type": name, "status": status, "reason": "Because" }]);
    let gone = json!({ "deletionTimestamp": "2026-01-01T00:00:00Z" });
    for (kind, object, expected) in [
        (
            "pod",
            json!({ "status": { "phase": "Failed", "reason": "Evicted" } }),
            "failed: the Pod has failed: Evicted",
        ),
        (
            "pod",
            json!({ "metadata": gone, "status": { "phase": "Running", "conditions": condition("Ready", "True") } }),
            "pending: is being deleted",
        ),
        (
            "pod",
            json!({ "status": { "conditions": condition("Initialized", "False") } }),
            "pending: its init containers have not ended",
        ),
        (
            "pod",
            json!({ "status": { "initContainerStatuses": [{ "name": "wait", "state": { "waiting": { "reason": "CrashLoopBackOff" } } }] } }),
            "pending: container wait waits: CrashLoopBackOff",
        ),
        ("pvc", json!({ "status": { "phase": "Lost" } }), "stalled: is lost: its volume is gone"),
        ("pv", json!({ "status": { "phase": "Available" } }), "ready: is available"),
        ("pv", json!({ "status": { "phase": "Failed" } }), "stalled: the volume could not be reclaimed"),
        ("pv", json!({ "status": { "phase": "Released" } }), "pending: is released"),
        ("ns", json!({ "status": { "phase": "Active" } }), "ready: is active"),
        (
            "ns",
            json!({ "metadata": gone, "status": { "phase": "Terminating" } }),
            "pending: is being deleted",
        ),
        (
            "ing",
            json!({ "status": { "loadBalancer": { "ingress": [{ "hostname": "lb.example.com" }] } } }),
            "ready: has the address lb.example.com",
        ),
        ("ing", json!({ "status": { "loadBalancer": {} } }), "pending: has no address"),
        (
            "crd",
            json!({ "status": { "conditions": condition("NamesAccepted", "False") } }),
            "stalled: its names are not accepted: Because",
        ),
        (
            "apiservice",
            json!({ "status": { "conditions": condition("Available", "False") } }),
            "pending: is not available: Because",
        ),
        (
            "node",
            json!({ "status": { "conditions": condition("Ready", "Unknown") } }),
            "pending: is not ready: Because",
        ),
        ("cm", json!({}), "ready: exists"),
        ("secret", json!({ "metadata": gone }), "pending: is being deleted"),
    ] {
        let judge = resource::known(kind).unwrap().judge;
        assert_eq!(said(judge(&object)), expected, "{kind} {object}");
    }
}

#[test]
fn endpoints_take_traffic_or_not() {
    let read = |objects: &[Value]| {
        let found = Endpoints::read(objects);
        let shown =
            |ips: &BTreeSet<IpAddr>| ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        (shown(&found.ready), shown(&found.others), found.named)
    };
    let endpoint = |ip: &str, conditions: Value| json!({ "addresses": [ip], "conditions": conditions });
    let slice = |endpoints: Value| json!({ "addressType": "IPv4", "endpoints": endpoints });
    for (objects, ready, others, named) in [
        (vec![], "", "", 0),
        (vec![slice(json!(null))], "", "", 0),
        (vec![slice(json!([endpoint("10.0.0.1", json!({}))]))], "10.0.0.1", "", 0),
        (
            vec![slice(json!([endpoint(
                "10.0.0.1",
                json!({ "ready": false, "serving": true, "terminating": true })
            )]))],
            "",
            "10.0.0.1",
            0,
        ),
        // publishNotReadyAddresses: all are ready, those that leave included.
        (
            vec![slice(json!([endpoint("10.0.0.1", json!({ "ready": true, "terminating": true }))]))],
            "",
            "10.0.0.1",
            0,
        ),
        (
            vec![
                slice(json!([endpoint("10.0.0.1", json!({ "ready": true }))])),
                slice(json!([endpoint("fd00::1", json!({ "ready": true }))])),
            ],
            "10.0.0.1 fd00::1",
            "",
            0,
        ),
        (
            vec![json!({ "addressType": "FQDN", "endpoints": [endpoint("db.example.com", json!({}))] })],
            "",
            "",
            1,
        ),
        (
            vec![
                json!({ "subsets": [{ "addresses": [{ "ip": "10.0.0.1" }], "notReadyAddresses": [{ "ip": "10.0.0.2" }] }] }),
            ],
            "10.0.0.1",
            "10.0.0.2",
            0,
        ),
    ] {
        assert_eq!(read(&objects), (ready.to_owned(), others.to_owned(), named), "{objects:?}");
    }
    let courses: Vec<usize> = recorded("endpointslice.jsonl")
        .iter()
        .map(|line| Endpoints::read([&line["object"]]).count())
        .collect();
    assert_eq!(courses, [0, 0, 1, 2, 2, 3, 2, 2, 3, 2, 2]);
}
