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

pub(super) fn said(standing: Standing) -> String {
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

pub(super) const UNSEEN: &str = "pending: its controller has not seen the latest change yet";

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
