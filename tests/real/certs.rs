//! A certificate authority that no one trusts until told to, made with openssl as its users make theirs.

use std::process::Command;

use crate::net::{Net, run};

pub(crate) struct Authority<'a> {
    net: &'a Net,
    /// The path of its certificate.
    pub(crate) certificate: String,
}

/// The paths of a certificate and its key.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// How long a certificate is good.
#[derive(Clone, Copy)]
pub(crate) enum Validity {
    Days(u32),
    From2090,
    OverSince2021,
}

const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

impl<'a> Authority<'a> {
    pub(crate) fn new(net: &'a Net) -> Self {
        net.write("index.txt", "");
        net.write("serial", "1000\n");
        let dir = net.path("");
        net.write(
            "ca.conf",
            &format!(
                "[ca]\ndefault_ca = private\n[private]\ndatabase = {dir}/index.txt\nserial = {dir}/serial\n\
                 new_certs_dir = {dir}\ndefault_md = sha256\npolicy = any\ncopy_extensions = copy\n\
                 unique_subject = no\n[any]\ncommonName = supplied\n"
            ),
        );
        let certificate = net.path("ca.pem");
        run(Command::new("openssl")
            .args(["req", "-x509", "-days", "30", "-subj", "/CN=private authority"])
            .args(NEW_KEY)
            .args(["-keyout", &net.path("ca.key"), "-out", &certificate]));
        Self { net, certificate }
    }

    /// A certificate for this name.
    pub(crate) fn issue(&self, name: &str, validity: Validity) -> Pair {
        let path = |suffix: &str| self.net.path(&format!("{}.{suffix}", name.replace('*', "any")));
        let (request, certificate, key) = (path("csr"), path("pem"), path("key"));
        run(Command::new("openssl")
            .args(["req", "-subj", &format!("/CN={name}"), "-addext", &format!("subjectAltName=DNS:{name}")])
            .args(NEW_KEY)
            .args(["-keyout", &key, "-out", &request]));
        let mut sign = Command::new("openssl");
        sign.args([
            "ca",
            "-batch",
            "-notext",
            "-config",
            &self.net.path("ca.conf"),
            "-cert",
            &self.certificate,
        ])
        .args(["-keyfile", &self.net.path("ca.key"), "-in", &request, "-out", &certificate]);
        match validity {
            Validity::Days(days) => sign.args(["-days", &days.to_string()]),
            Validity::From2090 => sign.args(["-startdate", "20900101000000Z", "-enddate", "20910101000000Z"]),
            Validity::OverSince2021 => {
                sign.args(["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"])
            }
        };
        run(&mut sign);
        Pair { certificate, key }
    }
}
