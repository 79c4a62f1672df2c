//! Words → file → plan: whatever can be given on the command line can be written into a file that means the same.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::cli::sources::{FromFile, Sources};
use crate::plan::layer::Layer;
use crate::plan::{Node, OptionSpec, Plan, Spec, TargetSpec, resolve};

const SECRETS: [&str; 4] = ["hunter2", "p@ss/w#rd", "a+b=c", "$x{y}"];

fn env() -> Env {
    Env::from([
        ("HOST", "db"),
        ("SECRET", "h#nt&er2"),
        ("URL", "http://web:8080/x"),
        ("WEB_PASSWORD", "taken"),
    ])
}

/// What a plan means, for comparison.
fn meaning(plan: &Plan) -> String {
    let of = |id: usize| {
        let one = &plan.preconditions[id];
        let mut options = one.target.options.clone();
        options.sort_by(|a, b| a.0.cmp(&b.0));
        let target = crate::plan::target::Target {
            options: Vec::new(),
            query: one.target.query.as_deref().map(write::plain),
            ..one.target.clone()
        };
        let password = target.password.as_ref().map(|secret| secret.expose().to_owned());
        format!("{} {:?} {target:?} {password:?} {options:?} {}", one.name, one.policy, one.inverted)
    };
    let leaves: Vec<String> = plan.tree.leaves().into_iter().map(of).collect();
    format!("{:?} {:?} {leaves:#?}", plan.tree, plan.settings)
}

/// Reads what was written, with the variables that stand for secrets.
fn read_back(text: &str, name: &str, hidden: &write::Hidden) -> (FromFile, Env) {
    let all = env()
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain(hidden.iter().cloned())
        .collect::<Vec<_>>();
    let env = Env::new(all.into_iter().map(|(name, value)| (name.into(), value.into())));
    (parse(name, text.as_bytes(), &env), env)
}

fn targets() -> impl Strategy<Value = TargetSpec> {
    let secret = select(&SECRETS[..]);
    let encoded = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let text = prop_oneof![
        "tcp://[a-z]{1,5}:[1-9][0-9]{0,3}",
        "[a-z]{1,5}:[1-9][0-9]{0,3}",
        Just(":8080".to_owned()),
        Just("${HOST}:5432".to_owned()),
        Just("${URL}/healthz?a=1".to_owned()),
        "/[a-z. ]{0,7}[a-z]",
        Just("file:/a%20or%20b".to_owned()),
        Just("file:/a or b$$c".to_owned()),
        Just("dns:${HOST:-x}.".to_owned()),
        Just("http://web/${HOST}".to_owned()),
        (secret.clone(), secret.clone()).prop_map(move |(password, token)| format!(
            "http://u:{}@web/p?x=1&token={}&y",
            encoded(password),
            encoded(token)
        )),
        Just("http://u:${SECRET}@web/?key=${SECRET:-hunter2}".to_owned()),
        Just("http://web/?key=a+b%2Bc".to_owned()),
    ];
    let options = vec![
        ("name", vec!["x y", "no", "a: #b", "1"]),
        ("timeout", vec!["30s", "0", "1h30m"]),
        ("successes", vec!["3"]),
        ("optional", vec!["true", "no"]),
        ("fail-on", vec!["tls", "tcp.refused,dns"]),
        ("stable", vec!["${NONE:-2s}"]),
    ];
    let chosen = subsequence(options, 0..4).prop_flat_map(|chosen| {
        chosen
            .into_iter()
            .map(|(name, values)| select(values).prop_map(move |value| (name, value)))
            .collect::<Vec<_>>()
    });
    (text, chosen, any::<bool>()).prop_map(|(text, options, beside)| {
        let option = |(name, value): &(&str, &str)| OptionSpec {
            name: (*name).into(),
            value: (*value).into(),
            source: String::new(),
        };
        if beside {
            return TargetSpec {
                text,
                options: options.iter().map(option).collect(),
                ..TargetSpec::default()
            };
        }
        let encoded = options
            .iter()
            .map(|(name, value)| format!("{name}={}", value.replace('#', "%23").replace('&', "%26")));
        let encoded: Vec<String> = encoded.collect();
        let text = if encoded.is_empty() { text } else { format!("{text}#{}", encoded.join("&")) };
        TargetSpec { text, ..TargetSpec::default() }
    })
}

/// HTTP targets with options that may hold secrets.
fn pages() -> impl Strategy<Value = TargetSpec> {
    let header = select(vec![
        "X-Key: hunter2",
        "Authorization: Bearer hunter2",
        "Authorization:Bearer ${SECRET}",
        "Accept: text/html",
        "X:${SECRET}",
    ]);
    (header, select(&SECRETS[..]), any::<bool>()).prop_map(|(header, body, beside)| {
        let option = |name: &str, value: &str| OptionSpec {
            name: name.into(),
            value: value.into(),
            source: String::new(),
        };
        let spec = TargetSpec { text: "http://web/#method=put".into(), ..TargetSpec::default() };
        if beside {
            let body = crate::plan::expand::escape(body);
            return TargetSpec {
                options: vec![option("header", header), option("header", "B:2"), option("body", &body)],
                ..spec
            };
        }
        let body = percent_encoding::utf8_percent_encode(body, percent_encoding::NON_ALPHANUMERIC);
        TargetSpec { text: format!("{}&header={header}&header=B:2&body={body}", spec.text), ..spec }
    })
}

fn specs() -> impl Strategy<Value = Spec> {
    let target = prop_oneof![4 => targets(), 1 => pages()].prop_map(Spec::Target);
    let leaf =
        (target, any::<bool>()).prop_map(|(spec, not)| if not { Spec::Not(Box::new(spec)) } else { spec });
    leaf.prop_recursive(3, 12, 4, |inner| {
        let several = proptest::collection::vec(inner, 2..4);
        prop_oneof![
            several.clone().prop_map(Spec::All),
            (several.clone(), 1..3_usize).prop_map(|(specs, count)| Spec::AtLeast(count, specs)),
            several.clone().prop_map(Spec::Sequence),
        ]
    })
}

fn layers() -> impl Strategy<Value = Layer> {
    let given = vec![
        ("timeout", "2m"),
        ("attempt-timeout", "0"),
        ("interval", "100ms"),
        ("backoff", "exponential"),
        ("factor", "1.5"),
        ("successes", "2"),
        ("max-attempts", "9"),
        ("confirm", "true"),
        ("once", "false"),
        ("proxy", "http://u:hunter2@proxy:1"),
        ("mesh", "istio"),
        ("heartbeat", "0"),
        ("log-format", "json"),
        ("color", "never"),
        ("termination-log", ""),
        ("report", "a.svg"),
        ("report", "b$${c}.xml"),
        ("verbose", "2"),
        ("quiet", "true"),
    ];
    (specs(), subsequence(given, 0..8)).prop_map(|(spec, given)| {
        let mut layer = Layer { targets: Some(spec), ..Layer::default() };
        for (flag, value) in given {
            let setting =
                crate::cli::settings::settings().into_iter().find(|setting| setting.flag == flag).unwrap();
            (setting.set)(&mut layer, value).unwrap();
        }
        layer
    })
}

proptest! {
    #[test]
    fn what_is_written_means_the_same_and_shows_no_secret(layer in layers()) {
        let env = env();
        let plan = resolve(&layer, &env);
        prop_assume!(plan.is_ok());
        let plan = plan.unwrap();
        let sources = Sources { flags: layer.clone(), ..Sources::default() };
        let (_, hidden) = write::document(&layer, &plan, &sources, &env).map_err(|problems| TestCaseError::fail(format!("{problems:?}")))?;
        for (format, name) in [(Format::Yaml, "f.yaml"), (Format::Json, "f.json")] {
            let file = write(&layer, &plan, &sources, &env, format).unwrap().text;
            for secret in ["hunter2", "p@ss", "p%40ss", "a+b=c", "h#nt", "$x"] {
                prop_assert!(!file.contains(secret), "{secret} in\n{file}");
            }
            let (back, with_secrets) = read_back(&file, name, &hidden);
            prop_assert_eq!(&back.problems, &vec![], "{}", file);
            let again = resolve(&back.layer, &with_secrets).map_err(|problems| TestCaseError::fail(format!("{problems:?}\n{file}")))?;
            prop_assert_eq!(meaning(&again), meaning(&plan), "{}", file);
            prop_assert_eq!(Layer { targets: None, ..back.layer.clone() }, Layer { targets: None, ..layer.clone() });
            let sources = Sources { file: back.given, ..Sources::default() };
            let second = write(&back.layer, &again, &sources, &with_secrets, format).unwrap();
            prop_assert_eq!(second.text, file);
        }
    }

    #[test]
    fn no_content_is_too_strange(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        for name in ["f.yaml", "f.json", "f.toml"] {
            let _ = parse(name, &content, &env());
        }
    }

    #[test]
    fn no_yaml_is_too_strange(text in r"([-:,{}\[\]&*!|>#\n]|targets|not|&a|\*a|<<: |- |  |'|tcp://a:1){0,40}") {
        for name in ["f.yaml", "f.json", "f.toml"] {
            let read = parse(name, text.as_bytes(), &env());
            prop_assert!(!read.problems.is_empty() || read.layer != Layer::default());
        }
    }
}

#[test]
fn trees_of_one_are_that_one() {
    let read = parse("f.yaml", b"all: [x]", &env());
    assert_eq!(read.problems.len(), 1);
    let read = parse("f.yaml", b"- all: [{any: [{sequence: [file:/x]}]}]", &env());
    let plan = resolve(&read.layer, &env()).unwrap();
    assert_eq!(plan.tree, Node::Leaf(0));
}

#[test]
fn the_formats_mean_the_same() {
    let texts = [
        (
            "f.yaml",
            "timeout: 2m\nsuccesses: 3\nonce: true\ntargets:\n  - {target: 'http://web/', status: 204, header: [A: b]}\n  - any: [tcp://a:1, not: file:/x]\n",
        ),
        (
            "f.json",
            r#"{"timeout": "2m", "successes": 3, "once": true, "targets": [{"target": "http://web/", "status": 204, "header": ["A: b"]}, {"any": ["tcp://a:1", {"not": "file:/x"}]}]}"#,
        ),
        (
            "f.toml",
            "timeout = '2m'\nsuccesses = 3\nonce = true\n[[targets]]\ntarget = 'http://web/'\nstatus = 204\nheader = ['A: b']\n[[targets]]\nany = ['tcp://a:1', {not = 'file:/x'}]\n",
        ),
    ];
    let meanings = texts.map(|(name, text)| {
        let text = text.replace("[A: b]", "['A: b']");
        let read = parse(name, text.as_bytes(), &env());
        assert_eq!(read.problems, [], "{name}");
        (meaning(&resolve(&read.layer, &env()).unwrap()), Layer { targets: None, ..read.layer })
    });
    assert_eq!(meanings[0], meanings[1]);
    assert_eq!(meanings[0], meanings[2]);
}

#[test]
fn no_option_is_called_as_what_combines_targets() {
    use crate::check::{options::COMMON, registry};
    let options = registry::KINDS.iter().flat_map(|kind| kind.all_options()).chain(COMMON);
    for option in options {
        let taken = read::COMBINATORS.iter().chain([&read::TARGET]).any(|key| *key == option.name);
        assert!(!taken, "{}", option.name);
    }
    assert!(crate::cli::settings::settings().iter().all(|setting| setting.flag != read::TARGETS));
}
