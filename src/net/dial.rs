//! Connections: all addresses are tried, families alternate (RFC 8305), and a connect that hangs is overlapped
//! by a fresh one: the kernel resends a lost SYN only after a second, and many of them only after 3 and 7 s more.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, sleep_until};

use super::trace::Trace;
use super::tries::{Spare, Tries};
use super::{Net, connect, io_class, io_words};
use crate::check::{Class, Fact, Reason, class};
use crate::plan::target::Host;

/// How long after one address the next is tried (RFC 8305 §5, «Connection Attempt Delay»).
const STAGGER: Duration = Duration::from_millis(250);
/// How long a connect may hang before a fresh one overlaps it; doubled each time.
const OVERLAP: Duration = Duration::from_millis(300);

/// An address family to keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// Either.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Whether `ip` belongs to it.
    #[must_use]
    pub fn admits(self, ip: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
        }
    }
}

/// The addresses of `host`, at `port`, in the order in which they are to be tried.
///
/// # Errors
/// The reason why the name has no address.
pub async fn addresses(
    net: &Net,
    trace: &Trace,
    host: &Host,
    port: u16,
    family: Family,
) -> Result<Vec<SocketAddr>, Reason> {
    let ips = match host {
        Host::Ip(ip) => vec![*ip],
        Host::This => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        Host::Name(name) => net.lookup_ip(trace, name, family).await?,
    };
    let ips: Vec<IpAddr> = ips.into_iter().filter(|ip| family.admits(*ip)).collect();
    if ips.is_empty() {
        let wanted = if family == Family::V4 { "IPv4" } else { "IPv6" };
        return Err(Reason::new(&class::DNS_NODATA, format!("{host} has no {wanted} address")));
    }
    Ok(interleaved(ips).into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
}

/// `ips` with the families taking turns, the first one's family first (RFC 8305 §4).
fn interleaved(ips: Vec<IpAddr>) -> Vec<IpAddr> {
    let Some(first) = ips.first().copied() else { return ips };
    let (same, other): (Vec<_>, Vec<_>) = ips.into_iter().partition(|ip| ip.is_ipv4() == first.is_ipv4());
    let mut other = other.into_iter();
    let mut ordered = Vec::with_capacity(same.len() + other.len());
    for ip in same {
        ordered.push(ip);
        ordered.extend(other.next());
    }
    ordered.extend(other);
    ordered
}

/// How a try to reach an address failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) class: &'static Class,
    pub(crate) words: String,
    pub(crate) facts: Vec<Fact>,
}

impl Failure {
    /// A failure in words to which «by» or «at» and the address are added.
    pub(crate) fn new(class: &'static Class, words: impl Into<String>) -> Self {
        Self { class, words: words.into(), facts: Vec::new() }
    }

    /// What stands between the words and the addresses.
    fn preposition(&self) -> &'static str {
        match self.class.code {
            "tcp.timeout" => "from",
            "tcp.refused" | "tcp.closed" | "tcp.unreachable" | "local.resources" => "by",
            _ => "at",
        }
    }

    /// What is said of it where `place` did that.
    fn text(&self, place: impl std::fmt::Display) -> String {
        format!("{} {} {place}", self.words, self.preposition())
    }

    /// The reason when there is one address only, or none.
    pub(crate) fn at(self, place: &str) -> Reason {
        let text = self.text(place);
        Reason { class: self.class, text, facts: self.facts }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        let class = io_class(error);
        let words = match class.code {
            "tcp.refused" => "connection refused".into(),
            "tcp.timeout" => "no answer".into(),
            "tcp.closed" => "connection reset".into(),
            _ => io_words(error),
        };
        Self::new(class, words)
    }
}

/// How much a class says: what got farther comes first.
fn rank(class: &Class) -> u8 {
    match class.code {
        "tcp.timeout" => 1,
        "tcp.closed" => 2,
        "local.resources" => 3,
        "tcp.refused" => 4,
        "tcp.unreachable" => 5,
        _ => 0,
    }
}

/// What is known of each address while a race runs.
struct Board(RefCell<Vec<Entry>>);

struct Entry {
    address: SocketAddr,
    /// Whether a try has ended; otherwise `failure` is what is to be said when the race is cut short.
    ended: bool,
    failure: Failure,
}

impl Board {
    fn set(&self, address: SocketAddr, failure: Failure, ended: bool) {
        if let Some(entry) = self.0.borrow_mut().iter_mut().find(|entry| entry.address == address) {
            if ended || !entry.ended {
                entry.failure = failure;
            }
            entry.ended |= ended;
        }
    }

    /// One reason for all addresses: of the class that says most, with each address' own words.
    fn reason(&self) -> Reason {
        let board = self.0.borrow();
        if let [Entry { address, failure, .. }] = board.as_slice() {
            let mut reason = Reason::new(failure.class, failure.text(address)).fact(Fact::Peer(*address));
            reason.facts.extend(failure.facts.iter().cloned());
            return reason;
        }
        let mut groups: Vec<(&Failure, Vec<SocketAddr>)> = Vec::new();
        for Entry { address, failure, .. } in board.iter() {
            match groups.iter_mut().find(|(known, _)| known.words == failure.words) {
                Some((_, addresses)) => addresses.push(*address),
                None => groups.push((failure, vec![*address])),
            }
        }
        let words: Vec<String> =
            groups.iter().map(|(failure, addresses)| failure.text(listed(addresses))).collect();
        let most = groups.iter().map(|(failure, _)| *failure).min_by_key(|failure| rank(failure.class));
        let class = most.map_or(&class::TCP_TIMEOUT, |failure| failure.class);
        let mut reason = Reason::new(class, words.join("; "));
        reason.facts.extend(board.iter().map(|entry| Fact::Peer(entry.address)));
        reason.facts.extend(most.into_iter().flat_map(|failure| failure.facts.iter().cloned()));
        reason
    }
}

/// Lets a try say what is to be told of its address when the race is cut short: more than «no answer».
pub(crate) struct Note {
    board: Rc<Board>,
    address: SocketAddr,
}

impl Note {
    /// Notes how far the try has come.
    pub(crate) fn so_far(&self, failure: Failure) {
        self.board.set(self.address, failure, false);
    }
}

/// Addresses for people: sorted, at most three by name.
fn listed(addresses: &[SocketAddr]) -> String {
    let mut sorted: Vec<SocketAddr> = addresses.to_vec();
    sorted.sort_unstable();
    let mut text: Vec<String> = sorted.iter().take(3).map(ToString::to_string).collect();
    if sorted.len() > 3 {
        text.push(format!("{} more", sorted.len() - 3));
    }
    text.join(", ")
}

/// Connects to the first of `addresses` that accepts.
///
/// # Errors
/// One reason for all addresses.
pub async fn connect(net: &Net, trace: &Trace, addresses: &[SocketAddr]) -> Result<TcpStream, Reason> {
    let since = Instant::now();
    let stream = race(net.spare.clone(), trace, addresses, connect_one).await?;
    trace.stage("connect", since, || {
        stream.peer_addr().map_or_else(|_| "connected".into(), |peer| peer.to_string())
    });
    Ok(stream)
}

/// One connect to one address.
pub(crate) async fn connect_one(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = connect::to(address).await?;
    // A connect to a port of our own ephemeral range can meet itself (TCP's simultaneous open).
    if stream.local_addr().ok() == Some(address) {
        return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into());
    }
    Ok(stream)
}

/// Runs `reach` against the addresses until one succeeds: the next address after 250 ms or as soon as one
/// fails, then fresh tries of all that hang, after 300, 600, 1200 … ms. Where nothing is `spare` for these, they take the
/// place of the oldest.
pub(crate) async fn race<T, F>(
    spare: Spare,
    trace: &Trace,
    addresses: &[SocketAddr],
    reach: impl Fn(SocketAddr) -> F,
) -> Result<T, Reason>
where
    F: Future<Output = Result<T, Failure>>,
{
    race_noting(spare, trace, addresses, |address, _| reach(address)).await
}

/// [`race`] for tries that have more than one stage and tell how far they have come.
pub(crate) async fn race_noting<T, F>(
    spare: Spare,
    trace: &Trace,
    addresses: &[SocketAddr],
    reach: impl Fn(SocketAddr, Note) -> F,
) -> Result<T, Reason>
where
    F: Future<Output = Result<T, Failure>>,
{
    let board = Rc::new(Board(RefCell::new(Vec::with_capacity(addresses.len()))));
    let noted = Rc::clone(&board);
    trace.doing(move || noted.reason());
    let mut waiting = addresses.iter().copied();
    let mut tries = Tries::new(spare);
    let (mut overlap, mut turn) = (OVERLAP, 0);
    let mut next = Instant::now();
    let try_one = |address: SocketAddr| reach(address, Note { board: Rc::clone(&board), address });
    loop {
        let started = if let Some(address) = waiting.next() {
            let failure = Failure::new(&class::TCP_TIMEOUT, "no answer");
            board.0.borrow_mut().push(Entry { address, ended: false, failure });
            tries.start(address, try_one(address));
            next = Instant::now() + if waiting.len() > 0 { STAGGER } else { overlap };
            true
        } else {
            false
        };
        loop {
            tokio::select! {
                biased;
                ended = tries.next() => match ended {
                    Some((_, Ok(value))) => return Ok(value),
                    // An older one is still under way.
                    Some((address, Err(failure)))
                        if failure.class == &class::LOCAL_RESOURCES && tries.reaches(address) => {}
                    Some((address, Err(failure))) => {
                        board.set(address, failure, true);
                        if waiting.len() > 0 {
                            break;
                        }
                    }
                    None => return Err(board.reason()),
                },
                () = sleep_until(next) => {
                    if started && waiting.len() > 0 {
                        break;
                    }
                    // Those that failed have answered; only silence is worth another try.
                    let silent: Vec<SocketAddr> =
                        board.0.borrow().iter().filter(|entry| !entry.ended).map(|entry| entry.address).collect();
                    // The addresses take turns where there is room for one only.
                    for (count, address) in silent.iter().cycle().skip(turn).take(silent.len()).enumerate() {
                        if count == 0 || tries.has_room() {
                            tries.start(*address, try_one(*address));
                        }
                    }
                    turn += 1;
                    overlap *= 2;
                    next = Instant::now() + overlap;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const fn address(last: u8) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 1)
    }

    const BOTH: [SocketAddr; 2] = [address(1), address(2)];

    fn refused() -> Failure {
        io::Error::from(io::ErrorKind::ConnectionRefused).into()
    }

    #[test]
    fn families_take_turns() {
        let v4 = |n| IpAddr::from([10, 0, 0, n]);
        let v6 = |n: u16| IpAddr::from([0, 0, 0, 0, 0, 0, 0, n]);
        assert_eq!(interleaved(vec![v6(1), v6(2), v6(3), v4(1)]), [v6(1), v4(1), v6(2), v6(3)]);
        assert_eq!(interleaved(vec![v4(1), v6(1), v6(2)]), [v4(1), v6(1), v6(2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_address_is_tried_when_the_first_hangs() {
        let began = Instant::now();
        let trace = Trace::new(false);
        let reached = race(Spare::default(), &trace, &BOTH, |address| async move {
            if address.ip().to_string().ends_with('1') {
                std::future::pending::<()>().await;
            }
            Ok::<_, Failure>(address)
        });
        assert_eq!(reached.await.ok(), Some(address(2)));
        assert_eq!(began.elapsed(), STAGGER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_moves_on_at_once_and_all_refusals_end_the_race() {
        let began = Instant::now();
        let trace = Trace::new(false);
        let reason =
            race(Spare::default(), &trace, &[address(2), address(1)], |_| async { Err::<(), _>(refused()) })
                .await;
        let reason = reason.unwrap_err();
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(reason.class, &class::TCP_REFUSED);
        assert_eq!(reason.text, "connection refused by 127.0.0.1:1, 127.0.0.2:1");
    }

    #[tokio::test(start_paused = true)]
    async fn hanging_connects_are_overlapped_by_fresh_ones() {
        let tries = Cell::new(0);
        let began = Instant::now();
        let trace = Trace::new(false);
        let reached = race(Spare::default(), &trace, &BOTH[..1], |_| {
            tries.set(tries.get() + 1);
            let number = tries.get();
            async move {
                if number < 4 {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Failure>(number)
            }
        });
        assert_eq!(reached.await.ok(), Some(4));
        assert_eq!(began.elapsed(), Duration::from_millis(300 + 600 + 1200));
    }

    /// When each address is tried, in milliseconds, by a race of silent ones with so much to spare.
    async fn silent(spare: usize, addresses: &[SocketAddr]) -> (Vec<(u128, u8)>, usize) {
        let (began, started, most) = (Instant::now(), RefCell::new(Vec::new()), Cell::new(0));
        let under_way = Rc::new(());
        let trace = Trace::new(false);
        let race = race(Spare::new(spare), &trace, addresses, |address| {
            let SocketAddr::V4(v4) = address else { unreachable!() };
            started.borrow_mut().push((began.elapsed().as_millis(), v4.ip().octets()[3]));
            async {
                let _one = Rc::clone(&under_way);
                most.set(most.get().max(Rc::strong_count(&under_way) - 1));
                std::future::pending::<Result<(), Failure>>().await
            }
        });
        assert!(tokio::time::timeout(Duration::from_secs(5), race).await.is_err());
        (started.into_inner(), most.get())
    }

    #[tokio::test(start_paused = true)]
    async fn fresh_tries_take_the_place_of_the_oldest_where_descriptors_are_short() {
        let one = vec![(0, 1), (300, 1), (900, 1), (2100, 1), (4500, 1)];
        assert_eq!(silent(9, &BOTH[..1]).await, (one.clone(), 5));
        assert_eq!(silent(0, &BOTH[..1]).await, (one, 2));
        let turns = vec![(0, 1), (250, 2), (550, 1), (1150, 2), (2350, 1), (4750, 2)];
        assert_eq!(silent(0, &BOTH).await, (turns, 2));
        let both = vec![(0, 1), (250, 2), (550, 1), (550, 2), (1150, 2), (1150, 1), (2350, 1)];
        assert_eq!(silent(9, &BOTH).await.0[..7], both);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_try_that_cannot_be_made_ends_nothing() {
        let tries = Cell::new(0);
        let trace = Trace::new(false);
        let race = race(Spare::default(), &trace, &BOTH[..1], |_| {
            tries.set(tries.get() + 1);
            let number = tries.get();
            async move {
                match number {
                    1 => std::future::pending().await,
                    2 => Err(io::Error::from_raw_os_error(24).into()),
                    _ => Ok::<_, Failure>(number),
                }
            }
        });
        assert_eq!(race.await.ok(), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_race_names_silent_and_refusing_addresses() {
        let trace = Trace::new(false);
        let race = race(Spare::default(), &trace, &BOTH, |address| async move {
            if address.ip().to_string().ends_with('1') {
                return Err::<(), _>(refused());
            }
            std::future::pending().await
        });
        assert!(tokio::time::timeout(Duration::from_secs(5), race).await.is_err());
        let reason = trace.cut().unwrap();
        assert_eq!(reason.class, &class::TCP_TIMEOUT);
        assert_eq!(reason.text, "connection refused by 127.0.0.1:1; no answer from 127.0.0.2:1");
    }
}
