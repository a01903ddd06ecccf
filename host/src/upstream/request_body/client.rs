//! What a client sends, over either protocol.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{GivenUp, RequestBodyError, Verdict};
use crate::http1;

/// What a client sends, by the protocol that it speaks.
#[derive(Debug)]
pub enum ClientBody {
    Http1(http1::RequestStream),
    /// With what the listener does with its stream, and whom to tell that it is waited for.
    Http2(Incoming, Verdict, Option<Invitation>),
}

/// Asks a client for the body that it waits with.
pub struct Invitation(Box<dyn FnOnce()>);

impl Invitation {
    pub fn new(asks: impl FnOnce() + 'static) -> Self {
        Self(Box::new(asks))
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Invitation")
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Http1(body) => Pin::new(body).poll_frame(context).map(|frame| frame.map(|frame| Ok(frame?))),
            Self::Http2(body, verdict, invitation) => {
                let polled = Pin::new(&mut *body).poll_frame(context);
                // Who sends is not asked.
                if let Some(Invitation(asks)) = invitation.take()
                    && polled.is_pending()
                {
                    asks();
                }
                Poll::Ready(match ready!(polled) {
                    // The gateway has, whatever hyper makes of it.
                    Some(Err(_)) | None if verdict.get() == GivenUp::Body => Some(Err(http1::BodyError::Late.into())),
                    // hyper takes a stream that the client has reset with NO_ERROR or CANCEL for a whole body.
                    None if !body.is_end_stream() => Some(Err("the client reset the stream".into())),
                    frame => frame.map(|frame| Ok(frame?)),
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(body) => body.is_end_stream(),
            Self::Http2(body, ..) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(body) => body.size_hint(),
            Self::Http2(body, ..) => body.size_hint(),
        }
    }
}

pub(super) fn of_client(error: Box<dyn std::error::Error + Send + Sync>) -> RequestBodyError {
    match error.downcast_ref() {
        Some(http1::BodyError::Late) => RequestBodyError::Late,
        _ => RequestBodyError::Client(error),
    }
}
