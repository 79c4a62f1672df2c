//! Who asks, and what becomes of it when that is not enough.

use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::judged::recorded;
use super::server::{Server, attempt, attempt_in, status, wait};
use crate::check::k8s::api::Api;
use crate::check::k8s::cluster::Source;
use crate::check::{Fact, Reason, Verdict};
use crate::engine::Outcome;
use crate::net::Net;
use crate::net::tls::test;
use crate::net::trace::Trace;
use crate::plan::env::Env;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

fn deployment(line: usize) -> Value {
    recorded("deployment.jsonl").swap_remove(line)["object"].take()
}

#[track_caller]
fn reason(verdict: Verdict) -> Reason {
    match verdict {
        Verdict::NotYet(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_missing_rule_is_told_word_for_word() {
    let server = Server::start().await;
    server.script(|_| Some(status(403, "Forbidden")));
    let found = reason(attempt(&server.target("shop/deploy/web", "")).await);
    assert_eq!(found.class.code, "k8s.forbidden");
    assert_eq!(found.text, "not allowed to list deployments.apps in namespace shop");
    let rule = "- {apiGroups: [apps], resources: [deployments], verbs: [get, list, watch]}";
    let fact = Fact::Rule { role: "a Role in namespace shop".into(), rule: rule.into() };
    assert!(found.facts.contains(&fact), "{:?}", found.facts);
    let found = reason(attempt(&server.target("node/one", "")).await);
    assert_eq!(found.text, "not allowed to list nodes in the cluster");
    let rule = "- {apiGroups: [\"\"], resources: [nodes], verbs: [get, list, watch]}";
    assert!(found.facts.contains(&Fact::Rule { role: "a ClusterRole".into(), rule: rule.into() }));
}

#[tokio::test]
async fn who_may_list_but_not_watch_is_told_and_looks_by_the_clock() {
    let server = Server::start().await;
    server.has(DEPLOYMENTS, &[deployment(3)]);
    server.script(|line| line.contains("watch=true").then(|| status(403, "Forbidden")));
    let ended = wait(&server.target("shop/deploy/web", "&interval=20ms&max-interval=20ms"), async {
        server.asked_for("limit=100", 3).await;
        server.has(DEPLOYMENTS, &[deployment(5)]);
    })
    .await;
    assert_eq!(ended.outcome, Outcome::Satisfied);
    let watches = server.asked().iter().filter(|one| one.contains("watch=true")).count();
    assert!(watches <= 2, "{watches}");
}

#[tokio::test]
async fn other_answers_have_their_classes() {
    let server = Server::start().await;
    for (answer, class) in [
        (status(500, "InternalError"), "k8s.api"),
        (status(429, "TooManyRequests"), "k8s.api"),
        (status(400, "BadRequest"), "k8s.api"),
        (status(401, "Unauthorized"), "auth.denied"),
        (status(404, "NotFound"), "k8s.kind"),
        (status(410, "Expired"), "k8s.api"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".into(), "k8s.api"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".into(), "k8s.api"),
        ("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad".into(), "k8s.api"),
        ("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n".into(), "k8s.api"),
        ("SSH-2.0-OpenSSH_9.2\r\n".into(), "http.protocol"),
        (String::new(), "tcp.closed"),
    ] {
        let said = answer.clone();
        server.script(move |_| Some(said.clone()));
        let found = reason(attempt(&server.target("shop/deploy/web", "")).await);
        assert_eq!(found.class.code, class, "{answer}");
        assert!(!format!("{found:?}").contains("secret words"), "{found:?}");
    }
}

/// A Pod's account for a server with a certificate of a private authority.
struct Account {
    folder: tempfile::TempDir,
    server: Server,
    source: Source,
}

async fn account() -> Account {
    let folder = tempfile::tempdir().unwrap();
    let root = test::authority("kubernetes");
    let (certificate, key) = test::signed(&root, &test::params(&["127.0.0.1"]));
    let acceptor = TlsAcceptor::from(Arc::new(test::server(certificate, &key)));
    let server = Server::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), Some(acceptor));
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("ca.crt", &root.pem());
    write("token", "first\n");
    write("namespace", "shop");
    let source = Source::Pod("127.0.0.1".into(), server.port.to_string(), folder.path().into());
    Account { folder, server, source }
}

impl Account {
    async fn versions(&self) -> Result<u16, Reason> {
        let cluster = self.source.cluster().unwrap();
        assert_eq!(cluster.namespace, "shop");
        let (net, trace) = (Net::new(Env::default()), Trace::new(true));
        let api = Api { net: &net, trace: &trace, cluster: &cluster };
        api.document(&["api"], &Vec::new()).await.map(|(status, _)| status)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }
}

#[tokio::test]
async fn a_pod_asks_with_its_own_account_over_verified_tls() {
    let account = account().await;
    account.server.accepts("first");
    account.server.document("/api", serde_json::json!({}));
    assert_eq!(account.versions().await.unwrap(), 200);
    account.write("ca.crt", &test::authority("another").pem());
    assert_eq!(account.versions().await.unwrap_err().class.code, "tls.untrusted");
}

#[tokio::test]
async fn a_token_is_read_at_every_request_and_again_when_it_is_refused() {
    let account = account().await;
    account.server.document("/api", serde_json::json!({}));
    account.server.accepts("second");
    assert_eq!(account.versions().await.unwrap(), 401);
    assert_eq!(account.server.asked().len(), 2);
    account.write("token", "second");
    assert_eq!(account.versions().await.unwrap(), 200);
    // It is replaced between the first try and the second.
    account.server.accepts("third");
    let token = account.folder.path().join("token");
    let mut tries = 0;
    account.server.script(move |_| {
        tries += 1;
        std::fs::write(&token, "third").unwrap();
        (tries == 1).then(|| status(401, "Unauthorized"))
    });
    assert_eq!(account.versions().await.unwrap(), 200);
    std::fs::remove_file(account.folder.path().join("ca.crt")).unwrap();
    assert!(account.source.cluster().unwrap_err().what.contains("ca.crt"));
}

#[tokio::test]
async fn who_is_nowhere_is_told_so_at_once() {
    let Verdict::Never(reason) = attempt_in("k8s:job/x", &Env::default()).await else { panic!() };
    assert_eq!(reason.class.code, "k8s.config");
}

#[tokio::test]
async fn an_api_server_that_is_not_there_has_the_class_of_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let found = reason(attempt(&format!("k8s:job/x#api=http://127.0.0.1:{port}")).await);
    assert_eq!(found.class.code, "tcp.refused");
    assert_eq!(found.text, format!("API server: connection refused by 127.0.0.1:{port}"));
}
