//! `${VAR}`, `${VAR:-default}` and `$$` in targets.
//!
//! A value is put into the *part* of the target in which its variable stands, never into the text before it is
//! taken apart: a password `p@ss/w#rd` stays a password. To that end each value is represented by one
//! private-use character while the text is split, and rendered when its part is known.

use super::env::Env;
use super::problem::Problem;

/// The first stand-in character (Unicode private use area).
const FIRST: u32 = 0xE000;
/// The last stand-in character.
const LAST: u32 = 0xF8FF;

/// A text whose variables are represented by stand-in characters.
#[derive(Debug, Clone, Default)]
pub(super) struct Template {
    /// The text; every character of the private use area stands for a value.
    pub(super) text: String,
    values: Vec<String>,
}

impl Template {
    /// Replaces the variables of `text` by stand-ins.
    pub(super) fn new(text: &str, env: &Env) -> Result<Self, Vec<Problem>> {
        Self::with(text, |inside| lookup(inside, env))
    }

    /// The same, where each variable stands for itself as it is written.
    pub(super) fn unexpanded(text: &str) -> Result<Self, Vec<Problem>> {
        Self::with(text, |inside| Ok(format!("${{{inside}}}")))
    }

    fn with(text: &str, lookup: impl Fn(&str) -> Result<String, Problem>) -> Result<Self, Vec<Problem>> {
        let mut template = Self::default();
        let mut problems = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            template.push_literal(&rest[..at], &mut problems);
            rest = &rest[at..];
            if let Some(tail) = rest.strip_prefix("$$") {
                template.text.push('$');
                rest = tail;
            } else if let Some(tail) = rest.strip_prefix("${") {
                let Some((inside, tail)) = tail.split_once('}') else {
                    problems.push(Problem::new("'${' has no closing '}'").hint("write $$ for a plain $"));
                    return Err(problems);
                };
                match lookup(inside) {
                    Ok(value) => template.push_value(value),
                    Err(problem) => problems.push(problem),
                }
                rest = tail;
            } else {
                template.text.push('$');
                rest = &rest[1..];
            }
        }
        template.push_literal(rest, &mut problems);
        if problems.is_empty() { Ok(template) } else { Err(problems) }
    }

    fn push_literal(&mut self, text: &str, problems: &mut Vec<Problem>) {
        if text.chars().any(is_stand_in) {
            problems.push(Problem::new("private-use Unicode characters are not accepted"));
        } else {
            self.text.push_str(text);
        }
    }

    fn push_value(&mut self, value: String) {
        // More than 6400 variables in one target do not fit; the rest stands as literal text.
        match u32::try_from(self.values.len())
            .ok()
            .and_then(|n| char::from_u32(FIRST + n))
            .filter(|c| is_stand_in(*c))
        {
            Some(stand_in) => {
                self.values.push(value);
                self.text.push(stand_in);
            }
            None => self.text.push_str(&value),
        }
    }

    /// `part` with each value written by `encode`.
    pub(super) fn render(&self, part: &str, encode: impl Fn(&str) -> String) -> String {
        let mut rendered = String::with_capacity(part.len());
        for c in part.chars() {
            match self.value(c) {
                Some(value) => rendered.push_str(&encode(value)),
                None => rendered.push(c),
            }
        }
        rendered
    }

    /// Puts the values that stand before the first literal `:` or `/` into the text itself: there, a variable
    /// holds a whole target, or its beginning (`${DATABASE_URL}`, `${BASE}/healthz`, `${HOST}:5432`).
    pub(super) fn settle_head(&mut self) {
        let end = self.text.find([':', '/']).unwrap_or(self.text.len());
        let head = self.render(&self.text[..end], str::to_owned);
        self.text.replace_range(..end, &head);
    }

    /// Puts `prefix` before the text.
    pub(super) fn prefix(&mut self, prefix: &str) {
        self.text.insert_str(0, prefix);
    }

    /// `part` as it can be written: each value as it is, and `$` so that it stays one.
    pub(super) fn write(&self, part: &str) -> String {
        let mut written = String::with_capacity(part.len());
        let mut chars = part.chars().peekable();
        while let Some(c) = chars.next() {
            match self.value(c) {
                Some(value) => written.push_str(value),
                None if c == '$' && chars.peek().is_some_and(|c| is_stand_in(*c) || "${".contains(*c)) => {
                    written.push_str("$$");
                }
                None => written.push(c),
            }
        }
        written
    }

    fn value(&self, c: char) -> Option<&str> {
        if !is_stand_in(c) {
            return None;
        }
        self.values.get((u32::from(c) - FIRST) as usize).map(String::as_str)
    }
}

pub(super) fn is_stand_in(c: char) -> bool {
    (FIRST..=LAST).contains(&u32::from(c))
}

/// The value of `NAME` or `NAME:-default`.
fn lookup(inside: &str, env: &Env) -> Result<String, Problem> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    {
        return Err(
            Problem::new(format!("'${{{name}}}' is not a variable's name")).hint("write $$ for a plain $")
        );
    }
    match (env.get(name), default) {
        // As in a shell, `:-` also replaces an empty value.
        (Some("") | None, Some(default)) => Ok(default.to_owned()),
        (Some(value), _) if value.chars().any(is_stand_in) => {
            Err(Problem::new(format!("the value of ${{{name}}} holds private-use Unicode characters")))
        }
        (Some(value), _) => Ok(value.to_owned()),
        (None, None) => {
            let problem = Problem::new(format!("variable {name} is not set"));
            let known = super::problem::nearest(name, env.iter().map(|(name, _)| name));
            Err(match known {
                Some(near) => {
                    problem.hint(format!("did you mean '${{{near}}}'? A default is written ${{{name}:-…}}"))
                }
                None => problem.hint(format!("set it, or give a default: ${{{name}:-…}}")),
            })
        }
    }
}

/// `text` with its variables replaced as they stand, for values that are not taken apart.
///
/// # Errors
/// Variables that are not set and have no default, and `${` that is not closed.
pub fn expand(text: &str, env: &Env) -> Result<String, Vec<Problem>> {
    let template = Template::new(text, env)?;
    Ok(template.render(&template.text, str::to_owned))
}

/// `text` so that [`expand`] gives it back.
#[must_use]
pub fn escape(text: &str) -> String {
    Template::default().write(text)
}

/// Whether `text` consists of variables alone.
#[must_use]
pub fn is_variables(text: &str) -> bool {
    let template = Template::unexpanded(text).unwrap_or_default();
    !template.text.is_empty() && template.text.chars().all(is_stand_in)
}

/// The names of the variables in `text`.
#[must_use]
pub fn variables(text: &str) -> Vec<String> {
    let template = Template::unexpanded(text).unwrap_or_default();
    let name =
        |value: &String| Some(value.strip_prefix("${")?.strip_suffix('}')?.split(":-").next()?.to_owned());
    template.values.iter().filter_map(name).collect()
}

/// The names of the variables in `text` that have no default.
#[must_use]
pub fn needed(text: &str) -> Vec<String> {
    let template = Template::unexpanded(text).unwrap_or_default();
    let name = |value: &String| Some(value.strip_prefix("${")?.strip_suffix('}')?.to_owned());
    template.values.iter().filter_map(name).filter(|name| !name.contains(":-")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_defaults_and_dollars_expand() {
        let env = Env::from([("A", "1"), ("EMPTY", "")]);
        for (text, expanded) in [
            ("x${A}y", "x1y"),
            ("${B:-two}", "two"),
            ("${A:-two}", "1"),
            ("${EMPTY:-two}", "two"),
            ("${EMPTY}", ""),
            ("$$A and ok$", "$A and ok$"),
            ("$A", "$A"),
            ("$${A}", "${A}"),
        ] {
            assert_eq!(expand(text, &env), Ok(expanded.to_owned()), "{text}");
        }
    }

    #[test]
    fn unset_variables_are_all_reported() {
        let env = Env::from([("DB_HOST", "db")]);
        let problems = expand("${DB_HSOT}:${PORT}", &env).unwrap_err();
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].what, "variable DB_HSOT is not set");
        assert!(problems[0].hint.as_deref().is_some_and(|hint| hint.contains("'${DB_HOST}'")));
        for (text, says) in [
            ("${A", "has no closing"),
            ("${}", "'${}' is not a variable's name"),
            ("${1A}", "'${1A}' is not a variable's name"),
            ("${A-B}", "'${A-B}' is not a variable's name"),
        ] {
            assert!(expand(text, &env).unwrap_err()[0].what.contains(says), "{text}");
        }
    }

    #[test]
    fn what_could_be_taken_for_a_variable_is_refused() {
        let env = Env::from([("A", "a\u{E000}"), ("B", "\u{F900}")]);
        assert!(expand("${A}", &env).is_err());
        assert!(expand("\u{F8FF}", &env).is_err());
        assert_eq!(expand("${B}\u{D7FF}", &env), Ok("\u{F900}\u{D7FF}".into()));
    }

    #[test]
    fn variables_are_named_with_and_without_those_that_have_a_default() {
        let text = "${A}-$$${B:-b}/$C${D:-}";
        assert_eq!(variables(text), ["A", "B", "D"]);
        assert_eq!(needed(text), ["A"]);
        for (text, whole) in [("", false), ("${A}${B:-x}", true), ("${A}x", false), ("$$", false)] {
            assert_eq!(is_variables(text), whole, "{text}");
        }
    }
}
