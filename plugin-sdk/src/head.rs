//! The headers and notes of a message: read from the gateway at most once a call, through the
//! edits of the call. Requests and responses have one each.

use crate::backend;
use crate::edit::{Edit, Edits, Fields};
use crate::header::{self, AsHeaderName, IntoHeaderValue};
use crate::setup;
use http::{HeaderName, HeaderValue};
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

/// Where the unedited headers of a message come from.
pub(crate) trait Source {
    /// Position of a header among those whose values come with the call.
    fn declared(name: &HeaderName) -> Option<usize>;
    /// The first value of a header.
    fn header(name: &str) -> Option<Vec<u8>>;
    /// Every header in the order of the wire.
    fn headers() -> Vec<(String, Vec<u8>)>;
}

/// The headers of the request.
#[derive(Default)]
pub(crate) struct OfRequest;

impl Source for OfRequest {
    fn declared(name: &HeaderName) -> Option<usize> {
        setup::request_position(name)
    }

    fn header(name: &str) -> Option<Vec<u8>> {
        backend::request::header(name)
    }

    fn headers() -> Vec<(String, Vec<u8>)> {
        backend::request::headers()
    }
}

/// The headers of the response.
#[derive(Default)]
pub(crate) struct OfResponse;

impl Source for OfResponse {
    fn declared(name: &HeaderName) -> Option<usize> {
        setup::response_position(name)
    }

    fn header(name: &str) -> Option<Vec<u8>> {
        backend::response::header(name)
    }

    fn headers() -> Vec<(String, Vec<u8>)> {
        backend::response::headers()
    }
}

#[derive(Default)]
pub(crate) struct Head<S> {
    pub(crate) edits: Edits,
    /// Values that came with the call, in the order of their declarations.
    declared: Vec<Option<Vec<u8>>>,
    /// Headers that have been read, so that each is asked for once.
    read: RefCell<Fields<Option<HeaderValue>>>,
    source: PhantomData<S>,
}

impl<S: Source> Head<S> {
    pub(crate) fn new(declared: Vec<Option<Vec<u8>>>) -> Self {
        Self { edits: Edits::default(), declared, read: RefCell::default(), source: PhantomData }
    }

    pub(crate) fn header(&self, name: &impl AsHeaderName) -> Option<HeaderValue> {
        let name = name.as_header_name()?;
        self.edits.header(&name, || self.unedited(&name))
    }

    pub(crate) fn header_str(&self, name: &impl AsHeaderName) -> Option<String> {
        let value = self.header(name)?;
        str::from_utf8(value.as_bytes()).ok().map(str::to_owned)
    }

    pub(crate) fn header_values(&self, name: &impl AsHeaderName) -> Vec<HeaderValue> {
        let Some(name) = name.as_header_name() else { return Vec::new() };
        let named = |(other, _): &(HeaderName, HeaderValue)| *other == *name;
        self.headers().into_iter().filter(named).map(|(_, value)| value).collect()
    }

    pub(crate) fn headers(&self) -> Fields {
        // The gateway holds them in the types of `http` too, so none is passed over.
        let parsed = |(name, value): (String, Vec<u8>)| Some((name.parse().ok()?, parse(value)?));
        self.edits.headers(S::headers().into_iter().filter_map(parsed).collect())
    }

    #[track_caller]
    pub(crate) fn set(&mut self, name: &impl AsHeaderName, value: impl IntoHeaderValue) {
        let name = header::name(name);
        let value = header::value(value, &name);
        self.edits.push(Edit::SetHeader(name, value));
    }

    #[track_caller]
    pub(crate) fn append(&mut self, name: &impl AsHeaderName, value: impl IntoHeaderValue) {
        let name = header::name(name);
        let value = header::value(value, &name);
        self.edits.push(Edit::AppendHeader(name, value));
    }

    #[track_caller]
    pub(crate) fn remove(&mut self, name: &impl AsHeaderName) {
        self.edits.push(Edit::RemoveHeader(header::name(name)));
    }

    pub(crate) fn note(&self, key: &str) -> Option<Vec<u8>> {
        self.edits.note(key).or_else(|| backend::request::note(key))
    }

    fn unedited(&self, name: &HeaderName) -> Option<HeaderValue> {
        if !self.declared.is_empty()
            && let Some(value) = S::declared(name).and_then(|index| self.declared.get(index))
        {
            return value.clone().and_then(parse);
        }
        if let Some((_, value)) = self.read.borrow().iter().find(|(other, _)| other == name) {
            return value.clone();
        }
        let value = S::header(name.as_str()).and_then(parse);
        self.read.borrow_mut().push((name.clone(), value.clone()));
        value
    }
}

impl<S> fmt::Debug for Head<S> {
    /// Without the values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").finish_non_exhaustive()
    }
}

fn parse(value: Vec<u8>) -> Option<HeaderValue> {
    HeaderValue::try_from(value).ok()
}
