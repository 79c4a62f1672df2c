use std::time::Duration;

use super::*;
use crate::plan::tree::OptionSpec;

fn target(text: &str) -> Spec {
    Spec::Target(TargetSpec { text: text.into(), source: format!("<{text}>"), ..TargetSpec::default() })
}

fn targets(texts: &[&str]) -> Vec<Spec> {
    texts.iter().map(|text| target(text)).collect()
}

fn not(spec: Spec) -> Spec {
    Spec::Not(Box::new(spec))
}

fn plan(spec: Spec) -> Plan {
    resolve(&Layer { targets: Some(spec), ..Layer::default() }, &Env::default()).unwrap()
}

fn policy_in(layer: Layer, text: &str) -> Policy {
    let layer = Layer { targets: Some(target(text)), ..layer };
    resolve(&layer, &Env::default()).unwrap().preconditions.remove(0).policy
}

/// All problems, as `source: what|hint`.
fn problems(layer: &Layer) -> String {
    let said = |p: &Problem| format!("{}: {}|{}", p.source, p.what, p.hint.as_deref().unwrap_or_default());
    resolve(layer, &Env::default()).unwrap_err().iter().map(said).collect::<Vec<_>>().join("\n")
}

fn problems_of(text: &str) -> String {
    problems(&Layer { targets: Some(target(text)), ..Layer::default() })
}

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn an_opposite_is_pushed_down_to_the_targets() {
    let leaves = |count: usize| (0..count).map(Node::Leaf).collect::<Vec<Node>>();
    let of = |texts: &[&str]| targets(texts);
    let abc = ["a:1", "b:1", "c:1"];
    for (spec, tree, inverted) in [
        (not(target("a:1")), Node::Leaf(0), true),
        (not(not(target("a:1"))), Node::Leaf(0), false),
        (Spec::All(of(&abc)), Node::All(leaves(3)), false),
        (not(Spec::All(of(&abc))), Node::AtLeast(1, leaves(3)), true),
        (Spec::AtLeast(1, of(&abc)), Node::AtLeast(1, leaves(3)), false),
        // Not one of three is all of the opposites; not two of them is two of these.
        (not(Spec::AtLeast(1, of(&abc))), Node::AtLeast(3, leaves(3)), true),
        (not(Spec::AtLeast(2, of(&abc))), Node::AtLeast(2, leaves(3)), true),
        (Spec::Sequence(of(&abc)), Node::Sequence(leaves(3)), false),
    ] {
        let plan = plan(spec.clone());
        assert_eq!(plan.tree, tree, "{spec:?}");
        for one in &plan.preconditions {
            assert_eq!((one.inverted, one.name.starts_with("not ")), (inverted, inverted), "{spec:?}");
        }
    }
    let sequence = Layer { targets: Some(not(Spec::Sequence(of(&abc)))), ..Layer::default() };
    assert_eq!(problems(&sequence), "<a:1>: a sequence has no opposite|put 'not' before its parts");
    let delay = Layer { targets: Some(not(target("delay:5s"))), ..Layer::default() };
    assert!(problems(&delay).contains("'not' has no meaning for delay"), "{}", problems(&delay));
}

#[test]
fn names_are_apart_and_hold_no_secret() {
    let all =
        targets(&["a:1", "a:1", "b:1#name=x%0Ay", "c:1#name", "d:1#name=", "a:1", "http://u:hunter2@h"]);
    let plan = plan(Spec::All(all));
    let names: Vec<&str> = plan.preconditions.iter().map(|one| one.name.as_str()).collect();
    let expected =
        ["tcp://a:1", "tcp://a:1 (2)", "xy", "true", "tcp://d:1", "tcp://a:1 (3)", "http://u:***@h"];
    assert_eq!(names, expected);
    let shown = format!("{:?}", plan.preconditions);
    assert!(shown.contains("tcp://a:1 (3)") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_targets_own_options_come_before_those_for_all() {
    let layer = || Layer {
        attempt_timeout: Some(Limit::After(MS(700))),
        interval: Some(MS(10)),
        successes: Some(4),
        stable: Some(MS(600)),
        max_attempts: Some(9),
        ..Layer::default()
    };
    let policy = policy_in(layer(), "a:1");
    assert_eq!((policy.interval, policy.successes, policy.stable), (MS(10), 4, MS(600)));
    assert_eq!((policy.attempt_timeout, policy.max_attempts), (Limit::After(MS(700)), Some(9)));
    let own = "a:1#timeout=2s&attempt-timeout=0&interval=20ms&max-interval=30ms&successes=2&stable=1s&max-attempts=3";
    let policy = policy_in(layer(), &format!("{own}&optional"));
    assert_eq!((policy.interval, policy.max_interval, policy.stable), (MS(20), MS(30), MS(1_000)));
    assert_eq!((policy.timeout, policy.attempt_timeout), (Limit::After(MS(2_000)), Limit::Never));
    assert_eq!((policy.successes, policy.max_attempts, policy.optional), (2, Some(3), true));
    let once = policy_in(Layer { once: Some(true), ..layer() }, own);
    assert_eq!((once.max_attempts, once.successes, once.stable), (Some(1), 1, Duration::ZERO));
    assert_eq!(policy_in(Layer { once: Some(false), ..Layer::default() }, "a:1"), Policy::default());
    // Beside the text, too; and variables in them are expanded.
    let option =
        |name: &str, value: &str| OptionSpec { name: name.into(), value: value.into(), source: "<o>".into() };
    let mut spec = TargetSpec { text: "a:1".into(), ..TargetSpec::default() };
    spec.options = vec![option("interval", "${I}"), option("name", "${N}")];
    let layer = Layer { targets: Some(Spec::Target(spec)), ..Layer::default() };
    let plan = resolve(&layer, &Env::from([("I", "70ms"), ("N", "x")])).unwrap();
    assert_eq!((plan.preconditions[0].policy.interval, plan.preconditions[0].name.as_str()), (MS(70), "x"));
    assert_eq!(
        problems(&layer),
        "<o>: variable I is not set|set it, or give a default: ${I:-…}\n<o>: variable N is not set|set it, or give a default: ${N:-…}"
    );
}

#[test]
fn an_interval_moves_the_longest_one_unless_that_was_given() {
    assert_eq!(policy_in(Layer::default(), "a:1#interval=3s").max_interval, MS(3_000));
    assert_eq!(policy_in(Layer::default(), "a:1#interval=1s").max_interval, MS(1_000));
    assert_eq!(policy_in(Layer::default(), "a:1#interval=1ms").interval, MS(1));
    let says = "tcp://a:1: interval 3s is longer than max-interval 2s|";
    assert!(problems_of("a:1#interval=3s&max-interval=2s").contains(says));
    let layer =
        |max| Layer { targets: Some(target("a:1#interval=3s")), max_interval: Some(max), ..Layer::default() };
    assert!(problems(&layer(MS(2_000))).contains(says));
    assert_eq!(
        resolve(&layer(MS(3_000)), &Env::default()).unwrap().preconditions[0].policy.max_interval,
        MS(3_000)
    );
    assert!(problems_of("a:1#interval=999us").contains("interval is shorter than 1ms"));
}

#[test]
fn a_splay_leaves_time_to_wait() {
    let layer = |splay, timeout| Layer {
        targets: Some(target("a:1")),
        splay: Some(MS(splay)),
        timeout: Some(timeout),
        ..Layer::default()
    };
    assert!(resolve(&layer(999, Limit::After(MS(1_000))), &Env::default()).is_ok());
    assert!(resolve(&layer(10_000_000, Limit::Never), &Env::default()).is_ok());
    assert!(problems(&layer(1_000, Limit::After(MS(1_000)))).contains("splay is not shorter than timeout"));
}

#[test]
fn mistakes_in_options_are_all_told() {
    for (text, says) in [
        (
            "a:1#intervall=1s",
            "<a:1#intervall=1s>: tcp://a:1: tcp has no option 'intervall'|did you mean 'interval'?",
        ),
        ("a:1#name=x&name=y&name=z", "option name is given more than once"),
        // What may be the rest of a password is not repeated.
        ("a:1#Hunter2", "tcp has no such option"),
        ("a:1#hunter2", "tcp has no such option"),
        ("a:1#abcdefghijklmnopqrstuvwxyzabcdef", "tcp has no such option"),
        ("a:1#abcdefghijklmnopqrstuvwxyzabcde", "tcp has no option 'abcdefghijklmnopqrstuvwxyzabcde'"),
        ("a:1#fail-on=tcp.refusd", "there is no class 'tcp.refusd'|did you mean 'tcp.refused'?"),
        ("a:1#fail-on=nothing", "there is no class 'nothing'"),
        ("a:1#x=1&interval=0s&y=2", "interval is shorter than 1ms"),
    ] {
        let said = problems_of(text);
        assert!(said.contains(says), "{text}: {said}");
    }
    assert_eq!(problems_of("a:1#name=x&name=y&name=z").lines().count(), 1);
    assert_eq!(problems_of("a:1#x=1&interval=0s&y=2").lines().count(), 3);
    assert!(plan(target("http://h#header=A:1&header=B:2")).preconditions.len() == 1);
    let many = Layer { targets: Some(Spec::All(targets(&["a", "b:1#x", "c:1"]))), ..Layer::default() };
    assert_eq!(problems(&many).lines().count(), 2);
    assert!(problems(&Layer::default()).contains("no precondition is given"));
}

#[test]
fn classes_that_end_the_wait_are_named_alone_or_by_family() {
    let policy = policy_in(Layer::default(), "a:1#fail-on=dns,%20tls.expired&fail-on=tcp.refused");
    assert_eq!(policy.fail_on, ["dns", "tls.expired", "tcp.refused"]);
}
