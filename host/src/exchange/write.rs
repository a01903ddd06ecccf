//! Writes of plugins to an exchange: each is checked, and takes effect at once or not at all.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use thiserror::Error;

use super::{Edit, Exchange, Note};
use crate::wire::{headers, path};

/// Why a header cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeaderError {
    #[error("it is not a header name in lower case")]
    InvalidName,
    #[error("its value holds bytes that may not stand in a header, or too many of them")]
    InvalidValue,
    #[error("it frames messages or concerns one connection only, which is the gateway's")]
    Forbidden,
    #[error("there are more than {} header fields", headers::MOST_FIELDS)]
    TooMany,
}

/// Why something else cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteError {
    /// The value is not what is wanted there.
    Invalid,
    /// There is no such thing.
    Unknown,
    /// What one exchange may keep is full.
    Full,
}

/// Limits on what plugins keep with one exchange, over all its plugins.
const MOST_NOTES: usize = 64;
const MOST_NOTE_BYTES: usize = 64 * 1024;
/// The registry's longest method has 17 (`UPDATEREDIRECTREF`).
const MOST_METHOD_BYTES: usize = 32;
/// Bytes of a path or a query; `http` takes no longer target, and finds out after it was copied.
const MOST_TARGET_BYTES: usize = 65_534;
/// Bytes of one header's value; with the limit on fields it bounds what an exchange holds.
const MOST_VALUE_BYTES: usize = 64 * 1024;

/// Adds a value behind those that a header has.
pub fn append_header(fields: &mut HeaderMap, name: &str, value: &[u8]) -> Result<(), HeaderError> {
    Edit::append(name, value)?.apply(fields)
}

pub(super) fn header_name(name: &str) -> Result<HeaderName, HeaderError> {
    match HeaderName::from_lowercase(name.as_bytes()) {
        Ok(name) if headers::belongs_to_gateway(&name) => Err(HeaderError::Forbidden),
        Ok(name) => Ok(name),
        Err(_) => Err(HeaderError::InvalidName),
    }
}

pub(super) fn header_value(value: &[u8]) -> Result<HeaderValue, HeaderError> {
    if value.len() > MOST_VALUE_BYTES {
        return Err(HeaderError::InvalidValue);
    }
    HeaderValue::from_bytes(value).map_err(|_| HeaderError::InvalidValue)
}

/// Whether a field of this name fits in place of those that there are.
pub(super) fn room_for(fields: &HeaderMap, name: &HeaderName) -> Result<(), HeaderError> {
    let is_full = fields.len() >= headers::MOST_FIELDS && !fields.contains_key(name);
    if is_full { Err(HeaderError::TooMany) } else { Ok(()) }
}

/// A method that a plugin may give.
pub fn method(method: &str) -> Result<Method, WriteError> {
    match Method::from_bytes(method.as_bytes()) {
        Ok(_) if method.len() > MOST_METHOD_BYTES => Err(WriteError::Invalid),
        Ok(method) if method != Method::CONNECT => Ok(method),
        _ => Err(WriteError::Invalid),
    }
}

/// A status that a plugin may give.
pub fn status(status: u16) -> Result<StatusCode, WriteError> {
    match StatusCode::from_u16(status) {
        Ok(code) if (200..=599).contains(&status) => Ok(code),
        _ => Err(WriteError::Invalid),
    }
}

impl Exchange {
    pub fn set_method(&mut self, method: &str) -> Result<(), WriteError> {
        self.request.method = self::method(method)?;
        Ok(())
    }

    /// `path` has no query; it is brought into normal form.
    pub fn set_path(&mut self, path: &str) -> Result<(), WriteError> {
        if path.len() > MOST_TARGET_BYTES || path.contains(['?', '#']) {
            return Err(WriteError::Invalid);
        }
        let path = path::normalise(path).map_err(|_| WriteError::Invalid)?;
        self.set_target(&path, self.request.target.query().map(str::to_owned).as_deref())
    }

    pub fn set_query(&mut self, query: Option<&str>) -> Result<(), WriteError> {
        // As of clients: printable ASCII, and no fragment.
        if query.is_some_and(|query| {
            query.len() > MOST_TARGET_BYTES || !query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
        }) {
            return Err(WriteError::Invalid);
        }
        let path = self.path().to_owned();
        self.set_target(&path, query)
    }

    fn set_target(&mut self, path: &str, query: Option<&str>) -> Result<(), WriteError> {
        let text = match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        self.request.target = PathAndQuery::try_from(text).map_err(|_| WriteError::Invalid)?;
        Ok(())
    }

    /// Sends the exchange to another upstream, if it goes to one.
    pub fn steer(&mut self, upstream: &str) -> Result<(), WriteError> {
        let found = self.directory.upstreams.iter().position(|name| **name == *upstream);
        self.upstream = Some(found.filter(|_| self.upstream.is_some()).ok_or(WriteError::Unknown)?);
        Ok(())
    }

    /// What the plugin at this place keeps under a key.
    pub fn note(&self, plugin: usize, key: &str) -> Option<&[u8]> {
        let note = self.notes.iter().find(|note| note.plugin == plugin && note.key == key)?;
        Some(&note.value)
    }

    pub fn set_note(&mut self, plugin: usize, key: &str, value: Vec<u8>) -> Result<(), WriteError> {
        let others = |note: &&Note| note.plugin != plugin || note.key != key;
        let kept: usize = self.notes.iter().filter(others).map(|note| note.key.len() + note.value.len()).sum();
        if kept + key.len() + value.len() > MOST_NOTE_BYTES {
            return Err(WriteError::Full);
        }
        match self.notes.iter().position(|note| note.plugin == plugin && note.key == key) {
            Some(place) => self.notes[place].value = value,
            None if self.notes.len() >= MOST_NOTES => return Err(WriteError::Full),
            None => self.notes.push(Note { plugin, key: key.to_owned(), value }),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_frames_messages_or_may_not_stand_on_the_wire_is_refused_and_changes_nothing() {
        let mut fields = HeaderMap::new();
        for name in ["content-length", "transfer-encoding", "connection", "host", "upgrade", "keep-alive"] {
            assert_eq!(Edit::set(name, b"1"), Err(HeaderError::Forbidden), "{name}");
            assert_eq!(append_header(&mut fields, name, b"1"), Err(HeaderError::Forbidden), "{name}");
        }
        for name in ["", "X-Upper", "a b", ":path", "a\r\n"] {
            assert_eq!(Edit::set(name, b"1"), Err(HeaderError::InvalidName), "{name:?}");
        }
        for value in [&b"a\r\nb: c"[..], b"a\nb", b"a\0", &[b'a'; MOST_VALUE_BYTES + 1]] {
            assert_eq!(Edit::set("x-a", value), Err(HeaderError::InvalidValue));
        }
        assert!(fields.is_empty());
    }

    #[test]
    fn a_message_has_a_bounded_number_of_fields() {
        let mut fields = HeaderMap::new();
        let filled = (0..1_000_000).take_while(|_| append_header(&mut fields, "x-a", b"1").is_ok()).count();
        assert_eq!(filled, headers::MOST_FIELDS);
        assert_eq!(append_header(&mut fields, "x-a", b"1"), Err(HeaderError::TooMany));
        let mut set = |name| Edit::set(name, b"1").expect("good").apply(&mut fields);
        assert_eq!((set("x-b"), set("x-a")), (Err(HeaderError::TooMany), Ok(())));
        assert_eq!(fields.len(), 1);
    }

    #[test]
    fn statuses_are_final_ones() {
        assert_eq!(status(204), Ok(StatusCode::NO_CONTENT));
        for bad in [0, 99, 100, 101, 199, 600, 999] {
            assert_eq!(status(bad), Err(WriteError::Invalid), "{bad}");
        }
    }
}
