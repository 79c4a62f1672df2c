//! How preconditions are combined: as written ([`Spec`]) and as waited for ([`Node`]).

/// A target as it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetSpec {
    /// The text.
    pub text: String,
    /// The kind whose typed flag or variable it came from.
    pub flag: Option<&'static str>,
    /// Where it was given: `argument 2`, `--tcp`, `PREREQ_TARGETS`, `prereq.yaml:3:5`.
    pub source: String,
    /// Options given beside the text, after those in it.
    pub options: Vec<OptionSpec>,
}

/// An option given beside the text of its target. Its value is a value: variables in it are expanded, and
/// nothing else; it is never taken apart as a target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionSpec {
    /// The name.
    pub name: String,
    /// The value as written.
    pub value: String,
    /// Where it was given.
    pub source: String,
}

/// A combination of targets as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// One target.
    Target(TargetSpec),
    /// The opposite.
    Not(Box<Spec>),
    /// All of them, together.
    All(Vec<Spec>),
    /// So many of them.
    AtLeast(usize, Vec<Spec>),
    /// One after the other.
    Sequence(Vec<Spec>),
}

impl Spec {
    /// Where its first target was given.
    #[must_use]
    pub fn source(&self) -> &str {
        match self {
            Self::Target(target) => &target.source,
            Self::Not(spec) => spec.source(),
            Self::All(specs) | Self::AtLeast(_, specs) | Self::Sequence(specs) => {
                specs.first().map_or("", Self::source)
            }
        }
    }

    /// Changes each target in it.
    pub fn change(&mut self, by: &mut dyn FnMut(&mut TargetSpec)) {
        match self {
            Self::Target(target) => by(target),
            Self::Not(spec) => spec.change(by),
            Self::All(specs) | Self::AtLeast(_, specs) | Self::Sequence(specs) => {
                for spec in specs {
                    spec.change(by);
                }
            }
        }
    }
}

/// A combination of preconditions, by their places in [`super::Plan::preconditions`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// One precondition.
    Leaf(usize),
    /// All of them, together.
    All(Vec<Node>),
    /// So many of them.
    AtLeast(usize, Vec<Node>),
    /// One after the other.
    Sequence(Vec<Node>),
}

impl Node {
    /// The places of the preconditions in it, from left to right.
    #[must_use]
    pub fn leaves(&self) -> Vec<usize> {
        match self {
            Self::Leaf(place) => vec![*place],
            Self::All(nodes) | Self::AtLeast(_, nodes) | Self::Sequence(nodes) => {
                nodes.iter().flat_map(Self::leaves).collect()
            }
        }
    }
}
