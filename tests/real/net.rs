//! A network namespace for one test: its own loopback, its own resolv.conf, its own directory.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;
use tokio::time::Instant;

static COUNT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Net {
    name: String,
    dir: TempDir,
}

impl Net {
    /// Names are asked from a server on this namespace's own loopback.
    pub(crate) fn new() -> Self {
        Self::with_resolv("nameserver 127.0.0.1\n")
    }

    pub(crate) fn with_resolv(resolv: &str) -> Self {
        let name = format!("prereq-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = tempfile::tempdir().expect("a temporary directory");
        let net = Self { name, dir };
        // `ip netns exec` lays these over /etc/resolv.conf and /etc/hosts, for its own children only.
        fs::create_dir_all(net.etc()).expect("writing to /etc/netns needs root");
        fs::write(net.etc().join("resolv.conf"), resolv).expect("resolv.conf");
        net.hosts("127.0.0.1 localhost\n::1 localhost\n");
        run(Command::new("ip").args(["netns", "add", &net.name]));
        net.ip(&["link", "set", "lo", "up"]);
        net
    }

    fn etc(&self) -> PathBuf {
        PathBuf::from("/etc/netns").join(&self.name)
    }

    /// The hosts file, for programs that are started from now on.
    pub(crate) fn hosts(&self, text: &str) {
        fs::write(self.etc().join("hosts"), text).expect("hosts");
    }

    /// `ip` with these arguments, inside.
    pub(crate) fn ip(&self, args: &[&str]) {
        run(Command::new("ip").args(["-n", &self.name]).args(args));
    }

    /// 10.99.0.0/24 becomes a network where packets are sent and nobody ever answers.
    pub(crate) fn add_blackhole(&self) {
        // A cable whose other end is plugged in but heeds nothing; without ARP the kernel never gives up on a host.
        self.ip(&["link", "add", "hole", "type", "veth", "peer", "name", "hole-end"]);
        self.ip(&["addr", "add", "10.99.0.1/24", "dev", "hole"]);
        self.ip(&["link", "set", "hole", "arp", "off", "up"]);
        self.ip(&["link", "set", "hole-end", "up"]);
    }

    /// A rule of netfilter.
    pub(crate) fn filter(&self, args: &[&str]) {
        run(Command::new("ip").args(["netns", "exec", &self.name, "iptables", "-w"]).args(args));
    }

    /// How many packets the rules of the chain INPUT have dropped.
    pub(crate) fn dropped(&self) -> u64 {
        let mut command = Command::new("ip");
        let rules = run(command.args(["netns", "exec", &self.name, "iptables", "-w", "-nvxL", "INPUT"]));
        let rules = rules.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let dropping = rules.filter(|rule| rule.get(2) == Some(&"DROP"));
        dropping.map(|rule| rule[0].parse::<u64>().expect("a number of packets")).sum()
    }

    /// A lost SYN is resent after 1, 3, 7 s only, as kernels before 6.5 do it: later ones resend each second at first.
    pub(crate) fn resend_late(&self) {
        let file = "/proc/sys/net/ipv4/tcp_syn_linear_timeouts";
        self.inside(|| {
            if fs::exists(file).expect(file) {
                fs::write(file, "0").expect(file);
            }
        });
    }

    /// How many connects are under way by IPv4.
    pub(crate) fn connecting(&self) -> usize {
        let sockets = self.inside(|| fs::read_to_string("/proc/thread-self/net/tcp")).expect("the sockets");
        sockets.lines().filter(|socket| socket.split_whitespace().nth(3) == Some("02")).count()
    }

    /// A queueing discipline for all that leaves by `device`.
    pub(crate) fn shape(&self, device: &str, args: &[&str]) {
        run(Command::new("tc").args(["-n", &self.name, "qdisc", "add", "dev", device]).args(args));
    }

    /// A cable to another network, with an interface of the same name and an address at either end.
    pub(crate) fn plug(&self, (address, other): (&str, &Net), (name, theirs): (&str, &str)) {
        self.ip(&["link", "add", name, "type", "veth", "peer", "name", name, "netns", &other.name]);
        for (net, address) in [(self, address), (other, theirs)] {
            net.ip(&["addr", "add", address, "dev", name]);
            net.ip(&["link", "set", name, "up"]);
        }
    }

    /// What `make` makes inside: sockets stay in the namespace in which they were made.
    pub(crate) fn inside<T: Send>(&self, make: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.name)).expect("the namespace");
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let network = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(namespace.as_fd(), network).expect("entering needs root");
                make()
            });
            thread.join().expect("it could be made")
        })
    }

    pub(crate) fn path(&self, file: &str) -> String {
        self.dir.path().join(file).to_str().expect("a path that is text").to_owned()
    }

    /// Writes a file as a whole, as a reader that comes at any moment needs it; returns its path.
    pub(crate) fn write(&self, file: &str, text: &str) -> String {
        let path = self.path(file);
        let partial = format!("{path}.new");
        fs::write(&partial, text).expect(&partial);
        fs::rename(&partial, &path).expect(&path);
        path
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }

    /// A program inside, with a bare environment; what it prints goes to `log`.
    pub(crate) fn spawn<S: AsRef<OsStr>>(
        &self,
        log: &str,
        program: &str,
        args: &[S],
        env: &[(&str, &str)],
    ) -> Process {
        let out = File::create(self.path(log)).expect("a log file");
        let err = out.try_clone().expect("a log file");
        let child = Command::new("ip")
            .args(["netns", "exec", &self.name, program])
            .args(args)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("ip is missing: tests/real/setup.sh");
        Process { child }
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let leftovers = Command::new("ip").args(["netns", "pids", &self.name]).output();
        for pid in
            leftovers.iter().flat_map(|o| o.stdout.split(|&b| b == b'\n')).filter(|pid| !pid.is_empty())
        {
            let _ = signal("KILL", &String::from_utf8_lossy(pid));
        }
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
        let _ = fs::remove_dir_all(self.etc());
    }
}

/// A process inside a namespace; it ends with its owner.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// `ip netns exec` becomes the program, so the child is the program.
    pub(crate) fn signal(&self, name: &str) {
        signal(name, &self.child.id().to_string()).expect("the process can be signalled");
    }

    /// The exit status, or `None` when a signal ended it; a process that outlives `limit` fails the test.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<i32> {
        let mut status = None;
        eventually("the process ends", limit, || {
            status = self.child.try_wait().expect("the process can be waited for");
            status.is_some()
        });
        status.and_then(|status| status.code())
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, and sees to it that it does.
    pub(crate) fn stop(&mut self) {
        let _ = signal("CONT", &self.child.id().to_string());
        let _ = signal("TERM", &self.child.id().to_string());
        let begun = Instant::now();
        while self.is_running() && begun.elapsed() < Duration::from_secs(3) {
            pause();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            self.stop();
        }
    }
}

fn signal(name: &str, pid: &str) -> std::io::Result<()> {
    Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", name, pid]).stderr(Stdio::null()).status().map(drop)
}

/// What a command prints, which must succeed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| {
        panic!("{}: {error}: tests/real/setup.sh", command.get_program().display());
    });
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until it holds; it has to within `limit`.
pub(crate) fn eventually(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        pause();
    }
}

fn pause() {
    lasts(Duration::from_millis(5));
}

/// How long a fault lasts, which is a matter of time and of nothing else.
#[expect(
    clippy::disallowed_methods,
    reason = "these tests watch whole processes from outside; no runtime is blocked"
)]
pub(crate) fn lasts(time: Duration) {
    std::thread::sleep(time);
}
