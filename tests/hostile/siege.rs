//! Waits for hostile servers, each for one of its own, and what is held against the program afterwards.

use std::io::{Read as _, Seek as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use tempfile::TempDir;

use super::stream::{Entry, Stream, identity};
use super::{Hostility, pause};

/// How much later than it is to a wait may end, as a rule. What is later in company is held to it alone, as often as is
/// needed to tell it from a busy machine.
const LATE: Duration = Duration::from_millis(300);
const ALONE: usize = 3;
/// What is later than that hangs, whatever the machine does.
const HUNG: Duration = Duration::from_secs(2);

/// One wait for one server.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) hostility: &'static Hostility,
    /// `HOST` is the server's address, `CA` the certificate to trust, `KUBECONFIG` a file that names both.
    pub(super) target: String,
    pub(super) entry: Entry,
    /// Whether what the server gives is enough.
    pub(super) ready: bool,
    /// What has to be told.
    pub(super) class: Option<&'static str>,
}

/// How long a wait may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// All of it, unless there are two attempts and no more.
    all: Option<Duration>,
    attempt: Duration,
}

impl Limits {
    fn end(self) -> Duration {
        // Between attempts it pauses, for what is told and for what was asked of the server.
        self.all.unwrap_or(self.attempt * 2 + Duration::from_millis(100))
    }

    fn status(self) -> i32 {
        if self.all.is_some() { 124 } else { 1 }
    }
}

/// What came of one wait.
struct Outcome {
    status: Option<i32>,
    took: Duration,
    /// In kB.
    peak: u64,
    output: String,
}

/// What is to be said of it.
enum Found {
    Well,
    Late(Duration),
    Wrong(String),
}

/// A program that is put to the test.
pub(super) struct Siege<'a> {
    binary: &'a str,
    /// How much memory it may take, in kB.
    most: u64,
    limits: Limits,
    /// How much later than it is to a wait may end.
    late: Duration,
    hurried: bool,
    folder: TempDir,
    config: Arc<ServerConfig>,
}

impl<'a> Siege<'a> {
    pub(super) fn of(binary: &'a str, most: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (pem, config) = identity();
        std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
        let limits = Limits { all: Some(Duration::from_millis(400)), attempt: Duration::from_millis(150) };
        Self { binary, most, limits, late: LATE, hurried: false, folder, config }
    }

    /// With servers that do not rest, and attempts of a second, which may end so late.
    pub(super) fn at_full_speed(self, late: Duration) -> Self {
        Self { limits: Limits { all: None, attempt: Duration::from_secs(1) }, late, hurried: true, ..self }
    }

    /// Has all of them withstood, so many at once.
    pub(super) fn lay(&self, cases: Vec<Case>, at_once: usize) {
        assert!(!cases.is_empty());
        let left = Mutex::new(cases);
        let (late, wrong) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| {
                    while let Some(case) = next(&left) {
                        match self.withstood(&case) {
                            Found::Well => {}
                            Found::Late(_) => late.lock().unwrap().push(case),
                            Found::Wrong(what) => wrong.lock().unwrap().push(what),
                        }
                    }
                });
            }
        });
        let mut wrong = wrong.into_inner().unwrap();
        wrong.extend(late.into_inner().unwrap().iter().filter_map(|case| self.withstood_alone(case)));
        assert!(wrong.is_empty(), "{} waits went wrong:\n{}", wrong.len(), wrong.join("\n"));
    }

    fn withstood_alone(&self, case: &Case) -> Option<String> {
        let mut last = Duration::ZERO;
        for _ in 0..ALONE {
            match self.withstood(case) {
                Found::Well => return None,
                Found::Late(took) => last = took,
                Found::Wrong(what) => return Some(what),
            }
        }
        Some(format!("{}: {}: took {last:?}, alone", case.hostility.name, case.target))
    }

    fn withstood(&self, case: &Case) -> Found {
        // On a busy machine, a handshake takes its time.
        for times in [1, 5] {
            let limits =
                Limits { all: self.limits.all.map(|all| all * times), attempt: self.limits.attempt * times };
            let server = Server::start(case, &self.config, self.hurried);
            let outcome = self.wait(&server, &case.target, limits);
            if let Some(what) = self.judge(case, &outcome, limits) {
                return Found::Wrong(format!(
                    "{}: {}: {what}\n{}",
                    case.hostility.name, case.target, outcome.output
                ));
            }
            if server.reached.load(Ordering::SeqCst) > 0 {
                let late = outcome.took > limits.end() + self.late;
                return if late { Found::Late(outcome.took) } else { Found::Well };
            }
        }
        Found::Wrong(format!("{}: {}: the server was not reached", case.hostility.name, case.target))
    }

    /// What is wrong with an outcome, but that it may be late.
    fn judge(&self, case: &Case, outcome: &Outcome, limits: Limits) -> Option<String> {
        let Outcome { status, took, peak, output } = outcome;
        let ready = case.ready && *status == Some(0);
        Some(match () {
            () if *status != Some(limits.status()) && !ready => format!("status {status:?}"),
            () if *status == Some(124) && *took < limits.end() => format!("took {took:?} only"),
            () if *took > limits.end() + self.late.max(HUNG) => format!("took {took:?}"),
            () if output.contains("panicked") => "panicked".into(),
            () if *peak == 0 && !case.ready => "its memory was not seen".into(),
            () if *peak > self.most => format!("took {peak} kB"),
            () if ready => return None,
            () if !output.contains("hint:") => "no hint".into(),
            () if case.class.is_some_and(|class| !output.contains(class)) => "another class".into(),
            () => return None,
        })
    }

    /// Runs a wait to its end, looking at its memory all the time.
    fn wait(&self, server: &Server, target: &str, limits: Limits) -> Outcome {
        let address = server.address;
        let ca = self.folder.path().join("ca.pem").display().to_string();
        let kubeconfig = self.folder.path().join(address.port().to_string()).display().to_string();
        std::fs::write(&kubeconfig, server.kubeconfig(&ca)).unwrap();
        let target = target.replace("HOST", &address.to_string());
        let target = target.replace("KUBECONFIG", &kubeconfig).replace("CA", &ca);
        let mut command = Command::new(self.binary);
        match limits.all {
            Some(all) => command.args(["--timeout", &format!("{}ms", all.as_millis())]),
            // In the pause between the two it is seen what the first one took, however soon that ended.
            None => command.args(["--max-attempts", "2"]),
        };
        let out = tempfile::tempfile().unwrap();
        let began = SystemTime::now();
        let mut child = command
            .args(["--attempt-timeout", &format!("{}ms", limits.attempt.as_millis()), &target])
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
        while ended.is_none() && began.elapsed().unwrap() < limits.end() + self.late + HUNG + HUNG {
            ended = child.try_wait().unwrap();
            peak = peak.max(high_water(child.id()));
            pause(5);
        }
        let took = began.elapsed().unwrap();
        let _ = child.kill();
        let _ = child.wait();
        let mut output = String::new();
        (&out).rewind().unwrap();
        (&out).read_to_string(&mut output).unwrap();
        Outcome { status: ended.and_then(|status| status.code()), took, peak, output }
    }
}

fn next<T>(list: &Mutex<Vec<T>>) -> Option<T> {
    list.lock().unwrap().pop()
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

/// A server on loopback, which ends with its owner; connections that it has may be a moment longer.
struct Server {
    address: SocketAddr,
    tls: bool,
    open: Arc<AtomicBool>,
    /// How many connections came to what is hostile about it: behind the handshake, where there is one.
    reached: Arc<AtomicUsize>,
}

impl Server {
    fn start(case: &Case, config: &Arc<ServerConfig>, hurried: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            tls: !matches!(case.entry, Entry::Bare),
            open: Arc::new(AtomicBool::new(true)),
            reached: Arc::default(),
        };
        let (entry, serve, config) = (case.entry, case.hostility.serve, Arc::clone(config));
        let (open, reached) = (Arc::clone(&server.open), Arc::clone(&server.reached));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if !open.load(Ordering::SeqCst) {
                    return;
                }
                let (config, reached) = (Arc::clone(&config), Arc::clone(&reached));
                std::thread::spawn(move || {
                    if let Ok(stream) = Stream::open(socket, (entry, &config), hurried) {
                        reached.fetch_add(1, Ordering::SeqCst);
                        serve(stream);
                    }
                });
            }
        });
        server
    }

    fn kubeconfig(&self, ca: &str) -> String {
        let address = self.address;
        let cluster = if self.tls {
            format!("server: 'https://{address}', certificate-authority: '{ca}'")
        } else {
            format!("server: 'http://{address}'")
        };
        format!(
            "clusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n\
             contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.open.store(false, Ordering::SeqCst);
        // So that it looks.
        let _ = TcpStream::connect(self.address);
    }
}
