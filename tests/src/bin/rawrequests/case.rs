//! The cases: what stands in a file, and what is sent for it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// One request, or several that follow each other on a connection.
pub struct Case {
    /// The file without `.http`, seen from the folder.
    pub name: String,
    /// Whether gunicorn takes it.
    pub is_valid: bool,
    pub bytes: Vec<u8>,
    /// The same with a `Host` in each HTTP/1.1 request, if there was none.
    pub with_host: Option<Vec<u8>>,
}

/// In the order of their names.
pub fn read_all(folder: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for group in ["invalid", "valid"] {
        let folder = folder.join(group);
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".http")) else { continue };
            let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let bytes = unescaped(&text).with_context(|| format!("{} is written in another way", path.display()))?;
            let with_host = with_host(&bytes);
            cases.push(Case { name: format!("{group}/{name}"), is_valid: group == "valid", bytes, with_host });
        }
    }
    ensure!(!cases.is_empty(), "there are no cases in {}", folder.display());
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cases)
}

/// Newlines are for the reader only; what is sent is written as `\r\n`, `\n`, `\t`, `\0` and `\xHH`.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\n' => {}
            b'\\' => {
                let (escaped, length) = escape(rest)?;
                bytes.push(escaped);
                rest = &rest[length..];
            }
            byte => bytes.push(byte),
        }
    }
    Some(bytes)
}

/// What a backslash before this means, and how much of it belongs to that.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    match text.first()? {
        b'r' => Some((b'\r', 1)),
        b'n' => Some((b'\n', 1)),
        b't' => Some((b'\t', 1)),
        b'0' => Some((0, 1)),
        b'x' => Some((u8::from_str_radix(str::from_utf8(text.get(1..3)?).ok()?, 16).ok()?, 3)),
        _ => None,
    }
}

fn with_host(bytes: &[u8]) -> Option<Vec<u8>> {
    const LINE_END: &[u8] = b" HTTP/1.1\r\n";
    let names_one = bytes.windows(7).any(|window| window.eq_ignore_ascii_case(b"\r\nhost:"));
    if names_one || !bytes.windows(LINE_END.len()).any(|window| window == LINE_END) {
        return None;
    }
    let mut with = Vec::with_capacity(bytes.len() + 64);
    for byte in bytes {
        with.push(*byte);
        if with.ends_with(LINE_END) {
            with.extend_from_slice(b"Host: gateway.test\r\n");
        }
    }
    Some(with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_every_byte_that_is_sent() {
        assert_eq!(unescaped(b"GET /\\x41\\0\\t HTTP/1.1\\r\\n\n\\n").expect("good"), b"GET /A\0\t HTTP/1.1\r\n\n");
        for other in [&b"\\q"[..], b"\\", b"\\x4", b"\\xzz"] {
            assert_eq!(unescaped(other), None);
        }
    }

    #[test]
    fn a_host_is_added_to_every_request_of_a_case_that_names_none() {
        let with = with_host(b"GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n").expect("it names none");
        let host = "HTTP/1.1\r\nHost: gateway.test\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&with), format!("GET / {host}GET /2 {host}"));
        assert_eq!(with_host(b"GET / HTTP/1.1\r\nhOST: x\r\n\r\n"), None);
        assert_eq!(with_host(b"GET / HTTP/1.0\r\n\r\n"), None);
    }
}
