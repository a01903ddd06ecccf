//! Where a body ends (RFC 9112, section 6): one rule, or the message is refused.

use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{HeaderValue, Method, StatusCode, Version};

use super::error::HeadError;

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes.
    Length(u64),
    /// After the chunk of length 0.
    Chunked,
    /// With the connection; responses only.
    UntilClose,
}

pub fn of_request(version: Version, headers: &HeaderMap) -> Result<Framing, HeadError> {
    Ok(of_version(version, said(headers)?)?.unwrap_or(Framing::Length(0)))
}

/// RFC 9112, section 6.1: what an HTTP/1.0 sender means by chunks is not known.
fn of_version(version: Version, said: Option<Framing>) -> Result<Option<Framing>, HeadError> {
    match (version, said) {
        (Version::HTTP_10, Some(Framing::Chunked)) => Err(HeadError::TransferEncoding),
        (_, said) => Ok(said),
    }
}

/// `method` is what was asked.
pub fn of_response(
    method: &Method,
    status: StatusCode,
    version: Version,
    headers: &HeaderMap,
) -> Result<Framing, HeadError> {
    let said = of_version(version, said(headers)?)?;
    let has_none = matches!(status, StatusCode::NO_CONTENT | StatusCode::SWITCHING_PROTOCOLS);
    if has_none && said.is_some_and(|framing| framing != Framing::Length(0)) {
        return Err(HeadError::UnexpectedBody);
    }
    if *method == Method::HEAD || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        return Ok(Framing::Length(0));
    }
    Ok(said.unwrap_or(Framing::UntilClose))
}

/// What the headers say, if anything.
fn said(headers: &HeaderMap) -> Result<Option<Framing>, HeadError> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if lengths.next().is_some() {
        return Err(HeadError::ContentLength);
    }
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    match (encodings.next(), length) {
        (None, None) => Ok(None),
        (None, Some(length)) => digits(length).map(|length| Some(Framing::Length(length))),
        (Some(_), Some(_)) => Err(HeadError::TwoFramings),
        (Some(_), None) if encodings.next().is_some() => Err(HeadError::TransferEncoding),
        (Some(encoding), None) => coding(encoding).map(Some),
    }
}

fn digits(value: &HeaderValue) -> Result<u64, HeadError> {
    let text = value.as_bytes();
    // `parse` alone would take a sign.
    if !text.iter().all(u8::is_ascii_digit) {
        return Err(HeadError::ContentLength);
    }
    str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(HeadError::ContentLength)
}

fn coding(encoding: &HeaderValue) -> Result<Framing, HeadError> {
    let encoding = encoding.as_bytes();
    if encoding.eq_ignore_ascii_case(b"chunked") {
        return Ok(Framing::Chunked);
    }
    let codings: Vec<&[u8]> = encoding.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).collect();
    let chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
    match codings.split_last() {
        // Chunked comes last, and once; what is inside it is not known here.
        Some((last, inner)) if chunked(last) && !inner.iter().any(|coding| chunked(coding) || coding.is_empty()) => {
            Err(HeadError::UnknownCoding)
        }
        _ => Err(HeadError::TransferEncoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).expect("a name"), HeaderValue::from_str(value).expect("a value"))
        };
        fields.iter().map(field).collect()
    }

    fn request(fields: &[(&str, &str)]) -> Result<Framing, HeadError> {
        of_request(Version::HTTP_11, &headers(fields))
    }

    #[test]
    fn a_request_says_once_where_it_ends() {
        assert_eq!(request(&[]).expect("good"), Framing::Length(0));
        assert_eq!(request(&[("content-length", "12")]).expect("good"), Framing::Length(12));
        assert_eq!(request(&[("transfer-encoding", "Chunked")]).expect("good"), Framing::Chunked);
    }

    #[test]
    fn what_could_end_in_two_places_is_refused() {
        for length in ["+5", "-1", "5, 5", "", "0x5", "1_0", "18446744073709551616", "5 5"] {
            assert!(matches!(request(&[("content-length", length)]), Err(HeadError::ContentLength)), "{length}");
        }
        let twice = [("content-length", "5"), ("content-length", "5")];
        assert!(matches!(request(&twice), Err(HeadError::ContentLength)));
        let both = [("content-length", "5"), ("transfer-encoding", "chunked")];
        assert!(matches!(request(&both), Err(HeadError::TwoFramings)));
        for encoding in ["chunked, chunked", "chunked, gzip", "xchunked", "", "identity", ", chunked", "chunked;q=1"] {
            let refused = request(&[("transfer-encoding", encoding)]);
            assert!(matches!(refused, Err(HeadError::TransferEncoding)), "{encoding}");
        }
        assert!(matches!(request(&[("transfer-encoding", "gzip, chunked")]), Err(HeadError::UnknownCoding)));
        let old = of_request(Version::HTTP_10, &headers(&[("transfer-encoding", "chunked")]));
        assert!(matches!(old, Err(HeadError::TransferEncoding)));
    }

    #[test]
    fn a_response_without_a_length_ends_with_its_connection() {
        let of = |method, status: u16, fields: &[(&str, &str)]| {
            of_response(&method, StatusCode::from_u16(status).expect("a status"), Version::HTTP_11, &headers(fields))
        };
        assert_eq!(of(Method::GET, 200, &[]).expect("good"), Framing::UntilClose);
        assert_eq!(of(Method::HEAD, 200, &[("content-length", "5")]).expect("good"), Framing::Length(0));
        assert_eq!(of(Method::GET, 304, &[("content-length", "5")]).expect("good"), Framing::Length(0));
        assert_eq!(of(Method::GET, 204, &[("content-length", "0")]).expect("good"), Framing::Length(0));
        assert!(matches!(of(Method::GET, 204, &[("content-length", "5")]), Err(HeadError::UnexpectedBody)));
        assert!(matches!(of(Method::GET, 204, &[("transfer-encoding", "chunked")]), Err(HeadError::UnexpectedBody)));
    }
}
