//! One unary call over HTTP/2, without a task of its own: the connection is driven beside the exchange.
//!
//! Source: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use std::io::Cursor;

use h2::client::{Builder, SendRequest};
use http::{HeaderMap, Request, StatusCode};

use crate::check::service::Stream;

/// The body of a response is one small message; more is not read.
const LONGEST_BODY: usize = 64 * 1024;
/// Neither are more headers.
const LONGEST_HEAD: u32 = 16 * 1024;

/// What a call ended with.
#[derive(Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) http: StatusCode,
    /// Whether it is one of gRPC.
    pub(super) grpc: bool,
    /// `grpc-status`, from the trailers, or from the head of a response that has nothing else.
    pub(super) status: Option<u32>,
    /// `grpc-message`, decoded.
    pub(super) message: String,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection, or what is spoken on it.
    Http2(h2::Error),
    /// More than is asked for.
    TooLong,
}

impl From<h2::Error> for Failure {
    fn from(error: h2::Error) -> Self {
        Self::Http2(error)
    }
}

/// Sends a request with one message on a fresh connection.
pub(super) async fn call(
    stream: Box<dyn Stream>,
    request: Request<()>,
    message: Vec<u8>,
) -> Result<Answer, Failure> {
    let mut builder = Builder::new();
    builder.max_header_list_size(LONGEST_HEAD).enable_push(false);
    let (send, connection) = builder.handshake::<_, Cursor<Vec<u8>>>(stream).await?;
    let mut connection = Box::pin(connection);
    let mut exchange = Box::pin(exchange(send, request, message));
    tokio::select! {
        biased;
        answer = &mut exchange => return answer,
        _ended = &mut connection => {}
    }
    // What came before the connection ended is still to be read; what was to come is an error now.
    drop(connection);
    exchange.await
}

async fn exchange(
    send: SendRequest<Cursor<Vec<u8>>>,
    request: Request<()>,
    message: Vec<u8>,
) -> Result<Answer, Failure> {
    let (response, mut body) = send.ready().await?.send_request(request, false)?;
    body.send_data(Cursor::new(message), true)?;
    let (head, mut stream) = response.await?.into_parts();
    let mut body = Vec::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk?;
        if body.len() + chunk.len() > LONGEST_BODY {
            return Err(Failure::TooLong);
        }
        body.extend_from_slice(&chunk);
        stream.flow_control().release_capacity(chunk.len())?;
    }
    let trailers = stream.trailers().await?.unwrap_or_default();
    let field = |name| text(&trailers, name).or_else(|| text(&head.headers, name));
    Ok(Answer {
        http: head.status,
        grpc: text(&head.headers, "content-type").is_some_and(|kind| kind.starts_with("application/grpc")),
        status: field("grpc-status").and_then(|status| status.parse().ok()),
        message: field("grpc-message").map(decoded).unwrap_or_default(),
        body,
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// «Percent-Encoded» as in the section «Responses».
fn decoded(message: &str) -> String {
    percent_encoding::percent_decode_str(message).decode_utf8_lossy().into_owned()
}
