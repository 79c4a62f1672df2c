use super::*;
use crate::net::tls::TlsOptions;
use crate::plan::env::Env;
use crate::plan::target::Target;

/// What `read` makes of a target, and the problems it notes.
fn draft<T>(text: &str, read: impl FnOnce(&mut Draft<'_>) -> T) -> (T, Vec<String>) {
    let env = Env::default();
    let target = Target::parse(text, None, &env).unwrap();
    let mut draft = Draft::new(&target, &env);
    let made = read(&mut draft);
    let told = |p: Problem| format!("{}|{}", p.what, p.hint.unwrap_or_default());
    (made, draft.into_problems().into_iter().map(told).collect())
}

const SCHEME: &str = if cfg!(feature = "postgres") { "postgres" } else { "mysql" };

fn found(row: Option<Row>, expect: Option<&str>) -> &'static str {
    let query = Query { sql: String::new(), expect: expect.map(|text| Regex::new(text).unwrap()) };
    query.judge(row).map_or_else(|reason| reason.class.code, |()| "ready")
}

#[test]
fn a_query_must_return_a_row_and_its_first_value_what_is_expected() {
    let row = |value: &str| Some(Row(Some(value.to_owned())));
    let null = Some(Row(None));
    for (row, expect, judged) in [
        (None, None, "service.missing"),
        (null.clone(), None, "ready"),
        (row(""), None, "ready"),
        (row("42"), Some("^4"), "ready"),
        (row("24"), Some("^4"), "service.missing"),
        (null, Some(""), "service.missing"),
        (None, Some(""), "service.missing"),
    ] {
        assert_eq!(found(row.clone(), expect), judged, "{row:?} {expect:?}");
    }
}

#[test]
fn tables_have_a_name_and_perhaps_a_schema() {
    let table =
        |schema: Option<&str>, name: &str| Table { schema: schema.map(str::to_owned), name: name.into() };
    assert_eq!(Table::parse("users"), Ok(table(None, "users")));
    assert_eq!(Table::parse("app.Odd \"T"), Ok(table(Some("app"), "Odd \"T")));
    for text in ["", ".", "a.", ".a", "a.b.c", "a\nb", "a\0b", &"x".repeat(256)] {
        assert!(Table::parse(text).is_err(), "{text:?}");
    }
    assert_eq!(table(Some("app"), "users").to_string(), "app.users");
}

#[test]
fn what_is_asked_needs_a_user() {
    let read = |text: &str| draft(&format!("{SCHEME}://{text}"), |draft| Wanted::read(draft, None)).1;
    for (text, told) in [
        ("h#query=select 1", "option query needs a user|"),
        ("h#table=t", "option table needs a user|"),
        ("h#role=primary", "a role needs a user|"),
        (":pw@h", "a password needs a user|"),
        ("u@h#expect=x", "option expect is about what a query returns|add query=SQL"),
        ("u@h#query=", "option query: the statement is empty|"),
        ("u@h#query=a%00b", "option query: a statement has no zero bytes|"),
        ("u@h#table=a.b.c", "option table: write [SCHEMA.]TABLE|"),
        (
            "u@h#role=primry",
            "option role: 'primry' is not one of primary, replica, any|did you mean 'primary'?",
        ),
        ("u%00@h", "user and database have no zero bytes in their names|"),
        ("u@h/a/b", "a database is one part of a path|write %2F for a '/' in its name"),
    ] {
        let problems = read(text);
        assert!(problems.len() == 1 && problems[0].starts_with(told), "{text}: {problems:?}");
    }
    for text in
        ["h", "h/", "h/app", "u@h", "u:p@h/a%2Fb#role=any", "h#role=any", "u@h#query=select 1&expect=1"]
    {
        assert_eq!(read(text), [""; 0], "{text}");
    }
    let wanted =
        draft(&format!("{SCHEME}://u@h/a%2Fb#role=any"), |draft| Wanted::read(draft, Some(Role::Primary))).0;
    assert_eq!((wanted.database.as_deref(), wanted.role), (Some("a/b"), None));
    let wanted = draft(&format!("{SCHEME}://u@h"), |draft| Wanted::read(draft, Some(Role::Replica))).0;
    assert_eq!(wanted.role, Some(Role::Replica));
    assert!(wanted.judge_role(Role::Replica).is_ok());
    assert_eq!(wanted.judge_role(Role::Primary).unwrap_err().class, &class::SERVICE_ROLE);
}

#[test]
fn a_mode_and_the_options_must_agree() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, crate::net::tls::test::authority("Test Root").pem()).unwrap();
    let settle = |options: &str, given: Option<Mode>| {
        let target = format!("{SCHEME}://h#{}", options.replace("CA", &ca.display().to_string()));
        let given = given.map(|mode| (mode, "sslmode=x".to_owned()));
        let ((mode, _options), problems): ((Mode, TlsOptions), _) =
            draft(&target, |draft| Mode::settle(draft, given));
        if problems.is_empty() { Ok(mode) } else { Err(problems.join("; ")) }
    };
    assert_eq!(settle("", None), Ok(Mode::Prefer));
    assert_eq!(settle("cacert=CA", None), Ok(Mode::VerifyFull));
    assert_eq!(settle("insecure", None), Ok(Mode::Require));
    assert_eq!(settle("insecure", Some(Mode::Prefer)), Ok(Mode::Prefer));
    assert_eq!(settle("cacert=CA", Some(Mode::Require)), Ok(Mode::Require));
    for (options, mode) in [
        ("cacert=CA", Mode::Prefer),
        ("cacert=CA", Mode::Disable),
        ("sni=x", Mode::Disable),
        ("insecure", Mode::VerifyCa),
        ("insecure", Mode::VerifyFull),
    ] {
        let told = settle(options, Some(mode)).unwrap_err();
        assert!(told.contains("does not go together with sslmode=x"), "{options} {mode:?}: {told}");
    }
    assert!(!Mode::Prefer.insists() && Mode::Require.insists());
}

#[test]
fn parameters_are_used_or_idle_or_a_mistake() {
    const KNOWN: [Parameter; 3] = [
        Parameter::Used("ssl-mode"),
        Parameter::Idle("charset"),
        Parameter::Elsewhere("ssl-ca", "behind the target write #cacert=PATH"),
    ];
    let read = |query: &str| draft(&format!("{SCHEME}://h?{query}"), |draft| Parameters::read(draft, &KNOWN));
    for query in ["ssl-mode=%52equired", "sslMode=Required&charset=utf8", "&ssl_mode=x&SSLMODE=Required"] {
        let (parameters, problems) = read(query);
        assert_eq!((parameters.get("ssl-mode"), problems.len()), (Some("Required"), 0), "{query}");
        let word = |words| draft(&format!("{SCHEME}://h"), |draft| parameters.word(draft, "ssl-mode", words));
        assert_eq!(word(&[("off", 0), ("REQUIRED", 1)]), (Some(1), vec![]));
        let told = "parameter ssl-mode is not one of off, requires|did you mean 'requires'?";
        assert_eq!(word(&[("off", 0), ("requires", 1)]), (None, vec![told.to_owned()]));
    }
    for (query, told) in [
        ("ssl-mod=hunter2", "unknown parameter 'ssl-mod' behind '?'|did you mean 'ssl-mode'?"),
        ("user=hunter2", "unknown parameter 'user' behind '?'|options of prereq follow '#': write #user="),
        ("hunter2", "what follows '?' is not NAME=VALUE|options of prereq follow '#'"),
        ("ssl-ca=hunter2", "parameter ssl-ca is written otherwise here|behind the target write #cacert=PATH"),
        ("charset=%FF", "a parameter behind '?' is not UTF-8 when percent-decoded|"),
    ] {
        assert_eq!(read(query).1, [told], "{query}");
    }
}
