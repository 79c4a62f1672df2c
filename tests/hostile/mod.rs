//! Every kind of precondition that talks to a host, against every hostile server: it is never ready, it ends in time,
//! it does not panic, and it stays small. Shared by the tests of the debug binary and those of the static one.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

mod http;
mod servers;
mod stream;
mod tls;
mod wire;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use prereq::check::KINDS;

use servers::HOSTILITIES;
use stream::Stream;

pub(crate) use tls::besieged_behind_tls;

/// How long each wait may take, and how long an attempt.
const TIMEOUT: Duration = Duration::from_millis(400);
const ATTEMPT: Duration = Duration::from_millis(150);
/// A wait that ends later has not heeded its time-out; a busy machine explains less.
const SLACK: Duration = Duration::from_secs(2);
/// As many servers are waited for at once, and each by as many waits.
const SERVERS: usize = 3;
const AT_ONCE: usize = 12;

/// A server that misbehaves.
struct Hostility {
    name: &'static str,
    /// What it does with a connection.
    serve: fn(Stream),
    /// The schemes that are rightly ready on it, because they ask for no more than it gives.
    enough_for: &'static [&'static str],
}

/// How targets of a scheme are written; `HOST` is the server's address, `NEVER` what no server says. Empty for what
/// talks to no host by TCP.
fn targets(scheme: &str) -> Vec<String> {
    match scheme {
        "tcp" => vec!["tcp://HOST#expect=NEVER".into()],
        "svc" => vec!["svc:hostile#expect=NEVER".into()],
        "http" => vec![
            "http://HOST/#expect=NEVER".into(),
            "http://HOST/#json=$.NEVER".into(),
            "http://HOST/#http2&expect=NEVER".into(),
            "http://HOST/#expect-header=NEVER:.".into(),
        ],
        "https" => vec!["https://HOST/#insecure&expect=NEVER".into()],
        "tls" => vec!["tls://HOST#insecure".into()],
        "k8s" => vec!["k8s:job/never#kubeconfig=KUBECONFIG".into()],
        "rabbitmq-management" => vec!["rabbitmq-management://me:password@HOST".into()],
        // One asks by datagrams, the others no host at all.
        "dns" | "unix" | "file" | "exec" | "delay" | "log" => Vec::new(),
        _ => vec![format!("{scheme}://HOST")],
    }
}

/// All schemes but those that only differ in name, with their targets.
fn all() -> Vec<(&'static str, String)> {
    let schemes = KINDS.iter().flat_map(|kind| kind.schemes).map(|scheme| scheme.name);
    schemes.flat_map(|scheme| targets(scheme).into_iter().map(move |target| (scheme, target))).collect()
}

/// What came of one wait.
struct Outcome {
    target: String,
    status: Option<i32>,
    timeout: Duration,
    took: Duration,
    /// In kB.
    peak: u64,
    output: String,
}

/// Lets every kind wait for each server, by `binary`, which may take `most` kB.
pub(crate) fn besieged(binary: &str, most: u64) {
    let queue = Mutex::new(HOSTILITIES.iter().collect());
    let work = || {
        let mut wrong = Vec::new();
        while let Some(hostility) = next(&queue) {
            wrong.extend(withstood(hostility, binary, most));
        }
        wrong
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let servers: Vec<_> = (0..SERVERS).map(|_| scope.spawn(work)).collect();
        servers.into_iter().flat_map(|server| server.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} waits went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What went wrong with one server.
fn withstood(hostility: &Hostility, binary: &str, most: u64) -> Vec<String> {
    let address = start(hostility.serve);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    std::fs::write(&kubeconfig, kubeconfig_of(&format!("server: 'http://{address}'"))).unwrap();
    let left = Mutex::new(all());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((scheme, target)) = next(&left) {
                    let target = target
                        .replace("HOST", &address.to_string())
                        .replace("KUBECONFIG", kubeconfig.to_str().unwrap());
                    let outcome = wait(binary, address, target, 1);
                    let ready = hostility.enough_for.contains(&scheme);
                    if let Some(what) = judge(&outcome, ready, most) {
                        wrong.lock().unwrap().push(format!("{}: {what}", hostility.name));
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

fn next<T>(list: &Mutex<Vec<T>>) -> Option<T> {
    list.lock().unwrap().pop()
}

fn kubeconfig_of(cluster: &str) -> String {
    format!(
        "clusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n\
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
    )
}

/// What is wrong with an outcome.
fn judge(outcome: &Outcome, ready: bool, most: u64) -> Option<String> {
    let Outcome { target, status, timeout, took, peak, output } = outcome;
    let what = match () {
        () if *status != Some(124) && !(ready && *status == Some(0)) => format!("status {status:?}"),
        () if *took > *timeout + SLACK => format!("took {took:?}"),
        () if output.contains("panicked") => "panicked".into(),
        () if *peak == 0 && !ready => "its memory was not seen".into(),
        () if *peak > most => format!("took {peak} kB"),
        () if !ready && !output.contains("hint:") => "no hint".into(),
        () => return None,
    };
    Some(format!("{target}: {what}\n{output}"))
}

/// Runs a wait to its end, looking at its memory all the time; it may take so many times as long as usual.
fn wait(binary: &str, address: SocketAddr, target: String, times: u32) -> Outcome {
    let (timeout, attempt) = (TIMEOUT * times, ATTEMPT * times);
    let began = SystemTime::now();
    let out = tempfile::tempfile().unwrap();
    let mut child = Command::new(binary)
        .args(["--timeout", &format!("{}ms", timeout.as_millis())])
        .args(["--attempt-timeout", &format!("{}ms", attempt.as_millis()), &target])
        .env_clear()
        .env("HOSTILE_SERVICE_HOST", address.ip().to_string())
        .env("HOSTILE_SERVICE_PORT", address.port().to_string())
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out.try_clone().unwrap())
        .spawn()
        .expect("the binary runs");
    let mut peak = 0;
    let mut ended = None;
    while ended.is_none() && began.elapsed().unwrap() < timeout + SLACK + SLACK {
        ended = child.try_wait().unwrap();
        peak = peak.max(high_water(child.id()));
        pause(5);
    }
    let took = began.elapsed().unwrap();
    let _ = child.kill();
    let _ = child.wait();
    let mut output = String::new();
    std::io::Seek::rewind(&mut &out).unwrap();
    std::io::Read::read_to_string(&mut &out, &mut output).unwrap();
    Outcome { target, status: ended.and_then(|status| status.code()), timeout, took, peak, output }
}

/// The most memory that the process has held so far, in kB; 0 when it is gone.
fn high_water(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    // Until it has become the program, it shares the memory of the test.
    if !status.starts_with("Name:\tprereq\n") {
        return 0;
    }
    let field = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    field.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// A server on loopback whose every connection is handled by `serve`.
fn start(serve: fn(Stream)) -> SocketAddr {
    accept(move |stream| serve(Stream::Bare(stream)))
}

fn accept(handle: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = handle.clone();
            std::thread::spawn(move || handle(stream));
        }
    });
    address
}

fn pause(millis: u64) {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(Duration::from_millis(millis));
}
