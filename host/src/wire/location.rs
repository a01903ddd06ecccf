//! Where a response leads by its `Location`: a reference that is resolved against what was asked for (RFC 9110, section
//! 10.2.2; RFC 3986, section 5.2), with the one strict reader of URLs.
//!
//! Whether it may lead there is not known here.

use http::uri::PathAndQuery;

use super::origin::{Origin, UrlError, target, url};

/// The origin that a reference names, if it names one, and what is asked for there. `secure` and `base` are of the request
/// that was answered. A fragment is for who shows the result, and is left out.
pub fn resolve(reference: &str, secure: bool, base: &PathAndQuery) -> Result<(Option<Origin>, PathAndQuery), UrlError> {
    let reference = reference.split_once('#').map_or(reference, |(reference, _)| reference);
    // What comes first tells a scheme and a host from a path.
    let first = reference.find([':', '/', '?']).map(|at| &reference[at..]);
    let whole = match first {
        Some(rest) if rest.starts_with(':') => Some(reference.to_owned()),
        _ if reference.starts_with("//") => Some(format!("{}:{reference}", if secure { "https" } else { "http" })),
        _ => None,
    };
    if let Some(whole) = whole {
        let (origin, asked) = url(&whole)?;
        return Ok((Some(origin), target(&without_dots(asked.as_str()))?));
    }
    let asked = match reference.as_bytes().first() {
        None => return Ok((None, base.clone())),
        Some(b'/') => without_dots(reference),
        Some(b'?') => format!("{}{reference}", base.path()),
        Some(_) => {
            let folder = base.path().rfind('/').map_or("/", |at| &base.path()[..=at]);
            without_dots(&format!("{folder}{reference}"))
        }
    };
    Ok((None, target(&asked)?))
}

/// A path with its query, the dot segments of the path resolved (RFC 3986, section 5.2.4): those above the root lead nowhere.
fn without_dots(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut segments: Vec<&str> = Vec::new();
    let mut rest = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = rest.next() {
        let is_last = rest.peek().is_none();
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => {
                segments.push(segment);
                continue;
            }
        }
        if is_last {
            segments.push("");
        }
    }
    format!("/{}{query}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(reference: &str, base: &'static str) -> Result<String, UrlError> {
        let (origin, target) = resolve(reference, true, &PathAndQuery::from_static(base))?;
        Ok(format!("{}{target}", origin.map_or_else(String::new, |origin| origin.to_string())))
    }

    #[test]
    fn references_are_resolved_as_rfc_3986_has_it() {
        // Its section 5.4, as far as it is about `http`.
        for (reference, leads_to) in [
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("/g", "/g"),
            ("//g", "https://g/"),
            ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"),
            ("#s", "/b/c/d;p?q"),
            ("g#s", "/b/c/g"),
            ("g?y#s", "/b/c/g?y"),
            (";x", "/b/c/;x"),
            ("", "/b/c/d;p?q"),
            (".", "/b/c/"),
            ("./", "/b/c/"),
            ("..", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../g", "/g"),
            ("../../../g", "/g"),
            ("../../../../g", "/g"),
            ("/./g", "/g"),
            ("/../g", "/g"),
            ("g.", "/b/c/g."),
            ("..g", "/b/c/..g"),
            ("./../g", "/b/g"),
            ("./g/.", "/b/c/g/"),
            ("g/../h", "/b/c/h"),
            ("g;x=1/../y", "/b/c/y"),
            ("g?y/../x", "/b/c/g?y/../x"),
            ("http://a.test:80/x/../y?z#s", "http://a.test/y?z"),
            ("//A.test:8443", "https://a.test:8443/"),
            ("https://a.test?q", "https://a.test/?q"),
        ] {
            assert_eq!(resolved(reference, "/b/c/d;p?q").as_deref(), Ok(leads_to), "{reference:?}");
        }
        assert_eq!(resolved("g", "/").as_deref(), Ok("/g"));
        // A path that begins like a host stays a path.
        for reference in ["/.//evil.test/x", "x/..//evil.test/x"] {
            assert_eq!(resolve(reference, true, &PathAndQuery::from_static("/")), {
                Ok((None, PathAndQuery::from_static("//evil.test/x")))
            });
        }
    }

    #[test]
    fn what_two_readers_could_take_for_two_hosts_leads_nowhere() {
        for (reference, error) in [
            ("ftp://a.test/", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            ("javascript:alert(1)", UrlError::Scheme),
            ("HTTP://a.test/", UrlError::Scheme),
            ("http:g", UrlError::Scheme),
            ("http:/a.test", UrlError::Scheme),
            (":80/x", UrlError::Scheme),
            ("a:b", UrlError::Scheme),
            ("///a.test", UrlError::Host),
            ("//2130706433/", UrlError::Host),
            ("//127.1/", UrlError::Host),
            ("//user@a.test/", UrlError::UserInfo),
            ("http://a.test@127.0.0.1/", UrlError::UserInfo),
            ("/\\a.test", UrlError::Target),
            ("\\\\a.test", UrlError::Target),
            ("http:\\\\a.test", UrlError::Scheme),
            ("//a.test\\@127.0.0.1/", UrlError::Target),
            (" /g", UrlError::Target),
            ("/g h", UrlError::Target),
            ("/\u{e9}", UrlError::Target),
        ] {
            assert_eq!(resolved(reference, "/b/c/d"), Err(error), "{reference:?}");
        }
    }
}
