//! `unix:PATH` — a stream socket accepts, and its connection is still open after `hold`.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::net::UnixStream;
use tokio::time::Instant;

use super::talk::{self, Talk};
use super::{Attempt, Draft, Evidence, Fact, Kind, Probe, Reason, Scheme, Verdict, class, file};
use crate::net::trace::Trace;
use crate::net::watch::Watch;
use crate::net::{Net, io_class, io_words};
use crate::plan::problem::Problem;

/// A longer path does not fit into a `sockaddr_un`, unix(7).
pub(super) const LONGEST: usize = 107;

/// The kind `unix`.
pub(super) static KIND: Kind = Kind {
    name: "unix",
    schemes: &[Scheme::opaque("unix", "unix:PATH")],
    flag: None,
    summary: "a stream socket accepts, and its connection is still open after `hold`",
    options: &[talk::OPTIONS],
    opposite: &[&class::TCP_REFUSED, &file::MISSING],
    classes: &[],
    build,
};

struct Unix {
    path: PathBuf,
    talk: Talk,
}

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let talk = Talk::read(draft);
    match draft.target.plain_path() {
        Ok(path) if path.is_empty() || path.contains('\0') || draft.target.host.is_some() => {
            draft.problem(Problem::new("the path is missing").hint("write unix:/path or unix:///path"));
            None
        }
        Ok(path) if path.len() > LONGEST => {
            draft.problem(Problem::new("the path of a socket has at most 107 bytes"));
            None
        }
        Ok(path) => Some(Box::new(Unix { path: path.into(), talk })),
        Err(problem) => {
            draft.problem(problem);
            None
        }
    }
}

impl Probe for Unix {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        async move {
            match self.run(attempt).await {
                Ok(()) => Verdict::Ready(Evidence::new("the socket accepts")),
                Err(reason) => Verdict::NotYet(reason),
            }
        }
        .boxed_local()
    }

    fn watch(&self, net: &Rc<Net>) -> Option<Watch> {
        net.watcher.folder(self.path.parent()?)
    }
}

impl Unix {
    async fn run(&self, attempt: &Attempt<'_>) -> Result<(), Reason> {
        let stream = connect(attempt.trace, &self.path).await?;
        self.talk.with(attempt.trace, stream, "the socket").await
    }
}

/// Connects to the socket at `path`.
pub(super) async fn connect(trace: &Trace, path: &Path) -> Result<UnixStream, Reason> {
    trace.doing(|| Reason::new(&class::TCP_TIMEOUT, "the socket does not accept"));
    let since = Instant::now();
    let stream = UnixStream::connect(path).await.map_err(|error| failed(path, &error))?;
    trace.stage("connect", since, || path.display().to_string());
    Ok(stream)
}

fn failed(path: &Path, error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied => {
            file::absent(path, error)
        }
        // The listener's queue is full, unix(7).
        io::ErrorKind::WouldBlock => {
            Reason::new(&class::TCP_TIMEOUT, "the socket's queue is full: nothing accepts")
        }
        // So connect(2) answers for whatever else is at the path, too.
        io::ErrorKind::ConnectionRefused => match std::fs::symlink_metadata(path) {
            Ok(found)
                if !std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()) && !found.is_symlink() =>
            {
                let name = file::name_of(&found);
                Reason::new(&file::KIND_DIFFERS, format!("is {name}, not a socket")).fact(Fact::Found(name))
            }
            _ => Reason::new(&class::TCP_REFUSED, "nothing listens on the socket"),
        },
        _ => Reason::new(io_class(error), io_words(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::env::Env;
    use crate::plan::target::Target;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixListener;

    async fn class_of(path: &std::path::Path, options: &str) -> &'static str {
        let env = Env::default();
        let target = Target::parse(&format!("unix:{}#{options}", path.display()), None, &env).unwrap();
        let mut draft = Draft::new(&target, &env);
        let probe = build(&mut draft).unwrap();
        let (net, trace) = (Rc::new(Net::new(Env::default())), Trace::new(false));
        match probe.attempt(&Attempt { net: &net, trace: &trace }).await {
            Verdict::Ready(_) => "ready",
            Verdict::NotYet(reason) | Verdict::Never(reason) => reason.class.code,
        }
    }

    #[tokio::test]
    async fn each_condition_has_its_class() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        assert_eq!(class_of(&path, "").await, "file.missing");
        std::fs::write(&path, "").unwrap();
        assert_eq!(class_of(&path, "").await, "file.kind");
        std::fs::remove_file(&path).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.write_all(b"hello\n").await;
            }
        });
        assert_eq!(class_of(&path, "").await, "ready");
        assert_eq!(class_of(&path, "expect=^hello").await, "ready");
        assert_eq!(class_of(&path, "expect=^bye").await, "tcp.data");
        assert_eq!(class_of(&path, "hold=100ms").await, "tcp.closed");
        server.abort();
        let _ = server.await;
        assert_eq!(class_of(&path, "").await, "tcp.refused");
    }
}
