//! `prereq manifest`: what Kubernetes needs to be told, so that a Pod waits as these arguments say.

use std::ffi::OsString;
use std::io;

use super::args::{self, Own, Parsed};
use super::env::{Holds, holds};
use super::exit::Exit;
use super::settings::{one_of, variable};
use super::verb::print;
use super::words::WORDS;
use super::{error, prepare};
use crate::content;
use crate::manifest::vault::{Vault, is_path};
use crate::manifest::{Format, Part, Request, Word, make};
use crate::plan::env::Env;
use crate::plan::problem::Problem;
use crate::plan::secret::mask_unparsed;

/// The settings that name files.
const FILES: [&str; 2] = ["config", "report"];
/// What the parts are called.
const PARTS: [(&str, Part); 6] = [
    ("init", Part::Init),
    ("sidecar", Part::Sidecar),
    ("readiness", Part::Readiness),
    ("poststart", Part::PostStart),
    ("prestop", Part::PreStop),
    ("rbac", Part::Rbac),
];
/// What the forms are called.
const FORMATS: [(&str, Format); 3] =
    [("yaml", Format::Yaml), ("json", Format::Json), ("patch", Format::Patch)];

/// The options of the verb.
pub(super) static OPTIONS: &[Own] = &[
    Own {
        flag: "kind",
        value: "KIND",
        help: "init, sidecar, readiness (probe), poststart or prestop (hook), or rbac alone [default: init]",
    },
    Own {
        flag: "format",
        value: "FORMAT",
        help: "yaml, json, or patch for kubectl patch --patch-file [default: yaml]",
    },
    Own { flag: "image", value: "IMAGE", help: "Image with its tag [default: prereq and this version]" },
    Own {
        flag: "binary",
        value: "PATH",
        help: "Where prereq is in the container, if not at /prereq, or not to be copied there",
    },
    Own {
        flag: "name",
        value: "NAME",
        help: "Name of the container, of its Secret and of the account [default: prereq]",
    },
    Own {
        flag: "container",
        value: "NAME",
        help: "Name of the Pod's own container, for probes and hooks [default: app]",
    },
    Own { flag: "service-account", value: "NAME", help: "Account that the Pod has, for k8s: targets" },
    Own { flag: "namespace", value: "NAME", help: "Namespace of the Pod, for k8s: targets" },
];

/// Carries out the verb.
pub(super) async fn manifested(argv: Vec<OsString>, env: &Env) -> Exit {
    let parsed = match args::parse_with(argv, OPTIONS) {
        args::Request::Wait(parsed) => *parsed,
        args::Request::Print(text) => return print(&text),
    };
    match text(parsed, env).await {
        Ok((text, notes)) => {
            for note in notes {
                // If nobody reads it, the output is the same.
                let _ = io::Write::write_all(&mut io::stderr(), format!("note: {note}\n").as_bytes());
            }
            print(&text)
        }
        Err(problems) => {
            error::render(&problems, &mut io::stderr());
            Exit::Usage
        }
    }
}

/// The manifest, and the notes that do not stand in it.
async fn text(mut parsed: Parsed, env: &Env) -> Result<(String, Vec<String>), Vec<Problem>> {
    let mut problems = Vec::new();
    let own = Choices::read(&parsed, &mut problems);
    let mut vault = Vault::default();
    let words = words(&parsed, &mut vault, env);
    variables(env, parsed.layer.targets.is_none(), &mut vault);
    let command: Vec<String> =
        parsed.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if own.part == Part::Sidecar && command.is_empty() && parsed.layer.targets.is_none() {
        problems.push(Problem::new("a sidecar takes its targets from the command line only").at("--kind"));
    }
    parsed.problems.extend(problems);
    // Files that the words name are the Pod's, and need not be here.
    parsed.layer.reports = None;
    let mut files: Vec<String> = words
        .iter()
        .filter_map(|word| {
            word.flag.filter(|flag| FILES.contains(flag)).map(|flag| format!("{} ({flag})", word.text))
        })
        .collect();
    if let Some(targets) = &mut parsed.layer.targets {
        targets.change(&mut |target| {
            let named = named_files(&target.text, target.flag);
            target.text = without_missing(&target.text, &named);
            files.extend(named.into_iter().map(|(option, path)| format!("{path} ({option})")));
        });
    }
    let (_, plan) = prepare(&mut parsed, &vault.stand_ins(env).without(&variable("report"))).await?;
    let request = Request {
        part: own.part,
        own_image: own.image.is_none(),
        image: own.image.unwrap_or_else(|| format!("prereq:{}", env!("CARGO_PKG_VERSION"))),
        name: own.name.unwrap_or_else(|| "prereq".into()),
        container: own.container.unwrap_or_else(|| "app".into()),
        binary: own.binary,
        account: own.account,
        namespace: own.namespace,
        targets: targets(&parsed),
        files,
        words,
        command,
        variables: vault.into_variables(),
        plan: &plan,
    };
    let made = make(&request);
    if made.is_empty() {
        return Err(vec![
            Problem::new("no target needs an account with rights").at("--kind").hint("k8s: targets do"),
        ]);
    }
    let notes = if own.format == Format::Json { made.notes.clone() } else { Vec::new() };
    Ok((made.text(own.format), notes))
}

/// The targets as they are shown: without options, and only where variables keep the plan from knowing better.
fn targets(parsed: &Parsed) -> Vec<Option<String>> {
    let given = parsed
        .words
        .iter()
        .filter(|word| word.target && !(word.flag.is_none() && WORDS.contains(&word.text.as_str())));
    let body = |text: &str| text.split('#').next().unwrap_or_default().to_owned();
    given
        .map(|word| {
            let written = body(&word.text);
            let mut vault = Vault::default();
            written.contains("${").then(|| body(&vault.target(&word.text, word.flag)))
        })
        .collect()
}

/// The verb's own options.
#[derive(Default)]
struct Choices {
    part: Part,
    format: Format,
    image: Option<String>,
    binary: Option<String>,
    name: Option<String>,
    container: Option<String>,
    account: Option<String>,
    namespace: Option<String>,
}

impl Choices {
    fn read(parsed: &Parsed, problems: &mut Vec<Problem>) -> Self {
        let mut choices = Self::default();
        let mut wrong = |flag: &str, what: String| problems.push(Problem::new(what).at(&format!("--{flag}")));
        for (flag, text) in &parsed.own {
            let fits = match *flag {
                "kind" => named(&PARTS, text).map(|part| choices.part = part),
                "format" => named(&FORMATS, text).map(|format| choices.format = format),
                "image" => image(text).map(|()| choices.image = Some(text.clone())),
                "binary" if text.starts_with('/') => {
                    choices.binary = Some(text.clone());
                    Ok(())
                }
                "binary" => Err(format!("'{text}' is not a whole path: write /usr/bin/prereq")),
                _ => label(text).map(|()| match *flag {
                    "name" => choices.name = Some(text.clone()),
                    "container" => choices.container = Some(text.clone()),
                    "service-account" => choices.account = Some(text.clone()),
                    _ => choices.namespace = Some(text.clone()),
                }),
            };
            if let Err(what) = fits {
                wrong(flag, what);
            }
        }
        if (choices.part, choices.format) == (Part::Rbac, Format::Patch) {
            wrong("format", "rights are no part of a Pod template: write yaml or json".into());
        }
        choices
    }
}

fn named<T: Copy>(known: &[(&str, T)], text: &str) -> Result<T, String> {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| one_of(text, &names))
}

/// An RFC 1123 label, as names of containers and namespaces are.
fn label(text: &str) -> Result<(), String> {
    let inner = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    if inner && (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-') {
        return Ok(());
    }
    Err(format!("'{text}' cannot be a name: a-z, 0-9 and '-', up to 63"))
}

/// An image that stays what it is: with a tag other than `latest`, or with a digest.
fn image(text: &str) -> Result<(), String> {
    let name = text.rsplit_once('/').map_or(text, |(_, name)| name);
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err(format!("'{text}' is not an image"));
    }
    match name.split_once(['@', ':']) {
        None => Err(format!("'{text}' has no tag: write {text}:VERSION")),
        Some((_, "latest")) => {
            Err(format!("'{text}' may be another image tomorrow: write a version, or a digest"))
        }
        Some(_) => Ok(()),
    }
}

/// Options and targets, with secrets and what they refer to given to the vault.
fn words(parsed: &Parsed, vault: &mut Vault, env: &Env) -> Vec<Word> {
    let mut words = Vec::new();
    for word in &parsed.words {
        let text = if word.target {
            let text = vault.target(&word.text, word.flag);
            vault.references(&text, env);
            text
        } else if word.flag == Some("proxy") && mask_unparsed(&word.text) != word.text {
            // The setting as a whole becomes a variable: nothing is expanded in settings.
            vault.secret("PREREQ_PROXY");
            continue;
        } else {
            if word.flag == Some("config") {
                // What is wrong with it is told when it is read for the plan.
                vault.references(
                    &content::whole(&word.text, content::SHORT).and_then(content::text).unwrap_or_default(),
                    env,
                );
            }
            word.text.clone()
        };
        words.push(Word { flag: word.flag, text });
    }
    words
}

/// Gives the settings in the environment to the vault, and the targets there if those count.
fn variables(env: &Env, with_targets: bool, vault: &mut Vault) {
    for (name, value) in env.iter().filter(|(_, value)| !value.is_empty()) {
        match holds(name) {
            Some(Holds::Targets(flag)) if with_targets => {
                let words = shlex::split(value).unwrap_or_default();
                let hidden: Vec<String> = words.iter().map(|word| vault.target(word, flag)).collect();
                let hidden = if hidden == words {
                    value.to_owned()
                } else {
                    shlex::try_join(hidden.iter().map(String::as_str)).unwrap_or_default()
                };
                vault.references(&hidden, env);
                vault.value(name, &hidden);
            }
            Some(Holds::Setting) if mask_unparsed(value) != value => vault.secret(name),
            Some(Holds::Setting) => vault.value(name, value),
            _ => {}
        }
    }
}

/// The options of a target that name files, with their values.
fn named_files(text: &str, flag: Option<&str>) -> Vec<(String, String)> {
    let (body, options) = text.split_once('#').unwrap_or((text, ""));
    let scheme =
        flag.or_else(|| body.split_once(':').map(|(scheme, _)| scheme)).unwrap_or_default().to_lowercase();
    let pairs = options.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(name, _)| is_path(&scheme, name))
        .map(|(name, path)| (name.to_owned(), path.to_owned()))
        .collect()
}

/// A target without the options that name `files`, unless all of those are here.
fn without_missing(text: &str, files: &[(String, String)]) -> String {
    match text.split_once('#') {
        Some((body, options)) if !files.iter().all(|(_, path)| std::path::Path::new(path).exists()) => {
            let named = |pair: &&str| files.iter().any(|(name, path)| *pair == format!("{name}={path}"));
            let kept: Vec<&str> = options.split('&').filter(|pair| !named(pair)).collect();
            format!("{body}#{}", kept.join("&"))
        }
        _ => text.to_owned(),
    }
}
