//! `memcached://HOST[:PORT]` — the server answers in its text protocol, and has a key.
//!
//! Source: <https://github.com/memcached/memcached/blob/master/doc/protocol.txt>.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::options::{CREDENTIALS, Credentials};
use super::service::{Decoded, Malformed, Service, Wire, shown, unless_repeated};
use super::{Attempt, Draft, Evidence, Fact, Kind, Opt, Probe, Reason, Scheme, Verdict, class};
use crate::plan::problem::Problem;

/// The kind `memcached`.
pub(super) static KIND: Kind = Kind {
    name: "memcached",
    schemes: &[Scheme::url("memcached", "memcached://[USER:PASSWORD@]HOST[:PORT]").port(11211)],
    flag: None,
    summary: "the server answers, and has the key",
    options: &[&[Opt::new("key", "KEY", "a key that must be there")], CREDENTIALS],
    opposite: &[&class::TCP_REFUSED, &class::SERVICE_MISSING],
    classes: &[],
    build,
};

struct Memcached {
    service: Service,
    credentials: Credentials,
    key: Option<String>,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    draft.no_path();
    let credentials = draft.credentials();
    if credentials.user.is_some() != credentials.password.is_some() {
        draft.problem(Problem::new("user and password go together"));
    }
    let key = draft.parsed("key", |key| {
        let fits = !key.is_empty() && key.len() <= 250 && key.bytes().all(|c| c > b' ' && c != 127);
        fits.then(|| key.to_owned()).ok_or_else(|| "a key has 1 to 250 bytes and no blanks".into())
    });
    let service = Service::read(draft, "memcached", false)?;
    Some(Box::new(Memcached { service, credentials, key }))
}

impl Probe for Memcached {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.run(attempt).map(Verdict::from).boxed_local()
    }
}

impl Memcached {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<Evidence, Reason> {
        let mut wire = self.service.connect(attempt).await?;
        let password = self.credentials.password()?;
        let secret = password.as_ref().map_or("", |password| password.expose());
        let judge = |line: String| match line.split_once(' ') {
            Some((word, rest)) => judge(format!("{word} {}", unless_repeated(rest, secret))),
            None => judge(unless_repeated(&line, secret).to_owned()),
        };
        if let (Some(user), Some(_)) = (&self.credentials.user, &password) {
            judge(ask(&mut wire, &login(user, secret)).await?)?;
        }
        let version = judge(ask(&mut wire, b"version\r\n").await?)?;
        let version = version.strip_prefix("VERSION ").ok_or_else(|| wire.nonsense("no version"))?;
        if let Some(key) = &self.key
            && judge(ask(&mut wire, format!("get {key}\r\n").as_bytes()).await?)? == "END"
        {
            return Err(Reason::new(&class::SERVICE_MISSING, format!("there is no key {key}")));
        }
        Ok(Evidence::new(format!("memcached {} at {} answers", shown(version), wire.place)))
    }
}

/// Sends a request and receives the line that answers it.
async fn ask(wire: &mut Wire, request: &[u8]) -> Result<String, Reason> {
    wire.send(request).await?;
    wire.receive(reply).await
}

/// The log-in of a server that was started with an authentication file: a `set` whose data is `user password`.
fn login(user: &str, password: &str) -> Vec<u8> {
    let data = format!("{user} {password}");
    format!("set prereq 0 0 {}\r\n{data}\r\n", data.len()).into_bytes()
}

/// Reads a line of the server.
fn reply(heard: &[u8]) -> Decoded<String> {
    if heard.first().is_some_and(|first| !first.is_ascii_uppercase()) {
        return Err(Malformed("something else than a line of text"));
    }
    match heard.windows(2).position(|end| end == b"\r\n") {
        Some(end) => match std::str::from_utf8(&heard[..end]) {
            Ok(line) => Ok(Some((line.to_owned(), end + 2))),
            Err(_) => Err(Malformed("a line that is not text")),
        },
        None if heard.len() > 2048 => Err(Malformed("a line without an end")),
        None => Ok(None),
    }
}

/// What a line of the server means.
fn judge(line: String) -> Result<String, Reason> {
    let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
    let reason = match word {
        "VERSION" | "VALUE" | "END" | "STORED" => return Ok(line),
        // Both for a wrong password and for none.
        "CLIENT_ERROR" if rest.starts_with("auth") || rest == "unauthenticated" => {
            let text = if rest == "unauthenticated" {
                "the server asks for a user and a password"
            } else {
                "the server refuses user and password"
            };
            Reason::new(&class::AUTH_DENIED, text)
        }
        "ERROR" | "CLIENT_ERROR" | "SERVER_ERROR" => {
            Reason::new(&class::SERVICE_ERROR, format!("the server answers {}", shown(&line)))
        }
        _ => Reason::new(&class::SERVICE_PROTOCOL, format!("no memcached: the answer is {}", shown(word)))
            .fact(Fact::Protocol("memcached")),
    };
    Err(reason.fact(Fact::Code(shown(word))))
}

/// Feeds the codec with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    if let Ok(Some((line, taken))) = reply(data) {
        assert!(taken <= data.len());
        let _ = judge(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_whole() {
        assert_eq!(reply(b"VERSION 1.6.18\r\nrest"), Ok(Some(("VERSION 1.6.18".into(), 16))));
        assert_eq!(reply(b"VERSION 1.6"), Ok(None));
        assert!(reply(b"\x15\x03\x01").is_err());
        assert!(reply(&[b'V'; 4096]).is_err());
    }

    #[test]
    fn answers_are_judged_by_their_first_word() {
        for (line, class) in [
            ("VERSION 1.6.18", "ready"),
            ("CLIENT_ERROR unauthenticated", "auth.denied"),
            ("CLIENT_ERROR authentication failure", "auth.denied"),
            ("CLIENT_ERROR bad command line format", "service.error"),
            ("SERVER_ERROR out of memory", "service.error"),
            ("ERROR", "service.error"),
            ("HTTP/1.1 400 Bad Request", "service.protocol"),
        ] {
            let found = judge(line.into()).map_or_else(|reason| reason.class.code, |_| "ready");
            assert_eq!(found, class, "{line}");
        }
        assert_eq!(login("me", "pw"), b"set prereq 0 0 5\r\nme pw\r\n");
    }
}
