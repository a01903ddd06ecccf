//! What hyper lets pass in the head of a response and a gateway must not: two answers to where its
//! body ends. (RFC 9112, section 6; hyper itself refuses contradicting lengths and bad chunks, and
//! closes a connection with bytes past the end of a message.)

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Extensions, HeaderMap, StatusCode};
use hyper::upgrade::OnUpgrade;

use super::error::Malformed;

pub(super) fn head(status: StatusCode, headers: &HeaderMap, extensions: &Extensions) -> Result<(), Malformed> {
    // hyper marks a 101, and what answers CONNECT; neither is ever asked for.
    if extensions.get::<OnUpgrade>().is_some() {
        return Err(Malformed::UnaskedUpgrade);
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if lengths.next().is_some() || length.is_some_and(|value| value.as_bytes().contains(&b',')) {
        return Err(Malformed::ContentLengths);
    }
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    let encoding = encodings.next();
    if let Some(encoding) = encoding {
        if length.is_some() {
            return Err(Malformed::TwoFramings);
        }
        if encodings.next().is_some() || !encoding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(Malformed::TransferEncoding);
        }
    }
    let has_body = encoding.is_some() || length.is_some_and(|length| length != "0");
    if status == StatusCode::NO_CONTENT && has_body {
        return Err(Malformed::UnexpectedBody);
    }
    Ok(())
}
