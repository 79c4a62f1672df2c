//! A precondition as a URI, taken apart: `SCHEME:…#option=value&option=value`.
//!
//! The generic syntax is RFC 3986's; what each part means is its kind's affair.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::env::Env;
use super::expand::Template;
use super::problem::Problem;
use super::secret::{MASK, Secret, mask_query, mask_unparsed};
use crate::check::registry;

/// Encoded in a value put into the path: what would end the path, or be decoded.
const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#').add(b'%').add(b'"').add(b'<').add(b'>');
/// Encoded in a value put into the query: also what would end its pair.
const QUERY: &AsciiSet = &PATH.add(b'&').add(b'=').add(b'+').add(b'\'');

/// Schemes of others that stand for something else here, and what to write.
const INSTEAD: [(&str, &str); 1] = [(
    "mongodb+srv",
    "write mongodb://HOST/?tls=true for one of the hosts that dns:_mongodb._tcp.NAME#type=SRV shows",
)];

/// The host part of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// `:port`: this host, in either address family.
    This,
    /// An address literal.
    Ip(IpAddr),
    /// A name, as it was written.
    Name(String),
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::This => Ok(()),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Host {
    /// Reads an address, without brackets, or a name.
    ///
    /// # Errors
    /// What keeps it from being either.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        plain_host(text)
    }
}

/// A target, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The scheme, in lower case.
    pub scheme: &'static str,
    /// The user in `user:password@host`, decoded.
    pub user: Option<String>,
    /// The password in `user:password@host`, decoded.
    pub password: Option<Secret>,
    /// The host, if the target has an authority (`//…`).
    pub host: Option<Host>,
    /// The port, if one is given.
    pub port: Option<u16>,
    /// What follows the authority, or the scheme where there is none; percent-encoded.
    pub path: String,
    /// What follows `?`, percent-encoded.
    pub query: Option<String>,
    /// What follows `#`: names and values, decoded, in the order given.
    pub options: Vec<(String, String)>,
}

impl Target {
    /// Takes `text` apart. With `flag`, the text comes from a typed flag (`--tcp`) and may lack its scheme.
    ///
    /// # Errors
    /// All that is wrong with it. No message holds userinfo, query values or option values.
    pub fn parse(text: &str, flag: Option<&str>, env: &Env) -> Result<Self, Vec<Problem>> {
        let mut template = Template::new(text.trim(), env)?;
        template.settle_head();
        let bare_path = looks_like_path(&template.text);
        let prefix = missing_scheme(&template, flag).map_err(|problem| vec![problem])?;
        template.prefix(&prefix);
        Parser { template: &template, bare_path }.parse().map_err(|problem| vec![problem])
    }

    /// `path`, percent-decoded.
    ///
    /// # Errors
    /// When the decoded bytes are not UTF-8.
    pub fn plain_path(&self) -> Result<String, Problem> {
        decode(&self.path, "path")
    }

    /// The target as it is shown: without options, secrets masked.
    #[must_use]
    pub fn label(&self) -> String {
        let mut label = format!("{}:", self.scheme);
        let scheme = registry::scheme(self.scheme);
        if let Some(host) = &self.host {
            label.push_str("//");
            match (&self.user, &self.password) {
                (Some(_), None) if scheme.is_some_and(|scheme| scheme.token) => label.push_str("***@"),
                (Some(user), None) => label.extend([user.as_str(), "@"]),
                (user, Some(_)) => {
                    let _ = write!(label, "{}:{MASK}@", user.as_deref().unwrap_or_default());
                }
                (None, None) => {}
            }
            label.push_str(&host.to_string());
            if let Some(port) = self.port {
                let _ = write!(label, ":{port}");
            }
        }
        let path = percent_decode_str(&self.path).decode_utf8_lossy();
        if scheme.is_some_and(|scheme| scheme.command) {
            let words = shlex::split(&path).unwrap_or_default();
            label.extend(words.first().map(String::as_str));
            label.extend((words.len() > 1).then_some(" …"));
        } else {
            label.push_str(&path);
        }
        if let Some(query) = &self.query {
            label.push('?');
            label.push_str(&mask_query(query));
        }
        label.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
    }

    /// The first value of option `name`.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub(super) fn looks_like_path(text: &str) -> bool {
    text.starts_with('/') || text.starts_with("./") || text.starts_with("../")
}

/// The scheme that a shorthand leaves out, to be put before it.
pub(super) fn missing_scheme(template: &Template, flag: Option<&str>) -> Result<String, Problem> {
    let text = &template.text;
    let shown = || mask_unparsed(&template.render(text, |_| "${…}".to_owned()));
    if text.is_empty() {
        return Err(Problem::new("the target is empty")
            .hint("write tcp://HOST:PORT, http://…, dns:NAME or file:PATH"));
    }
    let body = text.split('#').next().unwrap_or_default();
    let scheme = scheme_of(body);
    if let Some(kind) = flag.and_then(registry::kind) {
        return match scheme {
            Some(name) if kind.schemes.iter().any(|scheme| scheme.name == name) && !is_host_port(body) => {
                Ok(String::new())
            }
            Some(name) if registry::scheme(&name).is_some() && body.contains("://") => {
                Err(Problem::new(format!("'{}' is not a {} target", shown(), kind.name))
                    .hint(format!("give it without the flag, or as --{name}")))
            }
            _ => {
                let first = &kind.schemes[0];
                let slashes = if first.authority && !first.opaque { "//" } else { "" };
                Ok(format!("{}:{slashes}", first.name))
            }
        };
    }
    if looks_like_path(body) {
        return Ok("file:".into());
    }
    if is_host_port(body) {
        return Ok("tcp://".into());
    }
    match scheme {
        Some(name) if registry::scheme(&name).is_some() => Ok(String::new()),
        Some(name) if registry::missing_feature(&name).is_some() => {
            let feature = registry::missing_feature(&name).unwrap_or_default();
            Err(Problem::lacking(&format!("'{name}:'"), feature))
        }
        Some(name) => {
            let problem = Problem::new(format!("unknown scheme '{name}' in '{}'", shown()));
            Err(match INSTEAD.iter().find(|(scheme, _)| *scheme == name) {
                Some((_, hint)) => problem.hint(*hint),
                None => problem.nearest(&name, registry::schemes()),
            })
        }
        None if body.parse::<Ipv6Addr>().is_ok() => {
            Err(Problem::new(format!("'{}' has no port", shown())).hint(format!("write [{body}]:PORT")))
        }
        None if body.matches(':').count() > 1 => {
            Err(Problem::new(format!("'{}' is not a precondition", shown()))
                .hint("an IPv6 address is written in brackets: [::1]:5432"))
        }
        None => {
            let shown = shown();
            let problem =
                Problem::new(format!("'{shown}' is not a precondition: it has neither scheme nor port"));
            let near = super::problem::nearest(body, ["not", "or", "then", "and"]);
            Err(match near {
                Some(word) => problem.hint(format!("did you mean '{word}'?")),
                None => problem.hint(format!("write tcp://{shown}:PORT, dns:{shown} or file:{shown}")),
            })
        }
    }
}

/// The scheme of RFC 3986 §3.1 that `text` begins with, in lower case.
fn scheme_of(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    valid.then(|| scheme.to_ascii_lowercase())
}

/// Whether `text` is `HOST:PORT`, `:PORT` or `[IPV6]:PORT`. `redis:6379` is, although `redis` is a scheme;
/// `delay:5` is not.
fn is_host_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port = !port.is_empty()
        && port.chars().all(|c| c.is_ascii_digit() || ('\u{E000}'..='\u{F8FF}').contains(&c));
    let bracketed = host.starts_with('[') && host.ends_with(']');
    is_port && host != "delay" && (bracketed || !host.contains([':', '/', '[', ']', '?']))
}

struct Parser<'a> {
    template: &'a Template,
    bare_path: bool,
}

impl Parser<'_> {
    fn parse(&self) -> Result<Target, Problem> {
        let text = self.template.text.as_str();
        let (body, options) = match text.split_once('#') {
            Some((body, options)) => (body, Some(options)),
            None => (text, None),
        };
        let (name, rest) = body.split_once(':').unwrap_or((body, ""));
        let scheme = registry::scheme(&name.to_ascii_lowercase())
            .ok_or_else(|| Problem::new(format!("unknown scheme '{}'", mask_unparsed(name))))?;
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) if scheme.query => (rest, Some(query)),
            _ => (rest, None),
        };
        let mut target = Target {
            scheme: scheme.name,
            user: None,
            password: None,
            host: None,
            port: None,
            path: String::new(),
            query: query.map(|query| {
                self.template.render(query, |value| utf8_percent_encode(value, QUERY).to_string())
            }),
            options: options.map_or(Ok(Vec::new()), |options| self.options(options))?,
        };
        let path = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                if scheme.authority || !authority.is_empty() {
                    self.authority(authority, &mut target)?;
                }
                path
            }
            None if scheme.authority && !scheme.opaque => {
                return Err(Problem::new(format!("'{}:' is not followed by '//'", scheme.name))
                    .hint(format!("write {}", scheme.form)));
            }
            None => rest,
        };
        target.path = if self.bare_path {
            utf8_percent_encode(&self.template.render(path, str::to_owned), PATH).to_string()
        } else {
            self.template.render(path, |value| utf8_percent_encode(value, PATH).to_string())
        };
        Ok(target)
    }

    fn authority(&self, authority: &str, target: &mut Target) -> Result<(), Problem> {
        let (userinfo, place) = match authority.rsplit_once('@') {
            Some((userinfo, place)) => (Some(userinfo), place),
            None => (None, authority),
        };
        if let Some(userinfo) = userinfo {
            let encode = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
            let (user, password) = match userinfo.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (userinfo, None),
            };
            let user = decode(&self.template.render(user, encode), "user")?;
            target.user = (!user.is_empty()).then_some(user);
            target.password = match password {
                Some(password) => {
                    Some(Secret::new(decode(&self.template.render(password, encode), "password")?))
                }
                None => None,
            };
        }
        let place = self.template.render(place, str::to_owned);
        if place.contains(['/', '?', '#', '@', ' ', '\\']) {
            return Err(Problem::new("the host holds a character that a host cannot have")
                .hint("in userinfo write %40 for '@', %2F for '/', %3F for '?' and %23 for '#'"));
        }
        if place.contains(',') {
            let scheme = target.scheme;
            return Err(Problem::new("more than one host is given")
                .hint(format!("write {scheme}://A or {scheme}://B: one that is ready is enough")));
        }
        let (host, port) = split_port(&place)?;
        target.host = Some(host);
        target.port = port;
        Ok(())
    }

    fn options(&self, options: &str) -> Result<Vec<(String, String)>, Problem> {
        options
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
                let key = self.template.render(&decode(key, "option name")?, str::to_owned);
                let value = self.template.render(&decode(value, "option value")?, str::to_owned);
                Ok((key, value))
            })
            .collect()
    }
}

/// Splits `host:port`, `[v6]:port`, `:port` or `host`.
fn split_port(place: &str) -> Result<(Host, Option<u16>), Problem> {
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (address, rest) =
            rest.split_once(']').ok_or_else(|| Problem::new(format!("'{place}' has no closing ']'")))?;
        let ip: Ipv6Addr =
            address.parse().map_err(|_| Problem::new(format!("'{address}' is not an IPv6 address")))?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port),
            None if rest.is_empty() => None,
            None => {
                return Err(Problem::new(format!("'{place}' has something other than a port behind ']'")));
            }
        };
        (Host::Ip(ip.into()), port)
    } else {
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        };
        if host.contains(':') {
            return Err(Problem::new(format!("'{place}' has more than one colon"))
                .hint("an IPv6 address is written in brackets: [::1]:5432"));
        }
        (plain_host(host)?, port)
    };
    let port = match port {
        None => None,
        Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| {
            // Anything but a number may be the password of a URL whose userinfo is not encoded.
            let shown = if port.bytes().all(|c| c.is_ascii_digit()) {
                format!("'{port}'")
            } else {
                "what follows the host".into()
            };
            Problem::new(format!("{shown} is not a port"))
                .hint("a port is a number from 1 to 65535; in a password write %2F for '/', %23 for '#'")
        })?),
    };
    Ok((host, port))
}

fn plain_host(host: &str) -> Result<Host, Problem> {
    if host.is_empty() {
        return Ok(Host::This);
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(Host::Ip(ip));
    }
    let dotted_digits = host.chars().all(|c| c.is_ascii_digit() || c == '.');
    if dotted_digits {
        return Err(
            Problem::new(format!("'{host}' is not an IPv4 address")).hint("write four numbers from 0 to 255")
        );
    }
    let labels = host.strip_suffix('.').unwrap_or(host);
    for label in labels.split('.') {
        if label.is_empty() || label.len() > 63 {
            return Err(Problem::new(format!("'{host}' is not a host name"))
                .hint("each part between dots has 1 to 63 characters"));
        }
        if let Some(bad) =
            label.chars().find(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_".contains(*c))
        {
            return Err(Problem::new(format!("'{host}' is not a host name: it holds '{bad}'")));
        }
    }
    if labels.len() > 253 {
        return Err(Problem::new(format!("'{host}' is longer than 253 characters")));
    }
    Ok(Host::Name(host.to_owned()))
}

pub(super) fn decode(text: &str, part: &str) -> Result<String, Problem> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Problem::new(format!("the {part} is not UTF-8 when percent-decoded")))
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
