//! MariaDB: cold, crashed, full; users, databases, tables and queries; TLS; and what is no MariaDB.

use std::process::Command;
use std::time::Duration;

use crate::certs::{Authority, Validity};
use crate::net::{Net, Process, eventually, run};
use crate::program::{prereq, start};
use crate::servers::Nginx;

/// The server's own bounds for what tests wait for; shared machines are slow.
const LIMIT: Duration = Duration::from_secs(20);

/// A server's data in a folder.
struct Server<'a> {
    net: &'a Net,
    data: String,
    socket: String,
}

impl<'a> Server<'a> {
    fn new(net: &'a Net) -> Self {
        let (data, socket) = (net.path("data"), net.path("data/socket"));
        // The folder of a test is root's alone.
        run(Command::new("chmod").args(["711", &net.path("")]));
        run(Command::new("install").args(["-d", "-m", "700", "-o", "mysql", "-g", "mysql", &data]));
        let words =
            ["--no-defaults", "--user=mysql", "--auth-root-authentication-method=normal", "--skip-test-db"];
        run(Command::new("mariadb-install-db").args(words).arg(format!("--datadir={data}")));
        Self { net, data, socket }
    }

    /// Puts a file among the data; gives its path.
    fn put(&self, from: &str) -> String {
        let to = format!("{}/{}", self.data, from.rsplit('/').next().unwrap_or_default());
        run(Command::new("install").args(["-m", "600", "-o", "mysql", "-g", "mysql", from, &to]));
        to
    }

    /// Starts the server, which may take a while to take connections.
    fn start(&self, more: &[&str]) -> Process {
        let own = [format!("--datadir={}", self.data), format!("--socket={}", self.socket)];
        let mut words =
            vec!["--no-defaults", "--user=mysql", "--skip-name-resolve", "--bind-address=127.0.0.1,::1"];
        words.extend(own.iter().map(String::as_str));
        words.extend(more);
        self.net.spawn("mariadb.log", "mariadbd", &words, &[])
    }

    /// The same; returns when it takes them.
    fn started(&self, more: &[&str]) -> Process {
        let server = self.start(more);
        eventually("MariaDB is up", LIMIT, || self.client("root", "select 1").wait(LIMIT) == Some(0));
        server
    }

    fn client(&self, user: &str, sql: &str) -> Process {
        let socket = format!("--socket={}", self.socket);
        self.net.spawn(
            "client.log",
            "mariadb",
            &["--no-defaults", "-N", "-B", &socket, "-u", user, "-e", sql],
            &[],
        )
    }

    /// What a statement returns.
    fn sql(&self, sql: &str) -> String {
        assert_eq!(self.client("root", sql).wait(LIMIT), Some(0), "{sql}: {}", self.net.read("client.log"));
        self.net.read("client.log")
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_is_awaited_through_start_and_crash() {
    let net = Net::new();
    let data = Server::new(&net);
    let mut waiting = start(&net, &["mysql://localhost"]);
    waiting.until_it_says("tcp.refused");
    // So a container's server is while it initialises: at its socket only.
    let mut server = data.started(&["--skip-networking"]);
    waiting.until_it_says("tcp.refused");
    prereq(&net, &[&format!("mariadb://root@localhost#unix={}", data.socket)]).is_ready();
    server.stop();
    let server = data.start(&[]);
    waiting.ends_ready();
    prereq(&net, &["mariadb://127.0.0.1/any", "mysql://[::1]"]).is_ready();

    let mut waiting = start(&net, &["mysql://root@localhost/mysql#query=select 1 from back"]);
    waiting.until_it_says("service.missing");
    server.signal("KILL");
    waiting.until_it_says("tcp.refused");
    drop(server);
    let _server = data.started(&[]);
    data.sql("create table mysql.back as select 1");
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn users_are_let_in_or_not() {
    let net = Net::new();
    let data = Server::new(&net);
    let _server = data.started(&["--plugin-load-add=auth_ed25519"]);
    let password = net.write("password", "wrong\n");
    let target = format!("mysql://late@localhost#password-file={password}");
    let mut late = start(&net, &["mysql://late:right@localhost"]);
    let mut changed = start(&net, &[&target]);
    late.until_it_says("auth.denied");
    data.sql("create user late@'%' identified by 'right'");
    late.ends_ready();
    changed.until_it_says("auth.denied");
    net.write("password", "right\n");
    changed.ends_ready();
    prereq(&net, &["mysql://late:wrong@localhost"]).is_unmet("localhost", "auth.denied");
    prereq(&net, &["mysql://late@localhost"]).is_unmet("localhost", "auth.denied");
    data.sql("create user modern@'%' identified via ed25519 using password('right')");
    prereq(&net, &["mysql://modern:right@localhost"]).is_unmet("localhost", "auth.method");
    // An interrupted log-in would count against this host, until the server blocks it.
    data.sql("set global max_connect_errors = 3");
    for _ in 0..6 {
        prereq(&net, &["mysql://localhost"]).is_ready();
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn databases_tables_rows_and_roles_are_awaited() {
    let net = Net::new();
    let data = Server::new(&net);
    let _server = data.started(&["--read-only"]);
    let mut shop = start(&net, &["mysql://root@localhost/shop"]);
    let mut table = start(&net, &["mysql://root@localhost#table=app.Odd `na'me"]);
    let query =
        "mysql://root@localhost#query=select version from app.migrations order by 1 desc&expect=^[4-9]";
    let mut row = start(&net, &[query]);
    let mut primary = start(&net, &["mysql://root@localhost#role=primary"]);
    for waiting in [&mut shop, &mut table, &mut row] {
        waiting.until_it_says("service.missing");
    }
    prereq(&net, &["mysql://root@localhost#role=replica"]).is_ready();
    primary.until_it_says("service.role");
    data.sql("set global read_only = 0");
    primary.ends_ready();
    data.sql("create database shop");
    shop.ends_ready();
    data.sql("create database app; create table app.`Odd ``na'me` (id int); create table app.migrations (version int)");
    table.ends_ready();
    data.sql("insert into app.migrations values (3)");
    row.until_it_says("does not match");
    data.sql("insert into app.migrations values (4), (5)");
    row.ends_ready();
    for table in ["app.gone", "app.x' or 'a'='a", "app.\\"] {
        let target = format!("mysql://root@localhost#table={table}");
        prereq(&net, &[&target]).is_unmet("localhost", "service.missing");
    }
    prereq(&net, &["not", "mysql://root@localhost#table=app.gone"]).is_ready();
    // While they waited, no connection broke off.
    let broken = data.sql("show global status like 'Aborted_clients'");
    assert_eq!(broken.trim(), "Aborted_clients\t0");
}

#[test]
#[ignore = "needs real servers: make real"]
fn tls_is_taken_where_it_is_and_verified_where_that_is_asked_for() {
    let net = Net::new();
    let data = Server::new(&net);
    let authority = Authority::new(&net);
    let (right, other) =
        (authority.issue("localhost", Validity::Days(20)), authority.issue("db.test", Validity::Days(20)));
    let mut server = data.started(&[]);
    prereq(&net, &["mysql://localhost?ssl-mode=REQUIRED"]).is_unmet("localhost", "tls.protocol");
    server.stop();
    let pair = [
        format!("--ssl-cert={}", data.put(&right.certificate)),
        format!("--ssl-key={}", data.put(&right.key)),
    ];
    let _server = data.started(&[&pair[0], &pair[1]]);
    data.sql("create user app@'%' identified by 'right' require ssl");
    let ca = &authority.certificate;
    for ready in [
        "mysql://localhost".to_owned(),
        "mysql://app:right@localhost".to_owned(),
        "mysql://app:right@localhost?ssl-mode=REQUIRED".to_owned(),
        format!("mysql://app:right@localhost#cacert={ca}"),
        format!("mysql://app:right@127.0.0.1?ssl-mode=VERIFY_CA#cacert={ca}"),
        format!("mysql://app:right@127.0.0.1#cacert={ca}&sni=localhost"),
    ] {
        prereq(&net, &[&ready]).is_ready();
    }
    for (target, class) in [
        ("mysql://app:right@localhost?ssl-mode=VERIFY_IDENTITY".to_owned(), "tls.untrusted"),
        (format!("mysql://app:right@localhost#cacert={}", other.certificate), "tls.untrusted"),
        (format!("mysql://app:right@127.0.0.1#cacert={ca}"), "tls.name"),
        ("mysql://app:right@localhost?ssl-mode=DISABLED".to_owned(), "auth.denied"),
    ] {
        prereq(&net, &[&target])
            .is_unmet(if target.contains("127") { "127.0.0.1" } else { "localhost" }, class);
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_that_is_full_is_not_ready() {
    let net = Net::new();
    let data = Server::new(&net);
    // The least there can be; one more is for who may change that.
    let _server = data.started(&["--max-connections=10", "--general-log", "--general-log-file=general.log"]);
    data.sql("create user guest@'%'");
    let _guests: Vec<Process> = (0..10).map(|_| data.client("guest", "select sleep(60)")).collect();
    // Nobody else connects until they are in.
    let asked = |sql: &str| net.read("data/general.log").matches(sql).count();
    eventually("all guests are in", LIMIT, || asked("select sleep(60)") == 10);
    let mut guest = start(&net, &["mysql://guest@localhost"]);
    guest.until_it_says("service.error");
    drop(guest);
    // Who has no user learns it when that one is taken, too.
    let mut root = data.client("root", "select sleep(3)");
    eventually("root is in", LIMIT, || asked("select sleep(3)") == 1);
    let mut anyone = start(&net, &["mysql://localhost"]);
    anyone.until_it_says("service.error");
    assert_eq!(root.wait(LIMIT), Some(0));
    anyone.ends_ready();
    data.sql("kill user guest");
    prereq(&net, &["mysql://guest@localhost"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn what_is_silent_or_no_mariadb_is_never_ready() {
    let net = Net::new();
    // Who is connected to speaks first here, and nginx does not.
    let _nginx = Nginx::answering(&net, 200, "");
    let mut waiting = start(&net, &["--attempt-timeout=300ms", "mysql://127.0.0.1:8080"]);
    waiting.until_it_says("service.timeout");
    drop(waiting);

    let server = Server::new(&net).started(&[]);
    // The kernel goes on accepting for it.
    server.signal("STOP");
    prereq(&net, &["tcp://127.0.0.1:3306"]).is_ready();
    let mut waiting = start(&net, &["--attempt-timeout=300ms", "mysql://127.0.0.1"]);
    waiting.until_it_says("service.timeout");
    server.signal("CONT");
    waiting.ends_ready();
    drop(server);
}
