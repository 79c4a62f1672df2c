//! Waiting: ready when and only when it should be.

use std::net::TcpListener;
use std::time::Duration;

use crate::program::{Server, closed_port, finish, pause, prereq, response, run};

#[test]
fn a_port_that_opens_late_is_noticed() {
    let port = closed_port();
    let opener = std::thread::spawn(move || {
        pause(700);
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let _connection = listener.accept();
    });
    let ran = run(&format!("127.0.0.1:{port} --timeout 10s"));
    opener.join().unwrap();
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    assert!(
        ran.took > Duration::from_millis(700) && ran.took < Duration::from_millis(1_500),
        "{:?}",
        ran.took
    );
    assert!(ran.stdout.contains("[tcp.refused]") && ran.last(1)[0].contains("ready after"), "{}", ran.stdout);
}

#[test]
fn a_page_is_ready_when_its_status_is() {
    let server = Server::http(|number| {
        response(if number < 3 { "503 Service Unavailable" } else { "200 OK" }, "hello")
    });
    let ran = run(&format!("http://{}/ --timeout 10s", server.address));
    assert_eq!((ran.status, server.count()), (0, 4), "{}", ran.stdout);
    assert!(ran.stdout.contains("[http.status]"), "{}", ran.stdout);
}

#[test]
fn a_file_is_noticed_at_once_even_in_a_folder_that_comes_late() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("late/ready");
    let late = path.clone();
    let writer = std::thread::spawn(move || {
        pause(400);
        std::fs::create_dir(late.parent().unwrap()).unwrap();
        pause(400);
        std::fs::write(late, "").unwrap();
    });
    let ran = run(&format!("{} --interval 20s --timeout 60s", path.display()));
    writer.join().unwrap();
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    // Polling alone would have taken twenty seconds.
    assert!(ran.took < Duration::from_secs(3), "{:?}", ran.took);
}

#[test]
fn not_waits_for_a_refusal_and_for_nothing_else() {
    let port = closed_port();
    assert_eq!(run(&format!("not 127.0.0.1:{port} --timeout 2s")).status, 0);
    let server = Server::start(|_, _| pause(5_000));
    let ran = run(&format!("not http://{}/ --timeout 500ms", server.address));
    assert_eq!(ran.status, 124, "{}", ran.stdout);
    assert!(ran.stdout.contains("http.timeout"), "{}", ran.stdout);
    let ran = run(&format!("not tcp://{} --timeout 300ms", server.address));
    assert!(ran.status == 124 && ran.stdout.contains("not.satisfied"), "{}", ran.stdout);
}

#[test]
fn words_combine() {
    let server = Server::start(|_, _| {});
    let (open, closed) = (server.address, closed_port());
    assert_eq!(run(&format!("127.0.0.1:{closed} or {open} then file:/ --timeout 5s")).status, 0);
    let ran = run(&format!("127.0.0.1:{closed} then file:/ --timeout 400ms"));
    assert_eq!(ran.status, 124);
    assert!(ran.stdout.contains("not begun"), "{}", ran.stdout);
}

#[test]
fn once_and_fail_on_and_optional_have_their_statuses() {
    let closed = closed_port();
    assert_eq!(run(&format!("--once 127.0.0.1:{closed}")).status, 1);
    assert_eq!(run(&format!("--max-attempts 2 127.0.0.1:{closed}")).status, 1);
    let ran = run(&format!("127.0.0.1:{closed}#fail-on=tcp.refused"));
    assert!(ran.status == 3 && ran.stdout.contains("can never be satisfied"), "{}", ran.stdout);
    let ran = run(&format!("127.0.0.1:{closed}#optional&timeout=300ms file:/"));
    assert!(ran.status == 0 && ran.stdout.contains("goes on without it"), "{}", ran.stdout);
}

#[test]
fn successes_and_stable_take_their_time() {
    let server = Server::start(|_, _| {});
    let ran = run(&format!("tcp://{}#successes=4&interval=100ms", server.address));
    assert!(ran.status == 0 && server.count() == 4 && ran.took > Duration::from_millis(300));
    let ran = run(&format!("tcp://{}#stable=600ms --confirm", server.address));
    assert!(ran.status == 0 && ran.took > Duration::from_millis(600));
}

#[test]
fn the_command_takes_over() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from stdin\n").unwrap();
    let ran = finish(
        prereq()
            .args(["file:/", "-q", "--", "/bin/sh", "-c", "echo $WHO; read line; echo $line; exit 7"])
            .env("WHO", "me")
            .stdin(std::fs::File::open(file.path()).unwrap()),
    );
    assert_eq!(ran.status, 7);
    assert!(ran.stdout.ends_with("me\nfrom stdin\n"), "{}", ran.stdout);
    assert_eq!(run("file:/ -- /does/not/exist").status, 127);
    assert_eq!(run("file:/ -- /etc/passwd").status, 126);
    let ran = run("file:/does/not/exist --timeout 200ms -- /bin/echo run");
    assert!(ran.status == 124 && !ran.stdout.contains("run\n"));
}

#[test]
fn this_host_is_tried_on_both_families() {
    // A port that no other test can have on the other family.
    let listener = TcpListener::bind(("::1", closed_port()));
    let Ok(listener) = listener else { panic!("this machine has no IPv6 loopback") };
    let server = Server::on(listener, |_, _| {});
    let port = server.address.port();
    assert_eq!(run(&format!(":{port} [::1]:{port} --timeout 2s")).status, 0);
    let ran = run(&format!("tcp://:{port}#family=4 --timeout 300ms"));
    assert!(ran.status == 124 && ran.stdout.contains("tcp.refused"), "{}", ran.stdout);
}
