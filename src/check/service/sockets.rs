//! Services that can be reached by a unix socket, too.

use std::path::PathBuf;
use std::rc::Rc;

use super::Service;
use crate::net::Net;
use crate::net::watch::Watch;

impl Service {
    /// The same, at the unix socket `path` if there is one.
    pub(in crate::check) fn at(self, path: Option<PathBuf>) -> Self {
        Self { unix: path, ..self }
    }

    /// Tells when the unix socket appears.
    pub(in crate::check) fn watch(&self, net: &Rc<Net>) -> Option<Watch> {
        net.watcher.folder(self.unix.as_ref()?.parent()?)
    }
}
