//! How long a plan can take at most.

use std::time::Duration;

use super::duration::Limit;
use super::{Node, Plan};

impl Plan {
    /// The longest time after which the run has ended, whatever happens.
    #[must_use]
    pub fn worst_case(&self) -> Limit {
        let parts = self.longest(&self.tree);
        match (self.settings.timeout, parts) {
            (Limit::After(whole), Limit::After(parts)) => Limit::After(whole.min(parts)),
            (Limit::After(whole), Limit::Never) => Limit::After(whole),
            (Limit::Never, parts) => parts,
        }
    }

    /// The same by the preconditions' own time-outs alone.
    fn longest(&self, node: &Node) -> Limit {
        match node {
            Node::Leaf(id) => self.preconditions[*id].policy.timeout,
            Node::All(nodes) | Node::AtLeast(_, nodes) => nodes
                .iter()
                .map(|node| self.longest(node))
                .fold(Limit::After(Duration::ZERO), |a, b| both(a, b, Ord::max)),
            Node::Sequence(nodes) => nodes
                .iter()
                .map(|node| self.longest(node))
                .fold(Limit::After(Duration::ZERO), |a, b| both(a, b, Duration::saturating_add)),
        }
    }
}

fn both(a: Limit, b: Limit, combine: impl Fn(Duration, Duration) -> Duration) -> Limit {
    match (a, b) {
        (Limit::After(a), Limit::After(b)) => Limit::After(combine(a, b)),
        _ => Limit::Never,
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::env::Env;
    use crate::plan::layer::Layer;
    use crate::plan::{Spec, TargetSpec, resolve};

    fn worst(timeout: &str, spec: fn(Vec<Spec>) -> Spec, targets: &[&str]) -> String {
        let target =
            |text: &&str| Spec::Target(TargetSpec { text: (*text).to_owned(), ..TargetSpec::default() });
        let layer = Layer {
            targets: Some(spec(targets.iter().map(target).collect())),
            timeout: crate::plan::duration::parse_limit(timeout).ok(),
            ..Layer::default()
        };
        resolve(&layer, &Env::default()).unwrap().worst_case().to_string()
    }

    #[test]
    fn the_worst_case_follows_from_the_time_outs() {
        let two = ["h:1#timeout=10s", "h:2#timeout=20s"];
        assert_eq!(worst("0", Spec::All, &two), "20s");
        assert_eq!(worst("0", Spec::Sequence, &two), "30s");
        assert_eq!(worst("5s", Spec::Sequence, &two), "5s");
        assert_eq!(worst("0", Spec::All, &["h:1#timeout=10s", "h:2"]), "none");
        assert_eq!(worst("5m", Spec::All, &["h:2"]), "5m");
    }
}
