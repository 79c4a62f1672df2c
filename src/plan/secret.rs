//! Values that must never be shown, and the rules that tell which those are.
//!
//! Redaction is by structure: the parts that may be secret are replaced where a text is composed. Nothing is
//! ever searched for a secret and replaced afterwards.

/// What stands in a secret's place.
pub const MASK: &str = "***";

/// A value that is never shown: `Debug` and `Display` print `***`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

/// Whether a query key, header or option of this name probably carries a secret.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    const MARKS: [&str; 12] = [
        "token",
        "key",
        "sig",
        "auth",
        "pass",
        "pwd",
        "secret",
        "credential",
        "session",
        "cookie",
        "jwt",
        "code",
    ];
    let name = name.to_ascii_lowercase();
    MARKS.iter().any(|mark| name.contains(mark)) || name == "pw" || name == "sas"
}

/// A query string with the values of keys that look secret masked.
#[must_use]
pub fn mask_query(query: &str) -> String {
    let mut masked = String::with_capacity(query.len());
    for (index, pair) in query.split('&').enumerate() {
        if index > 0 {
            masked.push('&');
        }
        match pair.split_once('=') {
            Some((key, _)) if looks_secret(&decoded(key)) => {
                masked.push_str(key);
                masked.push('=');
                masked.push_str(MASK);
            }
            // A query without keys may be a bare token.
            None if pair.len() >= 16 => masked.push_str(MASK),
            _ => masked.push_str(pair),
        }
    }
    masked
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A text that could not be parsed as a target, with everything hidden that may be a secret in it: userinfo
/// before the last `@`, and what follows `=` behind `?` or `#`.
#[must_use]
pub fn mask_unparsed(text: &str) -> String {
    let (head, tail) = match text.rfind('@') {
        Some(at) => {
            let start = text[..at].find("://").map_or(0, |scheme| scheme + 3);
            (format!("{}{MASK}", &text[..start.min(at)]), &text[at..])
        }
        None => (String::new(), text),
    };
    let mut masked = head;
    let mut hidden = false;
    let mut in_pairs = false;
    for c in tail.chars() {
        match c {
            '?' | '#' => (in_pairs, hidden) = (true, false),
            '&' if in_pairs => hidden = false,
            '=' if in_pairs && !hidden => {
                masked.push('=');
                masked.push_str(MASK);
                hidden = true;
                continue;
            }
            _ => {}
        }
        if !hidden {
            masked.push(c);
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn secret_looking_query_values_are_masked() {
        assert_eq!(mask_query("a=1&api_key=x&X-Amz-Signature=y"), "a=1&api_key=***&X-Amz-Signature=***");
        assert_eq!(mask_query("to%6ben=x"), "to%6ben=***");
        assert_eq!(mask_query("pw=x&sas=x&spw=1&q=x&=x"), "pw=***&sas=***&spw=1&q=x&=x");
        assert_eq!(mask_query("verbose"), "verbose");
        assert_eq!(mask_query("fifteen-letters&sixteen--letters"), "fifteen-letters&***");
        assert_eq!(mask_query("eyJhbGciOiJIUzI1NiJ9"), "***");
    }

    #[test]
    fn unparsed_text_hides_what_may_be_secret() {
        assert_eq!(mask_unparsed("http://u:p@ss/w#rd@host/x"), "http://***@host/x");
        assert_eq!(mask_unparsed("u:p@host:1"), "***@host:1");
        assert_eq!(mask_unparsed("http://h/?a=1&b#header=K:V&x"), "http://h/?a=***&b#header=***&x");
        assert_eq!(mask_unparsed("tcp://h:1"), "tcp://h:1");
    }
}
