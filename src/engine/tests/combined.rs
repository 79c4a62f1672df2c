//! What holds of the times of every combination: nothing ends late, nothing is decided early, and no attempt goes on
//! after its time.

use proptest::collection::vec;
use proptest::prelude::*;

use super::deadlines::{does, in_virtual_time, paces};
use super::*;

const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "not g", "not h", "not i"];

/// A combination of preconditions that are not named yet.
#[derive(Debug, Clone)]
enum Shape {
    One(Policy, Vec<Does>),
    All(Vec<Shape>),
    AtLeast(usize, Vec<Shape>),
    Sequence(Vec<Shape>),
}

fn policies() -> impl Strategy<Value = Policy> {
    let own = prop_oneof![2 => Just(None), 1 => (1_u64..4_000).prop_map(Some)];
    let stable = prop_oneof![2 => Just(0_u64), 1 => 1_u64..1_000];
    (paces(), own, stable, 1_u32..4, prop::bool::weighted(0.25)).prop_map(
        |(pace, own, stable, successes, optional)| Policy {
            timeout: own.map_or(Limit::Never, |own| Limit::After(Duration::from_millis(own))),
            stable: Duration::from_millis(stable),
            successes,
            optional,
            ..pace
        },
    )
}

fn shapes() -> impl Strategy<Value = Shape> {
    let one = (policies(), vec(does(), 1..6)).prop_map(|(policy, script)| Shape::One(policy, script));
    one.prop_recursive(2, 9, 3, |inner| {
        let several = || vec(inner.clone(), 2..4);
        prop_oneof![
            several().prop_map(Shape::All),
            (1..3_usize, several()).prop_map(|(count, shapes)| Shape::AtLeast(count, shapes)),
            several().prop_map(Shape::Sequence),
        ]
    })
}

/// The combination, with its preconditions numbered from left to right.
fn node(shape: Shape, ones: &mut Vec<(Policy, Vec<Does>)>) -> Node {
    let mut nodes = |shapes: Vec<Shape>| shapes.into_iter().map(|shape| node(shape, ones)).collect();
    match shape {
        Shape::All(shapes) => Node::All(nodes(shapes)),
        Shape::AtLeast(count, shapes) => Node::AtLeast(count, nodes(shapes)),
        Shape::Sequence(shapes) => Node::Sequence(nodes(shapes)),
        Shape::One(policy, script) => {
            ones.push((policy, script));
            Node::Leaf(ones.len() - 1)
        }
    }
}

/// What was told of a precondition, and when.
struct Told {
    begun: Option<u64>,
    ready: Option<u64>,
    passed: Option<u64>,
    failed: Option<u64>,
}

impl Told {
    fn of(ran: &Ran, name: &str) -> Self {
        let time = |what: &str| {
            let found = ran.events.iter().filter_map(|event| event.split_once(' '));
            let mut found = found.filter(|(_, text)| *text == format!("{what} {name}"));
            found.next().map(|(at, _)| at.parse().unwrap())
        };
        Self { begun: time("begin"), ready: time("ready"), passed: time("passed"), failed: time("failed") }
    }

    fn settled(&self) -> Option<u64> {
        self.ready.or(self.passed)
    }
}

/// When `node`, whose turn comes at `start`, was satisfied; each of its parts begins when its turn comes, and never else.
fn satisfied(node: &Node, start: Option<u64>, told: &[Told]) -> Result<Option<u64>, TestCaseError> {
    let each = |nodes: &[Node]| nodes.iter().map(|node| satisfied(node, start, told)).collect();
    Ok(match node {
        Node::Leaf(id) => {
            prop_assert_eq!(told[*id].begun, start, "{}", NAMES[*id]);
            told[*id].settled()
        }
        Node::All(nodes) => {
            let times: Result<Vec<Option<u64>>, _> = each(nodes);
            times?.into_iter().collect::<Option<Vec<u64>>>().and_then(|times| times.into_iter().max())
        }
        Node::AtLeast(count, nodes) => {
            let times: Result<Vec<Option<u64>>, _> = each(nodes);
            let mut times: Vec<u64> = times?.into_iter().flatten().collect();
            times.sort_unstable();
            times.get(count - 1).copied()
        }
        Node::Sequence(nodes) => {
            let mut turn = start;
            for node in nodes {
                turn = satisfied(node, turn, told)?;
            }
            turn
        }
    })
}

/// When enough attempts in a row had held for long enough.
fn held(policy: &Policy, tried: &[&Tried]) -> Option<u64> {
    let mut streak: Option<(u32, u64)> = None;
    for one in tried {
        streak = (one.held == Some(true))
            .then(|| streak.map_or((1, one.ended), |(count, since)| (count + 1, since)));
        let (count, since) = streak.unwrap_or((0, one.ended));
        if count >= policy.successes && one.ended - since >= millis(policy.stable) {
            return Some(one.ended);
        }
    }
    None
}

proptest! {
    #[test]
    fn nothing_ends_late_and_nothing_is_decided_early(
        shape in shapes(), timeout in 1_u64..8_000, first_wait in prop_oneof![Just(0_u64), 1_u64..2_000],
    ) {
        let mut ones = Vec::new();
        let tree = node(shape, &mut ones);
        let ran = in_virtual_time(async {
            let run = ones.iter().zip(NAMES).fold(Run::new(), |run, ((policy, script), name)| {
                run.with(name, policy.clone(), script)
            });
            Run { first_wait, ..run.timeout(timeout) }.run(tree.clone()).await
        });
        let told: Vec<Told> = NAMES[..ones.len()].iter().map(|name| Told::of(&ran, name)).collect();
        let mut ends = vec![timeout];
        for (id, ((policy, _), told)) in ones.iter().zip(&told).enumerate() {
            let name = NAMES[id];
            let tried: Vec<&Tried> = ran.tried.iter().filter(|one| one.name == name).collect();
            let Some(begun) = told.begun else {
                prop_assert!(tried.is_empty() && told.settled().or(told.failed).is_none(), "{}", name);
                continue;
            };
            let own = policy.timeout.duration().map(|own| begun + millis(own));
            let deadline = own.map_or(timeout, |own| own.min(timeout));
            let end = ran.over[id].unwrap_or(ran.took);
            prop_assert!(end <= deadline, "{} {} {}", name, end, deadline);
            // The first attempt comes when its time has come, a little later at most, for the sake of others.
            let first = if begun == 0 { first_wait } else { begun };
            let due = first + if begun == 0 { first_wait.div_ceil(5) } else { 0 };
            match tried.iter().map(|one| one.began).min() {
                Some(at) => prop_assert!((first..=due).contains(&at), "{} {}", name, at),
                None => prop_assert!(due >= end, "{} has no attempt", name),
            }
            for one in &tried {
                let most = millis(policy.attempt_timeout.duration().unwrap());
                prop_assert!(one.ended <= end && one.ended - one.began <= most, "{:?} {} {}", one, end, most);
            }
            // Ready as soon as it holds, and not before; given up when its time is up, and not before.
            let held = held(policy, &tried);
            match told.ready {
                Some(ready) => prop_assert!(ready <= deadline && held == Some(ready), "{}: {:?}", name, held),
                None => prop_assert!(held.is_none_or(|held| held >= deadline), "{}: {:?}", name, held),
            }
            prop_assert!(told.failed.is_none_or(|at| !policy.optional && Some(at) == own), "{}", name);
            prop_assert!(told.passed.is_none_or(|at| policy.optional && at == deadline), "{}", name);
            ends.extend(told.failed);
        }
        match satisfied(&tree, Some(0), &told)? {
            Some(at) => prop_assert_eq!((ran.outcome, ran.took), (Outcome::Satisfied, at)),
            None => prop_assert!(ran.outcome == TIMED_OUT && ends.contains(&ran.took), "{:?}", ran.took),
        }
        prop_assert!(ran.took <= timeout);
    }
}
