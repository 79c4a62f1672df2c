//! Watching folders, so that a file is noticed when it appears and not at the next poll.
//!
//! One inotify instance serves the whole run, and watched folders are shared. Where there is none to be had
//! (limits, no inotify), there is no watch, and polling alone does the work.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::Watcher as _;
use tokio::sync::Notify;

/// At most so many folders are watched; the kernel's own limit is far higher, and shared with other programs.
const MOST: usize = 64;

/// Tells when something changed. A change that comes while nobody waits is kept.
#[derive(Debug, Clone)]
pub struct Watch(Arc<Notify>);

impl Watch {
    /// Waits for a change since the last call.
    pub async fn changed(&self) {
        self.0.notified().await;
    }
}

type Listeners = Arc<Mutex<HashMap<PathBuf, Vec<Arc<Notify>>>>>;

/// The watcher of a run; made when the first folder is watched.
#[derive(Default)]
pub struct Watcher {
    inotify: OnceCell<Option<RefCell<notify::RecommendedWatcher>>>,
    listeners: Listeners,
}

impl Watcher {
    /// A watch on `folder`, or on the nearest folder above it that exists.
    pub fn folder(&self, folder: &Path) -> Option<Watch> {
        let folder = folder.ancestors().find(|folder| folder.is_dir())?;
        let folder = std::path::absolute(folder).ok()?;
        let notify = Arc::new(Notify::new());
        let known = {
            let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            if listeners.len() >= MOST && !listeners.contains_key(&folder) {
                return None;
            }
            let entry = listeners.entry(folder.clone()).or_default();
            entry.push(Arc::clone(&notify));
            entry.len() > 1
        };
        if !known {
            let watched = self.inotify.get_or_init(|| start(&self.listeners)).as_ref()?;
            if watched.borrow_mut().watch(&folder, notify::RecursiveMode::NonRecursive).is_err() {
                self.listeners.lock().unwrap_or_else(PoisonError::into_inner).remove(&folder);
                return None;
            }
        }
        Some(Watch(notify))
    }
}

fn start(listeners: &Listeners) -> Option<RefCell<notify::RecommendedWatcher>> {
    let listeners = Arc::clone(listeners);
    let handler = move |event: notify::Result<notify::Event>| {
        let listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(event) = event else { return };
        if matches!(event.kind, notify::EventKind::Access(notify::event::AccessKind::Open(_))) {
            return;
        }
        for path in &event.paths {
            for folder in path.ancestors().take(2) {
                listeners.get(folder).into_iter().flatten().for_each(|listener| listener.notify_one());
            }
        }
    };
    notify::recommended_watcher(handler).ok().map(RefCell::new)
}
