//! Judges over objects that are written out: states that no recording shows, and the edges of those that one does.

use serde_json::{Value, json};

use super::judged::{UNSEEN, said};
use crate::check::k8s::{judge, resource};

#[test]
fn workloads_in_states_that_no_recording_shows() {
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
            json!({ "status": conditions(&[("Failed", "False")]) }),
            "pending: not complete: it has no Pod yet",
        ),
        (
            "job",
            json!({ "status": conditions(&[("FailureTarget", "True")]) }),
            "pending: not complete: it has no Pod yet",
        ),
        ("deploy", json!({ "spec": { "replicas": 0 } }), "ready: rolled out, 0 replicas"),
        (
            "deploy",
            json!({ "status": conditions(&[("ReplicaFailure", "True")]) }),
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
    let gone = json!({ "deletionTimestamp": "2026-01-01T00:00:00Z" });
    for (kind, object, expected) in [
        (
            "pod",
            json!({ "status": { "phase": "Failed", "reason": "Evicted" } }),
            "failed: the Pod has failed: Evicted",
        ),
        (
            "pod",
            json!({ "metadata": gone, "status": { "phase": "Running", "conditions": conditions(&[("Ready", "True")])["conditions"] } }),
            "pending: is being deleted",
        ),
        (
            "pod",
            json!({ "status": conditions(&[("Initialized", "False")]) }),
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
            json!({ "status": conditions(&[("NamesAccepted", "False")]) }),
            "stalled: its names are not accepted: Because",
        ),
        (
            "apiservice",
            json!({ "status": conditions(&[("Available", "False")]) }),
            "pending: is not available: Because",
        ),
        ("node", json!({ "status": conditions(&[("Ready", "Unknown")]) }), "pending: is not ready: Because"),
        ("cm", json!({}), "ready: exists"),
        ("secret", json!({ "metadata": gone }), "pending: is being deleted"),
    ] {
        let judge = resource::known(kind).unwrap().judge;
        assert_eq!(said(judge(&object)), expected, "{kind} {object}");
    }
}

/// What a judge says of an object whose metadata, spec and status are these.
fn judged(kind: &str, metadata: Value, spec: Value, status: Value) -> String {
    let judge = resource::known(kind).unwrap().judge;
    said(judge(&Value::from_iter([("metadata", metadata), ("spec", spec), ("status", status)])))
}

/// The conditions of these types and statuses, with a reason.
fn conditions(all: &[(&str, &str)]) -> Value {
    let one = |(name, status): &(&str, &str)| json!({ "type": name, "status": status, "reason": "Because" });
    json!({ "conditions": all.iter().map(one).collect::<Vec<_>>() })
}

#[test]
fn what_is_being_deleted_is_not_ready() {
    let gone = || json!({ "deletionTimestamp": "2026-01-01T00:00:00Z" });
    for (kind, spec, status) in [
        ("job", json!({}), json!({ "active": 1 })),
        ("deploy", json!({}), json!({ "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1 })),
        ("sts", json!({}), json!({ "readyReplicas": 1, "updatedReplicas": 1 })),
        ("ds", json!({}), json!({})),
        ("rs", json!({}), json!({ "readyReplicas": 1 })),
        ("pod", json!({}), conditions(&[("Ready", "True")])),
        ("pvc", json!({}), json!({ "phase": "Bound" })),
        ("pv", json!({}), json!({ "phase": "Bound" })),
        ("ing", json!({}), json!({ "loadBalancer": { "ingress": [{ "ip": "10.0.0.1" }] } })),
        ("node", json!({}), conditions(&[("Ready", "True")])),
        ("ns", json!({}), json!({ "phase": "Active" })),
        ("crd", json!({}), conditions(&[("Established", "True"), ("NamesAccepted", "True")])),
        ("apiservice", json!({}), conditions(&[("Available", "True")])),
        ("cm", json!({}), json!({})),
    ] {
        let before = judged(kind, json!({}), spec.clone(), status.clone());
        assert!(kind == "job" || before.starts_with("ready: "), "{kind}: {before}");
        assert_eq!(judged(kind, gone(), spec, status), "pending: is being deleted", "{kind}");
    }
    // One that has ended keeps its end.
    let ends = [
        ("job", conditions(&[("Complete", "True")]), "ready: Job complete"),
        ("job", conditions(&[("Failed", "True")]), "failed: the Job has failed: Because"),
        ("pod", json!({ "phase": "Succeeded" }), "ready: the Pod has ended well"),
        ("pod", json!({ "phase": "Failed" }), "failed: the Pod has failed"),
    ];
    for (kind, status, expected) in ends {
        assert_eq!(judged(kind, gone(), json!({}), status), expected);
    }
    let owners = json!({ "metadata": { "finalizers": ["example.com/a", 1, "b\u{7}"] } });
    assert_eq!(judge::finalizers(&owners), ["example.com/a", "b\u{FFFD}"]);
}

#[test]
fn a_generation_that_was_not_seen_says_nothing() {
    let (second, whole) = (
        || json!({ "generation": 2 }),
        |kind: &str| match kind {
            "deploy" => json!({ "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1 }),
            _ => json!({ "readyReplicas": 1, "updatedReplicas": 1 }),
        },
    );
    for kind in ["deploy", "sts", "ds", "rs"] {
        for (seen, ready) in [(1, false), (2, true), (3, true)] {
            let mut status = whole(kind);
            status["observedGeneration"] = json!(seen);
            let found = judged(kind, second(), json!({}), status);
            assert_eq!(found.starts_with("ready: "), ready, "{kind} {seen}: {found}");
            assert!(ready || found == UNSEEN, "{found}");
        }
    }
    let seen =
        |seen: Value| json!({ "metadata": { "generation": 2 }, "status": { "observedGeneration": seen } });
    assert_eq!([1, 2, 3].map(|number| judge::outdated(&seen(json!(number)))), [true, false, false]);
    assert!(!judge::outdated(&seen(Value::Null)));
    // A condition may have been looked at apart from the rest.
    for (number, expected) in
        [(1, UNSEEN), (2, "ready: condition Synced is True"), (3, "ready: condition Synced is True")]
    {
        let condition = json!({ "type": "Synced", "status": "True", "observedGeneration": number });
        let object = json!({ "metadata": { "generation": 2 }, "status": { "conditions": [condition] } });
        assert_eq!(said(judge::has_condition(&object, "Synced", "True")), expected);
    }
}

#[test]
fn rollouts_are_judged_to_their_edges() {
    let counts = |replicas: i64, updated: i64, available: i64| json!({ "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available });
    for (wanted, status, expected) in [
        (2, counts(2, 2, 2), "ready: rolled out, 2 replicas"),
        (1, counts(1, 1, 1), "ready: rolled out, 1 replica"),
        (2, counts(3, 1, 2), "pending: 1 of 2 replicas are updated"),
        (2, counts(3, 2, 2), "pending: old replicas have not ended yet"),
        (2, counts(2, 2, 1), "pending: 1 of 2 updated replicas are available"),
        (1, counts(2, 2, 3), "ready: rolled out, 3 replicas"),
    ] {
        assert_eq!(judged("deploy", json!({}), json!({ "replicas": wanted }), status), expected);
    }
    let stalled = json!({ "conditions": [{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" }] });
    assert_eq!(
        judged("deploy", json!({}), json!({}), stalled),
        "stalled: the rollout makes no progress: ProgressDeadlineExceeded"
    );
    let set = |ready: i64, updated: i64| json!({ "readyReplicas": ready, "updatedReplicas": updated, "updateRevision": "b", "currentRevision": "a" });
    let from = |partition: i64| json!({ "replicas": 3, "updateStrategy": { "rollingUpdate": { "partition": partition } } });
    for (spec, status, expected) in [
        (from(1), set(3, 1), "pending: 1 of 2 replicas are updated"),
        (from(1), set(3, 2), "ready: rolled out, 3 replicas"),
        (from(5), set(3, 0), "ready: rolled out, 3 replicas"),
        (from(0), set(3, 3), "pending: the rolling update has not ended yet"),
        (from(1), set(2, 2), "pending: 2 of 3 replicas are ready"),
        (json!({ "replicas": 0 }), json!({}), "ready: rolled out, 0 replicas"),
        (json!({}), set(0, 0), "pending: 0 of 1 replicas are ready"),
        (json!({ "updateStrategy": { "type": "OnDelete" } }), set(1, 0), "ready: rolled out, 1 replica"),
    ] {
        assert_eq!(judged("sts", json!({}), spec, status), expected);
    }
    let nodes = |wanted: i64, updated: i64, available: i64| json!({ "desiredNumberScheduled": wanted, "updatedNumberScheduled": updated, "numberAvailable": available });
    let on_delete = || json!({ "updateStrategy": { "type": "OnDelete" } });
    for (spec, status, expected) in [
        (json!({}), nodes(2, 2, 2), "ready: rolled out, on 2 nodes"),
        (json!({}), nodes(1, 2, 2), "ready: rolled out, on 2 nodes"),
        (json!({}), nodes(2, 1, 2), "pending: 1 of 2 nodes are updated"),
        (json!({}), nodes(2, 2, 1), "pending: 1 of 2 nodes have an available Pod"),
        (on_delete(), nodes(2, 0, 2), "ready: rolled out, on 2 nodes"),
        (on_delete(), nodes(1, 0, 1), "ready: rolled out, on 1 node"),
    ] {
        assert_eq!(judged("ds", json!({}), spec, status), expected);
    }
    for (spec, ready, expected) in [
        (json!({}), 0, "pending: 0 of 1 replicas are ready"),
        (json!({ "replicas": 2 }), 2, "ready: 2 replicas ready"),
        (json!({ "replicas": 1 }), 2, "ready: 2 replicas ready"),
    ] {
        assert_eq!(judged("rs", json!({}), spec, json!({ "readyReplicas": ready })), expected);
    }
}

#[test]
fn a_pod_that_is_not_ready_says_what_holds_it_back() {
    let waits =
        |name: &str, reason: &str| json!({ "name": name, "state": { "waiting": { "reason": reason } } });
    let creating =
        |reason: &str| json!({ "containerStatuses": [waits("a", reason), waits("b", "ImagePullBackOff")] });
    let held = "pending: container b waits: ImagePullBackOff";
    for (status, expected) in [
        (creating(""), held),
        (creating("PodInitializing"), held),
        (creating("ContainerCreating"), held),
        (creating("CrashLoopBackOff"), "pending: container a waits: CrashLoopBackOff"),
        (conditions(&[("PodScheduled", "False")]), "pending: cannot be scheduled: Because"),
        (conditions(&[("PodScheduled", "True"), ("Ready", "False")]), "pending: is not ready: Because"),
        (conditions(&[("Initialized", "False")]), "pending: its init containers have not ended"),
        (conditions(&[("Initialized", "True"), ("Ready", "False")]), "pending: is not ready: Because"),
        (
            json!({ "containerStatuses": [{ "name": "a", "ready": true }, { "name": "b", "ready": false }, { "name": "c", "ready": false }] }),
            "pending: not ready: b, c",
        ),
        (json!({ "containerStatuses": [{ "name": "a", "ready": true }] }), "pending: is not ready"),
        (json!({ "phase": "Failed", "reason": "Evicted" }), "failed: the Pod has failed: Evicted"),
    ] {
        assert_eq!(judged("pod", json!({}), json!({}), status), expected);
    }
    let long = judged(
        "pod",
        json!({}),
        json!({}),
        json!({ "phase": "Failed", "reason": format!("\u{1b}{}", "x".repeat(99)) }),
    );
    assert_eq!(long, format!("failed: the Pod has failed: \u{FFFD}{}", "x".repeat(79)));
}

#[test]
fn other_kinds_are_judged_by_what_they_say() {
    for (kind, status, expected) in [
        ("job", json!({ "failed": 1 }), "pending: not complete: a Pod of it has failed, another try is due"),
        ("job", json!({ "active": 1 }), "pending: not complete: a Pod of it is running or starting"),
        ("job", conditions(&[("Suspended", "True")]), "stalled: the Job is suspended"),
        ("pvc", json!({ "phase": "Pending" }), "pending: is not bound"),
        ("pv", json!({ "phase": "Bound" }), "ready: is bound"),
        ("ns", json!({ "phase": "Other" }), "pending: is not active"),
        (
            "ing",
            json!({ "loadBalancer": { "ingress": [{ "ip": "10.0.0.1", "hostname": "lb" }] } }),
            "ready: has the address 10.0.0.1",
        ),
        (
            "crd",
            conditions(&[("NamesAccepted", "True"), ("Established", "False")]),
            "pending: is not established: Because",
        ),
        ("apiservice", conditions(&[("Available", "True")]), "ready: is available"),
        ("node", conditions(&[("Ready", "True")]), "ready: is ready"),
        ("node", json!({ "conditions": [{ "type": "ready", "status": "False" }] }), "pending: is not ready"),
    ] {
        assert_eq!(judged(kind, json!({}), json!({}), status), expected, "{kind}");
    }
    let ready = |status: &str, seen: i64| json!({ "type": "Ready", "status": status, "reason": "Because", "observedGeneration": seen });
    for (object, status, expected) in [
        (json!({}), false, "ready: exists"),
        (json!({}), true, "pending: its controller has reported no status yet"),
        (json!({ "status": {} }), true, "pending: its controller has reported no status yet"),
        (json!({ "status": { "phase": "x" } }), true, "ready: exists"),
        (json!({ "status": { "conditions": [ready("True", 1)] } }), true, "ready: is ready"),
        (json!({ "status": { "conditions": [ready("False", 1)] } }), true, "pending: is not ready: Because"),
        (
            json!({ "metadata": { "generation": 2 }, "status": { "conditions": [ready("True", 1)] } }),
            true,
            UNSEEN,
        ),
        (
            json!({ "metadata": { "generation": 2 }, "status": { "observedGeneration": 1, "conditions": [ready("True", 2)] } }),
            true,
            UNSEEN,
        ),
        (
            json!({ "metadata": { "generation": 2 }, "status": { "observedGeneration": 2, "conditions": [ready("True", 2)] } }),
            true,
            "ready: is ready",
        ),
        (
            json!({ "metadata": { "deletionTimestamp": "x" }, "status": { "conditions": [ready("True", 1)] } }),
            true,
            "pending: is being deleted",
        ),
    ] {
        assert_eq!(said(judge::other(&object, status)), expected, "{object}");
    }
    let object = json!({ "status": conditions(&[("Synced", "false")]) });
    for (name, wanted, expected) in [
        ("synced", "False", "ready: condition synced is False"),
        ("Synced", "True", "pending: condition Synced is false: Because"),
        ("Other", "True", "pending: has no condition Other"),
    ] {
        assert_eq!(said(judge::has_condition(&object, name, wanted)), expected);
    }
    let outdated = json!({ "metadata": { "generation": 2 }, "status": { "observedGeneration": 1, "conditions": [ready("True", 2)] } });
    assert_eq!(said(judge::has_condition(&outdated, "Ready", "True")), UNSEEN);
}
