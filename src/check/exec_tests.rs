use std::os::unix::fs::PermissionsExt as _;
use std::rc::Rc;

use super::*;
use crate::net::Net;
use crate::plan::env::Env;
use crate::plan::target::Target;

fn built(target: &str) -> Result<Box<dyn Probe>, String> {
    let env = Env::default();
    let target = Target::parse(target, None, &env).map_err(|problems| problems[0].what.clone())?;
    let mut draft = Draft::new(&target, &env);
    let probe = build(&mut draft);
    match draft.into_problems().into_iter().next() {
        Some(problem) => Err(problem.what),
        None => Ok(probe.unwrap()),
    }
}

async fn verdict(target: &str) -> Verdict {
    let (net, trace) = (Rc::new(Net::new(Env::default())), Trace::new(false));
    built(target).unwrap().attempt(&Attempt { net: &net, trace: &trace }).await
}

async fn class_of(target: &str) -> &'static str {
    match verdict(target).await {
        Verdict::Ready(_) => "ready",
        Verdict::NotYet(reason) => reason.class.code,
        Verdict::Never(reason) => {
            assert_eq!(reason.class.code, "exec.missing");
            "never"
        }
    }
}

#[tokio::test]
async fn each_end_has_its_class() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let file = |name: &str, text: &str, mode: u32| {
        std::fs::write(path(name), text).unwrap();
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    file("plain", "not a program", 0o644);
    file("foreign", "\x7fELF, but not really", 0o755);
    file("script", "#!/does/not/exist\n", 0o755);
    for (target, class) in [
        ("exec:true".to_owned(), "ready"),
        ("exec:false".to_owned(), "exec.status"),
        ("exec:false#status=1".to_owned(), "ready"),
        ("exec:sh -c 'exit 7'#status=0,5-8".to_owned(), "ready"),
        ("exec:sh -c 'kill -9 $$$$'".to_owned(), "exec.status"),
        ("exec:echo ready to go#expect=^ready".to_owned(), "ready"),
        ("exec:echo ready to go#expect=steady".to_owned(), "exec.output"),
        ("exec:true#expect=.".to_owned(), "exec.output"),
        ("exec:no-such-program-here".to_owned(), "never"),
        ("exec:/no/such/program".to_owned(), "never"),
        (format!("exec:{}", path("script")), "never"),
        (format!("exec:{}", path("plain")), "exec.denied"),
        (format!("exec:{}", path("foreign")), "exec.denied"),
        (format!("exec:{}", folder.path().display()), "exec.denied"),
    ] {
        assert_eq!(class_of(&target).await, class, "{target}");
    }
}

#[tokio::test]
async fn words_are_split_as_a_shell_would_and_no_shell_looks_at_them() {
    assert_eq!(class_of("exec:test 'a b' = \"a b\"").await, "ready");
    assert_eq!(class_of("exec:test $$HOME = '$$HOME'").await, "ready");
    assert_eq!(class_of("exec:test a%23b = 'a%23b'").await, "ready");
}

#[tokio::test]
async fn output_without_end_is_bounded_and_output_held_open_is_not_waited_for() {
    let since = Instant::now();
    assert_eq!(class_of("exec:sh -c 'head -c 3000000 /dev/zero; echo'#expect=^x").await, "exec.output");
    assert_eq!(class_of("exec:sh -c 'echo up; sleep 30 &'#expect=up").await, "ready");
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = format!("sleep 300 & echo $$! $$$$ > {p}.new && mv {p}.new {p}; wait", p = pids.display());
    let probe = built(&format!("exec:sh -c '{script}'")).unwrap();
    let (net, trace) = (Rc::new(Net::new(Env::default())), Trace::new(false));
    let attempt = Attempt { net: &net, trace: &trace };
    let started = async {
        while !pids.exists() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        verdict = probe.attempt(&attempt) => panic!("{verdict:?}"),
        () = started => {}
    }
    assert_eq!(trace.cut().unwrap().class.code, "exec.timeout");
    for pid in std::fs::read_to_string(&pids).unwrap().split_whitespace() {
        let gone = || {
            std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
        };
        let since = Instant::now();
        while !gone() {
            assert!(since.elapsed() < Duration::from_secs(5), "{pid} lives");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[test]
fn mistakes_are_explained() {
    for (target, says) in [
        ("exec:", "the program is missing"),
        ("exec:''", "the program is missing"),
        ("exec:sh -c 'x", "a quote is not closed"),
        ("exec:true#status=256", "'256' is no exit status"),
        ("exec:true#status=5-2", "'5-2' is no exit status"),
    ] {
        let said = built(target).err().unwrap_or_default();
        assert!(said.contains(says), "{target}: {said}");
    }
}

#[test]
fn arguments_are_not_shown() {
    let label = |text: &str| Target::parse(text, None, &Env::default()).unwrap().label();
    assert_eq!(label("exec:psql --password=hunter2"), "exec:psql …");
    assert_eq!(label("exec:/bin/true"), "exec:/bin/true");
    assert_eq!(label("exec:'unclosed hunter2"), "exec:");
}
