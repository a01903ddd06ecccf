//! One normal form of paths: what is routed on, authorised on and forwarded.
//!
//! RFC 3986, section 6.2.2: percent-encoded unreserved characters are decoded, hex digits are in
//! upper case, dot segments are resolved. As nginx does, runs of slashes become one. Beyond that, each other
//! character has one way to be written, because upstreams decode a path before they look at it, and would see
//! as one what a route sees as two:
//!
//! | character | in the normal form |
//! | --- | --- |
//! | letters, digits, `-._~`, `! $ & ' ( ) * , = : @` | as itself |
//! | `+` and `;` | `%2B`, `%3B`: data. Who decodes forms reads `+` as a space, and servlet containers take what follows `;` off the path |
//! | all other of ASCII, such as a space or a vertical bar | encoded |
//! | bytes outside ASCII and controls | encoded; refused when they come raw |
//!
//! What two parsers could read in two ways is refused: an encoded slash, a backslash in any form, a NUL.

use std::borrow::Cow;

use thiserror::Error;

/// Why a path is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PathError {
    #[error("the path does not start with `/`")]
    NotAbsolute,
    #[error("the path holds `%` without two hex digits")]
    BadPercent,
    #[error("the path holds a space, a control or a byte outside ASCII that is not percent-encoded")]
    Raw,
    #[error("the path holds an encoded slash, a backslash, a NUL or dots before `;`")]
    Ambiguous,
    #[error("the path climbs above `/`")]
    AboveRoot,
    #[error("the path has dots where the route makes segments of them")]
    Dots,
}

/// The normal form of a path. Borrows when the path is in it already, as nearly all are.
pub fn normalise(path: &str) -> Result<Cow<'_, str>, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::NotAbsolute);
    }
    if is_normal(path.as_bytes()) {
        return Ok(Cow::Borrowed(path));
    }
    resolve(&canonical(path)?).map(Cow::Owned)
}

/// The normal form of a path that was put together from pieces of others. Dot segments, which no piece had by itself,
/// would lead elsewhere than who wrote the frame for the pieces meant, and are refused.
pub fn joined(path: &str) -> Result<Cow<'_, str>, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::NotAbsolute);
    }
    if is_normal(path.as_bytes()) {
        return Ok(Cow::Borrowed(path));
    }
    let canonical = canonical(path)?;
    if canonical.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(PathError::Dots);
    }
    resolve(&canonical).map(Cow::Owned)
}

/// Whether a character stands for itself in the normal form; all others are percent-encoded.
pub fn is_plain(byte: u8) -> bool {
    PLAIN[usize::from(byte)]
}

/// As a table: each byte of each path is looked up.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        plain[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"-._~!$&'()*,=:@";
    let mut at = 0;
    while at < others.len() {
        plain[others[at] as usize] = true;
        at += 1;
    }
    plain
};

/// Whether a path surely needs no change: nothing to encode or decode, no `//`, no `/.`.
fn is_normal(path: &[u8]) -> bool {
    let mut after_slash = false;
    for &byte in path {
        let slash = byte == b'/';
        if !(is_plain(byte) || slash) || (after_slash && (slash || byte == b'.')) {
            return false;
        }
        after_slash = slash;
    }
    true
}

/// A path, or a part of one, with each character written in its one way. Slashes and dots stay where they are.
pub fn canonical(path: &str) -> Result<String, PathError> {
    let mut written = String::with_capacity(path.len() + 16);
    let mut rest = path.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let byte = match (*byte, after) {
            (b'%', [high, low, after @ ..]) => {
                rest = after;
                let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (Some(high), Some(low)) = (digit(high), digit(low)) else { return Err(PathError::BadPercent) };
                match high << 4 | low {
                    b'/' | b'\\' | 0 => return Err(PathError::Ambiguous),
                    byte => byte,
                }
            }
            (b'%', _) => return Err(PathError::BadPercent),
            (b'\\' | 0, _) => return Err(PathError::Ambiguous),
            (b'/', _) => {
                written.push('/');
                continue;
            }
            (byte, _) if byte.is_ascii_graphic() => byte,
            _ => return Err(PathError::Raw),
        };
        if is_plain(byte) {
            written.push(char::from(byte));
        } else {
            encode(byte, &mut written);
        }
    }
    Ok(written)
}

/// Writes a byte as `%` and two hex digits, in upper case as RFC 3986, section 2.1, wants them.
pub fn encode(byte: u8, written: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    written.push('%');
    written.push(char::from(DIGITS[usize::from(byte >> 4)]));
    written.push(char::from(DIGITS[usize::from(byte & 15)]));
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
    matches!(segment.len() - dots.len(), 1 | 2) && dots.starts_with("%3B")
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
            ("/a;v=1/...%3bb", "/a%3Bv=1/...%3Bb"),
        ] {
            assert_eq!(normalise(path).as_deref(), Ok(normal), "{path}");
        }
    }

    #[test]
    fn each_character_is_written_in_one_way() {
        for byte in (0x21..0x7f).filter(|byte| !b"#%./?\\".contains(byte)) {
            let (raw, encoded) = (format!("/{}", char::from(byte)), format!("/%{byte:02X}"));
            let normal = normalise(&raw).expect("fine").into_owned();
            assert_eq!(normalise(&encoded.to_lowercase()).as_deref(), Ok(normal.as_str()), "{raw}");
            let plain = byte.is_ascii_alphanumeric() || b"-_~!$&'()*,=:@".contains(&byte);
            assert_eq!(normal, if plain { raw } else { encoded });
        }
    }

    #[test]
    fn what_is_no_printable_ascii_comes_encoded_or_not_at_all() {
        for path in ["/caf\u{e9}", "/a b", "/a\tb", "/a\u{7f}"] {
            assert_eq!(normalise(path), Err(PathError::Raw), "{path:?}");
        }
        for path in ["/caf%C3%A9", "/a%20b", "/a%09b", "/a%7F"] {
            assert_eq!(normalise(path).as_deref(), Ok(path));
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
    fn pieces_make_no_dot_segments() {
        for path in ["/files/../admin", "/a/./b", "/a/%2e%2E/b", "/a/..", "/../a"] {
            assert_eq!(joined(path), Err(PathError::Dots), "{path}");
        }
        assert_eq!(joined("//evil//x..y/").as_deref(), Ok("/evil/x..y/"));
        assert_eq!(joined("/a/b").as_deref(), Ok("/a/b"));
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for path in ["/a/%252e/b", "/x//y/./z", "/%41%2D", "/a;b+c|d/%3b%40", "/%25%32%65"] {
            let once = normalise(path).expect("fine").into_owned();
            assert_eq!(normalise(&once).as_deref(), Ok(once.as_str()));
        }
    }
}
