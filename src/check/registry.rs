//! Looking things up among the kinds.

use super::{Class, Kind, Scheme, class};

pub use super::{FEATURES, KINDS};

/// The kind of this name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.name == name)
}

/// The kind that a scheme selects.
#[must_use]
pub fn kind_of(scheme: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.schemes.iter().any(|known| known.name == scheme))
}

/// The scheme of this name.
#[must_use]
pub fn scheme(name: &str) -> Option<&'static Scheme> {
    KINDS.iter().flat_map(|kind| kind.schemes).find(|scheme| scheme.name == name)
}

/// The feature that a scheme needs, if it is known but not compiled in.
#[must_use]
pub fn missing_feature(scheme: &str) -> Option<&'static str> {
    let known = FEATURES.iter().find(|(_, schemes)| schemes.contains(&scheme));
    known.filter(|_| self::scheme(scheme).is_none()).map(|(feature, _)| *feature)
}

/// The names of all schemes.
pub fn schemes() -> impl Iterator<Item = &'static str> {
    KINDS.iter().flat_map(|kind| kind.schemes).map(|scheme| scheme.name)
}

/// All classes of failure: the shared ones, then each kind's own.
pub fn classes() -> impl Iterator<Item = &'static Class> {
    class::SHARED.iter().copied().chain(KINDS.iter().flat_map(|kind| kind.classes).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_documented() {
        let mut names = BTreeSet::new();
        for kind in KINDS {
            assert_eq!(kind.name, kind.schemes[0].name);
            assert!(!kind.summary.is_empty());
            for scheme in kind.schemes {
                assert!(names.insert(scheme.name), "{} twice", scheme.name);
                assert!(scheme.form.starts_with(scheme.name), "{}", scheme.form);
            }
            let mut options = BTreeSet::new();
            for option in kind.all_options().chain(super::super::options::COMMON) {
                assert!(options.insert(option.name), "{}: option {} twice", kind.name, option.name);
                assert!(!option.help.is_empty() && !option.help.ends_with('.'), "{}", option.name);
            }
        }
        for (feature, schemes) in FEATURES {
            let Some(kind) = kind_of(schemes[0]) else { continue };
            let its: Vec<&str> = kind.schemes.iter().map(|scheme| scheme.name).collect();
            assert_eq!(&its, schemes, "the line of feature {feature}");
        }
        let mut codes = BTreeSet::new();
        for class in classes() {
            assert!(codes.insert(class.code), "{} twice", class.code);
            assert!(class.meaning.ends_with('.'), "{}", class.code);
        }
        for kind in KINDS {
            for class in kind.opposite {
                assert!(codes.contains(class.code), "{}", class.code);
            }
        }
    }
}
