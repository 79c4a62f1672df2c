//! Against listeners on loopback and a scripted name server.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Duration, timeout};

use super::*;
use crate::net::Net;
use crate::net::resolve::server::{self, Server, answers, nxdomain, record};
use crate::plan::env::Env;
use crate::plan::target::Target;

async fn attempt(net: (Net, tempfile::TempDir), text: &str) -> Result<Evidence, Reason> {
    let target = Target::parse(text, None, &Env::default()).unwrap();
    let env = Env::default();
    let mut draft = Draft::new(&target, &env);
    let probe = build(&mut draft).unwrap();
    assert_eq!(draft.into_problems(), []);
    let (net, _files) = net;
    let (net, trace) = (Rc::new(net), Trace::new(false));
    let attempt = Attempt { net: &net, trace: &trace };
    match timeout(Duration::from_secs(2), probe.attempt(&attempt)).await {
        Ok(Verdict::Ready(evidence)) => Ok(evidence),
        Ok(Verdict::NotYet(reason) | Verdict::Never(reason)) => Err(reason),
        Err(_) => Err(trace.cut().unwrap()),
    }
}

fn net() -> (Net, tempfile::TempDir) {
    server::net(&[], "", "")
}

/// Says `words` to each who connects, and hangs up if `leave`.
async fn listener(host: &str, words: &'static str, leave: bool) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind((host, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(words.as_bytes()).await;
            if !leave {
                kept.push(stream);
            }
        }
    });
    (port, task)
}

fn class_of(result: Result<Evidence, Reason>) -> (&'static str, String) {
    match result {
        Ok(evidence) => ("ready", evidence.text),
        Err(reason) => (reason.class.code, reason.text),
    }
}

#[tokio::test]
async fn what_is_said_and_held_is_judged() {
    let (open, _open) = listener("127.0.0.1", "220 mail ready\r\n", false).await;
    let (rude, _rude) = listener("127.0.0.1", "", true).await;
    for (port, options, class) in [
        (open, "", "ready"),
        (open, "hold=50ms", "ready"),
        (open, "expect=^220", "ready"),
        (open, "expect=^220&send=HELO%0D%0A&hold=20ms", "ready"),
        (open, "expect=^554", "tcp.data"),
        (rude, "", "ready"),
        (rude, "hold=100ms", "tcp.closed"),
        (rude, "expect=x", "tcp.closed"),
    ] {
        let (found, text) = class_of(attempt(net(), &format!("tcp://127.0.0.1:{port}#{options}")).await);
        assert_eq!(found, class, "{options}: {text}");
    }
}

#[tokio::test]
async fn an_endless_talker_is_listened_to_within_bounds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let _talker = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
    });
    let (class, text) = class_of(attempt(net(), &format!("tcp://127.0.0.1:{port}#expect=ready")).await);
    assert_eq!(class, "tcp.data", "{text}");
}

#[tokio::test]
async fn several_addresses_can_be_asked_for() {
    let (port, _task) = listener("127.0.0.1", "", false).await;
    let server = Server::start(move |asked| match asked.kind {
        hickory_resolver::proto::rr::RecordType::A => {
            answers([record("db.example", "127.0.0.1"), record("db.example", "127.0.0.2")])
        }
        _ => answers([]),
    })
    .await;
    let net = || server::net(&[server.address], "", "");
    for (options, class) in [
        ("", "ready"),
        ("addresses=any", "ready"),
        ("addresses=1", "ready"),
        ("addresses=all", "tcp.addresses"),
        ("addresses=3", "tcp.addresses"),
        ("family=6", "dns.nodata"),
    ] {
        let (found, text) = class_of(attempt(net(), &format!("tcp://db.example:{port}#{options}")).await);
        assert_eq!(found, class, "{options}: {text}");
    }
    // A refusal of all is a clean no, which `not` may take.
    let (found, _) = class_of(attempt(net(), "tcp://db.example:1#addresses=all").await);
    assert_eq!(found, "tcp.refused");
}

#[tokio::test]
async fn a_name_that_cannot_be_looked_up_is_no_refusal() {
    let server = Server::start(|_| nxdomain()).await;
    let (class, text) = class_of(attempt(server::net(&[server.address], "", ""), "tcp://db.example:1").await);
    assert_eq!(class, "dns.nxdomain", "{text}");
    assert!(!KIND.opposite.iter().any(|opposite| opposite.code == class));
}
