//! `resolv.conf`: name servers, search list and options, as resolver(5) has them.
//!
//! Beyond resolver(5), a name server may have a port: `nameserver 127.0.0.1:5353`, `nameserver [::1]:5353`.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use tokio::time::Duration;

use crate::plan::env::Env;

/// As many name servers as the C library uses; the rest is for nobody.
const MOST_SERVERS: usize = 3;
/// The port of DNS.
pub const PORT: u16 = 53;

/// What `resolv.conf` and the environment say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conf {
    /// The name servers, in order.
    pub(super) servers: Vec<SocketAddr>,
    /// Why `servers` is only what the C library falls back to, if it is.
    pub(super) fallback: Option<&'static str>,
    /// The domains that are appended to a name.
    pub(super) search: Vec<String>,
    /// A name with as many dots is first tried as it is.
    pub(super) ndots: usize,
    /// How long to wait for an answer, if a time-out is set.
    pub(super) patience: Option<Duration>,
    /// Whether the name servers take turns.
    pub(super) rotate: bool,
    /// Whether to use TCP only.
    pub(super) tcp: bool,
    /// Whether to spare questions for IPv6 addresses.
    pub(super) no_aaaa: bool,
}

impl Conf {
    /// Reads the text of `resolv.conf`, if there is one. `host` is this host's own name.
    pub(super) fn parse(text: Option<&str>, host: &str, env: &Env) -> Self {
        let mut conf = Self {
            servers: Vec::new(),
            fallback: None,
            search: Vec::new(),
            ndots: 1,
            patience: None,
            rotate: false,
            tcp: false,
            no_aaaa: false,
        };
        let mut search: Option<Vec<String>> = None;
        let mut timing = (None, None);
        for line in text.unwrap_or_default().lines().filter(|line| !line.starts_with(['#', ';'])) {
            let mut words =
                line.split_ascii_whitespace().take_while(|word| !word.starts_with(['#', ';'])).peekable();
            match words.next() {
                Some("nameserver") if conf.servers.len() < MOST_SERVERS => {
                    conf.servers.extend(words.next().and_then(server));
                }
                Some("domain") if words.peek().is_some() => {
                    search = Some(words.take(1).map(domain).collect());
                }
                Some("search") if words.peek().is_some() => search = Some(words.map(domain).collect()),
                Some("options") => words.for_each(|word| conf.option(word, &mut timing)),
                _ => {}
            }
        }
        if let Some(domains) = env.get("LOCALDOMAIN") {
            search = Some(domains.split_ascii_whitespace().map(domain).collect());
        }
        env.get("RES_OPTIONS")
            .unwrap_or_default()
            .split_ascii_whitespace()
            .for_each(|word| conf.option(word, &mut timing));
        let own = || host.split_once('.').map(|(_, own)| domain(own)).into_iter().collect();
        conf.search = search.unwrap_or_else(own);
        conf.patience = match timing {
            (None, None) => None,
            (seconds, attempts) => Some(Duration::from_secs(seconds.unwrap_or(5) * attempts.unwrap_or(2))),
        };
        if conf.servers.is_empty() {
            conf.fallback = Some(if text.is_some() { "names no name server" } else { "cannot be read" });
            conf.servers.push((std::net::Ipv4Addr::LOCALHOST, PORT).into());
        }
        conf
    }

    fn option(&mut self, word: &str, timing: &mut (Option<u64>, Option<u64>)) {
        let (name, value) = word.split_once(':').unwrap_or((word, ""));
        let number = value.parse::<u64>().ok();
        match (name, number) {
            ("ndots", Some(number)) => self.ndots = usize::try_from(number.min(15)).unwrap_or(15),
            ("timeout", Some(number)) => timing.0 = Some(number.clamp(1, 30)),
            ("attempts", Some(number)) => timing.1 = Some(number.clamp(1, 5)),
            ("rotate", _) => self.rotate = true,
            ("use-vc", _) => self.tcp = true,
            ("no-aaaa", _) => self.no_aaaa = true,
            _ => {}
        }
    }

    /// The names to ask for, in order and without final dots, when `name` is wanted.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(complete) = name.strip_suffix('.') {
            return vec![complete.to_owned()];
        }
        let mut names: Vec<String> = Vec::with_capacity(self.search.len() + 1);
        let as_is = || std::iter::once(name.to_owned());
        let searched = self
            .search
            .iter()
            .map(|domain| if domain.is_empty() { name.to_owned() } else { format!("{name}.{domain}") });
        let mut add = |candidate: String| {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(&candidate)) {
                names.push(candidate);
            }
        };
        if name.matches('.').count() >= self.ndots {
            as_is().chain(searched).for_each(&mut add);
        } else {
            searched.chain(as_is()).for_each(&mut add);
        }
        // What the search list makes too long for a name is no name at all.
        names.retain(|candidate| candidate.len() <= 253 || candidate == name);
        names
    }
}

fn domain(text: &str) -> String {
    text.trim_end_matches('.').to_owned()
}

/// An address, with or without port; a link-local one may have a zone (`fe80::1%eth0`).
fn server(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address);
    }
    let plain = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = plain.parse::<IpAddr>() {
        return Some((ip, PORT).into());
    }
    let (ip, zone) = plain.split_once('%')?;
    let index = zone.parse().ok().or_else(|| {
        let known = !zone.contains('/') && !zone.starts_with('.');
        let index = std::fs::read_to_string(format!("/sys/class/net/{zone}/ifindex")).ok()?;
        index.trim().parse().ok().filter(|_| known)
    })?;
    Some(SocketAddrV6::new(ip.parse().ok()?, PORT, 0, index).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Conf {
        Conf::parse(Some(text), "web", &Env::default())
    }

    fn servers(text: &str) -> Vec<String> {
        parse(text).servers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_pods_resolv_conf() {
        let conf = parse(
            "search default.svc.cluster.local svc.cluster.local cluster.local.\n\
             nameserver 10.96.0.10\noptions ndots:5 timeout:2 attempts:3 rotate edns0 trust-ad\n",
        );
        assert_eq!(conf.servers, [SocketAddr::from(([10, 96, 0, 10], 53))]);
        assert_eq!(conf.search, ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"]);
        assert_eq!((conf.ndots, conf.rotate, conf.fallback), (5, true, None));
        assert_eq!(conf.patience, Some(Duration::from_secs(6)));
    }

    #[test]
    fn servers_have_ports_and_zones_and_are_three_at_most() {
        assert_eq!(
            servers("nameserver 127.0.0.1:5353\nnameserver [::1]:54\nnameserver fe80::1%7\n"),
            ["127.0.0.1:5353", "[::1]:54", "[fe80::1%7]:53"]
        );
        assert_eq!(
            servers(
                "nameserver 1.1.1.1\nnameserver bad\nnameserver ::1 # c\nnameserver 1.1.1.2\nnameserver 1.1.1.3"
            ),
            ["1.1.1.1:53", "[::1]:53", "1.1.1.2:53"]
        );
        assert_eq!(servers("nameserver fe80::1%lo\n"), ["[fe80::1%1]:53"]);
    }

    #[test]
    fn what_is_unknown_or_commented_is_passed_over() {
        let conf = parse("# nameserver 1.1.1.1\n;x\nfoo bar\noptions ndots:x ndots:99 inet6\nsearch\n");
        assert_eq!((conf.ndots, conf.search.len()), (15, 0));
        assert_eq!(conf.fallback, Some("names no name server"));
        assert_eq!(conf.servers, [SocketAddr::from(([127, 0, 0, 1], 53))]);
        let missing = Conf::parse(None, "web.example.com", &Env::default());
        assert_eq!(missing.fallback, Some("cannot be read"));
        assert_eq!(missing.search, ["example.com"]);
    }

    #[test]
    fn the_last_of_domain_and_search_counts_and_the_environment_overrides() {
        assert_eq!(parse("domain a b\nsearch c d").search, ["c", "d"]);
        assert_eq!(parse("search c d\ndomain a b").search, ["a"]);
        let env = Env::from([("LOCALDOMAIN", "x y"), ("RES_OPTIONS", "ndots:3 no-aaaa use-vc")]);
        let conf = Conf::parse(Some("search a"), "web", &env);
        assert_eq!(conf.search, ["x", "y"]);
        assert_eq!((conf.ndots, conf.no_aaaa, conf.tcp), (3, true, true));
    }

    #[test]
    fn candidates_follow_ndots_and_the_final_dot() {
        let conf = parse("search a.b c\noptions ndots:2\n");
        assert_eq!(conf.candidates("db"), ["db.a.b", "db.c", "db"]);
        assert_eq!(conf.candidates("db.x"), ["db.x.a.b", "db.x.c", "db.x"]);
        assert_eq!(conf.candidates("db.x.y"), ["db.x.y", "db.x.y.a.b", "db.x.y.c"]);
        assert_eq!(conf.candidates("db."), ["db"]);
        assert_eq!(parse("search .\n").candidates("db"), ["db"]);
        assert_eq!(parse("").candidates("db"), ["db"]);
        assert_eq!(parse(&format!("search {}", "x".repeat(250))).candidates("db.x"), ["db.x"]);
    }
}
