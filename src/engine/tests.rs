//! Exact timelines in virtual time, with probes that follow a script.

mod combined;
mod deadlines;
mod ends;

use std::collections::VecDeque;

use futures_util::FutureExt as _;

use super::*;
use crate::check::{Class, Cost, Evidence, Fact, Kind, Probe, Scheme};
use crate::plan::duration::Limit;
use crate::plan::env::Env;
use crate::plan::target::Target;
use crate::plan::{Backoff, Node, Policy, Settings};

static CHEAP: Class = Class::new("test.no", Cost::Low, "No.");
static COSTLY: Class = Class::new("test.error", Cost::High, "Error.");
static KIND: Kind = Kind {
    name: "test",
    schemes: &[Scheme::opaque("test", "test:")],
    flag: None,
    summary: "the script says so",
    options: &[],
    opposite: &[&CHEAP],
    classes: &[&CHEAP, &COSTLY],
    build: |_| None,
};

/// One attempt of a script.
#[derive(Debug, Clone, Copy)]
enum Does {
    Ready,
    /// Ready, with this fingerprint.
    Shows(u64),
    No,
    Error,
    Never,
    Hang,
    /// Ready after so many milliseconds.
    Slow(u64),
    /// No after so many milliseconds.
    Late(u64),
}

type Log = Rc<RefCell<Vec<(&'static str, u64)>>>;

/// An attempt, from its begin to its end.
#[derive(Debug, Clone, Copy)]
struct Tried {
    name: &'static str,
    began: u64,
    ended: u64,
    /// Whether what is waited for holds; nothing if it was given up.
    held: Option<bool>,
}

/// An attempt under way: it notes its end itself, also when it is given up.
struct Trying<'a> {
    of: &'a Scripted,
    began: u64,
    held: Option<bool>,
}

impl Drop for Trying<'_> {
    fn drop(&mut self) {
        let Self { of, began, held } = *self;
        let ended = millis(of.began.elapsed());
        of.tried.borrow_mut().push(Tried { name: of.name, began, ended, held });
    }
}

struct Scripted {
    name: &'static str,
    tried: Rc<RefCell<Vec<Tried>>>,
    script: RefCell<VecDeque<Does>>,
    began: Instant,
    log: Log,
}

impl Probe for Scripted {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        async move {
            let mut trying = Trying { of: self, began: millis(self.began.elapsed()), held: None };
            self.log.borrow_mut().push((self.name, trying.began));
            // The last one is repeated for ever.
            let does = {
                let mut script = self.script.borrow_mut();
                if script.len() > 1 { script.pop_front() } else { script.front().copied() }
            };
            attempt.trace.doing(|| Reason::new(&COSTLY, "no answer"));
            let verdict = match does.unwrap() {
                Does::Ready => Verdict::Ready(Evidence::new("yes")),
                Does::Shows(fingerprint) => {
                    Verdict::Ready(Evidence { fingerprint: Some(fingerprint), ..Evidence::new("yes") })
                }
                Does::No => Verdict::NotYet(Reason::new(&CHEAP, "no")),
                Does::Error => Verdict::NotYet(Reason::new(&COSTLY, "error")),
                Does::Never => Verdict::Never(Reason::new(&COSTLY, "never")),
                Does::Hang => std::future::pending().await,
                Does::Slow(after) => {
                    tokio::time::sleep(Duration::from_millis(after)).await;
                    Verdict::Ready(Evidence::new("at last"))
                }
                Does::Late(after) => {
                    tokio::time::sleep(Duration::from_millis(after)).await;
                    Verdict::NotYet(Reason::new(&CHEAP, "no"))
                }
            };
            let clean = |reason: &Reason| reason.class.code == CHEAP.code;
            trying.held = Some(match &verdict {
                Verdict::Ready(_) => !is_inverted(self.name),
                Verdict::NotYet(reason) => is_inverted(self.name) && clean(reason),
                Verdict::Never(_) => false,
            });
            verdict
        }
        .boxed_local()
    }
}

fn is_inverted(name: &str) -> bool {
    name.starts_with("not")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

/// A plan of scripted probes, and what came of it.
struct Run {
    preconditions: Vec<Precondition>,
    settings: Settings,
    log: Log,
    tried: Rc<RefCell<Vec<Tried>>>,
    first_wait: u64,
    signal_after: Option<u64>,
    tick: Option<Duration>,
}

struct Ran {
    outcome: Outcome,
    took: u64,
    /// When each attempt began.
    log: Vec<(&'static str, u64)>,
    /// All attempts, in the order in which they ended.
    tried: Vec<Tried>,
    /// Events as `time name`.
    events: Vec<String>,
    reasons: Vec<Option<Reason>>,
    /// Where each stands, after how many attempts.
    ended: Vec<(State, u32)>,
    /// Since when nothing is done for each, if it was over before the run.
    over: Vec<Option<u64>>,
}

fn policy() -> Policy {
    Policy { backoff: Backoff::Constant, interval: Duration::from_millis(100), ..Policy::default() }
}

impl Run {
    fn new() -> Self {
        let settings = Settings {
            timeout: Limit::After(Duration::from_secs(10)),
            heartbeat: Limit::Never,
            ..Settings::default()
        };
        Self {
            preconditions: Vec::new(),
            settings,
            log: Log::default(),
            tried: Rc::default(),
            first_wait: 0,
            signal_after: None,
            tick: None,
        }
    }

    fn with(mut self, name: &'static str, policy: Policy, script: &[Does]) -> Self {
        let probe = Scripted {
            name,
            script: RefCell::new(script.iter().copied().collect()),
            began: Instant::now(),
            log: Rc::clone(&self.log),
            tried: Rc::clone(&self.tried),
        };
        self.preconditions.push(Precondition {
            name: name.to_owned(),
            kind: &KIND,
            target: Target::parse("tcp://test:1", None, &Env::default()).unwrap(),
            inverted: is_inverted(name),
            policy,
            probe: Box::new(probe),
        });
        self
    }

    fn probe(self, name: &'static str, script: &[Does]) -> Self {
        self.with(name, policy(), script)
    }

    fn timeout(mut self, millis: u64) -> Self {
        self.settings.timeout = Limit::After(Duration::from_millis(millis));
        self
    }

    async fn all(self) -> Ran {
        let tree = Node::All((0..self.preconditions.len()).map(Node::Leaf).collect());
        self.run(tree).await
    }

    async fn run(self, tree: Node) -> Ran {
        let began = Instant::now();
        let plan = Plan { preconditions: self.preconditions, tree, settings: self.settings };
        let net = Rc::new(Net::new(Env::default()));
        let first_wait = Duration::from_millis(self.first_wait);
        let conditions = Conditions { first_wait, seed: 1, at_once: 100, tick: self.tick };
        let mut events = Vec::new();
        let name = |id: usize| plan.preconditions[id].name.clone();
        let signal = async {
            match self.signal_after {
                Some(after) => tokio::time::sleep(Duration::from_millis(after)).await,
                None => std::future::pending().await,
            }
            Signal::Terminate
        };
        let tell = |at: Duration, event: &Event, _: &Progress<'_>| {
            let text = match event {
                Event::Begin(id) => format!("begin {}", name(*id)),
                Event::Reason(id) => format!("reason {}", name(*id)),
                Event::Lost(id) => format!("lost {}", name(*id)),
                Event::Ready(id) => format!("ready {}", name(*id)),
                Event::Passed(id, _) => format!("passed {}", name(*id)),
                Event::Failed(id, _) => format!("failed {}", name(*id)),
                Event::Confirm => "confirm".into(),
                Event::Heartbeat => "heartbeat".into(),
                Event::Tick => "tick".into(),
                _ => return,
            };
            events.push(format!("{} {text}", millis(at)));
        };
        let progress = run(&plan, &net, conditions, signal, tell).await;
        Ran {
            outcome: progress.outcome().unwrap(),
            took: millis(began.elapsed()),
            log: self.log.take(),
            tried: self.tried.take(),
            reasons: progress.leaves().iter().map(|leaf| leaf.reason.clone()).collect(),
            ended: progress.leaves().iter().map(|leaf| (leaf.state, leaf.attempts)).collect(),
            over: progress.leaves().iter().map(|leaf| leaf.ended.map(millis)).collect(),
            events,
        }
    }
}

impl Ran {
    fn times(&self, name: &str) -> Vec<u64> {
        self.log.iter().filter(|(of, _)| *of == name).map(|(_, at)| *at).collect()
    }
}

const TIMED_OUT: Outcome = Outcome::Unsatisfied(End::TimedOut);

#[tokio::test(start_paused = true)]
async fn it_probes_until_all_hold() {
    use Does::{No, Ready};
    let ran = Run::new().probe("a", &[No, No, Ready]).probe("b", &[Ready]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, 200));
    assert_eq!(ran.events, ["0 begin a", "0 begin b", "0 reason a", "0 ready b", "200 ready a"]);
    assert_eq!((ran.times("a"), ran.times("b")), (vec![0, 100, 200], vec![0]));
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_ends_close_before_the_deadline() {
    let ran = Run::new().probe("a", &[Does::No]).timeout(1_050).all().await;
    assert_eq!((ran.outcome, ran.took), (TIMED_OUT, 1_050));
    assert_eq!(ran.times("a"), [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
    let slow = Policy { interval: Duration::from_millis(400), ..policy() };
    let ran = Run::new().with("a", slow, &[Does::No]).timeout(1_050).all().await;
    assert_eq!((ran.times("a"), ran.took), (vec![0, 400, 800], 1_050));
    let slow =
        Policy { interval: Duration::from_millis(200), max_interval: Duration::from_secs(1), ..policy() };
    let ran = Run::new().with("a", slow, &[Does::No]).timeout(990).all().await;
    assert_eq!((ran.times("a"), ran.took), (vec![0, 200, 400, 600, 800], 990));
    let adaptive = Policy { backoff: Backoff::Adaptive, ..policy() };
    let ran = Run::new().with("a", adaptive, &[Does::No]).timeout(60_000).all().await;
    assert_eq!(ran.times("a").last(), Some(&59_980));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_never_outlives_the_deadline() {
    let ran = Run::new().probe("a", &[Does::Hang]).timeout(3_000).all().await;
    assert_eq!((ran.outcome, ran.took), (TIMED_OUT, 3_000));
    let reason = ran.reasons[0].as_ref().unwrap();
    assert_eq!((reason.class, reason.text.as_str()), (&COSTLY, "no answer within 3.0s"));
    assert!(reason.facts.contains(&Fact::Cut));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_attempt_is_given_up_and_repeated() {
    let policy = Policy { attempt_timeout: Limit::After(Duration::from_millis(500)), ..policy() };
    let ran = Run::new().with("a", policy, &[Does::Hang, Does::Hang, Does::Slow(50)]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, 1_250));
    assert_eq!(ran.times("a"), [0, 600, 1_200]);
}

#[tokio::test(start_paused = true)]
async fn a_short_cut_attempt_does_not_hide_the_reason_before_it() {
    let ran = Run::new().probe("a", &[Does::Error, Does::Hang]).timeout(1_000).all().await;
    assert_eq!(ran.reasons[0].as_ref().unwrap().text, "error");
}

#[tokio::test(start_paused = true)]
async fn then_begins_one_part_after_the_other() {
    let run = Run::new().probe("a", &[Does::No, Does::Ready]).probe("b", &[Does::No, Does::Ready]);
    let ran = run.run(Node::Sequence(vec![Node::Leaf(0), Node::Leaf(1)])).await;
    assert_eq!(
        ran.events,
        ["0 begin a", "0 reason a", "100 ready a", "100 begin b", "100 reason b", "200 ready b"]
    );
    assert_eq!(ran.took, 200);
}

#[tokio::test(start_paused = true)]
async fn or_ends_with_the_first_and_stops_the_others() {
    let run = Run::new().probe("a", &[Does::Hang]).probe("b", &[Does::No, Does::No, Does::Ready]);
    let ran = run.run(Node::AtLeast(1, vec![Node::Leaf(0), Node::Leaf(1)])).await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, 200));
    assert_eq!(ran.times("a"), [0]);
}

#[tokio::test(start_paused = true)]
async fn or_survives_one_that_can_never_hold() {
    let run = Run::new().probe("a", &[Does::Never]).probe("b", &[Does::No, Does::Ready]);
    let ran = run.run(Node::AtLeast(1, vec![Node::Leaf(0), Node::Leaf(1)])).await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, 100));
    let ran = Run::new().probe("a", &[Does::Never]).probe("b", &[Does::No]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Unsatisfied(End::Never), 0));
}

#[tokio::test(start_paused = true)]
async fn not_is_satisfied_by_a_clean_no_only() {
    let ran = Run::new().probe("not a", &[Does::Ready, Does::Error, Does::No]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, 200));
    let ran = Run::new().probe("not a", &[Does::Hang]).timeout(7_000).all().await;
    assert_eq!((ran.outcome, ran.took), (TIMED_OUT, 7_000));
}

#[tokio::test(start_paused = true)]
async fn successes_in_a_row_start_over_after_a_failure() {
    let policy = Policy { successes: 3, ..policy() };
    let ran = Run::new().with("a", policy, &[Does::Ready, Does::Ready, Does::No, Does::Ready]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, 500));
    assert_eq!(ran.events, ["0 begin a", "200 lost a", "500 ready a"]);
}

#[tokio::test(start_paused = true)]
async fn stable_needs_the_same_for_all_of_the_time() {
    let policy = Policy { stable: Duration::from_secs(2), ..policy() };
    let ran = Run::new().with("a", policy, &[Does::Shows(1), Does::Shows(2)]).all().await;
    assert_eq!((ran.times("a"), ran.took), (vec![0, 1_000, 2_000, 3_000], 3_000));
}

#[tokio::test(start_paused = true)]
async fn attempts_can_be_limited() {
    let policy = Policy { max_attempts: Some(2), ..policy() };
    let ran = Run::new().with("a", policy.clone(), &[Does::No]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Unsatisfied(End::Attempts), 100));
    let ran = Run::new().with("a", policy, &[Does::No, Does::Ready]).all().await;
    assert_eq!(ran.outcome, Outcome::Satisfied);
}

#[tokio::test(start_paused = true)]
async fn each_has_its_first_attempt_before_their_number_ends_the_run() {
    let once = Policy { max_attempts: Some(1), ..policy() };
    let run = Run::new().with("a", once.clone(), &[Does::No]).with("b", once.clone(), &[Does::Slow(70)]);
    let ran = run.with("c", once.clone(), &[Does::Error]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Unsatisfied(End::Attempts), 70));
    assert_eq!(ran.reasons.iter().filter(|reason| reason.is_some()).count(), 2);
    // So has one whose attempts are not limited, and none that can never hold any more.
    let ran = Run::new().with("a", once.clone(), &[Does::No]).probe("b", &[Does::Error]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Unsatisfied(End::Attempts), 0));
    assert!(ran.reasons.iter().all(Option::is_some));
    let ran = Run::new().with("a", once, &[Does::Never]).probe("b", &[Does::Hang]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Unsatisfied(End::Never), 0));
}

#[tokio::test(start_paused = true)]
async fn a_class_can_be_made_final() {
    let policy = Policy { fail_on: vec!["test".into()], ..policy() };
    let ran = Run::new().with("a", policy, &[Does::Error]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Unsatisfied(End::Never), 0));
    let policy = Policy { fail_on: vec!["test.error".into()], ..self::policy() };
    let ran = Run::new().with("a", policy, &[Does::No, Does::Error]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Unsatisfied(End::Never), 100));
}

#[tokio::test(start_paused = true)]
async fn an_optional_one_is_let_pass_when_its_time_is_up() {
    let limited = Policy { optional: true, timeout: Limit::After(Duration::from_millis(350)), ..policy() };
    let ran = Run::new().with("a", limited, &[Does::No]).probe("b", &[Does::Ready]).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, 350));
    assert_eq!(ran.events.last().unwrap(), "350 passed a");

    let optional = Policy { optional: true, ..policy() };
    let ran = Run::new().with("a", optional.clone(), &[Does::No]).timeout(1_000).all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, 1_000));
    let run = Run::new().with("a", optional, &[Does::No]).probe("b", &[Does::No]).timeout(1_000);
    assert_eq!(run.all().await.outcome, TIMED_OUT);
}

#[tokio::test(start_paused = true)]
async fn its_own_time_out_ends_the_run() {
    let limited = Policy { timeout: Limit::After(Duration::from_millis(350)), ..policy() };
    let ran = Run::new().with("a", limited, &[Does::Hang]).probe("b", &[Does::No]).all().await;
    assert_eq!((ran.outcome, ran.took), (TIMED_OUT, 350));
    assert_eq!(ran.reasons[0].as_ref().unwrap().text, "no answer within 350ms");
}

#[tokio::test(start_paused = true)]
async fn confirming_asks_all_again_together() {
    use Does::{No, Ready};
    let mut run = Run::new().probe("a", &[Ready, No, Ready]).probe("b", &[No, Ready]);
    run.settings.confirm = true;
    let ran = run.all().await;
    assert_eq!(ran.outcome, Outcome::Satisfied);
    let told: Vec<&str> = ran.events.iter().map(String::as_str).collect();
    let expected = [
        "0 begin a",
        "0 begin b",
        "0 ready a",
        "0 reason b",
        "100 ready b",
        "100 confirm",
        "100 lost a",
        "100 begin a",
        "200 ready a",
        "200 confirm",
    ];
    assert_eq!(told, expected);
    assert_eq!((ran.times("a"), ran.times("b")), (vec![0, 100, 200, 200], vec![0, 100, 100, 200]));
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_the_wait_with_what_is_known() {
    let mut run = Run::new().probe("a", &[Does::Hang]);
    run.signal_after = Some(1_700);
    let ran = run.all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Interrupted(Signal::Terminate), 1_700));
    assert_eq!(ran.reasons[0].as_ref().unwrap().text, "no answer within 1.7s");
}

#[tokio::test(start_paused = true)]
async fn flapping_reasons_are_told_once_between_heartbeats() {
    let script: Vec<Does> = (0..90).map(|n| if n % 2 == 0 { Does::No } else { Does::Error }).collect();
    let mut run = Run::new().probe("a", &script).timeout(8_000);
    run.settings.heartbeat = Limit::After(Duration::from_secs(5));
    let ran = run.all().await;
    let told = |what: &str| ran.events.iter().filter(|event| event.contains(what)).count();
    assert_eq!((told("heartbeat"), told("reason")), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn no_more_attempts_than_allowed_run_at_once() {
    let script = [Does::Slow(100)];
    let run = (0..150).fold(Run::new(), |run, _| run.probe("a", &script));
    let ran = run.all().await;
    assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, 200));
}

#[tokio::test(start_paused = true)]
async fn ticks_are_told_where_they_are_asked_for() {
    let mut run = Run::new().probe("a", &[Does::Hang]).timeout(350);
    run.tick = Some(Duration::from_millis(100));
    assert_eq!(run.all().await.events, ["0 begin a", "100 tick", "200 tick", "300 tick", "350 reason a"]);
}
