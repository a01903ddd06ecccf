//! What a client says in `Cookie` (RFC 6265, section 4.2).

use http::HeaderMap;
use http::header::COOKIE;

/// The value of the first cookie with this name. HTTP/2 clients may send each in a field of its own.
pub fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let pairs = headers.get_all(COOKIE).into_iter().flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs.map(<[u8]>::trim_ascii).find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("ab=1; b=2;a=3; a=4"));
        headers.append(COOKIE, HeaderValue::from_static("c=x=y"));
        let value = |name| value(&headers, name).map(|value| String::from_utf8_lossy(value).into_owned());
        assert_eq!(
            ["a", "b", "c", "x", ""].map(value),
            [Some("3".into()), Some("2".into()), Some("x=y".into()), None, None]
        );
    }
}
