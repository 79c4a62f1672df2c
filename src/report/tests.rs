//! Runs that follow a script, and what is told of them: pinned in `tests/data/report`, renewed by `make docs`.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;

use super::*;
use crate::check::{Evidence, Fact, Reason, Verdict, registry};
use crate::engine::Signal;
use crate::plan::duration::Limit;
use crate::plan::env::Env;
use crate::plan::layer::Layer;
use crate::plan::{Plan, Spec, TargetSpec, resolve};

/// What happens at some time.
enum Step {
    /// An attempt at a precondition ends, after so many milliseconds.
    On(usize, Verdict, u64),
    Heartbeat,
    Deadline,
    Signal,
}

/// Milliseconds and steps, over a plan.
struct Story {
    name: &'static str,
    plan: Plan,
    steps: Vec<(u64, Step)>,
}

fn target(text: &str) -> Spec {
    Spec::Target(TargetSpec { text: text.into(), ..TargetSpec::default() })
}

fn targets<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Spec> {
    texts.into_iter().map(target).collect()
}

fn plan(spec: Spec, timeout: u64) -> Plan {
    let timeout = Some(Limit::After(Duration::from_secs(timeout)));
    resolve(&Layer { targets: Some(spec), timeout, ..Layer::default() }, &Env::default()).unwrap()
}

fn reason(code: &str, text: &str) -> Reason {
    Reason::new(registry::classes().find(|class| class.code == code).unwrap(), text)
}

fn not(id: usize, code: &str, text: &str) -> Step {
    Step::On(id, Verdict::NotYet(reason(code, text)), 1)
}

fn ready(id: usize, text: &str) -> Step {
    Step::On(id, Verdict::Ready(Evidence::new(text)), 3)
}

/// One that is there at once.
fn one() -> Story {
    let plan = plan(target("tcp://db:5432"), 300);
    Story { name: "one", plan, steps: vec![(2, ready(0, "connected to 10.2.0.7:5432"))] }
}

/// Two phases, and more than one reason.
fn four() -> Story {
    let spec = Spec::Sequence(vec![
        Spec::All(targets(["dns:db", "tcp://db:5432"])),
        Spec::All(targets(["https://auth.example.com/healthz", "file:/config/ready"])),
    ]);
    let searched = Fact::Searched { name: "db".into(), search: vec!["default.svc.cluster.local".into()] };
    let nxdomain = Verdict::NotYet(reason("dns.nxdomain", "db: no such name").fact(searched));
    let peer = "10.2.0.7:5432".parse().unwrap();
    let refused =
        Verdict::NotYet(reason("tcp.refused", "connection refused by 10.2.0.7:5432").fact(Fact::Peer(peer)));
    let starting = reason("http.status", "status 503 Service Unavailable")
        .fact(Fact::Status(503))
        .fact(Fact::RetryAfter("2".into()));
    let steps = vec![
        (4, Step::On(0, nxdomain, 4)),
        (5, not(1, "dns.nxdomain", "db: no such name")),
        (600, not(0, "dns.servfail", "db: 10.2.0.10 answers SERVFAIL")),
        (900, ready(0, "10.2.0.7")),
        (910, Step::On(1, refused.clone(), 1)),
        (1_700, Step::On(1, refused, 1)),
        (1_790, ready(1, "connected to 10.2.0.7:5432")),
        (1_791, not(3, "file.missing", "no such file or directory")),
        (1_800, not(2, "tcp.refused", "connection refused by 10.2.0.9:443")),
        (2_400, not(2, "tls.untrusted", "the certificate is self-signed")),
        (2_700, ready(3, "a file is there")),
        (3_100, Step::On(2, Verdict::NotYet(starting), 40)),
        (4_000, Step::Heartbeat),
        (4_200, ready(2, "status 200 OK")),
    ];
    Story { name: "four", plan: plan(spec, 60), steps }
}

/// All ways not to be satisfied.
fn twelve() -> Story {
    let spec = Spec::Sequence(vec![
        Spec::All(vec![
            target("dns:db"),
            target("dns:cache.prod"),
            target("tcp://db:5432"),
            target("tcp://10.9.8.7:6379#name=cache"),
            target("https://auth.example.com/healthz#fail-on=tls"),
            target(
                "http://a-service-with-a-long-name.team-a.svc.cluster.local:8080/api/v1/status?verbose=true",
            ),
            target("file:/config/ready"),
            target("delay:2s"),
            Spec::AtLeast(1, targets(["tcp://kafka-0:9092", "tcp://kafka-1:9092"])),
            target("http://metrics/ready#optional&timeout=3s"),
        ]),
        target("http://localhost:8080/"),
    ]);
    let steps = vec![
        (3, ready(0, "10.2.0.7")),
        (4, not(1, "dns.nodata", "cache.prod: no address")),
        (5, not(9, "tcp.refused", "connection refused by 10.2.0.41:9092")),
        (6, not(6, "file.missing", "no such file or directory")),
        (7, not(10, "http.status", "status 500 Internal Server Error")),
        (8, not(2, "tcp.closed", "10.2.0.7:5432 accepted the connection and closed it")),
        (12, not(5, "http.body", "the body does not match <b>\"ready\"</b> & 'up'")),
        (700, ready(8, "connected to 10.2.0.40:9092")),
        (1_200, not(2, "auth.denied", "the user app is not known")),
        (2_000, ready(7, "the time has passed")),
        (2_300, ready(2, "connected to 10.2.0.7:5432")),
        (2_600, not(4, "tcp.timeout", "no answer from 10.2.0.9:443 within 2.5s")),
        (3_000, Step::On(10, Verdict::Never(reason("http.status", "status 500 Internal Server Error")), 9)),
        (3_300, not(6, "file.denied", "permission denied")),
        (5_000, not(3, "tcp.timeout", "no answer from 10.9.8.7:6379 within 5.0s")),
        (6_000, not(5, "http.status", "status 404 Not Found")),
        (7_000, Step::Heartbeat),
        (8_000, Step::Deadline),
    ];
    Story { name: "twelve", plan: plan(spec, 8), steps }
}

/// More than can be shown.
fn many() -> Story {
    let texts: Vec<String> = (0..200).map(|n| format!("tcp://worker-{n}.pool.example.com:7000")).collect();
    let spec = Spec::All(targets(texts.iter().map(String::as_str)));
    let refused = |id: usize| not(id, "tcp.refused", "connection refused by 10.2.3.4:7000");
    let late = |id: usize| 40 + (id as u64 * 37) % 1900;
    let mut steps: Vec<(u64, Step)> = (0..200).map(|id| (1, refused(id))).collect();
    steps.extend((0..200).filter(|id| id % 40 != 7).map(|id| (late(id), ready(id, "connected"))));
    steps.sort_by_key(|(at, _)| *at);
    steps.push((2_500, Step::Signal));
    Story { name: "many", plan: plan(spec, 60), steps }
}

/// Plays a story; every event is told, and the end is returned.
fn play(story: &Story, reporter: &mut dyn Reporter, mut at_the_end: impl FnMut(Ended<'_>)) {
    let mut progress = Progress::new(&story.plan, Duration::ZERO, 1);
    let mut now = Duration::ZERO;
    progress.begin();
    let mut steps = story.steps.iter();
    loop {
        for event in progress.take_events() {
            reporter.on(now, &event, &progress);
        }
        if let Some(outcome) = progress.outcome() {
            let time = "2026-01-02T03:04:05.678Z".parse().unwrap();
            let surroundings = Surroundings::default();
            let host = "web-0".to_owned();
            at_the_end(Ended { progress: &progress, outcome, at: now, time, host, surroundings });
            reporter.on(now, &Event::End(outcome), &progress);
            return;
        }
        let (at, step) = steps.next().unwrap();
        now = Duration::from_millis(*at);
        match step {
            Step::On(id, verdict, took) => {
                progress.on(*id, verdict.clone(), (Duration::from_millis(*took), Vec::new()), now);
            }
            Step::Heartbeat => progress.heartbeat(),
            Step::Deadline => progress.deadline(|_| None, now),
            Step::Signal => progress.interrupt(Signal::Terminate, |_| None, now),
        }
    }
}

#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that is told of a story, by file name.
fn told(story: &Story) -> Vec<(String, String)> {
    let kept = Kept::default();
    let style = Style { verbosity: Verbosity::Verbose, notes: vec!["a note".into()], ..Style::default() };
    let mut reporter = reporter(LogFormat::Json, style, kept.clone());
    let mut files = Vec::new();
    play(story, reporter.as_mut(), |ended| {
        files.push((format!("{}.svg", story.name), svg::picture(&ended)));
        files.push((format!("{}.xml", story.name), junit::document(&ended)));
        files.push((format!("{}.json", story.name), document::document(&ended)));
    });
    let lines = String::from_utf8(kept.0.take()).unwrap();
    let masked = regex_lite::Regex::new("\"ts\":\"[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z\"").unwrap();
    let lines = masked.replace_all(&lines, "\"ts\":\"2026-01-02T03:04:05.678Z\"").into_owned();
    files.push((format!("{}.jsonl", story.name), lines));
    files.into_iter().map(|(name, text)| (name, text.replace(env!("CARGO_PKG_VERSION"), "9.9.9"))).collect()
}

/// Compares with what is kept in the repository, or renews that.
fn pinned(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report").join(name);
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the program")]
    let renew = std::env::var_os("UPDATE_DOCS").is_some();
    if renew {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{name} differs; if that is meant, run make docs\n{text}");
}

#[test]
fn lines_and_reports_are_as_pinned() {
    for story in [one(), four(), twelve()] {
        for (name, text) in told(&story) {
            pinned(&name, &text);
        }
    }
}

#[test]
fn many_preconditions_make_bounded_lines_and_a_bounded_picture() {
    let files = told(&many());
    let text = |end: &str| &files.iter().find(|(name, _)| name.ends_with(end)).unwrap().1;
    pinned("many.svg", text(".svg"));
    assert!(text(".svg").contains("and 160 more: 160 ready"));
    let end: serde_json::Value = serde_json::from_str(text(".jsonl").lines().last().unwrap()).unwrap();
    assert_eq!(end["preconditions"].as_array().map(Vec::len), Some(100));
    assert_eq!((&end["more"], &end["exit"]), (&100.into(), &143.into()));
    // Those that are missing come first.
    assert_eq!(end["preconditions"][4]["state"], "pending");
    assert_eq!(end["preconditions"][5]["state"], "ready");
    let report: serde_json::Value = serde_json::from_str(text(".json")).unwrap();
    assert_eq!(report["preconditions"].as_array().map(Vec::len), Some(200));
}
