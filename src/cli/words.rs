//! The words between targets: `not`, `or`, `and`, `then`.
//!
//! Binding: `not`, then `or`, then *and* (which is implied), then `then`.

use crate::plan::problem::Problem;
use crate::plan::{Spec, TargetSpec};

/// The words that are not targets.
pub(super) const WORDS: [&str; 4] = ["not", "or", "and", "then"];

/// Combines targets and words to what they mean.
///
/// # Errors
/// Words that lack something on either side.
pub(super) fn combine(items: &[TargetSpec]) -> Result<Option<Spec>, Vec<Problem>> {
    let mut parser = Parser { items, at: 0, problems: Vec::new() };
    let spec = parser.sequence();
    if parser.problems.is_empty() { Ok(spec) } else { Err(parser.problems) }
}

struct Parser<'a> {
    items: &'a [TargetSpec],
    at: usize,
    problems: Vec<Problem>,
}

impl Parser<'_> {
    /// The word at the present place. Text behind a typed flag is never a word.
    fn word(&self) -> Option<&'static str> {
        let item = self.items.get(self.at).filter(|item| item.flag.is_none())?;
        WORDS.into_iter().find(|word| *word == item.text)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.word() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn sequence(&mut self) -> Option<Spec> {
        let mut parts = Vec::new();
        loop {
            parts.extend(self.all());
            if !self.take("then") {
                return single(parts, Spec::Sequence);
            }
            self.need_target("then");
        }
    }

    fn all(&mut self) -> Option<Spec> {
        let mut parts = Vec::new();
        while self.at < self.items.len() {
            match self.word() {
                Some("then") => {
                    if parts.is_empty() {
                        self.lacks("then", "before it");
                    }
                    break;
                }
                Some("and") => {
                    if parts.is_empty() {
                        self.lacks("and", "before it");
                    }
                    self.at += 1;
                    self.need_target("and");
                }
                _ => parts.extend(self.any()),
            }
        }
        single(parts, Spec::All)
    }

    fn any(&mut self) -> Option<Spec> {
        let mut parts = Vec::new();
        loop {
            if self.word() == Some("or") {
                self.lacks("or", "before it");
                self.at += 1;
                continue;
            }
            parts.extend(self.one());
            if !self.take("or") {
                return single(parts, |parts| Spec::AtLeast(1, parts));
            }
            self.need_target("or");
        }
    }

    fn one(&mut self) -> Option<Spec> {
        if self.take("not") {
            if self.word() == Some("not") {
                self.problem("'not' stands twice", "leave both out");
                while self.take("not") {}
            }
            if !self.need_target("not") {
                return None;
            }
            return self.target().map(|spec| Spec::Not(Box::new(spec)));
        }
        self.target()
    }

    fn target(&mut self) -> Option<Spec> {
        if self.word().is_some() {
            return None;
        }
        let item = self.items.get(self.at)?;
        self.at += 1;
        Some(Spec::Target(item.clone()))
    }

    /// Notes a problem unless a target (or `not`) follows.
    fn need_target(&mut self, word: &str) -> bool {
        let found = self.at < self.items.len() && matches!(self.word(), None | Some("not"));
        if !found {
            self.at -= 1;
            self.lacks(word, "behind it");
            self.at += 1;
        }
        found
    }

    fn lacks(&mut self, word: &str, side: &str) {
        self.problem(
            &format!("'{word}' has no precondition {side}"),
            &format!("a file of that name is written ./{word}"),
        );
    }

    fn problem(&mut self, what: &str, hint: &str) {
        let source = self.items.get(self.at).or(self.items.last()).map(|item| item.source.clone());
        self.problems.push(Problem::new(what).hint(hint).at(source.as_deref().unwrap_or_default()));
    }
}

/// One part as it is; several combined.
pub(super) fn single(mut parts: Vec<Spec>, combined: impl FnOnce(Vec<Spec>) -> Spec) -> Option<Spec> {
    if parts.len() > 1 { Some(combined(parts)) } else { parts.pop() }
}

/// A list of words: it is refused, or means as many targets as there are.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(words) = shlex::split(text) else { return };
    let item = |text: &String| TargetSpec { text: text.clone(), ..TargetSpec::default() };
    let items: Vec<TargetSpec> = words.iter().map(item).collect();
    let count = |spec: &Spec| {
        let (mut open, mut targets) = (vec![spec], 0);
        while let Some(spec) = open.pop() {
            match spec {
                Spec::Target(_) => targets += 1,
                Spec::Not(inner) => open.push(inner),
                Spec::All(specs) | Spec::AtLeast(_, specs) | Spec::Sequence(specs) => open.extend(specs),
            }
        }
        targets
    };
    match combine(&items) {
        Ok(None) => assert!(items.is_empty()),
        Ok(Some(spec)) => {
            let targets = words.iter().filter(|word| !WORDS.contains(&word.as_str())).count();
            assert_eq!(count(&spec), targets);
        }
        Err(problems) => assert!(!problems.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::cli::args::{Request, parse};

    /// Parts one after the other; in each groups, with whether `and` is written before it; in each alternatives, with
    /// whether `not` is.
    type Structure = Vec<Vec<(bool, Vec<(bool, TargetSpec)>)>>;

    fn items(text: &str) -> Vec<TargetSpec> {
        let item = |text: &str| TargetSpec { text: text.into(), ..TargetSpec::default() };
        text.split_whitespace().map(item).collect()
    }

    /// `spec` with all brackets written.
    fn shown(spec: &Spec) -> String {
        let joined = |parts: &[Spec], word: &str| {
            format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(word))
        };
        match spec {
            Spec::Target(target) => target.text.clone(),
            Spec::Not(spec) => format!("!{}", shown(spec)),
            Spec::All(parts) => joined(parts, " & "),
            Spec::AtLeast(_, parts) => joined(parts, " | "),
            Spec::Sequence(parts) => joined(parts, " > "),
        }
    }

    #[test]
    fn words_bind_as_documented() {
        for (text, meaning) in [
            ("a", "a"),
            ("a b", "(a & b)"),
            ("a and b", "(a & b)"),
            ("a or b c", "((a | b) & c)"),
            ("not a or b", "(!a | b)"),
            ("not a then b then c or d", "(!a > b > (c | d))"),
            ("a b then c d", "((a & b) > (c & d))"),
            ("a or not b or c", "(a | !b | c)"),
        ] {
            let spec = combine(&items(text)).unwrap().unwrap();
            assert_eq!(shown(&spec), meaning, "{text}");
        }
        assert_eq!(combine(&[]), Ok(None));
    }

    #[test]
    fn words_that_lack_something_are_reported() {
        for (text, says) in [
            ("or a", "'or' has no precondition before it"),
            ("a or", "'or' has no precondition behind it"),
            ("a then", "'then' has no precondition behind it"),
            ("then a", "'then' has no precondition before it"),
            ("not", "'not' has no precondition behind it"),
            ("not not a", "'not' stands twice"),
            ("a or then b", "'or' has no precondition behind it"),
            ("a and", "'and' has no precondition behind it"),
            ("and a", "'and' has no precondition before it"),
            ("a then or b", "'then' has no precondition behind it"),
            ("a not or b", "'not' has no precondition behind it"),
        ] {
            let problems = combine(&items(text)).unwrap_err();
            assert!(problems.iter().any(|problem| problem.what == says), "{text}: {problems:?}");
        }
    }

    #[test]
    fn text_behind_a_flag_is_no_word() {
        let mut items = items("or");
        items[0].flag = Some("file");
        assert!(matches!(combine(&items), Ok(Some(Spec::Target(_)))));
    }

    fn targets() -> impl Strategy<Value = TargetSpec> {
        let plain = ["a:1", "b:2#timeout=3s&name=or", "./not", "file:/x then y", "Or", "andy:1"];
        let typed =
            [("tcp", "c:3"), ("http", "d/#successes=2"), ("file", "or"), ("file", "then"), ("dns", "not")];
        let all =
            plain.map(|text| (None, text)).into_iter().chain(typed.map(|(flag, text)| (Some(flag), text)));
        let spec =
            |(flag, text): (_, &str)| TargetSpec { text: text.to_owned(), flag, ..TargetSpec::default() };
        select(all.map(spec).collect::<Vec<_>>())
    }

    fn structures() -> impl Strategy<Value = Structure> {
        let alternatives = vec((any::<bool>(), targets()), 1..4);
        vec(vec((any::<bool>(), alternatives), 1..4), 1..4)
    }

    /// As it is written, and as it is meant.
    fn both_ways(structure: Structure) -> (Vec<String>, Spec) {
        fn several(mut parts: Vec<Spec>, combined: fn(Vec<Spec>) -> Spec) -> Spec {
            if parts.len() == 1 { parts.remove(0) } else { combined(parts) }
        }
        let (mut line, mut sequence) = (Vec::new(), Vec::new());
        for (place, groups) in structure.into_iter().enumerate() {
            line.extend((place > 0).then(|| "then".to_owned()));
            let mut all = Vec::new();
            for (place, (and, alternatives)) in groups.into_iter().enumerate() {
                line.extend((place > 0 && and).then(|| "and".to_owned()));
                let mut any = Vec::new();
                for (place, (not, target)) in alternatives.into_iter().enumerate() {
                    line.extend((place > 0).then(|| "or".to_owned()));
                    line.extend(not.then(|| "not".to_owned()));
                    line.extend(target.flag.map(|flag| format!("--{flag}")));
                    line.push(target.text.clone());
                    let spec = Spec::Target(target);
                    any.push(if not { Spec::Not(Box::new(spec)) } else { spec });
                }
                all.push(several(any, |parts| Spec::AtLeast(1, parts)));
            }
            sequence.push(several(all, Spec::All));
        }
        (line, several(sequence, Spec::Sequence))
    }

    proptest! {
        #[test]
        fn what_is_written_in_words_is_what_is_meant(structure in structures()) {
            let (line, meant) = both_ways(structure);
            let argv = std::iter::once("prereq").chain(line.iter().map(String::as_str)).map(OsString::from);
            let Request::Wait(mut parsed) = parse(argv) else { panic!("{line:?}") };
            prop_assert_eq!(&parsed.problems, &[], "{:?}", line);
            let read = parsed.layer.targets.as_mut().unwrap();
            read.change(&mut |target| target.source.clear());
            prop_assert_eq!(&*read, &meant, "{:?}", line);
        }

        #[test]
        fn any_list_of_words_is_taken_or_refused(words in vec(0..5_usize, 0..12)) {
            let text: Vec<&str> = words.iter().map(|n| ["not", "or", "and", "then", "x"][*n]).collect();
            let result = combine(&items(&text.join(" ")));
            if let Ok(Some(spec)) = result {
                let targets = shown(&spec).matches('x').count();
                prop_assert_eq!(targets, text.iter().filter(|word| **word == "x").count());
            }
        }
    }
}
