//! nginx and BIND, with configurations that can change while they run.

use std::time::Duration;

use crate::net::{Net, Process, eventually};

const STARTS_WITHIN: Duration = Duration::from_secs(8);

pub(crate) struct Nginx<'a> {
    net: &'a Net,
    process: Process,
}

impl<'a> Nginx<'a> {
    /// With these `server` blocks; returns when it accepts connections.
    pub(crate) fn start(net: &'a Net, servers: &str) -> Self {
        let config = Self::configure(net, servers);
        let process =
            net.spawn("nginx.log", "nginx", &["-e", &net.path("nginx-error.log"), "-c", &config], &[]);
        let mut nginx = Self { net, process };
        eventually("nginx is up", STARTS_WITHIN, || {
            assert!(
                nginx.process.is_running(),
                "nginx: {}{}",
                net.read("nginx.log"),
                net.read("nginx-error.log")
            );
            !net.read("nginx.pid").is_empty()
        });
        nginx
    }

    /// One server on port 8080 that answers everything with this status and body.
    pub(crate) fn answering(net: &'a Net, status: u16, body: &str) -> Self {
        Self::start(net, &answer(status, body))
    }

    pub(crate) fn reload(&self, servers: &str) {
        Self::configure(self.net, servers);
        self.process.signal("HUP");
    }

    /// The lines of the access log: one a request.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.net.read("access.log").lines().map(str::to_owned).collect()
    }

    fn configure(net: &Net, servers: &str) -> String {
        let text = format!(
            "daemon off;\nuser root;\nworker_processes 1;\npid {dir}/nginx.pid;\nerror_log {dir}/nginx-error.log;\n\
             events {{ worker_connections 128; }}\n\
             http {{\naccess_log {dir}/access.log;\ndefault_type text/plain;\n\
             client_body_temp_path {dir}/client_body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;\n\
             uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;\n{servers}\n}}\n",
            dir = net.path(""),
        );
        net.write("nginx.conf", &text)
    }
}

pub(crate) fn answer(status: u16, body: &str) -> String {
    format!("server {{ listen 127.0.0.1:8080; location / {{ return {status} '{body}'; }} }}")
}

/// The zone `test`; everything else in the world does not exist, except `broken.test`, which fails.
pub(crate) struct Named<'a> {
    net: &'a Net,
    process: Process,
    serial: u32,
}

impl<'a> Named<'a> {
    /// With these records in the zone; returns when it answers.
    pub(crate) fn start(net: &'a Net, records: &str) -> Self {
        let config = net.write(
            "named.conf",
            &format!(
                "options {{\n directory \"{dir}\"; pid-file \"{dir}/named.pid\"; session-keyfile \"{dir}/session.key\";\n\
                 managed-keys-directory \"{dir}\"; listen-on {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
                 recursion no; dnssec-validation no; notify no; minimal-responses yes;\n}};\n\
                 controls {{ }};\n\
                 zone \".\" {{ type primary; file \"root.zone\"; }};\n\
                 zone \"test\" {{ type primary; file \"test.zone\"; }};\n\
                 zone \"broken.test\" {{ type primary; file \"there-is-no-such.zone\"; }};\n",
                dir = net.path(""),
            ),
        );
        net.write("root.zone", &zone(1, ""));
        net.write("test.zone", &zone(1, records));
        let process = net.spawn("named.log", "named", &["-g", "-n", "1", "-c", &config], &[]);
        let mut named = Self { net, process, serial: 1 };
        eventually("named is up", STARTS_WITHIN, || {
            let log = net.read("named.log");
            assert!(named.process.is_running(), "named: {log}");
            log.lines().any(|line| line.ends_with(" running"))
        });
        named
    }

    /// Other records from now on.
    pub(crate) fn reload(&mut self, records: &str) {
        self.serial += 1;
        self.net.write("test.zone", &zone(self.serial, records));
        self.process.signal("HUP");
    }

    /// It takes queries and answers none.
    pub(crate) fn freeze(&self) {
        self.process.signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.process.signal("CONT");
    }
}

/// «No such name» may be cached for an hour, says the zone: who waits had better not.
fn zone(serial: u32, records: &str) -> String {
    format!("$TTL 3600\n@ SOA ns admin {serial} 3600 3600 3600 3600\n@ NS ns\nns A 127.0.0.1\n{records}\n")
}
