//! Work that may block, such as a look at a file system whose server is gone, on a thread of its own. tokio's threads for
//! that end the program where none can be started.

use std::io;

use tokio::sync::{Semaphore, oneshot};

/// So many at once; what comes later waits for its turn.
static ROOM: Semaphore = Semaphore::const_new(16);

/// What `work` gives. When this is dropped, the thread is left to itself.
///
/// # Errors
/// When there is no thread to be had.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let room = ROOM.acquire().await.map_err(io::Error::other)?;
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new().spawn(move || {
        // Perhaps nobody waits for it any more.
        let _ = tell.send(work());
        drop(room);
    })?;
    told.await.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    /// Waits for something that never comes.
    fn hang(never: &Receiver<()>) {
        let _ = never.recv();
    }

    #[tokio::test]
    async fn work_that_hangs_leaves_room_until_there_is_none() {
        assert_eq!(aside(|| 1).await.unwrap(), 1);
        let mut holders = Vec::new();
        for _ in 0..16 {
            let (hold, never) = channel();
            holders.push(hold);
            let hung = tokio::time::timeout(Duration::from_millis(20), aside(move || hang(&never)));
            assert!(hung.await.is_err());
        }
        let full = tokio::time::timeout(Duration::from_millis(50), aside(|| 2));
        assert!(full.await.is_err());
        drop(holders);
        assert_eq!(aside(|| 3).await.unwrap(), 3);
    }
}
