//! Sends a request on a stream, and waits for the head of the response.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};

use h2::Reason;
use http::{Request, response};

use super::answer::Answer;
use super::connection::Slot;
use super::head::check;
use super::upload::{Upload, UploadError};
use crate::http1::HeadError;
use crate::http1::client::MOST_INTERIM_RESPONSES;
use crate::upstream::request_body::RequestBodyError;

/// Why there is no response.
#[derive(Debug)]
pub(in crate::upstream) enum SendError {
    /// It was not sent, or the endpoint says that it did nothing with it (RFC 9113, section 8.7).
    Undone(h2::Error),
    Broken(h2::Error),
    Head(HeadError),
    Body(RequestBodyError),
}

/// Dropped before it is ready, it resets the stream.
pub(in crate::upstream) async fn send(
    mut slot: Slot,
    request: Request<()>,
    upload: &mut Upload,
) -> Result<(response::Parts, Answer), SendError> {
    let method = request.method().clone();
    let sent = slot.sender().send_request(request, upload.is_over());
    let (mut response, mut stream) = sent.map_err(SendError::Undone).inspect_err(|_| slot.end())?;
    let mut interim = 0;
    let response = poll_fn(|context| {
        // An endpoint that has heard enough still says why.
        if let Poll::Ready(Err(UploadError::Body(error))) = upload.poll(&mut stream, context) {
            return Poll::Ready(Err(SendError::Body(error)));
        }
        while let Poll::Ready(Some(Ok(_))) = response.poll_informational(context) {
            interim += 1;
            if interim > MOST_INTERIM_RESPONSES {
                return Poll::Ready(Err(HeadError::InterimResponses(MOST_INTERIM_RESPONSES).into()));
            }
        }
        Pin::new(&mut response).poll(context).map_err(SendError::from)
    })
    .await
    .inspect_err(|error| {
        if matches!(error, SendError::Undone(_) | SendError::Broken(_)) {
            slot.end();
        }
    })?;
    let (parts, mut body) = response.into_parts();
    let length = check(&method, &parts)?;
    if length == Some(0) && !body.is_end_stream() {
        // The end may come in a frame of its own.
        let surplus = poll_fn(|context| {
            if let Poll::Ready(Err(UploadError::Body(error))) = upload.poll(&mut stream, context) {
                return Poll::Ready(Err(SendError::Body(error)));
            }
            loop {
                match ready!(body.poll_data(context)).transpose()? {
                    Some(data) if data.is_empty() => {}
                    data => return Poll::Ready(Ok(data.is_some())),
                }
            }
        });
        if surplus.await? {
            return Err(HeadError::UnexpectedBody.into());
        }
    }
    Ok((parts, Answer::new(slot, body, length, upload.rest(), stream)))
}

impl SendError {
    /// Whether the endpoint sent what is no response.
    pub(in crate::upstream) fn is_malformed(&self) -> bool {
        match self {
            Self::Head(_) => true,
            Self::Broken(error) => error.is_library(),
            Self::Undone(_) | Self::Body(_) => false,
        }
    }
}

impl From<h2::Error> for SendError {
    fn from(error: h2::Error) -> Self {
        // A GOAWAY ends those streams only that its sender has not looked at.
        let is_undone = error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM));
        if is_undone { Self::Undone(error) } else { Self::Broken(error) }
    }
}

impl From<HeadError> for SendError {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}
