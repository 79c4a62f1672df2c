//! What a run shares is made when it is needed, and not before: a wait for an address reads no file.

use std::mem::MaybeUninit;
use std::path::Path;
use std::rc::Rc;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::net::TcpListener;
use tokio::time::{Duration, timeout};

use super::*;
use crate::check::Attempt;
use crate::net::trace::Trace;
use crate::plan::layer::Layer;
use crate::plan::{Spec, TargetSpec};

/// Notes which files are opened.
struct Opened<'a> {
    inotify: rustix::fd::OwnedFd,
    /// By the number of their watch.
    files: Vec<(i32, &'a str)>,
}

impl<'a> Opened<'a> {
    fn new(folder: &Path, names: &[&'a str]) -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK).unwrap();
        let watch = |name| inotify::add_watch(&inotify, folder.join(name), WatchFlags::OPEN).unwrap();
        let files = names.iter().map(|name| (watch(*name), *name)).collect();
        Self { inotify, files }
    }

    /// Those since the last call.
    fn since(&self) -> Vec<&'a str> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut numbers: Vec<i32> = std::iter::from_fn(|| Some(events.next().ok()?.wd())).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let named = |number| self.files.iter().find(|(known, _)| *known == number).unwrap().1;
        numbers.into_iter().map(named).collect()
    }
}

#[tokio::test]
async fn nothing_is_read_before_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("resolv.conf"), "nameserver 127.0.0.1:1\n").unwrap();
    std::fs::write(path("hosts"), "127.0.0.1 known\n").unwrap();
    std::fs::write(path("roots"), tls::test::authority("One").pem()).unwrap();
    std::fs::write(path("given"), tls::test::authority("Two").pem()).unwrap();
    let given = path("given").display().to_string();
    let env = Env::from([("SSL_CERT_FILE", path("roots").to_str().unwrap())]);
    // It lets everyone connect, and hangs up.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let _server = tokio::spawn(async move { while listener.accept().await.is_ok() {} });

    let opened = Opened::new(folder.path(), &["resolv.conf", "hosts", "roots"]);
    let cases: &[(&str, &[&str], bool)] = &[
        ("tcp://127.0.0.1:PORT", &[], false),
        ("http://127.0.0.1:PORT/", &[], false),
        ("http://127.0.0.1:PORT/#http2", &[], false),
        ("file:/", &[], false),
        ("tls://127.0.0.1:PORT#insecure", &[], false),
        ("https://127.0.0.1:PORT/#cacert=GIVEN", &[], false),
        ("tcp://known:PORT", &["hosts"], false),
        ("tcp://unknown:PORT", &["resolv.conf", "hosts"], false),
        ("dns:known", &["hosts"], false),
        ("dns:unknown", &["resolv.conf", "hosts"], false),
        ("tls://127.0.0.1:PORT", &["roots"], true),
        ("https://127.0.0.1:PORT/", &["roots"], true),
        ("https://known:PORT/", &["hosts", "roots"], true),
    ];
    for (target, files, roots) in cases {
        let text = target.replace("PORT", &port.to_string()).replace("GIVEN", &given);
        let targets = Some(Spec::Target(TargetSpec { text, ..TargetSpec::default() }));
        let plan = crate::plan::resolve(&Layer { targets, ..Layer::default() }, &env).unwrap();
        let mut net = Net::new(env.clone());
        net.files = ResolverFiles { resolv_conf: path("resolv.conf"), hosts: path("hosts") };
        let (net, trace) = (Rc::new(net), Trace::new(true));
        let attempt = Attempt { net: &net, trace: &trace };
        assert_eq!(opened.since(), [""; 0], "{target}, before it is asked for");
        timeout(Duration::from_secs(5), plan.preconditions[0].probe.attempt(&attempt)).await.unwrap();
        assert_eq!(opened.since(), *files, "{target}");
        assert_eq!(net.tls.is_made(), *roots, "{target}");
    }
}

#[tokio::test]
async fn a_watch_that_is_taken_down_tells_nothing_and_another_can_be_set() {
    let folder = tempfile::tempdir().unwrap();
    let watcher = watch::Watcher::default();
    let mut before = watcher.folder(folder.path()).unwrap();
    watcher.rest();
    let mut after = watcher.folder(folder.path()).unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    timeout(Duration::from_secs(10), after.changed()).await.unwrap();
    assert!(timeout(Duration::ZERO, before.changed()).await.is_err());
}
