//! A target the way back: from what was given to what can be written into a file. Variables stay variables, and
//! what may be a secret is handed to whoever writes, who has something put in its place.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::env::Env;
use super::expand::{Template, is_stand_in};
use super::problem::Problem;
use super::secret::looks_secret;
use super::target::{Target, decode, looks_like_path, missing_scheme};
use super::tree::TargetSpec;
use crate::check::registry;

/// Gives the text that is written in a secret's place: for what it is (`password`), and its value.
pub type Hide<'a> = &'a mut dyn FnMut(&str, &str) -> String;

/// A target as it can be written into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its text, without options.
    pub text: String,
    /// Names and values of its options.
    pub options: Vec<(String, String)>,
}

/// Headers whose values are no secrets.
const PUBLIC_HEADERS: [&str; 8] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-type",
    "host",
    "origin",
    "user-agent",
];
/// The schemes of `Authorization` (RFC 9110, 11.1), which may stand before a secret.
const AUTH_SCHEMES: [&str; 3] = ["Basic ", "Bearer ", "Token "];

/// `spec`, which resolves to `target`, as it can be written.
///
/// # Errors
/// What makes it impossible; then it is not written differently.
pub fn written(
    spec: &TargetSpec,
    target: &Target,
    env: &Env,
    hide: Hide<'_>,
) -> Result<Written, Vec<Problem>> {
    let text = spec.text.trim();
    let mut real = Template::new(text, env)?;
    let mut raw = Template::unexpanded(text)?;
    if spec.flag.is_some() {
        let mut settled = real.clone();
        settled.settle_head();
        // A path stands for itself: it is not percent-decoded, as one behind a scheme is.
        if !looks_like_path(&settled.text) {
            let prefix = missing_scheme(&settled, spec.flag).map_err(|problem| vec![problem])?;
            real.prefix(&prefix);
            raw.prefix(&prefix);
        }
    }
    let whole = raw.text.clone();
    let (body, options) = match whole.split_once('#') {
        Some((body, options)) => (body, options),
        None => (whole.as_str(), ""),
    };
    let mut writer = Writer { real: &real, raw: &raw, hide };
    let text = writer.body(body, target).map_err(|problem| vec![problem])?;
    let mut written = Vec::new();
    for pair in options.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let decoded = |text| decode(text, "option").map_err(|problem| vec![problem]);
        let name = real.render(&decoded(name)?, str::to_owned);
        let value = writer.option(target, &name, &decoded(value)?);
        written.push((name, value));
    }
    for option in &spec.options {
        let (real, raw) = (Template::new(&option.value, env)?, Template::unexpanded(&option.value)?);
        let value = raw.text.clone();
        let mut writer = Writer { real: &real, raw: &raw, hide: &mut *writer.hide };
        written.push((option.name.clone(), writer.option(target, &option.name, &value)));
    }
    Ok(Written { text, options: written })
}

struct Writer<'a, 'h> {
    /// The text with its variables' values.
    real: &'a Template,
    /// The text with its variables as they are written.
    raw: &'a Template,
    hide: &'h mut dyn FnMut(&str, &str) -> String,
}

impl Writer<'_, '_> {
    /// What stands before the options.
    fn body(&mut self, body: &str, target: &Target) -> Result<String, Problem> {
        let takes_query = registry::scheme(target.scheme).is_some_and(|scheme| scheme.query);
        let (place, query) = match body.split_once('?') {
            Some((place, query)) if takes_query => (place, Some(query)),
            _ => (body, None),
        };
        let mut text = self.place(place, target)?;
        if let Some(query) = query {
            let pairs: Vec<String> =
                query.split('&').map(|pair| self.pair(pair)).collect::<Result<_, _>>()?;
            text.push('?');
            text.push_str(&pairs.join("&"));
        }
        Ok(text)
    }

    /// Scheme, userinfo, host and path.
    fn place(&mut self, place: &str, target: &Target) -> Result<String, Problem> {
        let start = place.find("//").map_or(0, |at| at + 2);
        let end = place[start..].find('/').map_or(place.len(), |at| start + at);
        let userinfo = place[start..end].rfind('@').map(|at| &place[start..start + at]);
        let Some(userinfo) = userinfo.filter(|_| target.user.is_some() || target.password.is_some()) else {
            return Ok(self.raw.write(place));
        };
        let rest = &place[start + userinfo.len()..];
        let (user, password) = match userinfo.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (userinfo, None),
        };
        let user = match password {
            // A user name alone is often a token where HTTP is spoken.
            None if target.scheme.starts_with("http") => self.decoded("login", user)?,
            _ => self.raw.write(user),
        };
        let password = match password {
            Some(password) => format!(":{}", self.decoded("password", password)?),
            None => String::new(),
        };
        Ok(format!("{}{user}{password}{}", self.raw.write(&place[..start]), self.raw.write(rest)))
    }

    /// A secret that is percent-encoded in the text.
    fn decoded(&mut self, what: &str, part: &str) -> Result<String, Problem> {
        let encode = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        let value = decode(&self.real.render(part, encode), what)?;
        Ok(self.secret(what, part, &value))
    }

    /// A pair of the query.
    fn pair(&mut self, pair: &str) -> Result<String, Problem> {
        match pair.split_once('=') {
            Some((key, value)) if looks_secret(&decode(key, "query")?) => {
                // In a query a literal '+' is a blank, and one in a variable is not.
                let parts: Result<Vec<String>, Problem> =
                    value.split('+').map(|part| self.decoded(&decode(key, "query")?, part)).collect();
                Ok(format!("{}={}", self.raw.write(key), parts?.join("+")))
            }
            // A query without keys may be a bare token.
            None if pair.len() >= 16 => {
                let parts: Result<Vec<String>, Problem> =
                    pair.split('+').map(|part| self.decoded("query", part)).collect();
                Ok(parts?.join("+"))
            }
            _ => Ok(self.raw.write(pair)),
        }
    }

    /// The value of an option, decoded.
    fn option(&mut self, target: &Target, name: &str, value: &str) -> String {
        let kind = registry::kind_of(target.scheme);
        let option = kind.and_then(|kind| kind.all_options().find(|option| option.name == name));
        let secret = option.is_some_and(|option| option.secret);
        if name == "header" {
            return self.header(value);
        }
        if secret || has_userinfo(&self.real.render(value, str::to_owned)) {
            let real = self.real.render(value, str::to_owned);
            return self.secret(name, value, &real);
        }
        self.raw.write(value)
    }

    /// `NAME:VALUE`, of which the name is no secret.
    fn header(&mut self, text: &str) -> String {
        let Some((name, value)) = text.split_once(':') else { return self.secret("header", text, text) };
        if PUBLIC_HEADERS.contains(&name.trim().to_ascii_lowercase().as_str()) {
            return self.raw.write(text);
        }
        let bare = value.trim_start();
        let scheme = AUTH_SCHEMES.into_iter().find(|scheme| bare.starts_with(scheme)).unwrap_or_default();
        let (open, secret) = value.split_at(value.len() - bare.len() + scheme.len());
        let real = self.real.render(secret, str::to_owned);
        format!("{}:{open}{}", self.raw.write(name), self.secret(name.trim(), secret, &real))
    }

    /// What is written for `part`, whose value is `real`: its variables, if it consists of them; what stands in its
    /// place otherwise.
    fn secret(&mut self, what: &str, part: &str, real: &str) -> String {
        if real.is_empty() && part.is_empty() {
            String::new()
        } else if part.chars().all(is_stand_in) {
            // A default may be the secret itself.
            self.raw.render(part, |value| match value.split_once(":-") {
                Some((name, default)) if default != "}" => format!("{name}}}"),
                _ => value.to_owned(),
            })
        } else {
            (self.hide)(what, real)
        }
    }
}

/// Whether a value is a URL with userinfo, as that of a proxy may be.
#[must_use]
pub fn has_userinfo(value: &str) -> bool {
    let after = value.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    after.is_some_and(|authority| authority.contains('@'))
}

#[cfg(test)]
#[path = "written_tests.rs"]
mod tests;
