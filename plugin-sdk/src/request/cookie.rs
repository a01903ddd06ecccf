//! Reads the `cookie` header (RFC 6265, section 4.2.1).

/// The value of the first cookie with this name. Text that is no pair is passed over.
pub(super) fn find(header: &[u8], name: &str) -> Option<String> {
    header.split(|byte| *byte == b';').find_map(|pair| {
        let pair = pair.trim_ascii();
        let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        str::from_utf8(value).ok().map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let header = b"session_id=1; x; session=a=b;theme=dark";
        assert_eq!(find(header, "session"), Some("a=b".to_owned()));
        assert_eq!(find(header, "theme"), Some("dark".to_owned()));
        assert_eq!(find(header, "x"), None);
        assert_eq!(find(header, "heme"), None);
    }
}
