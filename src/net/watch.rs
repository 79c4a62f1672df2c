//! Watching folders, so that a file is noticed when it appears and not at the next poll.
//!
//! One inotify instance serves the whole run, and watched folders are shared. Where there is none to be had
//! (limits, no inotify), there is no watch, and polling alone does the work.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::watch;

/// At most so many folders are watched; the kernel's limit is shared with other programs.
const MOST: usize = 64;

/// Tells when something changed. A change that comes while nobody waits is kept.
#[derive(Debug, Clone)]
pub struct Watch {
    changes: watch::Receiver<()>,
    exact: bool,
}

impl Watch {
    /// Waits for a change since the last call.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // There is nothing left that could tell of changes.
            std::future::pending::<()>().await;
        }
    }

    /// Whether it is the folder asked for that is watched, and not one above it.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exact
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
            return Some(Watch { changes: sender.subscribe(), exact });
        }
        if folders.len() >= MOST {
            return None;
        }
        let inotify = self.inotify.get_or_init(|| start(&self.folders)).as_ref()?;
        inotify.borrow_mut().watch(folder, RecursiveMode::NonRecursive).ok()?;
        let (sender, changes) = watch::channel(());
        folders.insert(folder.to_owned(), sender);
        Some(Watch { changes, exact })
    }
}

fn start(folders: &Folders) -> Option<RefCell<RecommendedWatcher>> {
    let folders = Arc::clone(folders);
    let handler = move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        // Reading changes nothing, and we read ourselves.
        if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) {
            return;
        }
        let folders = folders.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in event.paths.iter().flat_map(|path| path.ancestors().take(2)) {
            if let Some(sender) = folders.get(folder) {
                sender.send_replace(());
            }
        }
    };
    notify::recommended_watcher(handler).ok().map(RefCell::new)
}
