//! The options of an HTTP target.

use regex_lite::Regex;
use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING, USER_AGENT,
};
use reqwest::{Method, Url};

use super::judge::Expect;
use super::status::StatusSet;
use super::{Auth, Http};
use crate::check::jsonpath::Expectation;
use crate::check::options::parse_regex;
use crate::check::{Draft, Probe};
use crate::content;
use crate::net::http::{ProxyMode, Request};
use crate::net::io_words;
use crate::net::tls::TlsOptions;
use crate::plan::problem::Problem;
use crate::plan::target::Host;

pub(in crate::check) fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let url = url(draft);
    let (headers, mut host) = headers(draft);
    if let Some(given) = draft.parsed("host", authority) {
        host = Some(given);
    }
    let auth = auth(draft, &headers);
    let expect = expect(draft, !matches!(auth, Auth::None) || headers.contains_key(AUTHORIZATION));
    let body = body(draft);
    let default = if body.is_some() { Method::POST } else { Method::GET };
    let method = draft.parsed("method", method).unwrap_or(default);
    let tls = TlsOptions::read(draft);
    let request = Request {
        at: (draft.target.host == Some(Host::This)).then_some(Host::This),
        method,
        headers,
        host,
        body,
        unix: draft.text("unix").map(Into::into),
        http2: http2(draft),
        tls,
        proxy: draft.parsed("proxy", ProxyMode::parse),
        redirects: draft.number("redirects", 0).unwrap_or(10),
        url: url?,
    };
    agree(draft, &request);
    Some(Box::new(Http { request, auth, expect }))
}

/// Whether HTTP/2 is wanted.
fn http2(draft: &mut Draft<'_>) -> bool {
    let wanted = draft.switch("http2");
    if wanted && !cfg!(feature = "http2") {
        draft.problem(Problem::lacking("option http2", "http2"));
    }
    wanted
}

/// Notes options that contradict each other.
fn agree(draft: &mut Draft<'_>, request: &Request) {
    let secure = request.url.scheme() == "https";
    if secure && request.http2 && (request.host.is_some() || request.tls.sni().is_some()) {
        draft.problem(Problem::new("options host and sni do not go together with http2 on https://"));
    }
    if request.unix.is_some() && matches!(request.proxy, Some(ProxyMode::Env | ProxyMode::Url(_))) {
        draft.problem(Problem::new("options unix and proxy do not go together"));
    }
    if !secure && request.redirects == 0 {
        let given = crate::net::tls::OPTIONS.iter().find(|option| draft.text(option.name).is_some());
        if let Some(option) = given {
            draft.problem(
                Problem::new(format!("option {} has no effect on http://", option.name))
                    .hint("write https://"),
            );
        }
    }
}

/// The URL, without userinfo and options. It is put together from parts that are known not to be secret, and
/// what is wrong with it is told without repeating it.
fn url(draft: &mut Draft<'_>) -> Option<Url> {
    let target = draft.target;
    let host = match &target.host {
        Some(Host::This) if target.port.is_none() => {
            draft.problem(
                Problem::new("the host is missing").hint(format!("write {}://HOST/", target.scheme)),
            );
            return None;
        }
        Some(Host::This) => "localhost".to_owned(),
        Some(host) => host.to_string(),
        None => return None,
    };
    let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
    let query = target.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    match Url::parse(&format!("{}://{host}{port}{}{query}", target.scheme, target.path)) {
        Ok(url) if url.as_str().parse::<::http::Uri>().is_ok() => Some(url),
        Ok(_) => {
            draft.problem(Problem::new("not a URL: it holds characters that must be percent-encoded"));
            None
        }
        Err(error) => {
            draft.problem(Problem::new(format!("not a URL: {error}")));
            None
        }
    }
}

fn method(text: &str) -> Result<Method, String> {
    let wrong = || "not a request method".to_owned();
    let known = text.to_ascii_uppercase();
    let known =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"].contains(&known.as_str());
    let method = if known { text.to_ascii_uppercase() } else { text.to_owned() };
    Method::from_bytes(method.as_bytes()).ok().filter(|method| *method != Method::CONNECT).ok_or_else(wrong)
}

/// A value for `Host`: a name or address, perhaps with a port.
fn authority(text: &str) -> Result<HeaderValue, String> {
    let wrong = || format!("'{text}' is not a host");
    let url = Url::parse(&format!("http://{text}/")).map_err(|_| wrong())?;
    let plain =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !plain || url.password().is_some() {
        return Err(wrong());
    }
    HeaderValue::from_str(text).map_err(|_| wrong())
}

fn pair<'a>(option: &str, text: &'a str) -> Result<(HeaderName, &'a str), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| format!("option {option}: there is no colon"))?;
    let name = HeaderName::try_from(name.trim())
        .map_err(|_| format!("option {option}: what is before the colon is not the name of a header"))?;
    Ok((name, value.trim()))
}

/// The request headers, and the `Host` header apart. Messages repeat names only.
fn headers(draft: &mut Draft<'_>) -> (HeaderMap, Option<HeaderValue>) {
    let mut headers = HeaderMap::new();
    let mut host = None;
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("prereq/", env!("CARGO_PKG_VERSION"))));
    let mut own_agent = false;
    for text in draft.all("header") {
        let read = pair("header", text).and_then(|(name, value)| {
            if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
                return Err(format!("option header: {name} follows from the body"));
            }
            let mut value = HeaderValue::from_str(value).map_err(|_| {
                format!("option header: the value of {name} holds characters that it cannot have")
            })?;
            value.set_sensitive(true);
            Ok((name, value))
        });
        match read {
            Ok((name, value)) if name == HOST => host = Some(value),
            Ok((name, value)) => {
                if name == USER_AGENT && !own_agent {
                    own_agent = true;
                    headers.remove(USER_AGENT);
                }
                headers.append(name, value);
            }
            Err(what) => draft.wrong("header", Problem::new(what).hint("write header=NAME:VALUE")),
        }
    }
    (headers, host)
}

fn body(draft: &mut Draft<'_>) -> Option<Vec<u8>> {
    match (draft.text("body"), draft.text("body-file")) {
        (Some(_), Some(_)) => {
            draft.problem(Problem::new("options body and body-file are both given").hint("keep one of them"));
            None
        }
        (Some(text), None) => Some(text.as_bytes().to_vec()),
        (None, Some(path)) => match content::whole(path, content::LONG) {
            Ok(content) => Some(content),
            Err(error) => {
                let why = io_words(&error);
                draft
                    .wrong("body-file", Problem::new(format!("option body-file: cannot read {path}: {why}")));
                None
            }
        },
        (None, None) => None,
    }
}

fn auth(draft: &mut Draft<'_>, headers: &HeaderMap) -> Auth {
    let credentials = draft.credentials();
    let mut given = Vec::new();
    if credentials.user.is_some() || credentials.password.is_some() {
        given.push(("user and password", Auth::Basic(credentials)));
    }
    if let Some(path) = draft.text("basic-auth-file") {
        given.push(("basic-auth-file", Auth::BasicFile(path.to_owned())));
    }
    if let Some(path) = draft.text("bearer-file") {
        given.push(("bearer-file", Auth::BearerFile(path.to_owned())));
    }
    let mut names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
    if headers.contains_key(AUTHORIZATION) {
        names.push("header=Authorization");
    }
    if names.len() > 1 {
        draft.problem(
            Problem::new(format!("more than one kind of credentials is given: {}", names.join(", ")))
                .hint("keep one of them"),
        );
    }
    given.pop().map_or(Auth::None, |(_, auth)| auth)
}

fn expect(draft: &mut Draft<'_>, authenticated: bool) -> Expect {
    let mut expect = Expect {
        given: draft.text("status").is_some(),
        status: draft.parsed("status", StatusSet::parse).unwrap_or_default(),
        text: draft.regex("expect"),
        max_rtt: draft.duration("max-rtt"),
        authenticated,
        ..Expect::default()
    };
    for text in draft.all("json") {
        match Expectation::parse(text) {
            Ok(expectation) => expect.json.push(expectation),
            Err(what) => draft.wrong("json", Problem::new(format!("option json: {what}"))),
        }
    }
    for text in draft.all("expect-header") {
        let read = pair("expect-header", text).and_then(|(name, regex)| {
            let regex: Regex =
                parse_regex(regex).map_err(|what| format!("option expect-header: {name}: {what}"))?;
            Ok((name, regex))
        });
        match read {
            Ok(pair) => expect.headers.push(pair),
            Err(what) => {
                draft.wrong("expect-header", Problem::new(what).hint("write expect-header=NAME:REGEX"));
            }
        }
    }
    expect
}
