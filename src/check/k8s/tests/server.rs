//! An API server in small: lists, watches, and whatever goes wrong with them, as a test says.

use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use crate::check::{Attempt, Verdict};
use crate::engine::{self, Conditions, Outcome};
use crate::net::Net;
use crate::net::trace::Trace;
use crate::plan::env::Env;
use crate::plan::layer::Layer;
use crate::plan::{Plan, Spec, TargetSpec};

/// What a test has to say to a request before the server looks at it: the whole response.
type Script = Box<dyn FnMut(&str) -> Option<String> + Send>;

#[derive(Default)]
struct State {
    /// Objects by the path of their list.
    lists: BTreeMap<String, Vec<Value>>,
    /// Documents by their path.
    documents: BTreeMap<String, Value>,
    version: u64,
    watches: Vec<(String, UnboundedSender<String>)>,
    asked: Vec<String>,
    token: Option<String>,
    script: Option<Script>,
}

#[derive(Clone)]
pub(super) struct Server {
    pub(super) port: u16,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), None)
    }

    pub(super) fn on(listener: TcpListener, tls: Option<TlsAcceptor>) -> Self {
        let server = Self { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (own, tls) = (own.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => own.serve(stream).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => own.serve(stream).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        server
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap())
    }

    /// A list that has these objects.
    pub(super) fn has(&self, path: &str, objects: &[Value]) {
        self.with(|state| state.lists.insert(path.into(), objects.to_vec()));
    }

    pub(super) fn document(&self, path: &str, document: Value) {
        self.with(|state| state.documents.insert(path.into(), document));
    }

    /// Only this token is accepted from now on.
    pub(super) fn accepts(&self, token: &str) {
        self.with(|state| state.token = Some(token.into()));
    }

    /// What comes before everything else.
    pub(super) fn script(&self, script: impl FnMut(&str) -> Option<String> + Send + 'static) {
        self.with(|state| state.script = Some(Box::new(script)));
    }

    /// The list has one object, which is this one; the watches are told so.
    pub(super) fn changes(&self, path: &str, object: &Value) {
        let object = self.with(|state| {
            state.version += 1;
            let mut object = object.clone();
            object["metadata"]["resourceVersion"] = json!(state.version.to_string());
            state.lists.insert(path.into(), vec![object.clone()]);
            object
        });
        self.tells(path, &json!({ "type": "MODIFIED", "object": object }));
    }

    /// The list has no object any more; the watches are told so.
    pub(super) fn deletes(&self, path: &str) {
        let object = self.with(|state| state.lists.insert(path.into(), Vec::new()).unwrap()[0].take());
        self.tells(path, &json!({ "type": "DELETED", "object": object }));
    }

    pub(super) fn tells(&self, path: &str, event: &Value) {
        self.writes(path, &format!("{event}\n"));
    }

    /// Bytes for all who watch.
    pub(super) fn writes(&self, path: &str, text: &str) {
        self.with(|state| {
            state.watches.retain(|(watched, sender)| watched != path || sender.send(text.into()).is_ok());
        });
    }

    /// All watches end, wherever they are.
    pub(super) fn hangs_up(&self) {
        self.with(|state| state.watches.clear());
    }

    /// Waits until somebody watches.
    pub(super) async fn watched(&self) {
        self.until(|state| !state.watches.is_empty()).await;
    }

    /// Waits until so many requests have come whose line holds `part`.
    pub(super) async fn asked_for(&self, part: &str, times: usize) {
        self.until(|state| state.asked.iter().filter(|one| one.contains(part)).count() >= times).await;
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        let waited = async {
            while !self.with(|state| holds(state)) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(10), waited).await.expect("the server is asked");
    }

    /// The heads of all requests so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.with(|state| state.asked.clone())
    }

    pub(super) fn target(&self, path: &str, options: &str) -> String {
        format!("k8s:{path}#api=http://127.0.0.1:{}{options}", self.port)
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) -> Option<()> {
        let mut text = String::new();
        let mut buffer = [0; 4096];
        while !text.contains("\r\n\r\n") {
            let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        let line = text.split(' ').nth(1)?.to_owned();
        let (path, query) = line.split_once('?').unwrap_or((&line, ""));
        let scripted = self.with(|state| {
            state.asked.push(text.clone());
            state.script.as_mut().and_then(|script| script(&line))
        });
        let refused = self.with(|state| {
            let token = state.token.as_ref()?;
            let authorised = text.contains(&format!("authorization: Bearer {token}\r\n"));
            (!authorised).then(|| status(401, "Unauthorized"))
        });
        let answer = match scripted.or(refused) {
            Some(answer) => answer,
            None if query.contains("watch=true") => return self.stream(path, stream).await,
            None => self.with(|state| answer(state, path, query)),
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    }

    async fn stream<S: AsyncWrite + Unpin>(&self, path: &str, mut stream: S) -> Option<()> {
        let (sender, mut texts) = unbounded_channel();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.ok()?;
        self.with(|state| state.watches.push((path.into(), sender)));
        while let Some(text) = texts.recv().await {
            stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await.ok()?;
            stream.flush().await.ok()?;
        }
        None
    }
}

/// What the server answers by itself.
fn answer(state: &State, path: &str, query: &str) -> String {
    if let Some(document) = state.documents.get(path) {
        return json_response(200, document);
    }
    let Some(objects) = state.lists.get(path) else { return status(404, "NotFound") };
    let named = query.split('&').find_map(|pair| pair.strip_prefix("fieldSelector=metadata.name%3D"));
    let items: Vec<&Value> =
        objects.iter().filter(|one| named.is_none_or(|name| one["metadata"]["name"] == name)).collect();
    let version = state.version.to_string();
    json_response(200, &json!({ "kind": "List", "metadata": { "resourceVersion": version }, "items": items }))
}

pub(super) fn json_response(code: u16, document: &Value) -> String {
    let body = document.to_string();
    format!(
        "HTTP/1.1 {code} So\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A refusal as the API server words it.
pub(super) fn status(code: u16, reason: &str) -> String {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "secret words of the server", "reason": reason, "code": code });
    json_response(code, &status)
}

/// The plan for one target, or what is wrong with it.
pub(super) fn plan(words: &str, env: &Env) -> Result<Plan, Vec<String>> {
    let spec = |text: &str| TargetSpec { text: text.into(), ..TargetSpec::default() };
    let targets = match words.strip_prefix("not ") {
        Some(rest) => Spec::Not(Box::new(Spec::Target(spec(rest)))),
        None => Spec::Target(spec(words)),
    };
    let layer = Layer { targets: Some(targets), ..Layer::default() };
    let said =
        |problems: Vec<crate::plan::problem::Problem>| problems.into_iter().map(|one| one.what).collect();
    crate::plan::resolve(&layer, env).map_err(said)
}

/// One attempt.
pub(super) async fn attempt(words: &str) -> Verdict {
    attempt_in(words, &Env::default()).await
}

pub(super) async fn attempt_in(words: &str, env: &Env) -> Verdict {
    let plan = plan(words, env).unwrap_or_else(|problems| panic!("{words}: {problems:?}"));
    let (net, trace) = (Rc::new(Net::new(env.clone())), Trace::new(true));
    let attempt = Attempt { net: &net, trace: &trace };
    let probe = &plan.preconditions[0].probe;
    timeout(Duration::from_secs(30), probe.attempt(&attempt)).await.expect("an attempt has an end")
}

/// How a wait ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) at: Instant,
    pub(super) attempts: u32,
    /// The classes met, in their order, each once in a row.
    pub(super) classes: Vec<&'static str>,
}

/// Waits for `words`, while `meanwhile` happens.
pub(super) async fn wait(words: &str, meanwhile: impl Future<Output = ()>) -> Ended {
    let env = Env::default();
    let plan = plan(words, &env).unwrap_or_else(|problems| panic!("{words}: {problems:?}"));
    let net = Rc::new(Net::new(env));
    let conditions = Conditions { first_wait: Duration::ZERO, seed: 1, at_once: 1, tick: None };
    let run = async {
        let never = std::future::pending();
        let run = engine::run(&plan, &net, conditions, never, |_, _, _| {});
        let progress = timeout(Duration::from_secs(20), run).await.expect("the wait has an end");
        let leaf = progress.leaf(0);
        Ended {
            outcome: progress.outcome().unwrap(),
            at: Instant::now(),
            attempts: leaf.attempts,
            classes: leaf.spans.iter().map(|span| span.reason.class.code).collect(),
        }
    };
    tokio::join!(run, meanwhile).0
}
