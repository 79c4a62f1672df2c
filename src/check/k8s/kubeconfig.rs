//! Kubeconfig files (<https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>): what is needed of them.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde::Deserialize;

use super::cluster::{Cluster, User};
use crate::content;
use crate::net::http::ProxyMode;
use crate::net::io_words;
use crate::net::tls::{TlsOptions, Trust};
use crate::plan::problem::Problem;
use crate::plan::secret::Secret;

/// A kubeconfig, perhaps merged from several files.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Kubeconfig {
    #[serde(rename = "current-context")]
    current_context: String,
    contexts: Vec<Named<Context>>,
    clusters: Vec<Named<Server>>,
    users: Vec<Named<Account>>,
}

/// An entry of one of its lists.
#[derive(Deserialize)]
struct Named<T> {
    name: String,
    #[serde(alias = "context", alias = "cluster", alias = "user", default = "none")]
    value: Option<T>,
    /// The folder of its file, from which its paths are relative.
    #[serde(skip)]
    folder: PathBuf,
}

fn none<T>() -> Option<T> {
    None
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Context {
    cluster: String,
    user: String,
    namespace: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Server {
    #[serde(rename = "server")]
    url: String,
    certificate_authority: Option<String>,
    certificate_authority_data: Option<String>,
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<String>,
    proxy_url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Account {
    client_certificate: Option<String>,
    client_certificate_data: Option<String>,
    client_key: Option<String>,
    client_key_data: Option<String>,
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<String>,
    username: Option<String>,
    exec: Option<serde::de::IgnoredAny>,
    auth_provider: Option<serde::de::IgnoredAny>,
}

impl Kubeconfig {
    /// Reads the files, in whose order entries and the current context count. A file that does not exist is left out
    /// where there are others, as kubectl does.
    ///
    /// # Errors
    /// What cannot be read.
    pub(super) fn load(paths: &[PathBuf]) -> Result<Self, Problem> {
        let mut merged = Self::default();
        for path in paths {
            let text = match content::whole(path, content::LONG).and_then(content::text) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && paths.len() > 1 => continue,
                Err(error) => {
                    let why = io_words(&error);
                    return Err(Problem::new(format!(
                        "cannot read the kubeconfig {}: {why}",
                        path.display()
                    )));
                }
            };
            let folder = path.parent().unwrap_or(Path::new("."));
            let read = Self::parse(&text, folder)
                .map_err(|what| Problem::new(format!("{} is no kubeconfig: {what}", path.display())))?;
            merged.merge(read);
        }
        Ok(merged)
    }

    fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        // An error of the reader of values would repeat them.
        let read = serde_json::from_value(super::yaml::read(text)?);
        let mut read: Self = read.map_err(|_| "a part of it has another form than it should".to_owned())?;
        read.contexts.iter_mut().for_each(|one| one.folder = folder.into());
        read.clusters.iter_mut().for_each(|one| one.folder = folder.into());
        read.users.iter_mut().for_each(|one| one.folder = folder.into());
        Ok(read)
    }

    fn merge(&mut self, other: Self) {
        if self.current_context.is_empty() {
            self.current_context = other.current_context;
        }
        self.contexts.extend(other.contexts);
        self.clusters.extend(other.clusters);
        self.users.extend(other.users);
    }

    /// The cluster of a context, or of the current one.
    ///
    /// # Errors
    /// What is missing or cannot be used.
    pub(super) fn cluster(&self, context: Option<&str>) -> Result<Cluster, Problem> {
        let name = context.unwrap_or(&self.current_context);
        if name.is_empty() {
            return Err(Problem::new("the kubeconfig has no current context")
                .hint("choose one with context=NAME, or kubectl config use-context NAME"));
        }
        let names = || self.contexts.iter().map(|one| one.name.as_str());
        let (context, _) = find(&self.contexts, name).ok_or_else(|| {
            Problem::new(format!("the kubeconfig has no context '{name}'")).nearest(name, names())
        })?;
        let (server, folder) = find(&self.clusters, &context.cluster)
            .ok_or_else(|| Problem::new(format!("the kubeconfig has no cluster '{}'", context.cluster)))?;
        let url = server.url()?;
        let tls = server.tls(folder)?;
        let proxy = match &server.proxy_url {
            Some(proxy) => Some(ProxyMode::parse(proxy).map_err(|what| wrong("proxy-url", &what))?),
            None => None,
        };
        let (tls, user) = match find(&self.users, &context.user) {
            Some((account, folder)) => (account.identity(tls, folder)?, account.user(folder)?),
            None if context.user.is_empty() => (tls, User::Plain),
            None => return Err(Problem::new(format!("the kubeconfig has no user '{}'", context.user))),
        };
        let namespace = context.namespace.clone().filter(|namespace| !namespace.is_empty());
        Ok(Cluster { url, tls, user, namespace: namespace.unwrap_or_else(|| "default".into()), proxy })
    }
}

fn find<'a, T>(entries: &'a [Named<T>], name: &str) -> Option<(&'a T, &'a Path)> {
    let entry = entries.iter().find(|entry| entry.name == name)?;
    Some((entry.value.as_ref()?, &entry.folder))
}

fn wrong(key: &str, what: &str) -> Problem {
    Problem::new(format!("the kubeconfig's {key}: {what}"))
}

/// What a pair of keys says: data in base64 goes before the path of a file.
fn content(
    key: &str,
    data: Option<&String>,
    path: Option<&String>,
    folder: &Path,
) -> Result<Option<Vec<u8>>, Problem> {
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        let bytes = STANDARD.decode(data.split_whitespace().collect::<String>());
        return bytes.map(Some).map_err(|_| wrong(&format!("{key}-data"), "not base64"));
    }
    let Some(path) = path.filter(|path| !path.is_empty()) else { return Ok(None) };
    let path = folder.join(path);
    let read = content::whole(&path, content::LONG);
    read.map(Some)
        .map_err(|error| wrong(key, &format!("cannot read {}: {}", path.display(), io_words(&error))))
}

impl Server {
    fn url(&self) -> Result<Url, Problem> {
        let url = Url::parse(&self.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.ok_or_else(|| wrong("server", "not a URL"))
    }

    fn tls(&self, folder: &Path) -> Result<TlsOptions, Problem> {
        let mut tls = TlsOptions::default();
        let (data, path) = (self.certificate_authority_data.as_ref(), self.certificate_authority.as_ref());
        if self.insecure_skip_tls_verify {
            tls = tls.trusting(Trust::Anyone);
        } else if let Some(pem) = content("certificate-authority", data, path, folder)? {
            tls = tls.with_authorities(&pem).map_err(|what| wrong("certificate-authority", &what))?;
        }
        match self.tls_server_name.as_ref().filter(|name| !name.is_empty()) {
            Some(name) => tls.with_name(name).map_err(|what| wrong("tls-server-name", &what)),
            None => Ok(tls),
        }
    }
}

impl Account {
    fn identity(&self, tls: TlsOptions, folder: &Path) -> Result<TlsOptions, Problem> {
        let (data, path) = (self.client_certificate_data.as_ref(), self.client_certificate.as_ref());
        let certificate = content("client-certificate", data, path, folder)?;
        let (data, path) = (self.client_key_data.as_ref(), self.client_key.as_ref());
        let key = content("client-key", data, path, folder)?;
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                tls.with_identity(&certificate, &key).map_err(|what| wrong("client-certificate", &what))
            }
            (None, None) => Ok(tls),
            _ => Err(Problem::new("the kubeconfig's client-certificate and client-key go together")),
        }
    }

    fn user(&self, folder: &Path) -> Result<User, Problem> {
        if let Some(path) = self.token_file.as_ref().filter(|path| !path.is_empty()) {
            return Ok(User::TokenFile(folder.join(path)));
        }
        if let Some(token) = self.token.as_ref().filter(|token| !token.is_empty()) {
            return Ok(User::Token(Secret::new(token)));
        }
        let certified = self.client_certificate.is_some() || self.client_certificate_data.is_some();
        let unsupported = if self.exec.is_some() {
            "a program that fetches credentials (exec)"
        } else if self.auth_provider.is_some() {
            "an auth-provider"
        } else if self.username.is_some() {
            "a user name and password"
        } else {
            return Ok(User::Plain);
        };
        if certified {
            return Ok(User::Plain);
        }
        Err(Problem::new(format!("the kubeconfig's user has {unsupported}, which is not supported")).hint(
            "use a token or a client certificate: kubectl create token NAME; or api=URL with kubectl proxy",
        ))
    }
}

/// Reads anything, and asks for its current context.
#[cfg(any(fuzzing, test))]
pub(super) fn fuzz(text: &str) {
    let _ = Kubeconfig::parse(text, Path::new("/")).map(|read| read.cluster(None).is_ok());
}
