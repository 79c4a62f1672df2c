//! One attempt, layer by layer: for an image in which there is no dig, no curl and no openssl.

use std::net::SocketAddr;
use std::rc::Rc;

use serde::Serialize;
use tokio::time::{Duration, Instant, timeout};

use super::hints::{Surroundings, hint};
use crate::check::{Attempt, Draft, Verdict, registry};
use crate::net::Net;
use crate::net::dial::{self, Family};
use crate::net::http::ProxyMode;
use crate::net::tls::{self, TlsOptions};
use crate::net::trace::Trace;
use crate::plan::Precondition;
use crate::plan::duration::human;
use crate::plan::target::Host;

/// How long one address, or one handshake, is given.
const PATIENCE: Duration = Duration::from_secs(3);

/// One layer of an attempt.
#[derive(Debug, Clone, Serialize)]
pub struct Layer {
    /// `resolver`, `dns`, `address`, `connect`, `tls`, `response`, `body`, …
    pub name: &'static str,
    /// How long it took, in milliseconds, if it is something that takes time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<f64>,
    /// What came of it.
    pub detail: String,
}

/// What one attempt found, layer by layer.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The precondition's name.
    pub target: String,
    /// The layers, in the order in which they build on one another.
    pub layers: Vec<Layer>,
    /// Whether it holds.
    pub ready: bool,
    /// The class of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    /// What shows that it holds, or why it does not.
    pub verdict: String,
    /// What to look at next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Makes one attempt at `one`, and looks at what is below it.
pub async fn explain(one: &Precondition, net: &Rc<Net>, surroundings: Surroundings) -> Explanation {
    let mut layers = Vec::new();
    let name = match &one.target.host {
        Some(Host::Name(_)) => one.target.option("unix").is_none(),
        host => one.kind.name == "dns" && host.is_none(),
    };
    if name {
        layers.push(Layer { name: "resolver", took_ms: None, detail: net.resolver_described() });
    }
    if one.kind.has("proxy") {
        let own = one.target.option("proxy").map(|_| "the one given for this target");
        let detail = own.unwrap_or(match net.proxy {
            ProxyMode::Off => "none",
            ProxyMode::Env => "what the environment says",
            ProxyMode::Url(..) => "the one given for all",
        });
        layers.push(Layer { name: "proxy", took_ms: None, detail: detail.into() });
    }
    let trace = Trace::explaining();
    let verdict = attempt(one, net, &trace).await;
    let (mut lower, upper): (Vec<_>, Vec<_>) =
        trace.stages().into_iter().partition(|stage| stage.name == "dns");
    // Overlapped questions end in any order.
    lower.sort_by_key(|stage| stage.from);
    let layer = |stage: crate::net::trace::Stage| Layer {
        name: stage.name,
        took_ms: Some(millis(stage.took)),
        detail: stage.detail,
    };
    layers.extend(lower.into_iter().map(layer));
    addresses(one, net, &mut layers).await;
    layers.extend(upper.into_iter().map(layer));
    let (ready, class, verdict, hint) = match verdict {
        Verdict::Ready(evidence) => (true, None, evidence.text, None),
        Verdict::NotYet(reason) | Verdict::Never(reason) => {
            let hint = hint(one, &reason, surroundings);
            (false, Some(reason.class.code), reason.text, hint)
        }
    };
    Explanation { target: one.name.clone(), layers, ready, class, verdict, hint }
}

async fn attempt(one: &Precondition, net: &Rc<Net>, trace: &Trace) -> Verdict {
    let attempt = Attempt { net, trace };
    let limit = one.policy.attempt_timeout.duration().unwrap_or(Duration::MAX);
    let ended = timeout(limit, one.probe.attempt(&attempt)).await;
    ended.unwrap_or_else(|_| Verdict::NotYet(crate::engine::cut_short(trace, limit)))
}

/// Every address on its own, not only the first that answers; and the handshake on it, where there is one.
async fn addresses(one: &Precondition, net: &Rc<Net>, layers: &mut Vec<Layer>) {
    let scheme = registry::scheme(one.target.scheme);
    let (Some(host), Some(port)) =
        (&one.target.host, one.target.port.or(scheme.and_then(|scheme| scheme.port)))
    else {
        return;
    };
    // Over a unix socket, the host is a name that is only told to the server, if anything.
    if one.kind.name == "dns" || one.target.option("unix").is_some() {
        return;
    }
    let Ok(Ok(addresses)) =
        timeout(PATIENCE, dial::addresses(net, &Trace::new(false), host, port, Family::Any)).await
    else {
        return;
    };
    for address in addresses {
        let since = Instant::now();
        let trace = Trace::new(true);
        let tried = timeout(PATIENCE, dial::connect_one(address)).await;
        let (stream, detail) = match tried {
            Ok(Ok(stream)) => (Some(stream), "connected".to_owned()),
            Ok(Err(failure)) => (None, failure.words),
            Err(_) => (None, format!("no answer within {}", human(PATIENCE))),
        };
        layers.push(Layer {
            name: "address",
            took_ms: Some(millis(since.elapsed())),
            detail: format!("{address}, {}: {detail}", family(address)),
        });
        let Some(stream) = stream.filter(|_| scheme.is_some_and(|scheme| scheme.tls)) else { continue };
        let options = TlsOptions::read(&mut Draft::new(&one.target, &net.env));
        let place = address.to_string();
        let since = Instant::now();
        let shaken = tls::handshake(net, &trace, &options, stream, (host, &place), &[]);
        let failed = match timeout(PATIENCE, shaken).await {
            Ok(Ok(_)) => None,
            Ok(Err(reason)) => Some(reason.text),
            Err(_) => Some(format!("no handshake within {}", human(PATIENCE))),
        };
        let presented =
            trace.stages().into_iter().find(|stage| stage.name == "tls").map(|stage| stage.detail);
        let detail: Vec<String> = failed.into_iter().chain(presented).collect();
        layers.push(Layer { name: "tls", took_ms: Some(millis(since.elapsed())), detail: detail.join("; ") });
    }
}

fn family(address: SocketAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

/// Milliseconds to three places.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

impl Explanation {
    /// The explanation for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![self.target.clone()];
        for layer in &self.layers {
            let took = layer.took_ms.map_or_else(String::new, |took| format!("{took:.1}ms"));
            lines.push(format!("  {:<9} {took:>9}  {}", layer.name, layer.detail));
        }
        let (verdict, class) = match self.class {
            None => ("ready", String::new()),
            Some(class) => ("not yet", format!(" [{class}]")),
        };
        lines.push(format!("  {:<9} {:>9}  {verdict}: {}{class}", "verdict", "", self.verdict));
        lines.extend(self.hint.iter().map(|hint| format!("  {:<9} {:>9}  {hint}", "hint", "")));
        lines.join("\n") + "\n"
    }
}
