//! The book's *fortune* case, on one machine: a client must not start before its server is really there.
//!
//! `cargo run --example fortune` starts a small HTTP server that comes up late, and waits for it with the very
//! code of the program `prereq`: for its name, its port, its page, and a file that it writes. Then the client
//! does what it was held back from.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use prereq::cli::exit::Exit;
use prereq::plan::env::Env;

/// How long the server takes from one step to the next.
const STEP: Duration = Duration::from_millis(700);

fn main() -> ExitCode {
    match fortune() {
        Ok(exit) => exit.into(),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "fortune: {error}");
            ExitCode::FAILURE
        }
    }
}

fn fortune() -> std::io::Result<Exit> {
    // A port that is free now; the server opens it later.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let folder = std::env::temp_dir().join(format!("prereq-fortune-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let ready = folder.join("ready");
    let server_file = ready.clone();
    std::thread::spawn(move || serve(port, &server_file));

    let exit = wait(port, &ready)?;
    if exit == Exit::Satisfied {
        let mut page = String::new();
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        server.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        server.read_to_string(&mut page)?;
        let fortune = page.split("\r\n\r\n").nth(1).unwrap_or_default();
        write!(std::io::stdout(), "\nfortune-client: {fortune}")?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(exit)
}

/// What `prereq dns:localhost tcp://… http://… file:… --timeout 20s` does.
fn wait(port: u16, ready: &Path) -> std::io::Result<Exit> {
    let arguments = [
        "prereq".to_owned(),
        "--timeout=20s".to_owned(),
        "dns:localhost".to_owned(),
        format!("tcp://localhost:{port}"),
        format!("http://localhost:{port}/"),
        format!("file:{}", ready.display()),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(prereq::cli::run(arguments.map(Into::into), Env::default()));
    runtime.shutdown_background();
    Ok(exit)
}

/// The server: nothing at first, then a port, then a page that is not ready, then one that is, then a file.
fn serve(port: u16, ready: &Path) {
    let began = SystemTime::now();
    let since = || began.elapsed().unwrap_or_default();
    let pause = |until: Duration| {
        let (_keep, never) = std::sync::mpsc::channel::<()>();
        let _ = never.recv_timeout(until.saturating_sub(since()));
    };
    pause(STEP);
    let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else { return };
    for stream in listener.incoming().flatten() {
        let (status, body) = if since() < STEP * 3 {
            ("503 Service Unavailable", "still looking for a fortune\n")
        } else {
            ("200 OK", "A watched pot never boils, but a watched port opens.\n")
        };
        if status == "200 OK" && !ready.exists() {
            let file = ready.to_owned();
            std::thread::spawn(move || {
                let (_keep, never) = std::sync::mpsc::channel::<()>();
                let _ = never.recv_timeout(STEP);
                fs::write(file, "ready\n")
            });
        }
        // A client that has gone is no concern of the server's.
        let _ = answer(&stream, status, body);
    }
}

fn answer(stream: &TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let length = body.len();
    write!(&mut &*stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
