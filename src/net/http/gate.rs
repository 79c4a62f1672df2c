//! What stands between reqwest and its connections: which address they go to, and which of them sends.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

/// Gives out the one address that a lane is for.
pub(super) struct Pinned {
    /// The name of the proxy, if there is one: it is then the proxy that has the address.
    pub(super) proxy: Option<String>,
    pub(super) address: Option<SocketAddr>,
    /// The addresses of any other name.
    pub(super) targets: Vec<SocketAddr>,
}

impl Resolve for Pinned {
    fn resolve(&self, name: Name) -> Resolving {
        let found = match &self.proxy {
            Some(proxy) if proxy == name.as_str() => self.address.into_iter().collect(),
            _ => self.targets.clone(),
        };
        Box::pin(std::future::ready(Ok(Box::new(found.into_iter()) as Addrs)))
    }
}

/// Lets only one connection through of all that are made for a request, so that it is sent once.
#[derive(Clone)]
pub(super) struct Gate {
    /// Whether a connection has been handed the request.
    pub(super) taken: Arc<AtomicBool>,
    /// When this lane's connection passed, if it did.
    pub(super) passed: Arc<OnceLock<Instant>>,
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { inner, gate: self.clone() }
    }
}

#[derive(Clone)]
pub(super) struct Gated<S> {
    inner: S,
    gate: Gate,
}

impl<S, R> Service<R> for Gated<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.inner.call(request);
        let gate = self.gate.clone();
        Box::pin(async move {
            let connection = connecting.await?;
            if gate.taken.swap(true, Ordering::Relaxed) {
                drop(connection);
                return pending().await;
            }
            gate.passed.get_or_init(Instant::now);
            Ok(connection)
        })
    }
}
