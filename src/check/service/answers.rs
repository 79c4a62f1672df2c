//! Protocols in which one message is an answer, and a stage of the attempt.

use tokio::time::Instant;

use super::{Decoded, Wire};
use crate::check::Reason;

impl Wire {
    /// Receives one message, and notes it as a stage.
    ///
    /// # Errors
    /// As [`Wire::hear`].
    pub(in crate::check) async fn receive<T>(
        &mut self,
        decode: impl Fn(&[u8]) -> Decoded<T>,
    ) -> Result<T, Reason> {
        let since = Instant::now();
        let (message, taken) = self.hear(decode).await?;
        self.trace.stage("answer", since, || format!("{}, {taken} bytes", self.protocol));
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::*;
    use crate::check::service::Malformed;
    use crate::net::trace::Trace;

    fn line(heard: &[u8]) -> Decoded<String> {
        if heard[0] == 0 {
            return Err(Malformed("a zero"));
        }
        Ok(heard
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|end| (String::from_utf8_lossy(&heard[..end]).into_owned(), end + 1)))
    }

    async fn heard(said: &[u8]) -> (Result<String, Reason>, Result<String, Reason>) {
        let (near, mut far) = duplex(64);
        far.write_all(said).await.unwrap();
        drop(far);
        let mut wire = Wire::new("Lines", Box::new(near), "here".into(), Trace::new(false));
        (wire.receive(line).await, wire.receive(line).await)
    }

    fn class_of(result: Result<String, Reason>) -> &'static str {
        result.unwrap_err().class.code
    }

    #[tokio::test]
    async fn messages_come_one_by_one_and_what_is_none_is_told() {
        let (first, second) = heard(b"one\ntwo\n").await;
        assert_eq!((first.unwrap().as_str(), second.unwrap().as_str()), ("one", "two"));
        let (first, second) = heard(b"one\ntw").await;
        assert_eq!((first.unwrap().as_str(), class_of(second)), ("one", "service.protocol"));
        assert_eq!(class_of(heard(b"").await.0), "tcp.closed");
        assert_eq!(class_of(heard(b"\0\n").await.0), "service.protocol");
    }

    #[tokio::test]
    async fn an_endless_answer_is_not_waited_for() {
        let (near, mut far) = duplex(4096);
        let endless = async move { while far.write_all(&[b'x'; 4096]).await.is_ok() {} };
        let mut wire = Wire::new("Lines", Box::new(near), "here".into(), Trace::new(false));
        let receive = async move { wire.receive(line).await };
        let ((), result) = tokio::join!(endless, receive);
        assert_eq!(class_of(result), "service.protocol");
    }
}
