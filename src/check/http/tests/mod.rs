//! Attempts against small scripted servers on the loopback.

mod given;
mod hops;
mod odd;
mod plain;
mod tls;

use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::KIND;
use crate::check::{Attempt, Class, Draft, Reason, Verdict};
use crate::net::Net;
use crate::net::trace::Trace;
use crate::plan::env::Env;
use crate::plan::target::Target;

/// The probe of a target, or what is wrong with it.
fn probe(target: &str, env: &Env) -> Result<Box<dyn crate::check::Probe>, Vec<String>> {
    let said = |problems: Vec<crate::plan::problem::Problem>| -> Vec<String> {
        problems.into_iter().map(|problem| problem.what).collect()
    };
    let target = Target::parse(target, None, env).map_err(said)?;
    for (name, _) in &target.options {
        assert!(KIND.all_options().any(|option| option.name == name), "no option {name}");
    }
    let mut draft = Draft::new(&target, env);
    let probe = (KIND.build)(&mut draft);
    let problems = said(draft.into_problems());
    if problems.is_empty() { Ok(probe.unwrap()) } else { Err(problems) }
}

/// One attempt with a time-out, as the engine would make it.
async fn within(duration: Duration, target: &str, net: Net) -> Verdict {
    let probe = probe(target, &net.env).unwrap_or_else(|problems| panic!("{target}: {problems:?}"));
    let (net, trace) = (Rc::new(net), Trace::new(true));
    let attempt = Attempt { net: &net, trace: &trace };
    match tokio::time::timeout(duration, probe.attempt(&attempt)).await {
        Ok(verdict) => verdict,
        Err(_) => Verdict::NotYet(trace.cut().unwrap()),
    }
}

async fn attempt(target: &str) -> Verdict {
    within(Duration::from_secs(3), target, Net::new(Env::default())).await
}

#[track_caller]
fn evidence(verdict: Verdict) -> String {
    match verdict {
        Verdict::Ready(evidence) => evidence.text,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn reason(verdict: Verdict) -> Reason {
    match verdict {
        Verdict::NotYet(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn fails(verdict: Verdict, class: &Class, text: &str) -> Reason {
    let reason = reason(verdict);
    assert_eq!((reason.class.code, reason.text.as_str()), (class.code, text));
    reason
}

/// A server that answers by a script, and what it was asked.
#[derive(Clone)]
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `script` gets each connection, and the server to note requests with.
    async fn start<F>(script: impl Fn(Server, TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    fn on<F>(listener: TcpListener, script: impl Fn(Server, TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, asked: Arc::default() };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(script(own.clone(), stream));
            }
        });
        server
    }

    /// Answers every request with `answer(path)`, and keeps the connection open as servers do.
    async fn answering(answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> Self {
        Self::start(move |server, mut stream| {
            let answer = answer.clone();
            async move {
                while let Some(request) = server.request(&mut stream).await {
                    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                    let _ = stream.write_all(answer(&path).as_bytes()).await;
                }
            }
        })
        .await
    }

    /// Reads a request with its body, and notes it.
    async fn request<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S) -> Option<String> {
        let mut text = String::new();
        let mut buffer = [0; 4096];
        loop {
            let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).map_or(0, |rest| {
                    rest.split("\r\n").next().unwrap_or_default().parse().unwrap_or_default()
                });
                if body.len() >= length {
                    self.asked.lock().unwrap().push(text.clone());
                    return Some(text);
                }
            }
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn url(&self, rest: &str) -> String {
        format!("http://127.0.0.1:{}{rest}", self.port)
    }

    fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// A response with a body.
fn response(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A redirect.
fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// A port on which nothing listens.
async fn closed() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}
