//! Which combination of preconditions is decided: counts kept per node, so that a change costs its depth only.

use crate::plan::Node;

/// How a precondition ended that was not satisfied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It can never be satisfied.
    Never,
    /// Its attempts are used up.
    Attempts,
    /// Its time is up.
    TimedOut,
}

/// What follows for preconditions from a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is to be waited for from now on.
    Start(usize),
    /// Nothing depends on it any more.
    Stop(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Idle,
    Open,
    Satisfied,
    Failed(End),
}

#[derive(Debug)]
enum Rule {
    Leaf(usize),
    /// So many of the children must be satisfied.
    Count(usize),
    /// The children are taken one after the other.
    Sequence,
}

#[derive(Debug)]
struct Entry {
    parent: Option<usize>,
    rule: Rule,
    children: Vec<usize>,
    satisfied: usize,
    failed: usize,
    worst: Option<End>,
    status: Status,
}

/// The state of a tree. Its root is decided as soon as its outcome cannot change.
#[derive(Debug)]
pub(super) struct Tally {
    entries: Vec<Entry>,
    /// Entry of each precondition.
    leaves: Vec<usize>,
}

impl Tally {
    /// Nothing has begun yet; call [`Tally::begin`].
    pub(super) fn new(tree: &Node, leaves: usize) -> Self {
        let mut tally = Self { entries: Vec::new(), leaves: vec![0; leaves] };
        tally.add(tree, None);
        tally
    }

    fn add(&mut self, node: &Node, parent: Option<usize>) -> usize {
        let place = self.entries.len();
        let (rule, nodes): (Rule, &[Node]) = match node {
            Node::Leaf(leaf) => {
                self.leaves[*leaf] = place;
                (Rule::Leaf(*leaf), &[])
            }
            Node::All(nodes) => (Rule::Count(nodes.len()), nodes),
            Node::AtLeast(count, nodes) => (Rule::Count(*count), nodes),
            Node::Sequence(nodes) => (Rule::Sequence, nodes),
        };
        self.entries.push(Entry {
            parent,
            rule,
            children: Vec::new(),
            satisfied: 0,
            failed: 0,
            worst: None,
            status: Status::Idle,
        });
        let children = nodes.iter().map(|node| self.add(node, Some(place))).collect();
        self.entries[place].children = children;
        place
    }

    /// Opens the tree.
    pub(super) fn begin(&mut self, effects: &mut Vec<Effect>) {
        self.open(0, effects);
    }

    /// Whether the root is satisfied.
    pub(super) fn satisfied(&self) -> bool {
        self.entries[0].status == Status::Satisfied
    }

    /// Why the root can no longer be satisfied.
    pub(super) fn failed(&self) -> Option<End> {
        match self.entries[0].status {
            Status::Failed(end) => Some(end),
            _ => None,
        }
    }

    /// Precondition `leaf` is satisfied.
    pub(super) fn satisfy(&mut self, leaf: usize, effects: &mut Vec<Effect>) {
        self.settle(self.leaves[leaf], Status::Satisfied, effects);
    }

    /// Precondition `leaf` will not be satisfied.
    pub(super) fn fail(&mut self, leaf: usize, end: End, effects: &mut Vec<Effect>) {
        self.settle(self.leaves[leaf], Status::Failed(end), effects);
    }

    fn open(&mut self, place: usize, effects: &mut Vec<Effect>) {
        if self.entries[place].status != Status::Idle {
            return;
        }
        self.entries[place].status = Status::Open;
        match self.entries[place].rule {
            Rule::Leaf(leaf) => effects.push(Effect::Start(leaf)),
            Rule::Count(0) => self.settle(place, Status::Satisfied, effects),
            Rule::Count(_) => {
                for child in self.entries[place].children.clone() {
                    self.open(child, effects);
                }
            }
            Rule::Sequence => match self.entries[place].children.first() {
                Some(first) => self.open(*first, effects),
                None => self.settle(place, Status::Satisfied, effects),
            },
        }
    }

    fn settle(&mut self, place: usize, status: Status, effects: &mut Vec<Effect>) {
        if matches!(self.entries[place].status, Status::Satisfied | Status::Failed(_)) {
            return;
        }
        self.entries[place].status = status;
        self.stop_below(place, effects);
        let Some(parent) = self.entries[place].parent else { return };
        let entry = &mut self.entries[parent];
        match status {
            Status::Failed(end) => {
                entry.failed += 1;
                entry.worst = entry.worst.max(Some(end));
            }
            _ => entry.satisfied += 1,
        }
        let (satisfied, failed, total) = (entry.satisfied, entry.failed, entry.children.len());
        let verdict = match entry.rule {
            Rule::Count(needed) if satisfied >= needed => Some(Status::Satisfied),
            Rule::Count(needed) if total - failed < needed => entry.worst.map(Status::Failed),
            Rule::Leaf(_) | Rule::Count(_) => None,
            Rule::Sequence if failed > 0 => entry.worst.map(Status::Failed),
            Rule::Sequence if satisfied == total => Some(Status::Satisfied),
            Rule::Sequence => {
                let next = entry.children[satisfied];
                self.open(next, effects);
                None
            }
        };
        if let Some(status) = verdict {
            self.settle(parent, status, effects);
        }
    }

    /// Stops what is still open below a node that is decided.
    fn stop_below(&mut self, place: usize, effects: &mut Vec<Effect>) {
        for child in self.entries[place].children.clone() {
            if !matches!(self.entries[child].status, Status::Idle | Status::Open) {
                continue;
            }
            self.entries[child].status = Status::Idle;
            match self.entries[child].rule {
                Rule::Leaf(leaf) => effects.push(Effect::Stop(leaf)),
                _ => self.stop_below(child, effects),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Effect::{Start, Stop};
    use Node::Leaf;

    fn begun(tree: &Node) -> (Tally, Vec<Effect>) {
        let mut tally = Tally::new(tree, tree.leaves().len());
        let mut effects = Vec::new();
        tally.begin(&mut effects);
        (tally, effects)
    }

    fn any(nodes: Vec<Node>) -> Node {
        Node::AtLeast(1, nodes)
    }

    #[test]
    fn a_sequence_starts_each_part_when_the_one_before_is_satisfied() {
        let (mut tally, mut effects) =
            begun(&Node::Sequence(vec![Leaf(0), Node::All(vec![Leaf(1), Leaf(2)]), Leaf(3)]));
        assert_eq!(effects, [Start(0)]);
        tally.satisfy(0, &mut effects);
        tally.satisfy(2, &mut effects);
        assert_eq!(effects, [Start(0), Start(1), Start(2)]);
        tally.satisfy(1, &mut effects);
        assert_eq!(effects.last(), Some(&Start(3)));
        tally.satisfy(3, &mut effects);
        assert!(tally.satisfied());
    }

    #[test]
    fn either_is_enough_and_the_other_is_stopped() {
        let (mut tally, mut effects) = begun(&any(vec![Leaf(0), Node::All(vec![Leaf(1), Leaf(2)])]));
        tally.satisfy(1, &mut effects);
        assert!(!tally.satisfied());
        tally.satisfy(0, &mut effects);
        assert!(tally.satisfied());
        assert_eq!(effects[3..], [Stop(2)]);
    }

    #[test]
    fn at_least_is_decided_as_soon_as_it_can_be() {
        let tree = Node::AtLeast(2, vec![Leaf(0), Leaf(1), Leaf(2)]);
        let (mut tally, mut effects) = begun(&tree);
        tally.fail(0, End::Never, &mut effects);
        assert_eq!(tally.failed(), None);
        tally.fail(1, End::TimedOut, &mut effects);
        assert_eq!(tally.failed(), Some(End::TimedOut));
        assert_eq!(effects.last(), Some(&Stop(2)));

        let (mut tally, mut effects) = begun(&tree);
        tally.satisfy(2, &mut effects);
        tally.satisfy(0, &mut effects);
        assert!(tally.satisfied());
    }

    #[test]
    fn one_failure_fails_all_and_either_survives_it() {
        let (mut tally, mut effects) = begun(&Node::All(vec![any(vec![Leaf(0), Leaf(1)]), Leaf(2)]));
        tally.fail(0, End::Never, &mut effects);
        assert_eq!(tally.failed(), None);
        tally.fail(2, End::Attempts, &mut effects);
        assert_eq!(tally.failed(), Some(End::Attempts));
        assert_eq!(effects.last(), Some(&Stop(1)));
    }
}
