//! How the output is shown: with colour or without, with live rows or without.

use crate::plan::env::Env;
use crate::plan::layer::{Color, Layer, LogFormat};
use crate::report::{Palette, Verbosity};

/// Whether there is colour. `terminal` says whether the output goes to one.
///
/// Variables as <https://no-color.org> and <https://bixense.com/clicolors/> have them.
pub(super) fn palette(layer: &Layer, env: &Env, terminal: bool) -> Palette {
    Palette::new(match layer.color.unwrap_or_default() {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if env.non_empty("NO_COLOR").is_some() => false,
        Color::Auto if env.non_empty("CLICOLOR_FORCE").is_some_and(|force| force != "0") => true,
        Color::Auto => terminal && env.get("CLICOLOR") != Some("0") && understands(env),
    })
}

/// Whether there are live rows.
pub(super) fn live(layer: &Layer, env: &Env, verbosity: Verbosity, terminal: bool) -> bool {
    terminal
        && understands(env)
        && verbosity != Verbosity::Quiet
        && layer.log_format.unwrap_or_default() == LogFormat::Text
        && layer.no_progress != Some(true)
}

/// Whether the terminal is known to understand more than text.
fn understands(env: &Env) -> bool {
    env.non_empty("TERM").is_some_and(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coloured<const N: usize>(color: Option<Color>, vars: [(&str, &str); N], terminal: bool) -> bool {
        let layer = Layer { color, ..Layer::default() };
        palette(&layer, &Env::from(vars), terminal) == Palette::new(true)
    }

    #[test]
    fn the_flag_then_variables_then_the_terminal_decide_on_colour() {
        let xterm = ("TERM", "xterm");
        assert!(coloured(None, [xterm], true));
        assert!(!coloured(None, [xterm], false));
        assert!(!coloured(None, [("TERM", "dumb")], true));
        assert!(!coloured(None, [], true));
        assert!(!coloured(None, [xterm, ("NO_COLOR", "1")], true));
        // As the convention has it, an empty one does not count.
        assert!(coloured(None, [xterm, ("NO_COLOR", "")], true));
        assert!(coloured(None, [("CLICOLOR_FORCE", "1")], false));
        assert!(!coloured(None, [("CLICOLOR_FORCE", "0")], false));
        assert!(!coloured(None, [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true));
        assert!(!coloured(None, [xterm, ("CLICOLOR", "0")], true));
        assert!(coloured(Some(Color::Always), [("NO_COLOR", "1"), ("TERM", "dumb")], false));
        assert!(!coloured(Some(Color::Never), [xterm, ("CLICOLOR_FORCE", "1")], true));
        assert!(coloured(Some(Color::Auto), [xterm], true));
    }

    #[test]
    fn rows_are_for_terminals_and_text() {
        let xterm = Env::from([("TERM", "xterm")]);
        let live = |layer: Layer, env: &Env, verbosity, terminal| live(&layer, env, verbosity, terminal);
        assert!(live(Layer::default(), &xterm, Verbosity::Normal, true));
        assert!(live(Layer::default(), &xterm, Verbosity::Verbose, true));
        assert!(!live(Layer::default(), &xterm, Verbosity::Normal, false));
        assert!(!live(Layer::default(), &xterm, Verbosity::Quiet, true));
        assert!(!live(Layer::default(), &Env::from([("TERM", "dumb")]), Verbosity::Normal, true));
        let json = Layer { log_format: Some(LogFormat::Json), ..Layer::default() };
        assert!(!live(json, &xterm, Verbosity::Normal, true));
        let off = Layer { no_progress: Some(true), ..Layer::default() };
        assert!(!live(off, &xterm, Verbosity::Normal, true));
    }
}
