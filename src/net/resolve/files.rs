//! The files that name resolution reads: shared between look-ups, read again when they change.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::conf::{Conf, PORT};
use crate::content;
use crate::net::Net;

/// What is shared between look-ups: the parsed files, never an answer.
#[derive(Default)]
pub struct Shared {
    conf: Slot<Conf>,
    hosts: Slot<Hosts>,
    turn: Cell<usize>,
}

/// What a file held, and when it was read.
type Slot<T> = RefCell<Option<(Stamp, Rc<T>)>>;

/// What changes when a file does.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// Static names, in lower case.
pub(super) type Hosts = HashMap<Box<str>, Vec<IpAddr>>;

impl Net {
    /// The name servers and the search list as they are now.
    pub(super) fn conf(&self) -> Rc<Conf> {
        current(&self.resolver.conf, &self.files.resolv_conf, |text| {
            Conf::parse(text, &rustix::system::uname().nodename().to_string_lossy(), &self.env)
        })
    }

    /// What names are looked up with, in words.
    pub(crate) fn resolver_described(&self) -> String {
        let conf = self.conf();
        let servers: Vec<String> = conf
            .servers
            .iter()
            .map(|server| if server.port() == PORT { server.ip().to_string() } else { server.to_string() })
            .collect();
        let search = if conf.search.is_empty() {
            "no search list".into()
        } else {
            format!("search {}", conf.search.join(" "))
        };
        let file = self.files.resolv_conf.display();
        let fault = conf.fallback.map(|fault| format!(" ({file} {fault})")).unwrap_or_default();
        format!("{file}: name servers {}{fault}, {search}, ndots {}", servers.join(", "), conf.ndots)
    }

    /// The hosts file as it is now.
    pub(super) fn hosts(&self) -> Rc<Hosts> {
        current(&self.resolver.hosts, &self.files.hosts, |text| parse_hosts(text.unwrap_or_default()))
    }

    /// A number that goes up by one at each call, by which name servers take turns.
    pub(super) fn turn(&self) -> usize {
        let turn = self.resolver.turn.get();
        self.resolver.turn.set(turn.wrapping_add(1));
        turn
    }
}

fn current<T>(slot: &Slot<T>, path: &Path, parse: impl FnOnce(Option<&str>) -> T) -> Rc<T> {
    let stamp = stamp(path);
    if let Some((_, value)) = slot.borrow().as_ref().filter(|(known, _)| *known == stamp) {
        return Rc::clone(value);
    }
    let bytes = content::now(path, content::LONG).ok();
    let text = bytes.as_deref().map(String::from_utf8_lossy);
    let value = Rc::new(parse(text.as_deref()));
    // A file that changed a moment ago may change again without a new time stamp.
    let settled = stamp.is_none_or(|(.., seconds, _)| {
        let changed =
            u64::try_from(seconds).map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > Duration::from_secs(2)))
    });
    slot.replace(settled.then(|| (stamp, Rc::clone(&value))));
    value
}

fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
}

fn parse_hosts(text: &str) -> Hosts {
    let mut hosts = Hosts::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let Some(ip) = words.next().and_then(|word| word.split('%').next()?.parse::<IpAddr>().ok()) else {
            continue;
        };
        for name in words {
            let addresses = hosts.entry(name.to_ascii_lowercase().into()).or_default();
            if !addresses.contains(&ip) {
                addresses.push(ip);
            }
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_hold_both_families_and_any_case() {
        let hosts =
            parse_hosts("127.0.0.1 localhost\n10.0.0.1\tDB db.local # DB2\n::2 db\nbad x\n10.0.0.1 db\n");
        assert_eq!(hosts["db"], [IpAddr::from([10, 0, 0, 1]), "::2".parse().unwrap()]);
        assert!(hosts.contains_key("db.local") && !hosts.contains_key("db2") && !hosts.contains_key("x"));
    }

    #[test]
    fn a_file_is_read_again_only_when_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let reads = Cell::new(0);
        let slot = Slot::default();
        let read = |slot: &Slot<Option<String>>| {
            current(slot, &path, |text| {
                reads.set(reads.get() + 1);
                text.map(str::to_owned)
            })
        };
        assert_eq!(*read(&slot), None);
        assert_eq!(*read(&slot), None);
        assert_eq!(reads.get(), 1);
        std::fs::write(&path, "a").unwrap();
        let old = SystemTime::now() - Duration::from_mins(1);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        assert_eq!(read(&slot).as_deref(), Some("a"));
        assert_eq!(read(&slot).as_deref(), Some("a"));
        assert_eq!(reads.get(), 2);
        std::fs::write(&path, "b").unwrap();
        assert_eq!(read(&slot).as_deref(), Some("b"));
        std::fs::write(&path, "c").unwrap();
        assert_eq!(read(&slot).as_deref(), Some("c"));
    }
}
