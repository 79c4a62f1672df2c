//! Where settings come from.

use super::settings::settings;
use crate::plan::layer::Layer;
use crate::plan::problem::Problem;

/// A setting as a file has it.
#[derive(Debug, Clone)]
pub(super) struct InFile {
    /// The flag of the setting.
    pub(super) flag: &'static str,
    /// Its values, variables not expanded.
    pub(super) values: Vec<String>,
    /// Where it stands: `prereq.yaml:3:5`.
    pub(super) place: String,
}

/// What a file asks for.
#[derive(Debug, Default)]
pub(super) struct FromFile {
    /// The settings and targets.
    pub(super) layer: Layer,
    /// The settings as they are written.
    pub(super) given: Vec<InFile>,
    /// All that is wrong.
    pub(super) problems: Vec<Problem>,
}

/// The sources, one over the other.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// What flags say.
    pub(super) flags: Layer,
    /// What variables say.
    pub(super) variables: Layer,
    /// What the file says.
    pub(super) file: Vec<InFile>,
}

/// The source that decides on a setting.
#[derive(Debug)]
pub(super) enum Source<'a> {
    /// Its flag.
    Flag,
    /// Its variable.
    Variable,
    /// The file.
    File(&'a InFile),
}

impl Sources {
    /// The source that decides on the setting of `flag`, unless it is left at its default.
    pub(super) fn of(&self, flag: &str) -> Option<Source<'_>> {
        let setting = settings().into_iter().find(|setting| setting.flag == flag)?;
        let given = |layer: &Layer| !(setting.get)(layer).is_empty();
        if given(&self.flags) {
            Some(Source::Flag)
        } else if given(&self.variables) {
            Some(Source::Variable)
        } else {
            self.file.iter().find(|given| given.flag == flag).map(Source::File)
        }
    }

    /// That source for messages.
    pub(super) fn place(&self, flag: &str) -> String {
        match self.of(flag) {
            Some(Source::File(given)) => given.place.clone(),
            Some(Source::Variable) => super::settings::variable(flag),
            _ => format!("--{flag}"),
        }
    }
}
