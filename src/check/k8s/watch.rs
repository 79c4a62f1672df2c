//! The watch on what is looked at: driven by whoever waits for a change, so that nothing runs beside the wait.

use std::future::pending;
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::{Duration, Instant, sleep_until};

use super::api::{About, Api, Query, Refused};
use super::lines::Lines;
use super::store::Then;
use super::{FORBIDDEN, Inner};
use crate::net::Net;
use crate::net::http::Answer;
use crate::net::trace::Trace;
use crate::net::watch::Changes;

/// The shortest time from the beginning of one watch to that of the next.
const APART: Duration = Duration::from_secs(1);
/// How long the API server is asked to go on with a watch, in seconds.
const LASTS: &str = "290";

/// The watch, which begins when there is a list to go on from.
pub(super) struct Watching {
    inner: Rc<Inner>,
    net: Rc<Net>,
    /// Under way to the API server: kept, since whoever waits may stop waiting at any time.
    opening: Option<LocalBoxFuture<'static, Result<Answer, Refused>>>,
    stream: Option<(Answer, Lines)>,
    /// The version that `opening` or `stream` began with.
    from: Option<String>,
    opened: Option<Instant>,
}

impl Watching {
    pub(super) fn new(inner: Rc<Inner>, net: Rc<Net>) -> Self {
        Self { inner, net, opening: None, stream: None, from: None, opened: None }
    }

    fn close(&mut self) {
        self.inner.live.set(false);
        (self.opening, self.stream, self.from) = (None, None, None);
    }

    /// Hears out the stream up to the next change; `None` when it has ended.
    async fn listen(&mut self) -> Option<()> {
        let (answer, lines) = self.stream.as_mut()?;
        loop {
            while let Some(told) = lines.next() {
                match self.inner.store.borrow_mut().apply(told) {
                    Then::Judge => return Some(()),
                    Then::Listen => {}
                    Then::List => return None,
                }
            }
            lines.push(answer.part().await.ok()??.as_ref());
        }
    }

    /// Begins a watch from `version`; returns when there is one, or when there cannot be one for now.
    async fn open(&mut self, version: String) {
        let now = Instant::now();
        let earliest = self.opened.map_or(now, |opened| opened + APART);
        sleep_until(earliest).await;
        let opening = self.opening.get_or_insert_with(|| {
            let (inner, net) = (Rc::clone(&self.inner), Rc::clone(&self.net));
            self.from = Some(version.clone());
            async move { inner.begin(&net, &version).await }.boxed_local()
        });
        let opened = opening.await;
        self.opening = None;
        self.opened = Some(Instant::now());
        match opened {
            Ok(answer) => {
                self.stream = Some((answer, Lines::default()));
                self.inner.unwatched.take();
                self.inner.live.set(true);
            }
            Err(refused) => {
                self.close();
                self.inner.store.borrow_mut().forget();
                let lacks = |reason: &crate::check::Reason| reason.class == &FORBIDDEN;
                self.inner.unwatched.replace(match refused {
                    Refused::For(reason) => Some(reason).filter(lacks),
                    Refused::Unknown | Refused::Gone => None,
                });
            }
        }
    }
}

impl Changes for Watching {
    fn changed(&mut self) -> LocalBoxFuture<'_, ()> {
        async move {
            loop {
                let version = self.inner.store.borrow().version().map(str::to_owned);
                if self.from != version {
                    self.close();
                }
                match (&self.stream, version) {
                    (Some(_), _) => {
                        if self.listen().await.is_none() {
                            self.close();
                            self.inner.store.borrow_mut().forget();
                        }
                        return;
                    }
                    (None, Some(version)) => self.open(version).await,
                    (None, None) => pending().await,
                }
            }
        }
        .boxed_local()
    }

    fn tells_all(&self) -> bool {
        self.inner.live.get()
    }
}

impl Inner {
    async fn begin(&self, net: &Net, version: &str) -> Result<Answer, Refused> {
        let (Ok(cluster), Some(resource)) = (self.cluster(), self.resource.borrow().clone()) else {
            return Err(Refused::Unknown);
        };
        let trace = Trace::new(false);
        let api = Api { net, trace: &trace, cluster };
        let about = About { verb: "watch", resource: &resource, namespace: self.namespace(cluster) };
        let query = self.query(&resource);
        let mut query: Query<'_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        query.extend([
            ("watch", "true"),
            ("resourceVersion", version),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", LASTS),
        ]);
        api.watch(&about, &query).await
    }
}
