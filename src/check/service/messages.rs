//! Protocols of messages: bytes are sent, and a codec makes messages of those that come.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Malformed, Service, Wire};
use crate::check::{Attempt, Reason, class};

/// A message longer than this is not waited for.
const LONGEST: usize = 1024 * 1024;

/// What a codec makes of the bytes so far: a message and how many bytes it took, or `None` for «more is needed».
pub(in crate::check) type Decoded<T> = Result<Option<(T, usize)>, Malformed>;

impl Service {
    /// Connects, with TLS where the scheme has it.
    pub(in crate::check) async fn connect(&self, attempt: &Attempt<'_>) -> Result<Wire, Reason> {
        self.connect_for(attempt, &[]).await
    }
}

impl Wire {
    /// Sends bytes.
    pub(in crate::check) async fn send(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error| self.closed(&error))
    }

    /// Receives one message of the many that make a stage; and how many bytes it took.
    ///
    /// # Errors
    /// The reason why there is none: the connection ends, or what comes is no message of the protocol.
    pub(in crate::check) async fn hear<T>(
        &mut self,
        decode: impl Fn(&[u8]) -> Decoded<T>,
    ) -> Result<(T, usize), Reason> {
        let (protocol, place) = (self.protocol, self.place.clone());
        self.trace.doing(move || {
            Reason::new(
                &class::SERVICE_TIMEOUT,
                format!("connection accepted, but no {protocol} answer from {place}"),
            )
        });
        loop {
            if !self.heard.is_empty() {
                match decode(&self.heard) {
                    Ok(Some((message, taken))) => {
                        self.heard.drain(..taken.min(self.heard.len()));
                        return Ok((message, taken));
                    }
                    Ok(None) if self.heard.len() < LONGEST => {}
                    Ok(None) => return Err(self.nonsense("an answer longer than 1 MiB")),
                    Err(Malformed(what)) => return Err(self.nonsense(what)),
                }
            }
            self.heard.reserve(4096);
            let count = self.stream.read_buf(&mut self.heard).await.map_err(|error| self.closed(&error))?;
            if count == 0 {
                if self.heard.is_empty() {
                    return Err(self.closed(&std::io::ErrorKind::UnexpectedEof.into()));
                }
                return Err(self.nonsense("an answer that ends in the middle"));
            }
        }
    }
}
