//! The gateway as a client: sends a request on a connection, and hands back the response as it arrives.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use http::header;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, response};
use http_body::{Body, Frame, SizeHint};

use super::body::{self, Decoded, Decoder};
use super::error::{BodyError, HeadError};
use super::head::{self, HeadLimits};
use super::socket::Socket;
use super::stream::{Stream, after_others};
use super::upgrade::Protocols;
use super::write::{self, Length};
pub use super::write::{Edit, Fields, Request};
use crate::wire::headers::{MOST_RECEIVED, MOST_RECEIVED_BYTES};

const LIMITS: HeadLimits = HeadLimits { bytes: MOST_RECEIVED_BYTES as usize, fields: MOST_RECEIVED, target: 0 };
/// 1xx before the response itself (RFC 9110, section 15.2).
pub const MOST_INTERIM_RESPONSES: usize = 8;

/// A connection between two exchanges. Boxed, for it changes hands many times in each.
#[derive(Debug)]
pub struct Connection {
    stream: Box<Stream>,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum SendError<E> {
    /// The connection was closed before anything was written: the body is as it was.
    #[error("the connection was closed before the request")]
    Unsent(std::io::Error),
    #[error("the connection ended before the head of a response")]
    Closed(#[source] Option<std::io::Error>),
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error("the request's body has no end")]
    Body(E),
}

/// A response's body on its connection, and what is still to be sent of the request's.
#[derive(Debug)]
pub struct Answer<B> {
    stream: Box<Stream>,
    decoder: Decoder,
    upload: Upload<B>,
    reusable: bool,
}

/// A connection that has switched to another protocol.
#[derive(Debug)]
pub struct Switched {
    pub(super) stream: Box<Stream>,
}

#[derive(Debug)]
struct Upload<B> {
    /// None when all of it is in the stream, or nobody wants more of it.
    body: Option<B>,
    chunked: bool,
    /// The endpoint did not get all of it.
    given_up: bool,
}

impl Connection {
    pub fn new(socket: Socket) -> Self {
        Self { stream: Box::new(Stream::new(socket, BytesMut::new())) }
    }

    /// Whether the other side has neither closed it nor written when it was not its turn, as far as the
    /// runtime has heard.
    pub fn is_open(&mut self) -> bool {
        self.stream.input.is_empty() && self.stream.poll_fill(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// Writes the request, and waits for the head of the response, which is a `101` only if it was asked for. `body` is taken as it is needed; what is
    /// not sent when the response comes early goes on with [`Answer`].
    pub async fn send<B: Body<Data = Bytes> + Unpin>(
        mut self,
        request: Request<'_>,
        host: &HeaderValue,
        body: &mut Option<B>,
    ) -> Result<(response::Parts, Answer<B>), SendError<B::Error>> {
        let length = body.as_ref().map_or(Length::None, |body| length_of(body, request.method));
        write::request(&mut self.stream.output, request, host, length);
        after_others().await;
        // Alone, so that a connection that is closed takes nothing of the body with it.
        std::future::poll_fn(|context| self.stream.poll_flush(context)).await.map_err(SendError::Unsent)?;
        let body = body.take().filter(|_| length != Length::None);
        let mut upload = Upload { body, chunked: length == Length::Chunked, given_up: false };
        let mut interim = 0;
        let (parts, framing) = std::future::poll_fn(|context| {
            loop {
                // An endpoint that has heard enough may close its side and still say why.
                match upload.poll(&mut self.stream, context) {
                    Poll::Ready(Err(UploadError::Body(error))) => return Poll::Ready(Err(SendError::Body(error))),
                    Poll::Ready(Err(UploadError::Io)) => upload.give_up(&mut self.stream),
                    Poll::Ready(Ok(())) | Poll::Pending => {}
                }
                match head::response(&mut self.stream.input, LIMITS, request.method) {
                    Err(error) => return Poll::Ready(Err(error.into())),
                    Ok(Some((parts, framing))) if parts.status == StatusCode::SWITCHING_PROTOCOLS => {
                        return Poll::Ready(match request.upgrade {
                            Some(asked) if agrees(asked, &parts) => Ok((parts, framing)),
                            Some(_) => Err(HeadError::OtherProtocol.into()),
                            None => Err(HeadError::UnaskedUpgrade.into()),
                        });
                    }
                    Ok(Some((parts, _))) if parts.status.is_informational() => {
                        interim += 1;
                        if interim > MOST_INTERIM_RESPONSES {
                            return Poll::Ready(Err(HeadError::InterimResponses(MOST_INTERIM_RESPONSES).into()));
                        }
                        continue;
                    }
                    Ok(Some((parts, framing))) => {
                        body::begins(framing, &self.stream.input)?;
                        return Poll::Ready(Ok((parts, framing)));
                    }
                    Ok(None) => {}
                }
                match ready!(self.stream.poll_fill(context)) {
                    Ok(0) => return Poll::Ready(Err(SendError::Closed(None))),
                    Ok(_) => {}
                    Err(error) => return Poll::Ready(Err(SendError::Closed(Some(error)))),
                }
            }
        })
        .await?;
        let reusable = parts.version == Version::HTTP_11 && !says_close(&parts.headers);
        Ok((parts, Answer { stream: self.stream, decoder: Decoder::new(framing), upload, reusable }))
    }
}

/// How the request's length is told. No body and no length mean the same, but a `POST` of nothing says so
/// (RFC 9110, section 8.6).
fn length_of(body: &impl Body, method: &Method) -> Length {
    match body.size_hint().exact() {
        Some(0) if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) => Length::None,
        Some(length) => Length::Exact(length),
        None => Length::Chunked,
    }
}

/// Whether a `101` is what was asked for (RFC 9110, section 15.2.2).
fn agrees(asked: &Protocols, answer: &response::Parts) -> bool {
    answer.version == Version::HTTP_11 && asked.include(&answer.headers)
}

fn says_close(headers: &HeaderMap) -> bool {
    let tokens =
        headers.get_all(header::CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tokens.map(<[u8]>::trim_ascii).any(|token| token.eq_ignore_ascii_case(b"close"))
}

enum UploadError<E> {
    Body(E),
    /// The endpoint reads no more.
    Io,
}

impl<B: Body<Data = Bytes> + Unpin> Upload<B> {
    fn give_up(&mut self, stream: &mut Stream) {
        self.body = None;
        self.given_up = true;
        stream.discard_output();
    }

    /// Sends what the client has sent. Ready when all is written.
    fn poll(&mut self, stream: &mut Stream, context: &mut Context<'_>) -> Poll<Result<(), UploadError<B::Error>>> {
        loop {
            ready!(stream.poll_flush(context)).map_err(|_| UploadError::Io)?;
            let Some(body) = &mut self.body else { return Poll::Ready(Ok(())) };
            match ready!(Pin::new(body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => {
                        if self.chunked {
                            write::chunk(&mut stream.output, data.len());
                        }
                        stream.push(data, if self.chunked { write::CHUNK_END } else { "" });
                    }
                    Err(_trailers) => {}
                },
                Some(Err(error)) => return Poll::Ready(Err(UploadError::Body(error))),
                None => {
                    self.body = None;
                    if self.chunked {
                        stream.push(Bytes::new(), write::LAST_CHUNK);
                    }
                }
            }
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Answer<B> {
    /// The next piece of the body, or its trailers. Meanwhile the rest of the request is sent.
    pub fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(Err(_)) = self.upload.poll(&mut self.stream, context) {
            // Nobody waits for the rest of it any more: the response is there.
            self.upload.give_up(&mut self.stream);
        }
        loop {
            match self.decoder.decode(&mut self.stream.input) {
                Ok(Decoded::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Decoded::Trailers(trailers)) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Ok(Decoded::End) => return Poll::Ready(None),
                Ok(Decoded::Wanting) => match ready!(self.stream.poll_fill(context)) {
                    Ok(0) if self.decoder.ends_with_connection() => {
                        self.reusable = false;
                        self.decoder = Decoder::new(super::framing::Framing::Length(0));
                        return Poll::Ready(None);
                    }
                    Ok(0) => return Poll::Ready(Some(Err(BodyError::Cut))),
                    Ok(_) => {}
                    Err(error) => return Poll::Ready(Some(Err(error.into()))),
                },
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    /// The connection after a `101`.
    pub fn into_switched(self) -> Switched {
        Switched { stream: self.stream }
    }

    /// Whether the whole response was read.
    pub fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    pub fn size_hint(&self) -> SizeHint {
        self.decoder.remaining().map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    /// The connection, if the exchange is over on both sides and another one may follow.
    pub fn into_connection(self) -> Option<Connection> {
        let is_over =
            self.decoder.is_done() && self.upload.body.is_none() && !self.upload.given_up && self.stream.is_flushed();
        // Bytes past the end of a response belong to nothing.
        (is_over && self.reusable && self.stream.input.is_empty()).then_some(Connection { stream: self.stream })
    }
}
