//! One normal form of paths: what is routed on, authorised on and forwarded.
//!
//! RFC 3986, section 6.2.2: percent-encoded unreserved characters are decoded, hex digits are in
//! upper case, dot segments are resolved. As nginx does, runs of slashes become one. What two
//! parsers could read in two ways is refused: an encoded slash, a backslash in any form, a NUL.

use std::borrow::Cow;

use thiserror::Error;

/// Why a path is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PathError {
    #[error("the path does not start with `/`")]
    NotAbsolute,
    #[error("the path holds `%` without two hex digits")]
    BadPercent,
    #[error("the path holds an encoded slash, a backslash, a NUL or dots before `;`")]
    Ambiguous,
    #[error("the path climbs above `/`")]
    AboveRoot,
}

/// The normal form of a path. Borrows when the path is in it already, as nearly all are.
pub fn normalise(path: &str) -> Result<Cow<'_, str>, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::NotAbsolute);
    }
    if is_normal(path.as_bytes()) {
        return Ok(Cow::Borrowed(path));
    }
    let decoded = decode_unreserved(path)?;
    resolve(&decoded).map(Cow::Owned)
}

/// Whether a path surely needs no change: no `%`, no backslash, no `//`, no `/.`.
fn is_normal(path: &[u8]) -> bool {
    let mut after_slash = false;
    for &byte in path {
        if byte == b'%' || byte == b'\\' || byte == 0 || (after_slash && (byte == b'/' || byte == b'.')) {
            return false;
        }
        after_slash = byte == b'/';
    }
    true
}

fn decode_unreserved(path: &str) -> Result<String, PathError> {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find(['%', '\\', '\0']) {
        decoded.push_str(&rest[..at]);
        if !rest[at..].starts_with('%') {
            return Err(PathError::Ambiguous);
        }
        let hex = rest.get(at + 1..at + 3).ok_or(PathError::BadPercent)?;
        let plain = hex.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = u8::from_str_radix(hex, 16).ok().filter(|_| plain).ok_or(PathError::BadPercent)?;
        match byte {
            b'/' | b'\\' | 0 => return Err(PathError::Ambiguous),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => decoded.push(char::from(byte)),
            _ => {
                decoded.push('%');
                decoded.push_str(&hex.to_ascii_uppercase());
            }
        }
        rest = &rest[at + 3..];
    }
    decoded.push_str(rest);
    Ok(decoded)
}

/// Resolves dot segments and merges slashes.
fn resolve(path: &str) -> Result<String, PathError> {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop().ok_or(PathError::AboveRoot)?;
            }
            // Servlet containers cut a segment at its first `;`, and would climb where we do not.
            segment if climbs_elsewhere(segment) => return Err(PathError::Ambiguous),
            segment => segments.push(segment),
        }
    }
    let folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    let mut resolved = String::with_capacity(path.len());
    for segment in &segments {
        resolved.push('/');
        resolved.push_str(segment);
    }
    if folder || segments.is_empty() {
        resolved.push('/');
    }
    Ok(resolved)
}

fn climbs_elsewhere(segment: &str) -> bool {
    let dots = segment.trim_start_matches('.');
    matches!(segment.len() - dots.len(), 1 | 2) && (dots.starts_with(';') || dots.starts_with("%3B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_normal_form() {
        for (path, normal) in [
            ("/", "/"),
            ("/users/7", "/users/7"),
            ("/users//7", "/users/7"),
            ("//", "/"),
            ("/a/./b/../c", "/a/c"),
            ("/a/%2e%2E/c", "/c"),
            ("/a/b/..", "/a/"),
            ("/a/b/.", "/a/b/"),
            ("/%7euser", "/~user"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a/..b", "/a/..b"),
            ("/a;v=1/...;b", "/a;v=1/...;b"),
        ] {
            assert_eq!(normalise(path).as_deref(), Ok(normal), "{path}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for path in ["/a%2fb", "/a%5Cb", "/a\\b", "/a%00", "/%2E%2e/../x", "/a/..;/b", "/a/%2e.%3bx/b", "/a/.;x"] {
            assert!(matches!(normalise(path), Err(PathError::Ambiguous | PathError::AboveRoot)), "{path}");
        }
        assert_eq!(normalise("/a%2"), Err(PathError::BadPercent));
        assert_eq!(normalise("/a%zz"), Err(PathError::BadPercent));
        assert_eq!(normalise("/a%+1"), Err(PathError::BadPercent));
        assert_eq!(normalise("/../x"), Err(PathError::AboveRoot));
        assert_eq!(normalise("x"), Err(PathError::NotAbsolute));
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for path in ["/a/%252e/b", "/x//y/./z", "/%41%2D"] {
            let once = normalise(path).expect("fine").into_owned();
            assert_eq!(normalise(&once).as_deref(), Ok(once.as_str()));
        }
    }
}
