//! What is wrong with the input: collected, never printed here (see `cli::error`).

/// One mistake in the command line, the environment or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it was found: `--timeout`, `PREREQ_TCP`, `argument 3`.
    pub source: String,
    /// What is wrong, as a lower-case fragment that holds no secret.
    pub what: String,
    /// The nearest right thing, if there is one.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a hint; the source is filled in by [`Problem::at`].
    pub fn new(what: impl Into<String>) -> Self {
        Self { source: String::new(), what: what.into(), hint: None }
    }

    /// Adds the nearest right thing.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// `what` comes with a Cargo feature, which this build lacks.
    #[must_use]
    pub fn lacking(what: &str, feature: &str) -> Self {
        let hint =
            format!("it comes with the feature '{feature}': cargo install prereq --features {feature}");
        Self::new(format!("{what} is not compiled into this build")).hint(hint)
    }

    /// Adds a suggestion out of `known`, if one is near to `given`.
    #[must_use]
    pub fn nearest<'a>(mut self, given: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if let Some(name) = nearest(given, known) {
            self.hint = Some(format!("did you mean '{name}'?"));
        }
        self
    }

    /// Says where the problem is, unless that is known already.
    #[must_use]
    pub fn at(mut self, source: &str) -> Self {
        if self.source.is_empty() {
            source.clone_into(&mut self.source);
        }
        self
    }
}

/// The name out of `known` that `given` is probably a misspelling of.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    known
        .into_iter()
        .map(|name| {
            let similarity = strsim::jaro_winkler(&given, &name.to_lowercase());
            let prefix = given.len() >= 3 && name.starts_with(given.as_str());
            let slip = given.len() >= 2 && strsim::damerau_levenshtein(&given, &name.to_lowercase()) == 1;
            (if prefix || slip { similarity.max(0.9) } else { similarity }, name)
        })
        .filter(|(similarity, _)| *similarity >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let known = ["timeout", "interval", "max-interval", "once"];
        assert_eq!(nearest("tiemout", known), Some("timeout"));
        assert_eq!(nearest("time", known), Some("timeout"));
        assert_eq!(nearest("Interval", known), Some("interval"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(nearest("nto", ["then", "not", "or"]), Some("not"));
    }
}
