//! The query of a database's URL: a list that each driver has its own words for.

use percent_encoding::percent_decode_str;

use crate::check::Draft;
use crate::plan::problem::Problem;

/// A parameter that is known.
#[derive(Debug, Clone, Copy)]
pub(in crate::check) enum Parameter {
    /// It says something here, too.
    Used(&'static str),
    /// It is for the program that connects later, and changes nothing in a probe.
    Idle(&'static str),
    /// It would change what is found, and is written otherwise here.
    Elsewhere(&'static str, &'static str),
}

impl Parameter {
    fn name(self) -> &'static str {
        match self {
            Self::Used(name) | Self::Idle(name) | Self::Elsewhere(name, _) => name,
        }
    }
}

/// The parameters that a target has, in the order given.
#[derive(Debug, Default)]
pub(in crate::check) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// Reads the query. Names are compared without regard to case, and to `-` and `_`. What is wrong is left in the draft; no value is repeated.
    pub(in crate::check) fn read(draft: &mut Draft<'_>, known: &[Parameter]) -> Self {
        let mut found = Vec::new();
        let query = draft.target.query.as_deref().unwrap_or_default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Ok(name), Ok(value)) =
                (percent_decode_str(name).decode_utf8(), percent_decode_str(value).decode_utf8())
            else {
                draft.problem(Problem::new("a parameter behind '?' is not UTF-8 when percent-decoded"));
                continue;
            };
            match known.iter().find(|parameter| plain(parameter.name()) == plain(&name)) {
                Some(Parameter::Idle(_)) => {}
                Some(Parameter::Used(name)) => found.push((*name, value.into_owned())),
                Some(Parameter::Elsewhere(name, hint)) => {
                    draft.problem(
                        Problem::new(format!("parameter {name} is written otherwise here")).hint(*hint),
                    );
                }
                // Without a value it may be anything, even a secret.
                None if !pair.contains('=') => {
                    draft.problem(
                        Problem::new("what follows '?' is not NAME=VALUE")
                            .hint("options of prereq follow '#'"),
                    );
                }
                None => {
                    let problem = Problem::new(format!("unknown parameter '{name}' behind '?'"));
                    let option =
                        draft.has(&name).then(|| format!("options of prereq follow '#': write #{name}="));
                    draft.problem(match option {
                        Some(hint) => problem.hint(hint),
                        None => problem.nearest(&name, known.iter().map(|parameter| parameter.name())),
                    });
                }
            }
        }
        Self(found)
    }

    /// The last value of a parameter, as drivers have it.
    pub(in crate::check) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// What one word out of `words` means.
    pub(in crate::check) fn word<T: Copy>(
        &self,
        draft: &mut Draft<'_>,
        name: &str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let given = self.get(name)?;
        let meant = words.iter().find(|(word, _)| plain(word) == plain(given));
        if meant.is_none() {
            let known = || words.iter().map(|(word, _)| *word);
            let all = known().collect::<Vec<_>>().join(", ");
            let problem = Problem::new(format!("parameter {name} is not one of {all}"));
            draft.problem(problem.nearest(given, known()));
        }
        meant.map(|(_, meaning)| *meaning)
    }
}

/// `ssl-mode`, `ssl_mode` and `sslMode` are one.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !"-_".contains(*c)).collect::<String>().to_ascii_lowercase()
}
