//! What an attempt is doing: noted as it goes, read when it is cut short or explained.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::time::{Duration, Instant};

use crate::check::{Fact, Reason};

/// A stage of an attempt that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// `dns`, `connect`, `tls`, `request`, …
    pub name: &'static str,
    /// When it began, counted from the beginning of the attempt.
    pub from: Duration,
    /// How long it took.
    pub took: Duration,
    /// What came of it, without secrets.
    pub detail: String,
}

type Doing = Box<dyn Fn() -> Reason>;
type Context = Box<dyn Fn(Reason) -> Reason>;

/// The trace of one attempt. Clones share it.
#[derive(Clone)]
pub struct Trace(Rc<Inner>);

struct Inner {
    began: Instant,
    record: bool,
    explain: bool,
    doing: RefCell<Option<Doing>>,
    context: RefCell<Option<Context>>,
    stages: RefCell<Vec<Stage>>,
}

impl Trace {
    /// A trace that begins now. With `record`, stages are kept.
    #[must_use]
    pub fn new(record: bool) -> Self {
        Self::with(record, false)
    }

    /// A trace of an attempt that is made in order to be explained: what it reads is shown, too.
    #[must_use]
    pub fn explaining() -> Self {
        Self::with(true, true)
    }

    fn with(record: bool, explain: bool) -> Self {
        Self(Rc::new(Inner {
            began: Instant::now(),
            record,
            explain,
            doing: RefCell::default(),
            context: RefCell::default(),
            stages: RefCell::default(),
        }))
    }

    /// Notes what the attempt is doing: `why` gives the reason if it is cut short now.
    pub fn doing(&self, why: impl Fn() -> Reason + 'static) {
        self.0.doing.replace(Some(Box::new(why)));
    }

    /// Notes in what all that follows is done: `add` completes the reason if it is cut short.
    pub fn within(&self, add: impl Fn(Reason) -> Reason + 'static) {
        self.0.context.replace(Some(Box::new(add)));
    }

    /// Whether stages are kept, so that a caller can spare itself their details.
    #[must_use]
    pub fn records(&self) -> bool {
        self.0.record
    }

    /// Whether what is read may be shown: only to who asked for it.
    #[must_use]
    pub fn explains(&self) -> bool {
        self.0.explain
    }

    /// Notes a stage that ends now.
    pub fn stage(&self, name: &'static str, since: Instant, detail: impl FnOnce() -> String) {
        self.stage_until(name, since, Instant::now(), detail);
    }

    /// Notes a stage that ended at `until`.
    pub fn stage_until(
        &self,
        name: &'static str,
        since: Instant,
        until: Instant,
        detail: impl FnOnce() -> String,
    ) {
        if self.0.record {
            let from = since.saturating_duration_since(self.0.began);
            let took = until.saturating_duration_since(since);
            self.0.stages.borrow_mut().push(Stage { name, from, took, detail: detail() });
        }
    }

    /// The reason of an attempt that is cut short now, if it got so far as to note one.
    #[must_use]
    pub fn cut(&self) -> Option<Reason> {
        let reason = self.0.doing.borrow().as_ref().map(|why| why())?;
        let context = self.0.context.borrow();
        Some(context.as_ref().map_or_else(|| reason.clone(), |add| add(reason.clone())).fact(Fact::Cut))
    }

    /// How long the attempt has taken so far.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// The stages that have ended.
    #[must_use]
    pub fn stages(&self) -> Vec<Stage> {
        self.0.stages.borrow().clone()
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trace").field("stages", &self.0.stages).finish_non_exhaustive()
    }
}
