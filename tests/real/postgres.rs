//! PostgreSQL: cold, crashed, as a standby, full; users, databases, tables and queries; TLS; and what is no PostgreSQL.

use std::process::Command;
use std::time::Duration;

use crate::certs::{Authority, Validity};
use crate::net::{Net, Process, eventually, run};
use crate::program::{prereq, start};
use crate::servers::Nginx;

/// The server's own bounds for what tests wait for; shared machines are slow.
const LIMIT: Duration = Duration::from_secs(20);
const AS_POSTGRES: [&str; 4] = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];
/// Who is let in how: the last word of a line of `pg_hba.conf`.
const HBA: &str = "local all all trust\nhost all admin all trust\nhost all hashed all md5\nhost all clear all password\n\
                   hostnossl all plain all scram-sha-256\nhost all plain all reject\nhost all all all scram-sha-256\n";

/// A cluster of databases in a folder.
struct Cluster<'a> {
    net: &'a Net,
    bin: String,
    data: String,
}

impl<'a> Cluster<'a> {
    fn new(net: &'a Net) -> Self {
        let versions = std::fs::read_dir("/usr/lib/postgresql").expect("postgresql: tests/real/setup.sh");
        let version = versions.flatten().map(|entry| entry.path()).max().expect("a version");
        let (bin, data) = (version.join("bin").display().to_string(), net.path("data"));
        // The folder of a test is root's alone.
        run(Command::new("chmod").args(["711", &net.path("")]));
        run(Command::new("install").args(["-d", "-m", "700", "-o", "postgres", "-g", "postgres", &data]));
        let cluster = Self { net, bin, data };
        let initdb = format!("{}/initdb", cluster.bin);
        let words = [&initdb, "-D", &cluster.data, "-U", "admin", "--auth=trust", "--no-sync"];
        run(Command::new("setpriv").args(AS_POSTGRES).args(words).env("LC_ALL", "C.UTF-8"));
        std::fs::write(format!("{}/pg_hba.conf", cluster.data), HBA).expect("pg_hba.conf");
        cluster
    }

    /// Puts a file among the data.
    fn put(&self, from: &str, name: &str) {
        let to = format!("{}/{name}", self.data);
        run(Command::new("install").args(["-m", "600", "-o", "postgres", "-g", "postgres", from, &to]));
    }

    /// Starts the server, which may take a while to take connections.
    fn start(&self, settings: &[&str]) -> Process {
        let postgres = format!("{}/postgres", self.bin);
        let mut words = AS_POSTGRES.to_vec();
        words.extend([
            &postgres,
            "-D",
            &self.data,
            "-k",
            &self.data,
            "-c",
            "listen_addresses=localhost",
            "-c",
            "fsync=off",
        ]);
        words.extend(settings.iter().flat_map(|setting| ["-c", *setting]));
        self.net.spawn("postgres.log", "setpriv", &words, &[])
    }

    /// The same; returns when it takes them.
    fn started(&self, settings: &[&str]) -> Process {
        let server = self.start(settings);
        eventually("PostgreSQL is up", LIMIT, || self.psql("select 1").wait(LIMIT) == Some(0));
        server
    }

    fn promote(&self) {
        let pg_ctl = format!("{}/pg_ctl", self.bin);
        run(Command::new("setpriv").args(AS_POSTGRES).args([&pg_ctl, "promote", "-W", "-D", &self.data]));
    }

    fn psql(&self, sql: &str) -> Process {
        let words = ["-X", "-q", "-h", &self.data, "-U", "admin", "-d", "postgres", "-c", sql];
        self.net.spawn("psql.log", "psql", &words, &[])
    }

    fn sql(&self, sql: &str) {
        assert_eq!(self.psql(sql).wait(LIMIT), Some(0), "{sql}: {}", self.net.read("psql.log"));
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_is_awaited_through_start_and_crash() {
    let net = Net::new();
    let cluster = Cluster::new(&net);
    let mut waiting = start(&net, &["postgres://localhost"]);
    waiting.until_it_says("tcp.refused");
    let server = cluster.start(&[]);
    waiting.ends_ready();
    prereq(&net, &["postgresql://127.0.0.1/any", "postgres://[::1]"]).is_ready();

    let mut waiting = start(&net, &["postgres://admin@localhost/postgres#query=select 1 from back"]);
    waiting.until_it_says("service.missing");
    server.signal("QUIT");
    waiting.until_it_says("tcp.refused");
    drop(server);
    let _server = cluster.started(&[]);
    cluster.sql("create table back as select 1");
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_that_recovers_is_starting_and_a_standby_has_its_role() {
    let net = Net::new();
    let cluster = Cluster::new(&net);
    net.write("nothing", "");
    cluster.put(&net.path("nothing"), "standby.signal");
    let mut waiting = start(&net, &["postgres://localhost"]);
    waiting.until_it_says("tcp.refused");
    let mut server = cluster.start(&["hot_standby=off"]);
    waiting.until_it_says("service.starting");
    server.signal("QUIT");
    assert_eq!(server.wait(LIMIT), Some(0), "{}", net.read("postgres.log"));
    drop(server);
    let _server = cluster.started(&[]);
    waiting.ends_ready();

    prereq(&net, &["postgres://admin@localhost/postgres#role=replica"]).is_ready();
    let mut waiting = start(&net, &["postgres://admin@localhost/postgres?target_session_attrs=read-write"]);
    waiting.until_it_says("service.role");
    cluster.promote();
    waiting.ends_ready();
    prereq(&net, &["postgres://admin@localhost/postgres#role=replica"]).is_unmet("localhost", "service.role");
}

#[test]
#[ignore = "needs real servers: make real"]
fn users_are_let_in_or_not() {
    let net = Net::new();
    let cluster = Cluster::new(&net);
    let _server = cluster.started(&[]);
    let mut late = start(&net, &["postgres://late:right@localhost/postgres"]);
    late.until_it_says("auth.denied");
    cluster.sql("create role late login password 'right'");
    late.ends_ready();
    cluster.sql("create role clear login password 'right'");
    cluster.sql("set password_encryption = md5; create role hashed login password 'right'");
    for user in ["late", "hashed"] {
        prereq(&net, &[&format!("postgres://{user}:right@localhost/postgres")]).is_ready();
        prereq(&net, &[&format!("postgres://{user}:wrong@localhost/postgres")])
            .is_unmet("localhost", "auth.denied");
        prereq(&net, &[&format!("postgres://{user}@localhost/postgres")])
            .is_unmet("localhost", "auth.denied");
    }
    prereq(&net, &["postgres://clear:right@localhost/postgres"]).is_unmet("localhost", "auth.insecure");
    // Over a unix socket nobody can read along, and there it is who may come in without a password.
    let socket = format!("#unix={}/.s.PGSQL.5432", cluster.data);
    prereq(&net, &[&format!("postgres://clear@db/postgres{socket}")]).is_ready();

    let password = net.path("password");
    let mut waiting = start(&net, &[&format!("postgres://late@localhost/postgres#password-file={password}")]);
    waiting.until_it_says("local.secret");
    net.write("password", "wrong\n");
    waiting.until_it_says("auth.denied");
    net.write("password", "right\n");
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn databases_tables_and_rows_are_awaited() {
    let net = Net::new();
    let cluster = Cluster::new(&net);
    let _server = cluster.started(&[]);
    let mut shop = start(&net, &["postgres://admin@localhost/shop"]);
    let mut table = start(&net, &["postgres://admin@localhost/postgres#table=app.Odd \"name"]);
    let mut row = start(
        &net,
        &["postgres://admin@localhost/postgres#query=select version from app.migrations&expect=^[4-9]"],
    );
    for waiting in [&mut shop, &mut table, &mut row] {
        waiting.until_it_says("service.missing");
    }
    cluster.sql("create database shop");
    shop.ends_ready();
    cluster.sql(
        "create schema app create table \"Odd \"\"name\" (id int) create table migrations (version int)",
    );
    table.ends_ready();
    cluster.sql("insert into app.migrations values (3)");
    row.until_it_says("does not match");
    cluster.sql("update app.migrations set version = 4");
    row.ends_ready();
    // An index is no table, and what has a quote in its name breaks out of nothing.
    cluster.sql("create index orders on app.migrations (version)");
    for table in ["app.orders", "x' or 'a'='a", "x\") is not null --"] {
        let target = format!("postgres://admin@localhost/postgres#table={table}");
        prereq(&net, &[&target]).is_unmet("localhost", "service.missing");
    }
    prereq(&net, &["not", "postgres://admin@localhost/postgres#table=gone"]).is_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn tls_is_taken_where_it_is_and_verified_where_that_is_asked_for() {
    let net = Net::new();
    let cluster = Cluster::new(&net);
    let authority = Authority::new(&net);
    let (right, other) =
        (authority.issue("localhost", Validity::Days(20)), authority.issue("db.test", Validity::Days(20)));
    cluster.put(&right.certificate, "server.crt");
    cluster.put(&right.key, "server.key");
    let mut server = cluster.started(&[]);
    prereq(&net, &["postgres://localhost?sslmode=require"]).is_unmet("localhost", "tls.protocol");
    server.stop();
    let _server = cluster.started(&["ssl=on"]);
    cluster.sql("create role clear login password 'right'; create role plain login password 'right'");
    let ca = &authority.certificate;
    let database = "localhost/postgres";
    for ready in [
        "postgres://localhost".to_owned(),
        "postgres://localhost?sslmode=require".to_owned(),
        format!("postgres://localhost#cacert={ca}"),
        format!("postgres://127.0.0.1?sslmode=verify-ca#cacert={ca}"),
        format!("postgres://127.0.0.1#cacert={ca}&sni=localhost"),
        // In clear text within TLS.
        format!("postgres://clear:right@{database}?sslmode=verify-full#cacert={ca}"),
        // Let in without TLS only: another connection is tried, as libpq does.
        format!("postgres://plain:right@{database}"),
    ] {
        prereq(&net, &[&ready]).is_ready();
    }
    for (target, class) in [
        ("postgres://localhost?sslmode=verify-full".to_owned(), "tls.untrusted"),
        (format!("postgres://localhost#cacert={}", other.certificate), "tls.untrusted"),
        (format!("postgres://127.0.0.1#cacert={ca}"), "tls.name"),
        (format!("postgres://clear:right@{database}?sslmode=disable"), "auth.insecure"),
        (format!("postgres://plain:right@{database}?sslmode=require"), "auth.denied"),
    ] {
        prereq(&net, &[&target])
            .is_unmet(if target.contains("127") { "127.0.0.1" } else { "localhost" }, class);
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_that_is_full_is_not_ready() {
    let net = Net::new();
    let cluster = Cluster::new(&net);
    let _server = cluster.started(&[
        "max_connections=1",
        "superuser_reserved_connections=0",
        "log_statement=all",
        "client_connection_check_interval=100",
    ]);
    let mut guest = cluster.psql("select pg_sleep(60)");
    eventually("the guest is in", LIMIT, || net.read("postgres.log").contains("pg_sleep"));
    let mut waiting = start(&net, &["postgres://admin@localhost/postgres"]);
    waiting.until_it_says("service.error");
    guest.stop();
    waiting.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn what_is_no_postgresql_is_never_ready() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    for target in ["postgres://127.0.0.1:8080", "postgres://me:pw@127.0.0.1:8080/x?sslmode=disable"] {
        prereq(&net, &[target]).is_unmet("127.0.0.1:8080", "service.protocol");
    }
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_server_that_hangs_accepts_and_is_not_ready() {
    let net = Net::new();
    let server = Cluster::new(&net).started(&[]);
    // The kernel goes on accepting for it.
    server.signal("STOP");
    prereq(&net, &["tcp://localhost:5432"]).is_ready();
    let targets = ["postgres://localhost", "postgres://admin@localhost/postgres?sslmode=disable"];
    let mut waiting = targets.map(|target| start(&net, &["--attempt-timeout=300ms", target]));
    for waiting in &mut waiting {
        waiting.until_it_says("service.timeout");
    }
    server.signal("CONT");
    for waiting in waiting {
        waiting.ends_ready();
    }
}
