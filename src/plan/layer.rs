//! One source of settings. Every field can be unset, so that sources can be laid over one another field by
//! field and an explicit value wins even when it equals the default.

use std::time::Duration;

use super::duration::Limit;
use super::mesh::Mesh;
use super::policy::Backoff;
use super::tree::Spec;
use crate::report::file::ReportFile;

macro_rules! layer {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// Settings from one source, or from several laid over one another.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Layer {
            $($(#[$doc])* pub $field: Option<$type>,)*
        }

        impl Layer {
            /// This layer over `below`: a field that is unset here is taken from there.
            #[must_use]
            pub fn over(self, below: Self) -> Self {
                Self { $($field: self.$field.or(below.$field),)* }
            }
        }
    };
}

layer! {
    /// What to wait for.
    targets: Spec,
    /// How long to wait for everything together. Default: 5 minutes.
    timeout: Limit,
    /// The longest duration of one attempt. Default: 5 s.
    attempt_timeout: Limit,
    /// The shortest wait between attempts. Default: 50 ms.
    interval: Duration,
    /// The longest wait between attempts. Default: 1 s.
    max_interval: Duration,
    /// How waits grow. Default: adaptive.
    backoff: Backoff,
    /// The factor of exponential backoff. Default: 2.
    factor: f32,
    /// How many attempts in a row must succeed. Default: 1.
    successes: u32,
    /// How long each must hold without interruption. Default: 0.
    stable: Duration,
    /// How many attempts are made at most. Default: no limit.
    max_attempts: u32,
    /// One attempt each. Default: no.
    once: bool,
    /// Probe all once more together at the end. Default: no.
    confirm: bool,
    /// Spread first attempts over this span, by host name. Default: 0.
    splay: Duration,
    /// How often all that is pending is reported. Default: 10 s.
    heartbeat: Limit,
    /// Which proxy HTTP goes through. Default: none.
    proxy: String,
    /// The mesh whose proxy is waited for first. Default: none.
    mesh: Mesh,
    /// The form of the output. Default: text.
    log_format: LogFormat,
    /// When there is colour. Default: on a terminal.
    color: Color,
    /// No live rows on a terminal. Default: no.
    no_progress: bool,
    /// Where the termination message goes. Default: `/dev/termination-log` on Kubernetes.
    termination_log: String,
    /// Files about the whole run. Default: none.
    reports: Vec<ReportFile>,
    /// More output: every attempt (1), with its stages (2). Default: 0.
    verbose: u8,
    /// Only the summary. Default: no.
    quiet: bool,
    /// The file that has further settings. Default: none.
    config: String,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// When there is colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// On a terminal, unless variables say otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_default_beats_the_layer_below() {
        let flags = Layer { successes: Some(1), ..Layer::default() };
        let env = Layer { successes: Some(3), once: Some(true), ..Layer::default() };
        let both = flags.over(env);
        assert_eq!((both.successes, both.once), (Some(1), Some(true)));
    }
}
