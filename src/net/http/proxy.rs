//! Proxies: never used unless somebody says so.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Proxy, Url};

use super::PROXY;
use crate::check::Reason;
use crate::plan::env::Env;
use crate::plan::target::Host;

/// Whether requests go through a proxy.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ProxyMode {
    /// They do not, whatever the environment says.
    #[default]
    Off,
    /// As `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in capitals or not.
    Env,
    /// Through this one.
    Url(Box<Url>),
}

impl std::fmt::Debug for ProxyMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => f.write_str("Off"),
            Self::Env => f.write_str("Env"),
            Self::Url(url) => f.debug_tuple("Url").field(&super::shown(url)).finish(),
        }
    }
}

/// A proxy that a request goes through.
#[derive(Debug, PartialEq)]
pub(super) struct Via {
    url: Url,
    pub(super) host: Host,
    pub(super) port: u16,
    /// Whether the proxy is given an address, and not a name, to connect to.
    pub(super) wants_address: bool,
}

impl ProxyMode {
    /// Reads `none`, `env` or the URL of a proxy.
    ///
    /// # Errors
    /// When it is none of these; the message does not repeat it, since it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "none" | "off" => Ok(Self::Off),
            "env" => Ok(Self::Env),
            _ => parse_url(text).map(|url| Self::Url(Box::new(url))),
        }
    }

    /// The proxy for `url`.
    pub(super) fn via(&self, env: &Env, url: &Url) -> Result<Option<Via>, Reason> {
        match self {
            Self::Off => Ok(None),
            Self::Url(proxy) => Ok(Via::new(proxy)),
            Self::Env => {
                let names: [&'static str; 2] = match url.scheme() {
                    "https" => ["https_proxy", "HTTPS_PROXY"],
                    _ => ["http_proxy", "HTTP_PROXY"],
                };
                let value = |names: [&'static str; 2]| {
                    names.into_iter().find_map(|name| Some((name, env.non_empty(name)?)))
                };
                let Some((name, text)) = value(names).or_else(|| value(["all_proxy", "ALL_PROXY"])) else {
                    return Ok(None);
                };
                let except = value(["no_proxy", "NO_PROXY"]).map_or("", |(_, list)| list);
                // The matcher knows the rules of NO_PROXY: domains, addresses, networks.
                let matcher = Matcher::builder().all("http://proxy").no(except).build();
                let excepted = url.as_str().parse().is_ok_and(|uri| matcher.intercept(&uri).is_none());
                if excepted {
                    return Ok(None);
                }
                let proxy = parse_url(text).map_err(|what| Reason::new(&PROXY, format!("{name}: {what}")))?;
                Ok(Via::new(&proxy))
            }
        }
    }
}

impl Via {
    fn new(url: &Url) -> Option<Self> {
        let host = super::lane::host_of(url)?;
        let port = url.port_or_known_default().unwrap_or(1080);
        Some(Self { host, port, wants_address: url.scheme() == "socks5", url: url.clone() })
    }

    /// What reqwest is told.
    pub(super) fn proxy(&self) -> Result<Proxy, reqwest::Error> {
        Proxy::all(self.url.clone())
    }

    /// Whether the proxy is spoken to over TLS.
    pub(super) fn secure(&self) -> bool {
        self.url.scheme() == "https"
    }
}

fn parse_url(text: &str) -> Result<Url, String> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url: Url =
        whole.parse().map_err(|error: url::ParseError| format!("not the URL of a proxy: {error}"))?;
    match url.scheme() {
        "http" | "https" | "socks5" | "socks5h" if url.has_host() && url.host_str() != Some("") => Ok(url),
        "http" | "https" | "socks5" | "socks5h" => Err("the URL of the proxy has no host".into()),
        _ => Err("the URL of a proxy begins with http://, https://, socks5:// or socks5h://".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_without_repeating_a_password() {
        assert_eq!(ProxyMode::parse("none"), Ok(ProxyMode::Off));
        assert_eq!(ProxyMode::parse("env"), Ok(ProxyMode::Env));
        for text in ["http://u:hunter2@p:3128", "p:3128", "p", "socks5://p", "https://[::1]:1"] {
            let mode = ProxyMode::parse(text).unwrap();
            assert!(matches!(mode, ProxyMode::Url(_)), "{text}");
            assert!(!format!("{mode:?}").contains("hunter2"));
        }
        for text in ["ftp://u:hunter2@p", "http://", "http://u:hunter2@", "http://u:hunter2@p:99999", ""] {
            let what = ProxyMode::parse(text).unwrap_err();
            assert!(!what.contains("hunter2"), "{what}");
        }
    }

    #[test]
    fn the_environment_counts_only_when_asked_for() {
        let env = Env::from([
            ("http_proxy", "http://one:3128"),
            ("HTTPS_PROXY", "two"),
            ("NO_PROXY", "localhost,.cluster.local,10.0.0.0/8"),
        ]);
        let via = |mode: &ProxyMode, url: &str| {
            let via = mode.via(&env, &url.parse().unwrap()).unwrap();
            via.map(|via| format!("{}:{}", via.host, via.port))
        };
        for (url, proxy) in [
            ("http://web/", Some("one:3128")),
            ("https://web/", Some("two:80")),
            ("http://localhost:1/", None),
            ("http://a.cluster.local/", None),
            ("http://10.1.2.3/", None),
            ("http://11.1.2.3/", Some("one:3128")),
        ] {
            assert_eq!(via(&ProxyMode::Env, url).as_deref(), proxy, "{url}");
            assert_eq!(via(&ProxyMode::Off, url), None);
        }
        assert_eq!(via(&ProxyMode::parse("socks5://s").unwrap(), "http://localhost/").unwrap(), "s:1080");
    }

    #[test]
    fn a_bad_variable_is_not_passed_over() {
        let env = Env::from([("ALL_PROXY", "gopher://u:hunter2@p")]);
        let reason = ProxyMode::Env.via(&env, &"http://web/".parse().unwrap()).unwrap_err();
        assert_eq!(reason.class, &PROXY);
        assert!(reason.text.starts_with("ALL_PROXY: the URL of a proxy begins with"), "{}", reason.text);
    }
}
