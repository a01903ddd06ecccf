//! The JSON of a request, written straight from its parts.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Received;
use crate::http1::client::Request;

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report<'a> {
    method: &'a str,
    path: &'a str,
    /// Empty when there is none.
    query: &'a str,
    headers: Headers,
    body: Cow<'a, str>,
    body_bytes: u64,
}

impl<'a> Report<'a> {
    pub(super) fn new(request: Request<'a>, body: &'a Received) -> Self {
        let fields = request.fields.iter().map(|(name, value)| (name.clone(), value.clone()));
        Self {
            method: request.method.as_str(),
            path: request.target.path(),
            query: request.target.query().unwrap_or_default(),
            headers: Headers(fields.collect()),
            body: String::from_utf8_lossy(&body.shown),
            body_bytes: body.bytes,
        }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("every key is a string and nothing else can fail")
    }
}

/// In the order in which they came: a `HeaderMap` keeps it as long as nothing is removed.
struct Headers(HeaderMap);

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.keys_len()))?;
        for name in self.0.keys() {
            let mut values = self.0.get_all(name).iter().map(text);
            match (values.next(), values.next()) {
                (Some(first), Some(second)) => {
                    let all: Vec<_> = [first, second].into_iter().chain(values).collect();
                    map.serialize_entry(name.as_str(), &all)?;
                }
                (first, _) => map.serialize_entry(name.as_str(), &first.unwrap_or_default())?,
            }
        }
        map.end()
    }
}

fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}
