//! What is known of the objects that are looked at: from a list, kept up to date by a watch. No I/O.

use std::collections::BTreeMap;

use serde_json::Value;

use super::lines::{Told, version};

/// Namespace and name.
type Key = (String, String);

/// The objects, and the version from which a watch tells what becomes of them.
#[derive(Debug, Default)]
pub(super) struct Store {
    objects: BTreeMap<Key, Value>,
    version: Option<String>,
    /// Whether a watch has told something that nobody has judged.
    news: bool,
}

/// What becomes of a watch after what it told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// There is something to judge.
    Judge,
    /// It goes on.
    Listen,
    /// It is over, and the objects must be listed anew.
    List,
}

fn key(object: &Value) -> Key {
    let part = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    (part("namespace"), part("name"))
}

impl Store {
    /// The objects, sorted by namespace and name.
    pub(super) fn objects(&self) -> Vec<&Value> {
        self.objects.values().collect()
    }

    /// The version that a watch begins with, if anything has been listed.
    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Takes over what was listed, each object [`slim`]. If a watch has told all of it already, that watch goes on; otherwise the version
    /// is another one, and the watch has to begin again.
    pub(super) fn replace(&mut self, objects: Vec<Value>, version: Option<String>) {
        let objects: BTreeMap<Key, Value> = objects.into_iter().map(|one| (key(&one), one)).collect();
        let versions = |objects: &BTreeMap<Key, Value>| -> Vec<(Key, Option<String>)> {
            objects.iter().map(|(key, one)| (key.clone(), self::version(one).map(str::to_owned))).collect()
        };
        if self.version.is_none() || versions(&objects) != versions(&self.objects) {
            self.version = version;
        }
        self.objects = objects;
        self.news = false;
    }

    /// Takes over what a watch tells.
    pub(super) fn apply(&mut self, told: Told) -> Then {
        match told {
            Told::Is(object) => {
                self.objects.insert(key(&object), slim(object));
                self.news = true;
                Then::Judge
            }
            Told::Was(object) => {
                self.objects.remove(&key(&object));
                self.news = true;
                Then::Judge
            }
            Told::Bookmark => Then::Listen,
            Told::End => {
                self.forget();
                Then::List
            }
        }
    }

    /// No watch can begin before there is another list.
    pub(super) fn forget(&mut self) {
        self.version = None;
        self.news = false;
    }

    /// Whether there is something to judge since the last call.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }
}

/// An object without what nobody asks for and what is often its largest part: who set which field.
pub(super) fn slim(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}
