//! The page about all classes of failure, made from their definitions: `docs/failures.md`.

use std::fmt::Write as _;

use crate::check::{Class, Cost, registry};

const HEAD: &str = "\
# Why a precondition does not hold

<!-- Made from the classes in src/check by `make docs`; do not edit. -->

Every failure has a **class**: a stable name, in brackets at the end of a line of text (`[tcp.refused]`), and the field
`class` of a JSON line. Classes may be added; none changes its meaning.

- `fail-on=CLASS` in a target makes a class final: the wait ends at once, with status 3. A family is enough:
  `fail-on=tls`.
- *Asked again* follows what an attempt costs the dependency: *soon* is after 1 % of the time waited so far, *later*
  after 10 %, with jitter; never less than `--interval`, never more than `--max-interval`.
- `not TARGET` is satisfied by a clean answer only: the classes of which that is said below.
";

/// The page, as Markdown.
#[must_use]
pub fn failures_markdown() -> String {
    let mut text = HEAD.to_owned();
    let classes = by_family();
    text.push_str("\n| class | meaning | asked again |\n|---|---|---|\n");
    for class in &classes {
        let again = match class.cost {
            Cost::Low => "soon",
            Cost::High => "later",
        };
        let anchor = class.code.replace('.', "");
        let _ = writeln!(text, "| [`{}`](#{anchor}) | {} | {again} |", class.code, class.meaning);
    }
    for class in classes {
        section(&mut text, class);
    }
    text
}

/// All classes, those of one family together.
fn by_family() -> Vec<&'static Class> {
    let mut families: Vec<(&str, Vec<&Class>)> = Vec::new();
    for class in registry::classes() {
        match families.iter_mut().find(|(family, _)| *family == class.family()) {
            Some((_, classes)) => classes.push(class),
            None => families.push((class.family(), vec![class])),
        }
    }
    families.into_iter().flat_map(|(_, classes)| classes).collect()
}

fn section(text: &mut String, class: &Class) {
    let _ = write!(text, "\n## {}\n\n{}\n", class.code, class.meaning);
    if !class.causes.is_empty() {
        text.push_str("\nUsually:\n\n");
        for cause in class.causes {
            let _ = writeln!(text, "- {cause}");
        }
    }
    if !class.remedy.is_empty() {
        let _ = write!(text, "\n**What to do:** {}\n", class.remedy);
    }
    let opposites: Vec<String> = registry::KINDS
        .iter()
        .filter(|kind| kind.opposite.contains(&class))
        .map(|kind| format!("`{}`", kind.name))
        .collect();
    if !opposites.is_empty() {
        let _ = write!(text, "\n`not` is satisfied by it: {}.\n", opposites.join(", "));
    }
}
