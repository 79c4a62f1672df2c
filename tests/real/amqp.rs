//! `RabbitMQ`: late, killed and started again, its users, virtual hosts, queues and exchanges, and with TLS.

use std::process::Command;
use std::time::Duration;

use crate::certs::{Authority, Validity};
use crate::net::{Net, Process, eventually, run};
use crate::program::{prereq, start_patiently};
use crate::servers::Nginx;

/// An Erlang virtual machine on a busy machine takes its time.
const STARTS_WITHIN: Duration = Duration::from_mins(1);
/// The programs themselves: those in the PATH change the user, and with it the environment.
const BIN: &str = "/usr/lib/rabbitmq/bin";

struct Rabbit<'a> {
    net: &'a Net,
    process: Process,
}

impl<'a> Rabbit<'a> {
    /// Returns when it is up. `me` with the password `right` may do all; `guest` does not exist.
    fn start(net: &'a Net, more: &str) -> Self {
        let conf = format!(
            "default_user = me\ndefault_pass = right\nlog.console = true\nlog.file = false\n\
             listeners.tcp.local = 127.0.0.1:5672\n{more}\n"
        );
        net.write("rabbitmq.conf", &conf);
        net.write("plugins", "[].\n");
        let process = run_in(net, "rabbit.log", "rabbitmq-server", &[]);
        let mut rabbit = Self { net, process };
        eventually("RabbitMQ is up", STARTS_WITHIN, || {
            let log = net.read("rabbit.log");
            assert!(rabbit.process.is_running(), "RabbitMQ: {log}");
            log.contains("Server startup complete")
        });
        rabbit
    }

    /// Its end without a word to anyone.
    fn kill(mut self) {
        run(Command::new("sh").args(["-c", "kill -KILL \"$(cat \"$0\")\"", &self.net.path("pid")]));
        self.process.wait(STARTS_WITHIN);
    }

    /// As an operator brings in users, virtual hosts and queues.
    fn import(&self, definitions: &str) {
        let file = self.net.write("definitions.json", definitions);
        let mut import = run_in(self.net, "import.log", "rabbitmqctl", &["import_definitions", &file]);
        assert_eq!(import.wait(STARTS_WITHIN), Some(0), "{}", self.net.read("import.log"));
    }
}

/// A program of `RabbitMQ` with all that it keeps in this test's own folder.
fn run_in(net: &Net, log: &str, program: &str, args: &[&str]) -> Process {
    let env = [
        ("HOME", ""),
        ("RABBITMQ_MNESIA_BASE", "mnesia"),
        ("RABBITMQ_LOG_BASE", "logs"),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", "plugins"),
        ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
        ("RABBITMQ_PID_FILE", "pid"),
    ]
    .map(|(name, file)| (name, net.path(file)));
    let mut env: Vec<(&str, &str)> = env.iter().map(|(name, path)| (*name, path.as_str())).collect();
    env.extend([("RABBITMQ_NODENAME", "rabbit@localhost"), ("LANG", "C.UTF-8")]);
    net.spawn(log, &format!("{BIN}/{program}"), args, &env)
}

#[test]
#[ignore = "needs real servers: make real"]
fn a_broker_is_awaited_with_its_user_virtual_host_queue_and_exchange() {
    let net = Net::new();
    let mut anyone = start_patiently(&net, &["amqp://127.0.0.1"]);
    let mut me = start_patiently(&net, &["amqp://me:right@127.0.0.1"]);
    anyone.until_it_says("tcp.refused");
    me.until_it_says("tcp.refused");
    let rabbit = Rabbit::start(&net, "");
    anyone.ends_ready();
    me.ends_ready();

    prereq(&net, &["amqp://me:wrong@127.0.0.1"]).is_unmet("127.0.0.1", "auth.denied");
    prereq(&net, &["amqp://me:right@127.0.0.1#exchange=amq.topic"]).is_ready();
    prereq(&net, &["not", "amqp://me:right@127.0.0.1#queue=jobs"]).is_ready();

    let password = net.write("password", "wrong\n");
    let late = format!("amqp://127.0.0.1/app#user=late&password-file={password}&queue=jobs");
    let mut user = start_patiently(&net, &[&late]);
    let mut vhost = start_patiently(&net, &["amqp://me:right@127.0.0.1/app"]);
    user.until_it_says("auth.denied");
    vhost.until_it_says("amqp.vhost");
    rabbit.import(
        r#"{"users": [{"name": "late", "password": "right", "tags": ""}], "vhosts": [{"name": "app"}],
            "permissions": [
              {"user": "late", "vhost": "app", "configure": "jobs.*", "write": ".*", "read": ".*"},
              {"user": "me", "vhost": "app", "configure": ".*", "write": ".*", "read": ".*"}]}"#,
    );
    vhost.ends_ready();
    net.write("password", "right\n");
    user.until_it_says("service.missing");
    rabbit.import(
        r#"{"queues": [{"name": "jobs", "vhost": "app", "durable": true, "auto_delete": false, "arguments": {}}]}"#,
    );
    user.ends_ready();

    let consumers = "amqp://me:right@127.0.0.1/app#queue=jobs&min-consumers=1";
    prereq(&net, &[consumers]).is_unmet("127.0.0.1", "service.role");
    // A virtual host that is there, but not for this user.
    prereq(&net, &["amqp://late:right@127.0.0.1"]).is_unmet("127.0.0.1", "amqp.vhost");

    rabbit.kill();
    let mut again = start_patiently(&net, &["amqp://me:right@127.0.0.1/app#queue=jobs"]);
    again.until_it_says("tcp.refused");
    let _rabbit = Rabbit::start(&net, "");
    again.ends_ready();
}

#[test]
#[ignore = "needs real servers: make real"]
fn tls_is_spoken_with_a_broker_of_a_private_authority() {
    let net = Net::new();
    let authority = Authority::new(&net);
    let pair = authority.issue("localhost", Validity::Days(30));
    let _rabbit = Rabbit::start(
        &net,
        &format!(
            "listeners.ssl.local = 127.0.0.1:5671\nssl_options.cacertfile = {}\nssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\nssl_options.verify = verify_none\n",
            authority.certificate, pair.certificate, pair.key
        ),
    );
    let trusted = format!("amqps://me:right@localhost#cacert={}", authority.certificate);
    prereq(&net, &[&trusted]).is_ready();
    prereq(&net, &["amqps://me:right@localhost"]).is_unmet("localhost", "tls.untrusted");
    prereq(&net, &["amqps://me:right@localhost#insecure"]).is_ready();
    // The port for one is not that for the other.
    prereq(&net, &["amqp://127.0.0.1:5671"]).is_unmet("127.0.0.1:5671", "service.protocol");
    prereq(&net, &["amqps://127.0.0.1:5672#insecure"]).is_unmet("127.0.0.1:5672", "tls.protocol");
}

#[test]
#[ignore = "needs real servers: make real"]
fn another_service_is_not_taken_for_a_broker() {
    let net = Net::new();
    let _nginx = Nginx::answering(&net, 200, "");
    prereq(&net, &["amqp://127.0.0.1:8080"]).is_unmet("127.0.0.1:8080", "service.protocol");
}
