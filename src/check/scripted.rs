//! Peers on loopback that follow a script, for tests of kinds that speak a protocol.

use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, sleep, timeout};

use super::{Attempt, Draft, Probe, Reason, Verdict, registry};
use crate::net::Net;
use crate::net::trace::Trace;
use crate::plan::env::Env;
use crate::plan::target::Target;

/// Long for what happens on loopback: only a test that fails waits for so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an attempt at a peer that has fallen silent goes on before its time is up.
const SILENCE: Duration = Duration::from_millis(200);

/// What a peer makes of what it hears.
pub(super) type Answer = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A line in a peer's script; behind the last one it hangs up.
pub(super) enum Line {
    /// The client sends exactly this.
    Hears(Vec<u8>),
    /// The client sends something, of which nothing is said.
    HearsAnything,
    /// The client sends something, to which the peer answers.
    Answers(Answer),
    /// The peer sends this.
    Says(Vec<u8>),
    /// The peer hangs up, and takes another connection.
    TakesAnother,
    /// The peer keeps the connection open and says nothing more.
    FallsSilent,
}

/// The probe of a target, or what is wrong with it, problem by problem as `what|hint`.
pub(super) fn probe(text: &str) -> Result<Box<dyn Probe>, String> {
    let env = Env::default();
    let told = |problems: Vec<crate::plan::problem::Problem>| {
        let told = problems.iter().map(|p| format!("{}|{}", p.what, p.hint.as_deref().unwrap_or_default()));
        told.collect::<Vec<_>>().join("; ")
    };
    let target = Target::parse(text, None, &env).map_err(told)?;
    let mut draft = Draft::new(&target, &env);
    let kind = registry::kind_of(target.scheme).unwrap();
    for (option, _) in &target.options {
        assert!(kind.all_options().any(|known| known.name == option), "no option {option}");
    }
    let probe = (kind.build)(&mut draft);
    let problems = draft.into_problems();
    if problems.is_empty() { Ok(probe.unwrap()) } else { Err(told(problems)) }
}

/// What is wrong with a target.
pub(super) fn problems(text: &str) -> String {
    probe(text).err().unwrap_or_else(|| panic!("nothing is wrong with {text}"))
}

/// One attempt at `target`, in which PEER stands for the address of a peer with this script: `ready …`, or class and
/// reason.
pub(super) async fn attempt(target: &str, script: Vec<Line>) -> String {
    traced(&Trace::new(true), target, script).await
}

/// What an explanation of such an attempt shows behind its connection, line by line as `name: detail`.
pub(super) async fn layers(target: &str, script: Vec<Line>) -> Vec<String> {
    let trace = Trace::explaining();
    traced(&trace, target, script).await;
    let stages = trace.stages().into_iter().filter(|stage| stage.name != "connect");
    stages.map(|stage| format!("{}: {}", stage.name, stage.detail)).collect()
}

async fn traced(trace: &Trace, target: &str, script: Vec<Line>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let probe = probe(&target.replace("PEER", &listener.local_addr().unwrap().to_string())).unwrap();
    let net = Rc::new(Net::new(Env::default()));
    let silent = matches!(script.last(), Some(Line::FallsSilent));
    let peer = async {
        timeout(PATIENCE, follow(&listener, script)).await.expect("the client says all that the script has")
    };
    let client = async {
        let attempt = Attempt { net: &net, trace };
        let attempt = probe.attempt(&attempt);
        timeout(PATIENCE, attempt).await.expect("the attempt ends")
    };
    if silent {
        // The peer is done, and holds the stream; the client waits.
        tokio::select! {
            _stream = async { let stream = peer.await; sleep(SILENCE).await; stream } => {
                let reason = trace.cut().unwrap();
                return format!("{} {}", reason.class, reason.text);
            }
            verdict = client => return told(verdict),
        }
    }
    let parting = async {
        let mut stream = peer.await;
        stream.shutdown().await.unwrap();
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    };
    let (_, verdict) = tokio::join!(timeout(PATIENCE, parting), client);
    told(verdict)
}

pub(super) fn told(verdict: Verdict) -> String {
    match verdict {
        Verdict::Ready(evidence) => format!("ready {}", evidence.text),
        Verdict::NotYet(reason) => format!("{} {}", reason.class, reason.text),
        Verdict::Never(reason) => format!("never {} {}", reason.class, reason.text),
    }
}

/// What a judge says: `ready`, or class and reason.
pub(super) fn judgement<T>(judged: Result<T, Reason>) -> String {
    judged.map_or_else(|reason| told(Verdict::NotYet(reason)), |_| "ready".into())
}

async fn follow(listener: &TcpListener, script: Vec<Line>) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    for line in script {
        match line {
            Line::Hears(expected) => {
                let mut heard = vec![0; expected.len()];
                stream.read_exact(&mut heard).await.unwrap();
                assert_eq!(heard, expected, "{}", String::from_utf8_lossy(&heard));
            }
            Line::HearsAnything => drop(anything(&mut stream).await),
            Line::Answers(answer) => {
                let heard = anything(&mut stream).await;
                stream.write_all(&answer(&heard)).await.unwrap();
            }
            Line::Says(bytes) => stream.write_all(&bytes).await.unwrap(),
            Line::TakesAnother => stream = listener.accept().await.unwrap().0,
            Line::FallsSilent => {}
        }
    }
    stream
}

async fn anything(stream: &mut TcpStream) -> Vec<u8> {
    let mut heard = vec![0; 65536];
    let count = stream.read(&mut heard).await.unwrap();
    assert!(count > 0, "the client says nothing more");
    heard.truncate(count);
    heard
}
