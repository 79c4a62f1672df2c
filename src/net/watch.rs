//! Watching what preconditions depend on, so that a change is noticed when it comes and not at the next poll.
//!
//! Folders are watched here; kinds may bring along [`Changes`] of their own. One inotify instance serves the whole run, and watched folders are shared. Where there is none to be had
//! (limits, no inotify), there is no watch, and polling alone does the work.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::LocalBoxFuture;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::watch;

/// At most so many folders are watched; the kernel's limit is shared with other programs.
const MOST: usize = 64;

/// Something that tells of changes. It is driven by who waits for one, and runs nothing by itself.
pub trait Changes {
    /// Waits for a change since the last one. May be dropped at any await, and called again.
    fn changed(&mut self) -> LocalBoxFuture<'_, ()>;

    /// Whether, as things are, no change goes unnoticed: attempts by the clock can wait.
    fn tells_all(&self) -> bool {
        false
    }
}

/// Tells when something changed. A change that comes while nobody waits is kept.
pub struct Watch {
    changes: Box<dyn Changes>,
    exact: bool,
}

impl Watch {
    /// A watch on just what is asked for.
    #[must_use]
    pub fn of(changes: impl Changes + 'static) -> Self {
        Self { changes: Box::new(changes), exact: true }
    }

    fn folder(changes: watch::Receiver<()>, exact: bool) -> Self {
        Self { changes: Box::new(changes), exact }
    }

    /// Waits for a change since the last call.
    pub async fn changed(&mut self) {
        self.changes.changed().await;
    }

    /// Whether it is the folder asked for that is watched, and not one above it.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether, as things are, no change goes unnoticed.
    #[must_use]
    pub fn tells_all(&self) -> bool {
        self.changes.tells_all()
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("exact", &self.exact).finish_non_exhaustive()
    }
}

impl Changes for watch::Receiver<()> {
    fn changed(&mut self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async move {
            if watch::Receiver::changed(self).await.is_err() {
                // There is nothing left that could tell of changes.
                std::future::pending::<()>().await;
            }
        })
    }
}

type Folders = Arc<Mutex<HashMap<PathBuf, watch::Sender<()>>>>;

/// The watcher of a run; made when the first folder is watched.
#[derive(Default)]
pub struct Watcher {
    inotify: OnceCell<Option<RefCell<RecommendedWatcher>>>,
    folders: Folders,
}

impl Watcher {
    /// A watch on `folder` or, as long as that does not exist, on the nearest folder above it.
    pub fn folder(&self, folder: &Path) -> Option<Watch> {
        let wanted = std::path::absolute(folder).ok()?;
        let folder = wanted.ancestors().find(|folder| folder.is_dir())?;
        let exact = folder == wanted;
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = folders.get(folder) {
            return Some(Watch::folder(sender.subscribe(), exact));
        }
        if folders.len() >= MOST {
            return None;
        }
        let inotify = self.inotify.get_or_init(|| start(&self.folders)).as_ref()?;
        inotify.borrow_mut().watch(folder, RecursiveMode::NonRecursive).ok()?;
        let (sender, changes) = watch::channel(());
        folders.insert(folder.to_owned(), sender);
        Some(Watch::folder(changes, exact))
    }

    /// Takes the watches down, since nothing is waited for any more. Those that are left to the end of a process are taken down
    /// then by the kernel, in two steps that may wait for each other: each second or third end would come 5 to 15 ms late.
    pub fn rest(&self) {
        let Some(Some(inotify)) = self.inotify.get() else { return };
        let folders = std::mem::take(&mut *self.folders.lock().unwrap_or_else(PoisonError::into_inner));
        for folder in folders.keys() {
            // One that is gone has no watch.
            let _ = inotify.borrow_mut().unwatch(folder);
        }
    }
}

fn start(folders: &Folders) -> Option<RefCell<RecommendedWatcher>> {
    let shared = Arc::clone(folders);
    let handler = move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        // Reading changes nothing, and we read ourselves.
        if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) {
            return;
        }
        let folders = shared.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in event.paths.iter().flat_map(|path| path.ancestors().take(2)) {
            if let Some(sender) = folders.get(folder) {
                sender.send_replace(());
            }
        }
    };
    let watcher = notify::recommended_watcher(handler).ok()?;
    if Arc::strong_count(folders) == 1 {
        // No thread could be started to hold the handler. All that can be asked of such a watcher, its end too, panics.
        std::mem::forget(watcher);
        return None;
    }
    Some(RefCell::new(watcher))
}
