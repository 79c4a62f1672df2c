//! Which API server is asked, and as whom: what kubectl and the client libraries look at, in their order.

use std::path::{Path, PathBuf};

use reqwest::Url;
use reqwest::header::HeaderValue;

use super::kubeconfig::Kubeconfig;
use crate::check::options::read_secret;
use crate::check::{Draft, Reason, class};
use crate::content;
use crate::net::http::ProxyMode;
use crate::net::io_words;
use crate::net::tls::TlsOptions;
use crate::plan::env::Env;
use crate::plan::problem::Problem;
use crate::plan::secret::Secret;

/// Where the kubelet puts a Pod's credentials
/// (<https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>).
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// An API server, and who asks it.
#[derive(Debug)]
pub(super) struct Cluster {
    /// Its URL, under which `/api` and `/apis` are.
    pub(super) url: Url,
    pub(super) tls: TlsOptions,
    pub(super) user: User,
    /// The namespace of targets that give none.
    pub(super) namespace: String,
    pub(super) proxy: Option<ProxyMode>,
}

/// Who asks, beside a client certificate.
#[derive(Debug, Default)]
pub(super) enum User {
    /// Nobody, or who the certificate is for.
    #[default]
    Plain,
    Token(Secret),
    /// A token that is renewed in its file.
    TokenFile(PathBuf),
}

impl User {
    /// Whether what is sent may be another the next time.
    pub(super) fn renews(&self) -> bool {
        matches!(self, Self::TokenFile(_))
    }

    /// The `Authorization` header now. A token's file is read anew each time: the kubelet replaces it.
    ///
    /// # Errors
    /// The reason why the file cannot be used.
    pub(super) fn header(&self) -> Result<Option<HeaderValue>, Reason> {
        let token = match self {
            Self::Plain => return Ok(None),
            Self::Token(token) => token.clone(),
            Self::TokenFile(path) => read_secret(&path.display().to_string())?,
        };
        let value = HeaderValue::try_from(format!("Bearer {}", token.expose().trim()));
        let mut value = value.map_err(|_| {
            Reason::new(&class::LOCAL_SECRET, "the token holds characters that it cannot have")
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// Where a target's cluster is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// `api=`: a URL that needs no credentials, such as that of `kubectl proxy`.
    Api(Url),
    /// Files of kubeconfigs, the first one's entries before the others', and the context out of them.
    Files(Vec<PathBuf>, Option<String>),
    /// The environment of a Pod: host and port of the API server, and the folder with the credentials.
    Pod(String, String, PathBuf),
    /// Nowhere.
    None,
}

impl Source {
    /// What the options say, or else the environment: `KUBECONFIG`, the Pod's own variables, `~/.kube/config`.
    /// The second value is whether options say it.
    pub(super) fn read(draft: &mut Draft<'_>) -> (Self, bool) {
        let env = draft.env;
        let context = draft.text("context").map(str::to_owned);
        let given = draft.text("kubeconfig");
        if let Some(url) = draft.parsed("api", api) {
            if given.is_some() || context.is_some() {
                draft.problem(
                    Problem::new("options api and kubeconfig or context do not go together")
                        .hint("keep one of them"),
                );
            }
            return (Self::Api(url), true);
        }
        let explicit = given.is_some() || context.is_some();
        let source = match given.or_else(|| env.non_empty("KUBECONFIG")) {
            Some(path) if given.is_some() => Self::Files(vec![path.into()], context),
            Some(paths) => Self::Files(
                paths.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
                context,
            ),
            None if context.is_some() => {
                Self::home(env).map_or(Self::None, |path| Self::Files(vec![path], context))
            }
            None => Self::surrounding(env),
        };
        (source, explicit)
    }

    fn home(env: &Env) -> Option<PathBuf> {
        env.non_empty("HOME").map(|home| Path::new(home).join(".kube/config"))
    }

    fn surrounding(env: &Env) -> Self {
        if let Some(host) = env.non_empty("KUBERNETES_SERVICE_HOST") {
            let port = env.non_empty("KUBERNETES_SERVICE_PORT").unwrap_or("443");
            return Self::Pod(host.into(), port.into(), ACCOUNT.into());
        }
        Self::home(env).filter(|path| path.exists()).map_or(Self::None, |path| Self::Files(vec![path], None))
    }

    /// The cluster, its files read.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub(super) fn cluster(&self) -> Result<Cluster, Problem> {
        match self {
            Self::Api(url) => Ok(Cluster {
                url: url.clone(),
                tls: TlsOptions::default(),
                user: User::Plain,
                namespace: "default".into(),
                proxy: None,
            }),
            Self::Files(paths, context) => Kubeconfig::load(paths)?.cluster(context.as_deref()),
            Self::Pod(host, port, folder) => pod(host, port, folder),
            Self::None => Err(Problem::new("there is no Kubernetes cluster to ask").hint(
                "run it in a Pod with a service account, set KUBECONFIG, or give kubeconfig=PATH or api=URL",
            )),
        }
    }
}

fn api(text: &str) -> Result<Url, String> {
    let wrong = || "not a URL: write api=http://127.0.0.1:8001".to_owned();
    let url = Url::parse(text).map_err(|_| wrong())?;
    let fits = matches!(url.scheme(), "http" | "https") && url.query().is_none();
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL takes no user or password: use a kubeconfig".into());
    }
    if fits { Ok(url) } else { Err(wrong()) }
}

/// The cluster of the Pod that this process runs in.
fn pod(host: &str, port: &str, folder: &Path) -> Result<Cluster, Problem> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let url = Url::parse(&format!("https://{host}:{port}/")).map_err(|_| {
        Problem::new("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no address of an API server")
    })?;
    let token = folder.join("token");
    let authority = folder.join("ca.crt");
    let unreadable = |path: &Path, error: &std::io::Error| {
        Problem::new(format!("cannot read {}: {}", path.display(), io_words(error))).hint(
            "does the Pod have a service account? See automountServiceAccountToken and serviceAccountName",
        )
    };
    std::fs::File::open(&token).map_err(|error| unreadable(&token, &error))?;
    let pem = content::whole(&authority, content::LONG).map_err(|error| unreadable(&authority, &error))?;
    let tls = TlsOptions::default()
        .with_authorities(&pem)
        .map_err(|what| Problem::new(format!("{}: {what}", authority.display())))?;
    let namespace = content::whole(folder.join("namespace"), content::SHORT).and_then(content::text);
    let namespace = namespace.map(|text| text.trim().to_owned()).ok().filter(|text| !text.is_empty());
    Ok(Cluster {
        url,
        tls,
        user: User::TokenFile(token),
        namespace: namespace.unwrap_or_else(|| "default".into()),
        proxy: Some(ProxyMode::Off),
    })
}
