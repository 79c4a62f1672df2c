//! Waits: what a watch tells, and what becomes of a wait when the watch breaks.

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Duration, Instant};

use super::judged::recorded;
use super::server::{Server, status, wait};
use crate::engine::{End, Outcome};

const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";

/// The Job of a recorded watch, as it stood on one of its lines.
fn job(line: usize) -> Value {
    recorded("job.jsonl").swap_remove(line)["object"].take()
}

fn running() -> Value {
    job(2)
}

fn complete() -> Value {
    job(5)
}

fn failed() -> Value {
    job(4)
}

#[tokio::test]
async fn a_change_ends_the_wait_within_milliseconds() {
    let mut took = Vec::new();
    for _ in 0..25 {
        let server = Server::start().await;
        server.has(JOBS, &[running()]);
        let mut changed = Instant::now();
        let ended = wait(&server.target("job/migrate", "&interval=9s"), async {
            server.watched().await;
            changed = Instant::now();
            server.changes(JOBS, &complete());
        })
        .await;
        assert_eq!(ended.outcome, Outcome::Satisfied);
        assert_eq!(ended.attempts, 2, "{:?}", server.asked());
        took.push(ended.at - changed);
    }
    took.sort_unstable();
    assert!(took[12] <= Duration::from_millis(30), "{took:?}");
}

#[tokio::test]
async fn a_job_that_fails_ends_the_wait_unless_it_is_to_go_away() {
    let server = Server::start().await;
    server.has(JOBS, &[job(1)]);
    let ended = wait(&server.target("job/broken", ""), async {
        server.watched().await;
        server.changes(JOBS, &failed());
    })
    .await;
    assert_eq!(ended.outcome, Outcome::Unsatisfied(End::Never));
    assert_eq!(ended.classes, ["k8s.pending", "k8s.failed"]);
    let target = format!("not {}", server.target("job/broken", ""));
    let gone = wait(&target, async {
        server.asked_for("watch=true", 2).await;
        server.watched().await;
        server.deletes(JOBS);
    })
    .await;
    assert_eq!(gone.outcome, Outcome::Satisfied);
}

#[tokio::test]
async fn what_does_not_exist_yet_is_watched_too() {
    let server = Server::start().await;
    server.has(JOBS, &[]);
    let ended = wait(&server.target("job/migrate", ""), async {
        server.watched().await;
        server.changes(JOBS, &running());
        server.changes(JOBS, &complete());
        // It is gone before anybody could have listed it.
        server.deletes(JOBS);
    })
    .await;
    assert_eq!(ended.outcome, Outcome::Satisfied);
    assert_eq!(ended.classes, ["k8s.absent", "k8s.pending"]);
}

#[tokio::test]
async fn bookmarks_and_empty_lines_are_no_changes() {
    let server = Server::start().await;
    server.has(JOBS, &[running()]);
    let bookmark =
        json!({ "type": "BOOKMARK", "object": { "kind": "Job", "metadata": { "resourceVersion": "9" } } });
    let ended = wait(&server.target("job/migrate", "&interval=9s"), async {
        server.watched().await;
        for _ in 0..5 {
            server.tells(JOBS, &bookmark);
            server.writes(JOBS, "\n");
        }
        server.changes(JOBS, &complete());
    })
    .await;
    assert_eq!((ended.outcome, ended.attempts), (Outcome::Satisfied, 2));
}

#[tokio::test]
async fn an_event_may_be_cut_anywhere() {
    let server = Server::start().await;
    server.has(JOBS, &[running()]);
    let ended = wait(&server.target("job/migrate", ""), async {
        server.watched().await;
        let line = format!("{}\n", json!({ "type": "MODIFIED", "object": complete() }));
        let two = format!("{}\n{line}", json!({ "type": "MODIFIED", "object": running() }));
        for piece in two.as_bytes().chunks(7) {
            server.writes(JOBS, std::str::from_utf8(piece).unwrap());
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(ended.outcome, Outcome::Satisfied);
}

#[tokio::test]
async fn a_watch_that_is_too_old_begins_again_with_a_list() {
    let server = Server::start().await;
    server.has(JOBS, &[running()]);
    let gone = json!({ "type": "ERROR", "object": { "kind": "Status", "code": 410, "reason": "Expired" } });
    let ended = wait(&server.target("job/migrate", ""), async {
        server.watched().await;
        server.tells(JOBS, &gone);
        server.hangs_up();
        server.watched().await;
        server.changes(JOBS, &complete());
    })
    .await;
    assert_eq!(ended.outcome, Outcome::Satisfied);
    assert_eq!(ended.classes, ["k8s.pending"]);

    // The same by the status of the response.
    let server = Server::start().await;
    server.has(JOBS, &[running()]);
    let mut first = true;
    server.script(move |line| {
        (line.contains("watch=true") && std::mem::take(&mut first)).then(|| status(410, "Gone"))
    });
    let ended = wait(&server.target("job/migrate", ""), async {
        server.watched().await;
        server.changes(JOBS, &complete());
    })
    .await;
    assert_eq!(ended.outcome, Outcome::Satisfied);
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_of_an_event_loses_nothing() {
    let server = Server::start().await;
    server.has(JOBS, &[running()]);
    let ended = wait(&server.target("job/migrate", "&interval=9s"), async {
        server.watched().await;
        // The half of an event is all that comes; the list has the whole.
        let line = json!({ "type": "MODIFIED", "object": complete() }).to_string();
        server.writes(JOBS, &line[..line.len() / 2]);
        server.has(JOBS, &[complete()]);
        server.hangs_up();
    })
    .await;
    assert_eq!((ended.outcome, ended.attempts), (Outcome::Satisfied, 2));
}

#[tokio::test]
async fn an_api_server_that_starts_late_and_starts_again_is_awaited() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let target = format!("k8s:job/migrate#api=http://{address}");
    let mut busy = 3;
    let ended = wait(&target, async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let server = Server::on(TcpListener::bind(address).await.unwrap(), None);
        server.has(JOBS, &[running()]);
        server.script(move |_| {
            busy -= 1;
            (busy >= 0).then(|| status(503, "ServiceUnavailable"))
        });
        server.watched().await;
        server.hangs_up();
        server.asked_for("watch=true", 2).await;
        server.watched().await;
        server.changes(JOBS, &complete());
    })
    .await;
    assert_eq!(ended.outcome, Outcome::Satisfied);
    assert_eq!(ended.classes, ["tcp.refused", "k8s.api", "k8s.pending"]);
}

#[tokio::test]
async fn while_a_watch_is_under_way_nothing_is_asked_by_the_clock() {
    let server = Server::start().await;
    server.has(JOBS, &[running()]);
    let ended = wait(&server.target("job/migrate", "&interval=10ms&max-interval=10ms"), async {
        server.watched().await;
        let before = server.asked().len();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(server.asked().len(), before);
        server.changes(JOBS, &complete());
    })
    .await;
    assert_eq!(ended.outcome, Outcome::Satisfied);
}

#[tokio::test]
async fn a_watch_that_ends_at_once_is_not_begun_again_at_once() {
    let server = Server::start().await;
    server.has(JOBS, &[running()]);
    server.script(|line| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        line.contains("watch=true").then(|| head.to_owned())
    });
    let ended = wait(&server.target("job/migrate", "&timeout=2500ms"), async {}).await;
    assert_eq!(ended.outcome, Outcome::Unsatisfied(End::TimedOut));
    let watches = server.asked().iter().filter(|one| one.contains("watch=true")).count();
    assert!((2..=3).contains(&watches), "{watches}");
}

#[tokio::test]
async fn stable_and_successes_are_counted_by_lists_of_their_own() {
    let server = Server::start().await;
    server.has(JOBS, &[complete()]);
    let ended = wait(&server.target("job/migrate", "&successes=3"), async {}).await;
    assert_eq!((ended.outcome, ended.attempts), (Outcome::Satisfied, 3));
    let lists = server.asked().iter().filter(|one| !one.contains("watch=true")).count();
    assert_eq!(lists, 3);
}

const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";

#[tokio::test]
async fn a_pod_that_leaves_its_service_is_noticed() {
    let server = Server::start().await;
    let mut lines = recorded("endpointslice.jsonl");
    // 10.244.0.17 and 10.244.0.18 are ready; then 10.244.0.18 has gone.
    let (both, one) = (lines[3]["object"].take(), lines[6]["object"].take());
    server.has(SLICES, &[both]);
    let target = format!("not {}", server.target("shop/endpoint/web", "&ip=10.244.0.18"));
    let ended = wait(&target, async {
        server.watched().await;
        server.changes(SLICES, &one);
    })
    .await;
    assert_eq!(ended.outcome, Outcome::Satisfied);
    assert!(server.asked()[0].contains("labelSelector=kubernetes.io%2Fservice-name%3Dweb"));
}
