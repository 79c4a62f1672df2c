//! The environment as a value: read once in `main`, passed along, replaced in tests.

use std::ffi::OsString;

/// The environment variables of this process. Values that are not UTF-8 are kept out of expansion: they
/// count as unset, since no target or option can hold them. Few are ever asked for, so they are not sorted.
#[derive(Debug, Clone, Default)]
pub struct Env(Vec<(String, String)>);

impl Env {
    /// Collects `(name, value)` pairs, as `std::env::vars_os()` gives them.
    pub fn new(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(
            vars.into_iter()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// The value of `name`, if it is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        // As getenv(3): of a name that is there twice, the first counts.
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of `name`, if it is set and not empty.
    #[must_use]
    pub fn non_empty(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The same without the variable `name`.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// Names and values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether this process runs in a Kubernetes Pod: the API server's address is in every Pod's
    /// environment (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>).
    #[must_use]
    pub fn in_kubernetes(&self) -> bool {
        self.non_empty("KUBERNETES_SERVICE_HOST").is_some()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Env {
    fn from(vars: [(&str, &str); N]) -> Self {
        Self(vars.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_what_is_set_and_what_is_empty() {
        let env = Env::from([("A", "1"), ("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("NONE", "")]);
        assert_eq!((env.get("A"), env.get("NONE"), env.get("B")), (Some("1"), Some(""), None));
        assert_eq!((env.non_empty("A"), env.non_empty("NONE")), (Some("1"), None));
        assert!(env.in_kubernetes());
        let names = |env: &Env| env.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        let without = env.without("KUBERNETES_SERVICE_HOST");
        assert_eq!(names(&without), ["A", "NONE"]);
        assert!(!without.in_kubernetes());
    }
}
