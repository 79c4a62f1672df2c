//! Kinds that no table knows, and clusters that are too old for a version.

use serde_json::{Value, json};

use super::judged::recorded;
use super::server::{Server, attempt};
use crate::check::Verdict;

const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

async fn with_widgets() -> Server {
    let server = Server::start().await;
    server.document("/apis", recorded("apis.json").remove(0));
    server.document("/apis/example.com/v1", recorded("widgets.json").remove(0));
    server
}

fn said(verdict: Verdict) -> (&'static str, String) {
    match verdict {
        Verdict::Ready(evidence) => ("ready", evidence.text),
        Verdict::NotYet(reason) | Verdict::Never(reason) => (reason.class.code, reason.text),
    }
}

fn widget(status: &Value) -> Value {
    json!({ "kind": "Widget", "metadata": { "name": "one", "namespace": "default", "generation": 2 }, "status": status })
}

#[tokio::test]
async fn other_kinds_are_found_by_any_of_their_names() {
    let server = with_widgets().await;
    let ready = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
    server.has(WIDGETS, &[widget(&ready)]);
    for kind in ["widget", "widgets", "Widget", "wd", "widgets.example.com", "widget.v1.example.com"] {
        let (class, text) = said(attempt(&server.target(&format!("{kind}/one"), "")).await);
        assert_eq!((class, text.as_str()), ("ready", "is ready"), "{kind}");
    }
    for kind in ["widget.v2.example.com", "widget.example.org", "gadget"] {
        assert_eq!(said(attempt(&server.target(&format!("{kind}/one"), "")).await).0, "k8s.kind", "{kind}");
    }
    let (_, text) = said(attempt(&server.target("deploymnt/one", "")).await);
    assert!(text.contains("is it deployment"), "{text}");
}

#[tokio::test]
async fn other_kinds_are_as_ready_as_they_say() {
    let server = with_widgets().await;
    let ready = |status: &str, seen: i64| json!({ "conditions": [{ "type": "Ready", "status": status, "reason": "Syncing", "observedGeneration": seen }] });
    for (status, options, class, text) in [
        (json!({}), "", "k8s.pending", "its controller has reported no status yet"),
        (json!({ "phase": "x" }), "", "ready", "exists"),
        (ready("True", 2), "", "ready", "is ready"),
        (ready("True", 1), "", "k8s.pending", "its controller has not seen the latest change yet"),
        (ready("False", 2), "", "k8s.pending", "is not ready: Syncing"),
        (ready("False", 2), "&condition=ready=False", "ready", "condition ready is False"),
        (ready("False", 2), "&condition=Ready", "k8s.pending", "condition Ready is False: Syncing"),
        (ready("False", 2), "&condition=Live", "k8s.pending", "has no condition Live"),
        (json!({ "phase": "x" }), "&jsonpath=$.status.phase==x", "ready", "$.status.phase is as expected"),
        (
            json!({ "phase": "x" }),
            "&jsonpath=status.phase==y",
            "k8s.pending",
            "status.phase has another value",
        ),
        (json!({ "phase": "x" }), "&jsonpath=status.url", "k8s.pending", "there is nothing at status.url"),
        (json!({}), "&absent", "k8s.present", "Widget still exists"),
    ] {
        server.has(WIDGETS, &[widget(&status)]);
        let found = said(attempt(&server.target("widget/one", options)).await);
        assert_eq!(found, (class, text.to_owned()), "{status} {options}");
    }
    server.has(WIDGETS, &[]);
    assert_eq!(said(attempt(&server.target("widget/one", "")).await).0, "k8s.absent");
    assert_eq!(said(attempt(&server.target("widget/one", "&absent")).await).0, "ready");
    // A kind that does not exist is no object that is gone.
    assert_eq!(said(attempt(&server.target("gadget/one", "&absent")).await).0, "k8s.kind");
}

#[tokio::test]
async fn endpoints_are_read_in_the_newest_form_that_the_cluster_has() {
    let slice = recorded("endpointslice.jsonl")[3]["object"].take();
    let old = recorded("endpoints.jsonl")[3]["object"].take();
    for (path, object) in [
        ("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices", &slice),
        ("/apis/discovery.k8s.io/v1beta1/namespaces/shop/endpointslices", &slice),
        ("/api/v1/namespaces/shop/endpoints", &old),
    ] {
        let server = Server::start().await;
        server.has(path, std::slice::from_ref(object));
        for (options, class, text) in [
            ("", "ready", "2 endpoints are ready"),
            ("&min=2", "ready", "2 endpoints are ready"),
            ("&min=3", "k8s.pending", "2 of 3 endpoints are ready, and there are no more"),
            ("&ip=10.244.0.17", "ready", "10.244.0.17 is an endpoint of web"),
            ("&ip=10.244.0.19", "k8s.absent", "10.244.0.19 is not among the ready endpoints of web"),
        ] {
            let found = said(attempt(&server.target("shop/service/web", options)).await);
            assert_eq!(found, (class, text.to_owned()), "{path} {options}");
        }
        server.has(path, &[]);
        assert_eq!(said(attempt(&server.target("shop/svc/web", "")).await).0, "k8s.absent", "{path}");
    }
}

const PODS: &str = "/api/v1/namespaces/default/pods";

#[tokio::test]
async fn a_selector_takes_all_that_match_or_as_many_as_are_asked_for() {
    let pod = |name: &str, phase: &str, ready: &str| {
        json!({ "metadata": { "name": name, "namespace": "default" },
            "status": { "phase": phase, "conditions": [{ "type": "Ready", "status": ready }] } })
    };
    let (a, b) = (pod("a", "Running", "True"), pod("b", "Running", "False"));
    let evicted = pod("c", "Failed", "False");
    let server = Server::start().await;
    let select = |options: &str| server.target("pod", &format!("&selector=app%3Dweb{options}"));
    for (objects, options, class, text) in [
        (vec![], "", "k8s.absent", "the selector matches no pods"),
        (vec![a.clone(), b.clone()], "", "k8s.pending", "1 of 2 pods are as expected; b: is not ready"),
        (vec![a.clone(), b.clone()], "&min=1", "ready", "1 pods are as expected"),
        (
            vec![a.clone()],
            "&min=2",
            "k8s.pending",
            "1 of 2 pods are as expected, and the selector matches no more",
        ),
        (vec![a.clone(), evicted.clone()], "", "ready", "1 pods are as expected"),
        (vec![evicted.clone()], "", "k8s.pending", "0 of 1 pods are as expected; the others have failed"),
        (vec![a.clone()], "&absent", "k8s.present", "Pod still exists"),
        (vec![], "&absent", "ready", "is gone"),
    ] {
        server.has(PODS, &objects);
        assert_eq!(said(attempt(&select(options)).await), (class, text.to_owned()), "{options}");
    }
    let mut lines = recorded("job.jsonl");
    let jobs = [lines[4]["object"].take(), lines[5]["object"].take()];
    server.has("/apis/batch/v1/namespaces/default/jobs", &jobs);
    let (class, text) = said(attempt(&server.target("jobs", "&selector=x%3Dy")).await);
    assert_eq!((class, text.as_str()), ("k8s.failed", "broken: the Job has failed: BackoffLimitExceeded"));
}
