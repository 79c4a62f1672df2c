//! What is fuzzed: everything that reads what others have written. Not in the program: `make fuzz` and the tests build it.

use crate::check::fuzz::Reader;
use crate::plan::env::Env;
use crate::plan::target::Target;

/// What can be fuzzed, by name.
pub static READERS: &[Reader] =
    &[("target", target), ("words", crate::cli::fuzz_words), ("config", crate::cli::fuzz_config)];

/// Feeds the reader `name` with `data`.
///
/// # Panics
/// When there is no such reader, or it has a fault.
pub fn run(name: &str, data: &[u8]) {
    let mut readers = READERS.iter().chain(crate::check::fuzz::CODECS);
    let (_, read) = readers.find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no reader {name}"));
    read(data);
}

/// A target string: it is refused, or becomes a target whose label shows no password.
fn target(data: &[u8]) {
    const SECRET: &str = "s3cr3tp4ss";
    let Ok(text) = std::str::from_utf8(data) else { return };
    let env = Env::from([("PW", SECRET), ("HOST", "db"), ("PORT", "5432")]);
    match Target::parse(text, None, &env) {
        Ok(target) => {
            let label = target.label();
            assert!(!label.contains(char::is_control), "{label:?}");
            if let Some(password) = &target.password
                && password.expose() == SECRET
            {
                let elsewhere = target.path.contains(SECRET)
                    || target.user.as_deref().is_some_and(|user| user.contains(SECRET))
                    || target.query.as_deref().is_some_and(|query| query.contains(SECRET))
                    || target.host.as_ref().is_some_and(|host| host.to_string().contains(SECRET));
                assert!(elsewhere || !label.contains(SECRET), "{label:?}");
            }
            let layer = crate::plan::layer::Layer {
                targets: Some(crate::plan::Spec::Target(crate::plan::TargetSpec {
                    text: text.to_owned(),
                    ..Default::default()
                })),
                ..Default::default()
            };
            let _ = crate::plan::resolve(&layer, &env);
        }
        Err(problems) => assert!(!problems.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs by which fuzzing found ways through the code that none before had taken, in hexadecimal, a line each.
    #[test]
    fn what_fuzzing_found_interesting_is_read_without_fault() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz");
        for (name, read) in READERS.iter().chain(crate::check::fuzz::CODECS) {
            let lines = std::fs::read_to_string(folder.join(format!("{name}.hex"))).unwrap();
            assert!(!lines.is_empty(), "{name}");
            for line in lines.lines() {
                let byte = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
                let data: Vec<u8> = (0..line.len()).step_by(2).map(byte).collect();
                read(&data);
            }
        }
    }
}
