//! Runs the binary, and small servers for it to wait for.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Ran {
    /// The last `count` lines of standard output.
    pub(crate) fn last(&self, count: usize) -> Vec<&str> {
        let lines: Vec<&str> = self.stdout.lines().collect();
        lines[lines.len().saturating_sub(count)..].to_vec()
    }
}

/// The binary, with an environment that holds nothing but what the test puts there.
pub(crate) fn prereq() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prereq"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it with the words of `line`.
pub(crate) fn run(line: &str) -> Ran {
    finish(prereq().args(line.split_whitespace()))
}

/// Runs a prepared command to its end.
pub(crate) fn finish(command: &mut Command) -> Ran {
    let began = SystemTime::now();
    let output = command.output().expect("the binary runs");
    ran(&output, began.elapsed().unwrap())
}

pub(crate) fn ran(output: &Output, took: Duration) -> Ran {
    use std::os::unix::process::ExitStatusExt as _;
    Ran {
        status: output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or_default()),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took,
    }
}

pub(crate) fn pause(millis: u64) {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(Duration::from_millis(millis));
}

/// A port on which nothing listens, nor will: it is below those that servers of other tests are given.
pub(crate) fn closed_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let port = 20_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A server on loopback that handles each connection by `handle`, which gets its number.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start(handle: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), handle)
    }

    pub(crate) fn on(
        listener: TcpListener,
        handle: impl Fn(TcpStream, usize) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, handle) = (Arc::clone(&connections), Arc::new(handle));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let handle = Arc::clone(&handle);
                std::thread::spawn(move || handle(stream, number));
            }
        });
        Self { address, connections }
    }

    /// Answers every request with what `answer` says for its number.
    pub(crate) fn http(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        Self::start(move |mut stream, number| {
            read_head(&mut stream);
            let _ = stream.write_all(answer(number).as_bytes());
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads up to the empty line; what was read.
pub(crate) fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A response with a body.
pub(crate) fn response(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}
