//! Faults of the process itself, with the binary that is shipped: nothing beside it in the image, nobody's rights, no
//! memory, no threads, no descriptors, no space.

use std::time::Duration;

use crate::certs::{Authority, Validity};
use crate::limits::Memory;
use crate::net::Net;
use crate::program::{Outcome, prereq_behind, prereq_traced};
use crate::servers::{Named, Nginx, answer};

const READY: [&str; 2] = ["tcp://127.0.0.1:8080", "http://127.0.0.1:8080/#expect=up"];
const REFUSED: &str = "tcp://127.0.0.1:9";

/// An image from scratch, run as Pods are told to run theirs: the binary and nothing else, by a user without rights, on a
/// read-only file system.
struct Scratch<'a> {
    net: &'a Net,
    /// What a shell does before, with the image at `$root`.
    before: &'a str,
    /// … and after.
    after: &'a str,
    user: u32,
}

impl<'a> Scratch<'a> {
    fn new(net: &'a Net, before: &'a str) -> Self {
        Self { net, before, after: "", user: 65534 }
    }

    fn run(&self, words: &[&str]) -> Outcome {
        let Self { before, after, user, .. } = self;
        let script = format!(
            "set -e; root={}; mkdir -p $root; mount -t tmpfs tmpfs $root; touch $root/prereq\n\
             mount --bind \"$0\" $root/prereq\n{before}\nmount -o remount,ro $root; status=0\n\
             chroot --userspec={user}:{user} --groups= $root /prereq \"$@\" || status=$?\n{after}\nexit $status",
            self.net.path("root")
        );
        let outcome = prereq_behind(self.net, &script, words);
        let output = &outcome.output;
        assert!(!output.contains("chroot: "), "this needs the static binary, as make real has it:\n{output}");
        assert!(!output.contains("panicked"), "{output}");
        outcome
    }

    /// It ends with this status, having said so.
    fn ends(&self, words: &[&str], status: i32, said: &str) -> Outcome {
        let outcome = self.run(words);
        assert_eq!(outcome.status, Some(status), "{words:?}:\n{}", outcome.output);
        assert!(outcome.output.contains(said), "{words:?} does not say {said}:\n{}", outcome.output);
        outcome
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn an_image_that_holds_only_the_binary_is_enough() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "up");
    let scratch = Scratch::new(&net, "");
    scratch.run(&READY).is_ready();
    // Without /etc/hosts.
    scratch.run(&["tcp://localhost:8080", "file:/prereq#kind=file"]).is_ready();
    scratch.run(&[REFUSED]).is_unmet("127.0.0.1:9", "tcp.refused");
    scratch.run(&["http://127.0.0.1:9/"]).is_unmet("127.0.0.1:9", "tcp.refused");
    scratch.run(&["file:/missing"]).is_unmet("/missing", "file.missing");
    scratch.ends(&["file:/prereq", "--", "/prereq", "--version"], 0, "\nprereq ");
    scratch.ends(&["file:/prereq", "--", "/missing"], 127, "/missing");
    scratch.ends(&["exec:/missing"], 3, "exec.missing");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_program_needs_a_dev_null() {
    let net = Net::new();
    let target = ["exec:/prereq --version#expect=^prereq"];
    Scratch::new(&net, "").run(&target).is_unmet("/prereq", "exec.denied");
    Scratch::new(&net, "mkdir $root/dev; mknod -m 666 $root/dev/null c 1 3").run(&target).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn names_without_a_readable_resolv_conf() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "up");
    let broken = [
        "",
        "mkdir $root/etc; echo nameserver 10.99.0.9 >$root/etc/resolv.conf; chmod 600 $root/etc/resolv.conf",
        "mkdir -p $root/etc/resolv.conf",
        "mkdir $root/etc; mkfifo -m 644 $root/etc/resolv.conf",
        "mkdir $root/etc; ln -s /nowhere $root/etc/resolv.conf",
    ];
    let targets = ["tcp://app.test:8080", "http://app.test:8080/", "dns:app.test"];
    for before in broken {
        let scratch = Scratch::new(&net, before);
        let outcome = scratch.run(&targets);
        outcome.is_unmet("app.test", "dns.unreachable");
        let why = "/etc/resolv.conf cannot be read";
        assert!(outcome.output.matches(why).count() >= targets.len(), "{before}:\n{}", outcome.output);
        scratch.run(&READY).is_ready();
    }
    // As the C library does, a name server on this host is asked then.
    let _named = Named::start(&net, "app A 127.0.0.1");
    for before in broken {
        Scratch::new(&net, before).run(&targets).is_ready();
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn without_space_for_a_report_the_status_stays() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "up");
    let full = [
        ("size=4k", "head -c 4096 /dev/zero >old.json", "4096"),
        ("size=4k", "printf old >old.json", "3"),
        ("nr_inodes=2", "printf old >old.json", "3"),
    ];
    for (limit, fill, size) in full {
        let before = format!(
            "mkdir $root/out; mount -t tmpfs -o {limit},mode=777 tmpfs $root/out; (cd $root/out; {fill}; chmod 666 old.json)"
        );
        // Kept for the picture, so that no report fits into 4 KiB.
        let many: Vec<String> = (0..40).map(|number| format!("{}#name=service-{number}", READY[0])).collect();
        let scratch =
            Scratch { after: "(cd $root/out; ls -A; wc -c <old.json)", ..Scratch::new(&net, &before) };
        for (target, status) in [(READY[1], 0), (REFUSED, 124)] {
            let mut words = vec![target];
            let reports = ["/out/old.json", "/out/new.xml", "/out/new.svg"];
            words.extend(reports.iter().flat_map(|report| ["--report", report]));
            words.extend(many.iter().map(String::as_str));
            let outcome = scratch.run(&words);
            let output = &outcome.output;
            assert_eq!(outcome.status, Some(status), "{limit}:\n{output}");
            for report in reports {
                let told = format!("warning: the report {report} cannot be written: no space left on device");
                assert!(output.contains(&told), "{limit}, {report}:\n{output}");
            }
            // What was there is as it was, and nothing half is beside it.
            assert!(output.ends_with(&format!("\nold.json\n{size}\n")), "{limit}:\n{output}");
        }
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn without_space_for_the_message_the_status_stays() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "up");
    let before = "mkdir $root/dev; mount -t tmpfs -o size=4k,mode=777 tmpfs $root/dev\n\
                  head -c 4096 /dev/zero >$root/dev/full; : >$root/dev/message; chmod 666 $root/dev/message";
    let scratch = Scratch::new(&net, before);
    // … or no place that may be written to.
    let places = [("/dev/message", "no space left on device"), ("/message", "read-only file system")];
    for (place, why) in places {
        let told = format!("warning: the termination message cannot be written to {place}: {why}");
        scratch.ends(&["--termination-log", place, READY[0]], 0, &told);
        scratch.ends(&["--termination-log", place, REFUSED], 124, &told);
    }
    // That a report can never be written is known before.
    scratch.ends(&["--report", "/wait.svg", READY[0]], 2, "cannot be written to: read-only file system");
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_container_of_16_megabytes() {
    const LIMIT: u64 = 16 * 1024 * 1024;
    const TLS: &str = "https://127.0.0.1:8443/";
    let net = Net::new();
    let authority = Authority::new(&net);
    let pair = authority.issue("www.test", Validity::Days(20));
    let plain = answer(200, &"x".repeat(3_000));
    let tls = plain.replace(
        "127.0.0.1:8080;",
        &format!(
            "127.0.0.1:8443 ssl; ssl_certificate {}; ssl_certificate_key {};",
            pair.certificate, pair.key
        ),
    );
    let _nginx = Nginx::start(&net, &format!("{plain}\n{tls}"));
    let group = Memory::of(LIMIT);
    let enter = group.enter();
    // The limit is real: what needs more is killed.
    let hog = format!("{enter}; exec dd if=/dev/zero of=/dev/null bs=32M count=1");
    let status = net.spawn("hog.log", "/bin/sh", &["-c", &hog], &[]).wait(Duration::from_secs(5));
    assert_eq!(status, None, "{}", net.read("hog.log"));
    let targets: Vec<String> = (0..100)
        .flat_map(|number| {
            [
                format!("{}#name=t{number}", READY[0]),
                format!("http://127.0.0.1:8080/#name=h{number}&expect=xxx"),
                format!("{TLS}#name=s{number}&sni=www.test&cacert=/ca.pem&expect=xxx"),
            ]
        })
        .collect();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    let before = format!("cp {} $root/ca.pem; chmod 644 $root/ca.pem\n{enter}", authority.certificate);
    let scratch = Scratch::new(&net, &before);
    scratch.run(&targets).is_ready();
    scratch.run(&[REFUSED]).is_unmet("127.0.0.1:9", "tcp.refused");
    scratch.run(&["tcp://app.test:8080"]).is_unmet("app.test", "dns.unreachable");
    // By the roots that are built in.
    scratch.run(&[&format!("{TLS}#sni=www.test")]).is_unmet("127.0.0.1:8443", "tls.untrusted");
    assert!(group.peak() <= LIMIT, "{}", group.peak());
}

/// By its user's limit of processes.
#[test]
#[ignore = "needs real servers: make real"]
fn without_threads_it_waits_all_the_same() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "up");
    // Nobody else has this number: the limit counts all processes of a user.
    let scratch = Scratch { user: 65_431, ..Scratch::new(&net, "ulimit -p 1") };
    scratch.run(&READY).is_ready();
    scratch.run(&[REFUSED]).is_unmet("127.0.0.1:9", "tcp.refused");
    for target in ["file:/prereq", "log:/prereq#match=x"] {
        scratch.run(&[target]).is_unmet("/prereq", "local.resources");
    }
    // Nor processes.
    let scratch =
        Scratch { before: "ulimit -p 1; mkdir $root/dev; mknod -m 666 $root/dev/null c 1 3", ..scratch };
    scratch.run(&["exec:/prereq --version"]).is_unmet("/prereq", "local.resources");
}

#[test]
#[ignore = "needs real servers: make real"]
fn with_16_descriptors_and_little_address_space() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "up");
    for limit in ["ulimit -n 16", "ulimit -v 20480", "ulimit -s 256"] {
        let scratch = Scratch::new(&net, limit);
        scratch.run(&READY).is_ready();
        scratch.run(&[REFUSED]).is_unmet("127.0.0.1:9", "tcp.refused");
        scratch.run(&["tcp://app.test:8080"]).is_unmet("app.test", "dns.unreachable");
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn no_file_is_touched_before_it_is_needed() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "up");
    let flag = net.write("flag", "");
    // What any program touches: itself, and where it is linked dynamically, its loader's files.
    let own = ["/proc/self/exe", "/proc/self/maps", "/etc/ld.so.preload", "/etc/ld.so.cache"];
    let touched = |target: &str| {
        let (outcome, paths) = prereq_traced(&net, &[target]);
        let is_foreign = |path: &&String| {
            !path.is_empty()
                && !own.contains(&path.as_str())
                && !path.starts_with("/lib/")
                && !path.ends_with("/prereq")
        };
        (outcome, paths.iter().filter(is_foreign).cloned().collect::<Vec<String>>())
    };
    for target in READY {
        let (outcome, paths) = touched(target);
        outcome.is_ready();
        assert_eq!(paths, [""; 0], "{target}");
    }
    let (outcome, paths) = touched(REFUSED);
    outcome.is_unmet("127.0.0.1:9", "tcp.refused");
    assert_eq!(paths, [""; 0]);
    let (outcome, paths) = touched(&format!("file:{flag}"));
    outcome.is_ready();
    assert!(!paths.is_empty() && paths.iter().all(|path| flag.starts_with(path.as_str())), "{paths:?}");
    // What asks for a name, or verifies a certificate, is seen to do so.
    let (outcome, paths) = touched("tcp://app.test:8080");
    outcome.is_unmet("app.test", "dns.unreachable");
    assert!(
        ["/etc/hosts", "/etc/resolv.conf"].iter().all(|path| paths.contains(&(*path).to_owned())),
        "{paths:?}"
    );
    let (outcome, paths) = touched("https://127.0.0.1:8080/");
    outcome.is_unmet("127.0.0.1:8080", "tls.protocol");
    assert!(paths.iter().any(|path| path.starts_with("/etc/ssl/certs")), "{paths:?}");
}
