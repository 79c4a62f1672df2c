//! Standard output that never holds up the waiting.
//!
//! A line is written at once where the kernel can promise not to block (`RWF_NOWAIT`, see pwritev2(2)): a pipe or
//! a socket with room. From the first time that it cannot, lines go through a bounded queue to a thread of their own:
//! a terminal, most files, a full pipe, an older kernel. A pipe that is full, closed or slow costs lines, never time
//! and never the exit status. Where no thread can be started, what the reader can take at once is written, and the
//! rest is lost.

use std::io::{self, IoSlice, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{ReadWriteFlags, pwritev2};

/// How many writes may wait for a slow reader.
const QUEUE: usize = 1024;
/// What a pipe that can take anything takes as a whole (`PIPE_BUF`).
const PIECE: usize = 4096;

enum Message {
    Bytes(Vec<u8>),
    Finish(SyncSender<()>),
}

/// Writes what can be written without waiting; how much that was.
type Promptly = fn(&[u8]) -> io::Result<usize>;

/// A writer whose writes never block. The thread is started by the first of them that cannot be done at once.
pub struct Output {
    /// Until it fails once.
    promptly: Option<Promptly>,
    open: Option<Box<dyn FnOnce() -> Box<dyn Write + Send>>>,
    /// Without a bound of its own, which would be made room for at the start.
    queue: Option<Sender<Message>>,
    /// How many writes are not done yet.
    waiting: Arc<AtomicUsize>,
    lost: u64,
    /// Whether there was no thread to be had.
    alone: bool,
}

impl Output {
    /// Output to standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self { promptly: Some(promptly), ..Self::new(|| Box::new(io::stdout())) }
    }

    /// Output to what `open` gives, by a thread from the start.
    pub fn new(open: impl FnOnce() -> Box<dyn Write + Send> + 'static) -> Self {
        let open: Box<dyn FnOnce() -> _> = Box::new(open);
        Self { promptly: None, open: Some(open), queue: None, waiting: Arc::default(), lost: 0, alone: false }
    }

    /// Whether all that was handed over so far is written: if not, what only refreshes a display can wait.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }

    /// How many writes were given up because too many were waiting.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Waits until everything is written, but not longer than `patience`.
    pub fn finish(&mut self, patience: Duration) {
        let Some(queue) = self.queue.take() else { return };
        let (done, written) = sync_channel(1);
        if queue.send(Message::Finish(done)).is_ok() {
            // Whether it was written or not: there is nothing left to do about it.
            let _ = written.recv_timeout(patience);
        }
    }

    /// Hands `bytes` to the thread, which it starts if need be.
    fn hand_over(&mut self, bytes: &[u8]) {
        if let Some(open) = self.open.take() {
            let (queue, messages) = channel();
            let mut to = open();
            let thread = std::thread::Builder::new().name("output".into()).stack_size(64 * 1024);
            let waiting = Arc::clone(&self.waiting);
            let started = thread.spawn(move || drain(&messages, &waiting, to.as_mut())).is_ok();
            self.queue = started.then_some(queue);
            self.alone = !started;
        }
        if self.alone && !at_once(bytes) {
            self.lost += 1;
        }
        if let Some(queue) = &self.queue {
            if self.waiting.load(Ordering::Acquire) >= QUEUE {
                self.lost += 1;
            } else {
                self.waiting.fetch_add(1, Ordering::AcqRel);
                if queue.send(Message::Bytes(bytes.to_vec())).is_err() {
                    self.waiting.fetch_sub(1, Ordering::AcqRel);
                    self.queue = None;
                }
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.promptly.map_or(0, |promptly| promptly(bytes).unwrap_or_default());
        if let Some(rest @ [_, ..]) = bytes.get(done..) {
            self.promptly = None;
            self.hand_over(rest);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes to standard output what it takes without blocking. Position -1 is the file's own, as for write(2).
fn promptly(bytes: &[u8]) -> io::Result<usize> {
    Ok(pwritev2(io::stdout(), &[IoSlice::new(bytes)], u64::MAX, ReadWriteFlags::NOWAIT)?)
}

/// Writes to standard output as long as that does not block; whether it was all.
fn at_once(bytes: &[u8]) -> bool {
    let out = io::stdout();
    bytes.chunks(PIECE).all(|piece| {
        let mut ready = [PollFd::new(&out, PollFlags::OUT)];
        let writable = poll(&mut ready, Some(&Timespec::default())) == Ok(1);
        writable && (&out).write_all(piece).and_then(|()| (&out).flush()).is_ok()
    })
}

fn drain(messages: &Receiver<Message>, waiting: &AtomicUsize, to: &mut dyn Write) {
    let mut broken = false;
    for message in messages {
        match message {
            Message::Bytes(bytes) => {
                broken = broken || to.write_all(&bytes).and_then(|()| to.flush()).is_err();
                waiting.fetch_sub(1, Ordering::AcqRel);
            }
            Message::Finish(done) => {
                let _ = done.send(());
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Blocks for ever at the first write.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_is_written_before_the_end() {
        let kept = Kept::default();
        let copy = kept.clone();
        let mut output = Output::new(move || Box::new(copy));
        for number in 0..100 {
            writeln!(output, "line {number}").unwrap();
        }
        output.finish(Duration::from_secs(10));
        assert!(output.is_idle());
        assert_eq!(String::from_utf8_lossy(&kept.0.lock().unwrap()).lines().count(), 100);
    }

    #[test]
    fn what_cannot_be_written_promptly_is_left_to_the_thread_from_then_on() {
        let kept = Kept::default();
        let copy = kept.clone();
        let promptly: Promptly = |bytes| match bytes {
            b"whole\n" => Ok(6),
            b"part\n" => Ok(2),
            other => panic!("the thread writes {other:?}"),
        };
        let mut output = Output { promptly: Some(promptly), ..Output::new(move || Box::new(copy)) };
        output.write_all(b"whole\n").unwrap();
        assert!(output.open.is_some(), "no thread is started in vain");
        output.write_all(b"part\n").unwrap();
        output.write_all(b"more\n").unwrap();
        output.finish(Duration::from_secs(10));
        assert_eq!(String::from_utf8_lossy(&kept.0.lock().unwrap()), "rt\nmore\n");
    }

    #[test]
    fn a_failure_to_write_promptly_loses_nothing() {
        let kept = Kept::default();
        let copy = kept.clone();
        let promptly: Promptly = |_| Err(io::ErrorKind::WouldBlock.into());
        let mut output = Output { promptly: Some(promptly), ..Output::new(move || Box::new(copy)) };
        output.write_all(b"line\n").unwrap();
        output.finish(Duration::from_secs(10));
        assert_eq!(String::from_utf8_lossy(&kept.0.lock().unwrap()), "line\n");
    }

    #[test]
    fn a_stuck_reader_blocks_neither_writes_nor_the_end() {
        let (_never, stuck) = sync_channel(0);
        let mut output = Output::new(move || Box::new(Stuck(stuck)));
        for _ in 0..5000 {
            output.write_all(b"line\n").unwrap();
        }
        assert_eq!(output.lost(), 5000 - QUEUE as u64);
        assert!(!output.is_idle());
        output.finish(Duration::from_millis(10));
    }
}
